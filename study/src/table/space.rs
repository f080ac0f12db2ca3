//! The part of a space that a table has measurements of, as a space of its own.

use std::sync::{Arc, OnceLock};

use bonas_spaces::network::{SpaceNetwork, SpaceRecurrent};
use bonas_spaces::{Architecture, Notation, SearchSpace, SpaceError, SpaceSize, Vocabulary};
use rand::{Rng, RngExt};

use super::Benchmark;

/// Arms that count as near where a table has none that is one element away.
const NEAREST: usize = 16;

/// A table's architectures as a search space: nothing outside the table is ever proposed.
///
/// Samples are uniform over the rows of the file. Neighbours are the arms that are one element
/// away in the table's own space; in a table so sparse that an arm has none, the sixteen arms
/// nearest by the number of operations and connections (pairs of operations) in which their pruned graphs
/// differ. A mutant is a neighbour, uniformly. All are looked up: an architecture is built once,
/// when the table is read. A clone shares everything. Of a restricted one ([`Self::only`]) all this
/// holds for the arms that are allowed.
#[derive(Clone, Debug)]
pub struct TableSpace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: Arc<Benchmark>,
    /// Whether each arm is of the space.
    allowed: Vec<bool>,
    /// The rows of the file whose arms are, by their arm.
    rows: Vec<u32>,
    neighbours: Vec<OnceLock<Vec<u32>>>,
    /// Operations and connections of every arm, sorted.
    pieces: OnceLock<Vec<Vec<u64>>>,
}

impl TableSpace {
    /// The space of a table's arms, whose keys must be different ([`super::Merge::Raw`] needs a
    /// space where every text has its own).
    pub fn new(table: Arc<Benchmark>) -> Self {
        Self::only(table, |_| true)
    }

    /// The space of those arms that are `allowed`, which must not be none.
    pub fn only(table: Arc<Benchmark>, allowed: impl Fn(usize) -> bool) -> Self {
        let neighbours = table.arms().iter().map(|_| OnceLock::new()).collect();
        let allowed: Vec<bool> = (0..table.arms().len()).map(allowed).collect();
        let rows = table.merged.rows.iter().copied().filter(|&arm| allowed[arm as usize]).collect();
        Self(Arc::new(Inner { table, allowed, rows, neighbours, pieces: OnceLock::new() }))
    }

    /// The table.
    pub fn table(&self) -> &Arc<Benchmark> {
        &self.0.table
    }

    /// The arm of an architecture.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for one that the table does not have or that is not allowed.
    pub fn arm(&self, architecture: &Architecture) -> Result<usize, SpaceError> {
        let table = &self.0.table;
        let text = || table.space().format(architecture).unwrap_or_else(|error| error.to_string());
        match table.arm(architecture.key()) {
            Some(arm) if self.0.allowed[arm] => Ok(arm),
            Some(_) => Err(SpaceError::cell(format!("{} breaks a limit that is known", text()))),
            None => {
                Err(SpaceError::cell(format!("{} is not in the table {}", text(), table.path().display())))
            }
        }
    }

    fn at(&self, arm: u32) -> Architecture {
        self.0.table.arms()[arm as usize].architecture.clone()
    }

    fn neighbours_of(&self, arm: usize) -> Result<&[u32], SpaceError> {
        let slot = &self.0.neighbours[arm];
        if let Some(known) = slot.get() {
            return Ok(known);
        }
        let table = &self.0.table;
        let near = table.space().neighbours(&table.arms()[arm].architecture)?;
        let mut near: Vec<u32> =
            near.iter().filter_map(|a| table.arm(a.key())).map(|arm| arm as u32).collect();
        near.retain(|&arm| self.0.allowed[arm as usize]);
        if near.is_empty() {
            near = self.nearest(arm);
        }
        near.sort_unstable();
        Ok(slot.get_or_init(|| near))
    }

    /// The arms whose graphs differ least, the first ones of equals.
    fn nearest(&self, arm: usize) -> Vec<u32> {
        let pieces = self
            .0
            .pieces
            .get_or_init(|| self.0.table.arms().iter().map(|arm| pieces(&arm.architecture)).collect());
        let mut others: Vec<(usize, u32)> = (0..pieces.len())
            .filter(|&other| other != arm && self.0.allowed[other])
            .map(|other| (difference(&pieces[arm], &pieces[other]), other as u32))
            .collect();
        others.sort_unstable();
        others.into_iter().take(NEAREST).map(|(_, other)| other).collect()
    }
}

/// Operations and connections of an architecture's pruned graphs as numbers, sorted.
fn pieces(architecture: &Architecture) -> Vec<u64> {
    /// In the place of an end: the piece is an operation. Labels are 16-bit numbers.
    const NONE: usize = 0xf_ffff;
    let piece = |cell: usize, from: usize, to: usize| (cell << 40 | from << 20 | to) as u64;
    let mut pieces = Vec::new();
    for (cell, graph) in architecture.op_graphs().iter().enumerate() {
        let labels: Vec<usize> = graph.labels().map(bonas_spaces::OpId::index).collect();
        pieces.extend(labels.iter().map(|&label| piece(cell, label, NONE)));
        pieces.extend(graph.edges().map(|(from, to)| piece(cell, labels[from], labels[to])));
    }
    pieces.sort_unstable();
    pieces
}

/// Size of the symmetric difference of two sorted multisets.
fn difference(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        common += usize::from(x == y);
        (i, j) = (i + usize::from(x <= y), j + usize::from(y <= x));
    }
    a.len() + b.len() - 2 * common
}

impl SearchSpace for TableSpace {
    fn name(&self) -> &str {
        self.0.table.space().name()
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.0.table.space().vocabulary()
    }

    fn cell_names(&self) -> &[&str] {
        self.0.table.space().cell_names()
    }

    fn source(&self) -> Option<&str> {
        self.0.table.space().source()
    }

    fn shared(&self) -> Option<Arc<dyn SearchSpace>> {
        self.0.table.space().shared()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        self.0.table.space().network()
    }

    fn recurrent(&self) -> Option<&dyn SpaceRecurrent> {
        self.0.table.space().recurrent()
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let rows = &self.0.rows;
        self.at(rows[rng.random_range(0..rows.len() as u32) as usize])
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let near = self.neighbours_of(self.arm(architecture)?)?;
        match near.len() {
            0 => Ok(architecture.clone()),
            n => Ok(self.at(near[rng.random_range(0..n as u32) as usize])),
        }
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let near = self.neighbours_of(self.arm(architecture)?)?;
        Ok(near.iter().map(|&arm| self.at(arm)).collect())
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        architecture.check_vocabulary(self.vocabulary())?;
        self.arm(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(self.0.allowed.iter().filter(|allowed| **allowed).count() as u128)
    }

    /// In the order of the file.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let allowed = self.0.table.arms().iter().zip(&self.0.allowed).filter(|(_, allowed)| **allowed);
        Some(Box::new(allowed.map(|(arm, _)| arm.architecture.clone())))
    }

    /// As the file writes it.
    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.0.table.arms()[self.arm(architecture)?].text.to_string())
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let table = &self.0.table;
        let arm = match table.arm_of_text(text) {
            Some(arm) if self.0.allowed[arm] => arm,
            _ => match table.space().parse(text) {
                Ok(architecture) => self.arm(&architecture)?,
                Err(_) => self.arm(&table.arms()[table.find(text)?].architecture)?,
            },
        };
        Ok(self.at(arm as u32))
    }
    fn notations(&self) -> Vec<Notation> {
        self.0.table.space().notations()
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        self.0.table.space().format_as(architecture, notation)
    }
}
