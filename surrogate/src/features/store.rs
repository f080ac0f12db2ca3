//! Features of many architectures, one behind another in memory: a pool is read from front to back.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::columns::AsIs;
use super::counts::{Sparse, Structure};
use super::family::Kind;

/// Numbers of names, in the order in which these were first seen. None is ever forgotten, so that columns stay
/// what they are.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<u64, u32, BuildHasherDefault<AsIs>>);

impl Names {
    fn number(&mut self, name: u64) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }
}

/// Features of some architectures of one vocabulary, by the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    kinds: Arc<[Kind]>,
    counts: Vec<f32>,
    named: Vec<(u32, f32)>,
    /// Where the counts of every architecture end, and what is named of it.
    ends: Vec<Ends>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    counts: usize,
    neighbours: usize,
    places: usize,
}

/// The features of one architecture, as [`Structure`] has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) counts: &'a [f32],
    pub(crate) kinds: &'a Arc<[Kind]>,
    neighbours: &'a [(u32, f32)],
    places: &'a [(u32, f32)],
}

impl<'a> Row<'a> {
    /// Numbers of the names, and values: neighbours, then places.
    pub(crate) fn named(&self) -> [&'a [(u32, f32)]; 2] {
        [self.neighbours, self.places]
    }
}

impl Store {
    /// Adds an architecture behind the others.
    pub(crate) fn push(&mut self, structure: &Structure, names: &mut Names) {
        let mut add = |features: &Sparse| {
            self.named.extend(features.iter().map(|&(name, value)| (names.number(name), value)));
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

    /// Numbers that are kept.
    pub(crate) fn values(&self) -> usize {
        self.counts.len() + 2 * self.named.len()
    }

    /// An architecture by its place.
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

/// Some architectures of a [`Store`], in an order of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structures {
    pub(crate) store: Arc<Store>,
    pub(crate) rows: Vec<usize>,
}

impl Structures {
    /// Their features.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> + Clone {
        self.rows.iter().map(|&row| self.store.row(row))
    }
}

#[cfg(test)]
impl Structures {
    /// All of some architectures.
    pub(crate) fn of(structures: &[Structure]) -> Self {
        let (mut store, mut names) = (Store::default(), Names::default());
        for structure in structures {
            store.push(structure, &mut names);
        }
        Self { rows: (0..store.len()).collect(), store: Arc::new(store) }
    }
}
