//! The networks of a declared space.

use std::collections::HashMap;
use std::sync::Mutex;

use super::DescriptionError;
use super::body::{Body, Layout};
use super::description::{Description, NetworkDescription};
use super::names::interned;
use super::operations::Operations;
use super::stages;
use crate::catalogue::{SPACES, unknown};
use crate::graph::Architecture;
use crate::network::{OpTable, SkeletonEntry, Union};
use crate::space::SpaceEntry;

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
        body: &dyn Body,
    ) -> Result<Self, DescriptionError> {
        if network.skeletons.is_empty() {
            return Err(DescriptionError::new("network.skeletons", "no skeletons; name at least one"));
        }
        let (mut known, mut ops) = (known(), operations.table(&description.operations)?);
        if network.skeletons.iter().any(|name| name == stages::NAME) {
            let layouts = body.layouts().map_err(|reason| {
                DescriptionError::new(
                    "network.skeletons",
                    format!("skeleton {:?} does not fit: {reason}", stages::NAME),
                )
            })?;
            for (label, _) in layouts.iter().flat_map(Layout::said) {
                ops = ops.with(operations.vocabulary.name(*label), |_| Vec::new());
            }
            known.push(stages::entry(network, layouts)?);
        } else if *network
            != (NetworkDescription { skeletons: network.skeletons.clone(), ..NetworkDescription::default() })
        {
            let reason =
                "stem, widths, strides, last, image and classes are those of the skeleton \"stages\"";
            return Err(DescriptionError::new("network.skeletons", reason));
        }
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
        Ok(Self { ops, skeletons: listed(skeletons) })
    }

    /// Builds networks in their published sizes: those of all architectures for the first skeleton, that of the first
    /// for others.
    ///
    /// # Errors
    /// [`DescriptionError`] at the skeleton that does not fit the space.
    pub(super) fn try_out(&self, architectures: &[Architecture]) -> Result<(), DescriptionError> {
        for (i, entry) in self.skeletons.iter().enumerate() {
            let skeleton = entry.published();
            for architecture in architectures.iter().take(if i == 0 { architectures.len() } else { 1 }) {
                let built = Union::of(std::slice::from_ref(architecture))
                    .and_then(|union| skeleton.network(&union, &self.ops));
                built.map_err(|error| {
                    let reason = format!("skeleton {:?} does not fit this space: {error}", entry.name);
                    DescriptionError::new(format!("network.skeletons[{i}]"), reason)
                })?;
            }
        }
        Ok(())
    }
}

/// The skeletons of the catalogue, each once.
fn known() -> Vec<&'static SkeletonEntry> {
    let mut known: Vec<&'static SkeletonEntry> = Vec::new();
    for space in SPACES.iter().map(SpaceEntry::space) {
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
    // Entries of one name may be of different stages, so that addresses tell lists apart.
    let address = |entry: &&'static SkeletonEntry| format!("{:p}", *entry);
    let names = interned(&skeletons.iter().map(address).collect::<Vec<_>>().join(","));
    let mut guard = LISTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    guard
        .get_or_insert_with(HashMap::new)
        .entry(names)
        .or_insert_with(|| Box::leak(skeletons.into_boxed_slice()))
}
