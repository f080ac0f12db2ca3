//! Features of many architectures, contiguous in memory, so that a pool is read from front to back.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::counts::Structure;
use super::family::Kind;
use super::sparse::Sparse;

/// Hashes keys that are hashes already to themselves.
#[derive(Clone, Default)]
pub(crate) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, name: u64) {
        self.0 = self.0.rotate_left(8) ^ name;
    }
}

/// Numbers the names of sparse features in the order of first appearance. No number is ever removed, so columns
/// keep their meaning.
#[derive(Debug, Default)]
pub(crate) struct NameNumbers(HashMap<u64, u32, BuildHasherDefault<IdentityHasher>>);

impl NameNumbers {
    fn number(&mut self, name: u64) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }

    /// The names in the order of their numbers.
    pub(super) fn names(&self) -> Vec<u64> {
        let mut names: Vec<(u32, u64)> = self.0.iter().map(|(&name, &number)| (number, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Numbers these names from 0 on.
    pub(super) fn of(names: impl IntoIterator<Item = u64>) -> Self {
        let mut numbers = Self::default();
        for name in names {
            numbers.number(name);
        }
        numbers
    }
}

/// Features of architectures of one vocabulary, in order of insertion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    kinds: Arc<[Kind]>,
    counts: Vec<f32>,
    named: Vec<(u32, f32)>,
    /// For each architecture, where its counts and sparse features end.
    ends: Vec<Ends>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    counts: usize,
    neighbours: usize,
    places: usize,
}

/// The features of one architecture; see [`Structure`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) counts: &'a [f32],
    pub(crate) kinds: &'a Arc<[Kind]>,
    neighbours: &'a [(u32, f32)],
    places: &'a [(u32, f32)],
}

impl<'a> Row<'a> {
    /// Number and value of each sparse feature: neighbours, then places.
    pub(crate) fn named(&self) -> [&'a [(u32, f32)]; 2] {
        [self.neighbours, self.places]
    }
}

impl Store {
    /// Appends an architecture.
    pub(crate) fn push(&mut self, structure: &Structure, numbers: &mut NameNumbers) {
        let mut add = |features: &Sparse| {
            self.named.extend(features.iter().map(|&(name, value)| (numbers.number(name), value)));
            self.named.len()
        };
        let (neighbours, places) = (add(&structure.neighbours), add(&structure.places));
        self.counts.extend(&structure.counts);
        self.kinds = structure.kinds.clone();
        self.ends.push(Ends { counts: self.counts.len(), neighbours, places });
    }

    /// Number of architectures.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Number of stored values.
    pub(crate) fn values(&self) -> usize {
        self.counts.len() + 2 * self.named.len()
    }

    /// The architecture at a position.
    pub(crate) fn row(&self, i: usize) -> Row<'_> {
        let (start, end) = (i.checked_sub(1).map_or_else(Ends::default, |i| self.ends[i]), self.ends[i]);
        Row {
            counts: &self.counts[start.counts..end.counts],
            kinds: &self.kinds,
            neighbours: &self.named[start.places..end.neighbours],
            places: &self.named[end.neighbours..end.places],
        }
    }
}

/// Some architectures of a [`Store`], in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structures {
    pub(crate) store: Arc<Store>,
    pub(crate) rows: Vec<usize>,
}

impl Structures {
    /// The features of each architecture, in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> + Clone {
        self.rows.iter().map(|&row| self.store.row(row))
    }
}

#[cfg(test)]
impl Structures {
    /// All of some architectures.
    pub(crate) fn of(structures: &[Structure]) -> Self {
        let (mut store, mut numbers) = (Store::default(), NameNumbers::default());
        for structure in structures {
            store.push(structure, &mut numbers);
        }
        Self { rows: (0..store.len()).collect(), store: Arc::new(store) }
    }
}
