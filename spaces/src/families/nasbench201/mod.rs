//! NAS-Bench-201 (Dong & Yang 2020), which is also the topology space of NATS-Bench.
//!
//! Use [`NasBench201`] for the space; [`Uniqueness`] says when two cells count as the same. A cell has four
//! nodes, which sum their incoming edges, and an operation on each of the six [`EDGES`]. Graph nodes 0 to
//! 3 are the nodes of the paper, from 0, the input, to 3, the output. A text
//! `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|` lists the edges into nodes 1 to 3; `~k` is the source of an edge. Indices of the official files, digits
//! and nested pairs are read as well ([`SearchSpace::notations`]).
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::nasbench201::NasBench201;
//!
//! let text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|none~2|";
//! let space = NasBench201::new();
//! assert_eq!(space.format(&space.parse(text)?)?, text);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod notations;
mod order;
mod unique;

mod skeleton;

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use rand::Rng;

use crate::error::SpaceError;
use crate::families::{draw, six};
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, EdgeUnion, OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::names::NASBENCH201;
use crate::notation::{self, Notation};
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};

use notations::FORMS;
pub use unique::Uniqueness;

pub(in crate::families) use skeleton::residual_reduction;
pub use skeleton::{NasBench201Skeleton, NasBench201Stem};

/// The operations in the published order (AutoDL-Projects, `cell_operations.py`).
pub const OPS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];

/// The edges `(from, to)` in the order of the text.
pub const EDGES: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

/// The operations on [`EDGES`], as positions in [`OPS`].
type Ops = [u8; 6];

/// The catalogue's entry of [`NasBench201`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "nasbench201",
    about: "NAS-Bench-201: four nodes, five operations on six edges",
    make: || Arc::new(NasBench201::new()),
    make_raw: Some(|| Arc::new(NasBench201::with_uniqueness(Uniqueness::Raw))),
};

/// The space of NAS-Bench-201: 5⁶ = 15,625 cells.
///
/// Samples are uniform over the 15,625 cells. [`SearchSpace::enumerate`] lists them in the order of the
/// official benchmark files: the i-th cell has official index i. [`Uniqueness`] says which cells share a
/// key.
#[derive(Clone, Debug)]
pub struct NasBench201 {
    vocabulary: Arc<Vocabulary>,
    uniqueness: Uniqueness,
}

impl Default for NasBench201 {
    fn default() -> Self {
        Self::new()
    }
}

impl NasBench201 {
    /// The space with the published rule of uniqueness: 6,466 keys.
    pub fn new() -> Self {
        Self::with_uniqueness(Uniqueness::Published)
    }

    /// The space with another rule of uniqueness.
    pub fn with_uniqueness(uniqueness: Uniqueness) -> Self {
        let roles = [Role::Zero, Role::Identity, Role::Compute, Role::Compute, Role::Compute];
        let ops: Vec<_> = OPS.into_iter().zip(roles).collect();
        Self { vocabulary: Arc::new(Vocabulary::known(1, &ops)), uniqueness }
    }

    /// The rule of uniqueness.
    pub fn uniqueness(&self) -> Uniqueness {
        self.uniqueness
    }

    /// The cell with these operations on [`EDGES`].
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for an operation that is not one of the five of the space.
    pub fn architecture(&self, ops: [OpId; 6]) -> Result<Architecture, SpaceError> {
        let mut positions = [0; 6];
        for (position, op) in positions.iter_mut().zip(ops) {
            *position = position_of(op)?;
        }
        Ok(self.build(positions))
    }

    /// The operations on [`EDGES`].
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    pub fn ops(&self, architecture: &Architecture) -> Result<[OpId; 6], SpaceError> {
        Ok(self.read(architecture)?.map(op_id))
    }

    fn build(&self, ops: Ops) -> Architecture {
        let mut graph = CellGraph::with_capacity(4, 6);
        let nodes =
            [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT].map(|label| graph.add_node(label));
        for ((from, to), op) in EDGES.into_iter().zip(ops) {
            graph.add_edge(nodes[from], nodes[to], op_id(op));
        }
        let cells = vec![Cell::built(graph, nodes[3])];
        Architecture::with_canonical_form(self.vocabulary.clone(), cells, &self.uniqueness.form(ops))
    }

    fn read(&self, architecture: &Architecture) -> Result<Ops, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let [cell] = architecture.cells() else {
            return Err(SpaceError::cell(format!(
                "a NAS-Bench-201 architecture is one cell, not {}",
                architecture.cells().len()
            )));
        };
        let graph = cell.graph();
        let labels = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT];
        if !graph.node_weights().eq(&labels) || graph.edge_count() != EDGES.len() {
            return Err(SpaceError::cell(
                "a NAS-Bench-201 cell has nodes input, plain, plain, output and 6 edges",
            ));
        }
        let mut ops = [0; 6];
        for (op, (from, to)) in ops.iter_mut().zip(EDGES) {
            let edge = graph.find_edge(NodeIndex::new(from), NodeIndex::new(to));
            let edge =
                edge.ok_or_else(|| SpaceError::cell(format!("no edge from node {from} to node {to}")))?;
            *op = position_of(graph[edge])?;
        }
        if self.build(ops).key() != architecture.key() {
            return Err(SpaceError::cell(
                "the key follows another rule of uniqueness; build it with the space",
            ));
        }
        Ok(ops)
    }
}

impl SearchSpace for NasBench201 {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.build(std::array::from_fn(|_| draw::below(rng, OPS.len()) as u8))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::changed(architecture, [edits], rng, |ops| self.build(*ops)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::distinct(architecture, edits.into_iter().map(|ops| self.build(ops))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(self.uniqueness.count())
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        Some(Box::new(order::official().into_iter().map(|ops| self.build(ops))))
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(six::arch_str_of(self.read(architecture)?, &NASBENCH201))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl SpaceNetwork for NasBench201 {
    fn ops(&self) -> OpTable {
        OpTable::nasbench201()
    }

    fn whole(&self) -> Union {
        NasBench201::whole(self)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&NasBench201Skeleton::CIFAR, &NasBench201Skeleton::IMAGENET]
    }
}

impl Choices for NasBench201 {
    fn counts(&self) -> Vec<usize> {
        vec![OPS.len(); EDGES.len()]
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        Ok(NasBench201::read(self, architecture)?.map(usize::from).to_vec())
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        Ok(Some(NasBench201::build(self, std::array::from_fn(|edge| choices[edge] as u8))))
    }
}

impl NasBench201 {
    /// The union of the whole space: every operation on every edge.
    pub fn whole(&self) -> Union {
        let ops: Vec<OpId> = (1..OPS.len() as u8).map(op_id).collect();
        let edge = |(from, to)| EdgeUnion { from, to, ops: ops.clone() };
        // `EDGES` are sorted by `(to, from)`, as a union's edges are.
        let edges = EDGES.into_iter().map(edge).collect();
        let nodes = vec![OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT];
        Union { cells: vec![CellUnion { nodes, edges }], vocabulary: self.vocabulary.clone() }
    }
}

/// Labels 0 to 2 are structural: plain, output, input.
const FIRST: usize = 3;

fn op_id(position: u8) -> OpId {
    OpId::from_index(u16::from(position) + FIRST as u16)
}

fn position_of(op: OpId) -> Result<u8, SpaceError> {
    match op.index().checked_sub(FIRST) {
        Some(position) if position < OPS.len() => Ok(position as u8),
        _ => Err(SpaceError::cell(format!("label {} is not one of the five operations", op.index()))),
    }
}

#[cfg(test)]
mod tests;
