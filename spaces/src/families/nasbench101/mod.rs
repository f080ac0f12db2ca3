//! NAS-Bench-101 (Ying et al. 2019), and the three spaces of NAS-Bench-1Shot1 inside it.
//!
//! Use [`NasBench101`] for the whole space and [`NasBench1Shot1`] for its parts. A cell has at most 7
//! vertices and 9 edges, with an operation on each interior vertex. Graph nodes are the vertices in
//! topological order, from 0, the input, to the last, the output; edges are plain. A text is
//! `bits|op;op`: the upper triangle of the adjacency matrix row by row, then the operations of the
//! interior vertices.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::nasbench101::NasBench101;
//!
//! let cell = NasBench101::new().parse("111|conv3x3-bn-relu")?;
//! assert_eq!(cell.op_graphs()[0].len(), 3);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod enumerate;
mod module;
mod notations;
mod one_shot;
mod wired;

mod skeleton;

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use rand::Rng;

use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Notation};
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};
use module::Module;
use notations::FORMS;
pub use one_shot::{NasBench1Shot1, PART_1, PART_2, PART_3, Part};
pub(crate) use wired::Wired;

pub use skeleton::NasBench101Skeleton;

/// Largest number of vertices of a cell, including input and output.
pub const MAX_VERTICES: usize = 7;

/// Largest number of edges of a cell.
pub const MAX_EDGES: usize = 9;

/// The operations, in the column order of BONAS' encoding. The official labels, which only the hash
/// uses, are 0 for `conv3x3-bn-relu`, 1 for `conv1x1-bn-relu`, 2 for `maxpool3x3`.
pub const OPS: [&str; 3] = ["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"];

/// Labels 0 to 2 are structural: plain, output, input.
const FIRST: usize = 3;

/// The catalogue's entry of [`NasBench101`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "nasbench101",
    about: "NAS-Bench-101: up to seven nodes, three operations on nodes",
    make: || Arc::new(NasBench101::new()),
    make_raw: Some(|| Arc::new(NasBench101::labelled())),
};

/// The space of NAS-Bench-101: 423,624 cells up to isomorphism.
///
/// Every architecture is pruned, as in the official `ModelSpec`: vertices off all paths from input to
/// output are removed, and the limits hold for the rest. Samples are uniform over the 2²¹
/// upper-triangular 7×7 matrices times 3⁵ labellings, drawn until one is valid, then pruned.
///
/// Neighbours change an operation, add or remove an edge, or insert a vertex between two others.
#[derive(Clone, Debug)]
pub struct NasBench101 {
    vocabulary: Arc<Vocabulary>,
    /// Whether every labelled module is its own cell.
    labelled: bool,
}

impl Default for NasBench101 {
    fn default() -> Self {
        Self::new()
    }
}

impl NasBench101 {
    /// The space.
    pub fn new() -> Self {
        let vocabulary = Vocabulary::known(1, &OPS.map(|op| (op, Role::Compute)));
        Self { vocabulary: Arc::new(vocabulary), labelled: false }
    }

    /// The space in which isomorphic cells count as different: 1,293,208 pruned labelled cells.
    pub fn labelled() -> Self {
        Self { labelled: true, ..Self::new() }
    }

    /// Builds and prunes a cell from the `interior` operations on vertices 1, 2, .. and the edges
    /// `(from, to)`, `from < to`. Vertex 0 is the input and `interior.len() + 1` the output.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if the module is malformed, disconnects input and output, or has more
    /// vertices or edges than the space allows.
    pub fn module(&self, edges: &[(usize, usize)], interior: &[OpId]) -> Result<Architecture, SpaceError> {
        let mut module = Module::new(positions(interior, &self.vocabulary)?.iter().copied())?;
        for &(from, to) in edges {
            module.connect(from, to)?;
        }
        Ok(self.build(&module.pruned()?.within_limits()?))
    }

    /// The union of the whole space: every operation on each of five interior vertices, and every edge.
    pub fn whole(&self) -> Union {
        self.of_vertices(MAX_VERTICES - 2)
    }

    fn of_vertices(&self, vertices: usize) -> Union {
        let cells = vec![CellUnion::of_vertices(vertices, &self.vocabulary)];
        Union { cells, vocabulary: self.vocabulary.clone() }
    }

    /// The official hash of a cell (google-research/nasbench, `graph_util.hash_module`): MD5 over
    /// sorted neighbourhoods, repeated as many times as there are vertices.
    ///
    /// ```
    /// use bonas_spaces::SearchSpace;
    /// use bonas_spaces::families::nasbench101::NasBench101;
    ///
    /// let space = NasBench101::new();
    /// let cell = space.parse("101|conv3x3-bn-relu")?;
    /// assert_eq!(space.official_hash(&cell)?, "b49ac8c578b4561d79ac7087988f1c61");
    /// # Ok::<(), bonas_spaces::SpaceError>(())
    /// ```
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    pub fn official_hash(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.read(architecture)?.hash())
    }

    fn build(&self, module: &Module) -> Architecture {
        let cells = vec![cell_of(module)];
        if self.labelled {
            Architecture::with_canonical_form(self.vocabulary.clone(), cells, &module.form())
        } else {
            Architecture::new(self.vocabulary.clone(), cells)
        }
    }

    fn read(&self, architecture: &Architecture) -> Result<Module, SpaceError> {
        let module = module_of(architecture, &self.vocabulary)?;
        if self.labelled && self.build(&module).key() != architecture.key() {
            return Err(SpaceError::cell(
                "the key is not that of the labelled cell; build it with the space",
            ));
        }
        module.within_limits()
    }
}

/// The cell of a module.
fn cell_of(module: &Module) -> Cell {
    let mut graph = CellGraph::with_capacity(module.vertices(), MAX_EDGES);
    graph.add_node(OpId::input(0));
    for &op in module.interior() {
        graph.add_node(OpId::from_index(u16::from(op) + FIRST as u16));
    }
    let output = graph.add_node(OpId::OUTPUT);
    for (from, to) in module.edges() {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), OpId::PLAIN);
    }
    Cell::built(graph, output)
}

/// The pruned module of an architecture of one cell with operations on its vertices.
fn module_of(architecture: &Architecture, vocabulary: &Arc<Vocabulary>) -> Result<Module, SpaceError> {
    architecture.check_vocabulary(vocabulary)?;
    let [cell] = architecture.cells() else {
        let found = architecture.cells().len();
        return Err(SpaceError::cell(format!("a NAS-Bench-101 architecture is one cell, not {found}")));
    };
    let graph = cell.graph();
    let labels: Vec<OpId> = graph.node_weights().copied().collect();
    let interior = match &labels[..] {
        [first, interior @ .., OpId::OUTPUT] if *first == OpId::input(0) => interior,
        _ => return Err(SpaceError::cell("the first node must be the input, the last the output")),
    };
    let mut module = Module::new(positions(interior, vocabulary)?.iter().copied())?;
    for edge in graph.edge_references() {
        let (from, to) = (edge.source().index(), edge.target().index());
        if *edge.weight() != OpId::PLAIN || module.has_edge(from, to) {
            return Err(SpaceError::cell(format!("edge {from} to {to} must be plain and stand once")));
        }
        module.connect(from, to)?;
    }
    if module.pruned()? != module {
        return Err(SpaceError::cell("a vertex does not lie on a path from input to output"));
    }
    Ok(module)
}

/// Positions of operations that stand inside a cell.
fn positions(ops: &[OpId], vocabulary: &Vocabulary) -> Result<Vec<u8>, SpaceError> {
    let position = |op: &OpId| match op.index().checked_sub(FIRST) {
        Some(position) if vocabulary.contains(*op) => Ok(position as u8),
        _ if vocabulary.contains(*op) => {
            Err(SpaceError::cell(format!("{} cannot stand inside a cell", vocabulary.name(*op))))
        }
        _ => Err(SpaceError::cell(format!("label {} is not in the vocabulary", op.index()))),
    };
    ops.iter().map(position).collect()
}

impl SearchSpace for NasBench101 {
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
        loop {
            let bits = draw::below(rng, 1 << 21) as u32;
            let ops: [u8; 5] = std::array::from_fn(|_| draw::below(rng, OPS.len()) as u8);
            let module = Module::from_bits(bits, &ops).pruned().and_then(Module::within_limits);
            if let Ok(module) = module {
                return self.build(&module);
            }
        }
    }

    /// Draws the kind of change (operation, edge, new vertex), then one of that kind.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = self.read(architecture)?.edits();
        Ok(draw::changed(architecture, edits, rng, |module| self.build(module)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = self.read(architecture)?.edits();
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|module| self.build(module))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(if self.labelled { 1_293_208 } else { 423_624 })
    }

    /// The 1,293,208 pruned labelled modules by number of vertices, as the authors generated them.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        Some(Box::new(enumerate::modules().map(|module| self.build(&module))))
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(notations::bits_of(&self.read(architecture)?))
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

impl SpaceNetwork for NasBench101 {
    fn ops(&self) -> OpTable {
        OpTable::nasbench101()
    }

    fn whole(&self) -> Union {
        NasBench101::whole(self)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&NasBench101Skeleton::CIFAR]
    }
}

/// The choices are the parents of vertices 1 to 5 and of the output (any set of earlier vertices), then the
/// operations of vertices 1 to 5. [`NasBench101::sample`] draws from them. Vertices that a cell does not have
/// are read with no parents and the first operation. Choices without a path from input to output, or with
/// more than nine edges after pruning, are not an architecture.
impl Choices for NasBench101 {
    fn counts(&self) -> Vec<usize> {
        let parents = (1..MAX_VERTICES).map(|before| 1 << before);
        parents.chain(std::iter::repeat_n(OPS.len(), MAX_VERTICES - 2)).collect()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let module = NasBench101::read(self, architecture)?;
        let (output, last) = (module.vertices() - 1, MAX_VERTICES - 1);
        let parents = |vertex: usize| match vertex {
            vertex if vertex == last => output,
            vertex if vertex < output => vertex,
            _ => MAX_VERTICES,
        };
        let mask =
            |vertex| (0..last).filter(|&from| module.has_edge(from, vertex)).map(|from| 1 << from).sum();
        let mut choices: Vec<usize> = (1..MAX_VERTICES).map(|vertex| mask(parents(vertex))).collect();
        choices.extend(module.interior().iter().map(|&op| usize::from(op)));
        choices.resize(2 * MAX_VERTICES - 3, 0);
        Ok(choices)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        let (parents, ops) = choices.split_at(MAX_VERTICES - 1);
        let mut module = Module::new(ops.iter().map(|&op| op as u8))?;
        for (before, mask) in parents.iter().enumerate() {
            for from in (0..=before).filter(|from| mask >> from & 1 == 1) {
                module.connect(from, before + 1)?;
            }
        }
        Ok(module.pruned().and_then(Module::within_limits).ok().map(|module| self.build(&module)))
    }
}

#[cfg(test)]
mod tests;
