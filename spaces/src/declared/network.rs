//! The networks of a declared space.

use std::collections::HashMap;
use std::sync::Mutex;

use super::DescriptionError;
use super::description::{Description, NetworkDescription};
use super::names::interned;
use super::operations::Operations;
use crate::catalogue::{SPACES, unknown};
use crate::graph::Architecture;
use crate::network::{OpTable, SkeletonEntry, Union};

/// Layers of the operations, and skeletons.
#[derive(Clone, Debug)]
pub(super) struct Networks {
    pub(super) ops: OpTable,
    pub(super) skeletons: &'static [&'static SkeletonEntry],
}

impl Networks {
    /// The networks that a description names.
    ///
    /// # Errors
    /// [`DescriptionError`] for an unknown skeleton, or an operation without layers.
    pub(super) fn of(
        description: &Description,
        network: &NetworkDescription,
        operations: &Operations,
    ) -> Result<Self, DescriptionError> {
        if network.skeletons.is_empty() {
            return Err(DescriptionError::new("network.skeletons", "no skeletons; name at least one"));
        }
        let known = known();
        let mut skeletons = Vec::new();
        for (i, name) in network.skeletons.iter().enumerate() {
            let path = format!("network.skeletons[{i}]");
            let found = known.iter().find(|entry| entry.name == name);
            let names = known.iter().map(|entry| entry.name);
            let entry =
                found.ok_or_else(|| DescriptionError::new(&path, unknown("skeleton", name, names)))?;
            if network.skeletons[..i].contains(name) {
                return Err(DescriptionError::new(path, format!("skeleton {name:?} is there twice")));
            }
            skeletons.push(*entry);
        }
        Ok(Self { ops: operations.table(&description.operations)?, skeletons: listed(skeletons) })
    }

    /// Builds the networks of some architectures in their published sizes.
    ///
    /// # Errors
    /// [`DescriptionError`] at the skeleton that does not fit the space.
    pub(super) fn try_out(&self, sample: &Architecture) -> Result<(), DescriptionError> {
        for (i, entry) in self.skeletons.iter().enumerate() {
            let built = Union::of(std::slice::from_ref(sample))
                .and_then(|union| entry.published().network(&union, &self.ops));
            built.map_err(|error| {
                let reason = format!("skeleton {:?} does not fit this space: {error}", entry.name);
                DescriptionError::new(format!("network.skeletons[{i}]"), reason)
            })?;
        }
        Ok(())
    }
}

/// The skeletons of the catalogue, each once.
fn known() -> Vec<&'static SkeletonEntry> {
    let mut known: Vec<&'static SkeletonEntry> = Vec::new();
    for space in SPACES.iter().map(|entry| entry.space()) {
        for entry in space.network().map_or(&[][..], |network| network.skeletons()) {
            if known.iter().all(|other| other.name != entry.name) {
                known.push(entry);
            }
        }
    }
    known
}

/// A list that lives as long as the program; equal lists share one.
fn listed(skeletons: Vec<&'static SkeletonEntry>) -> &'static [&'static SkeletonEntry] {
    static LISTS: Mutex<Option<HashMap<&'static str, &'static [&'static SkeletonEntry]>>> = Mutex::new(None);
    let names = interned(&skeletons.iter().map(|entry| entry.name).collect::<Vec<_>>().join(","));
    let mut guard = LISTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    guard
        .get_or_insert_with(HashMap::new)
        .entry(names)
        .or_insert_with(|| Box::leak(skeletons.into_boxed_slice()))
}
