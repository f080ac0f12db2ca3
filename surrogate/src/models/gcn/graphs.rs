//! Architectures as one batch of dense graphs.
//!
//! Letters: `A` architectures, `C` cells each, `B = A C` graphs, `n` rows a graph (its
//! nodes, padding, and the global node last), `F` label classes, `M` rows that are alive.

use bonas_spaces::{Architecture, OpGraph, OpId, Role, Simplify, Vocabulary};
use tch::{Device, Kind, Tensor};

use crate::SurrogateError;

const NAME: &str = "graph encoding";

/// How graphs smaller than the largest of a batch are padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Padding {
    /// Padded rows take part in no sum and no batch statistics, so that a graph's embedding does not depend on the
    /// other graphs of the batch.
    #[default]
    Masked,
    /// As published: graphs with fewer nodes get isolated nodes without a label up to this number.
    /// They are alive, and the global node sums them like others. Larger graphs get none.
    Isolated(usize),
}

/// Graphs of architectures, ready for a [`super::Gcn`].
///
/// Label classes, in order: inputs, operations in the order of the vocabulary, output, global.
/// Every cell is a graph with its own global node, to which every node has an edge; the
/// embedding of an architecture concatenates those of its cells. `Ã [n, n]` is the
/// transposed adjacency matrix with a self-loop everywhere: row `v` has a 1 for `v` itself and each
/// of its predecessors (as in BONAS, without normalisation).
#[derive(Debug)]
pub struct Graphs {
    /// Cells per architecture, `C`.
    pub(super) cells: usize,
    /// Label classes, `F`.
    pub(super) classes: usize,
    /// `Ã [B, n, n]`.
    pub(super) adjacency: Tensor,
    /// `Ã X [B, n, F]`, the constant sums of the first layer.
    pub(super) summed: Tensor,
    /// Number of live rows in each graph, `[B]`, with the global one.
    pub(super) alive: Vec<usize>,
}

impl Graphs {
    /// Encodes at least one architecture.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] if there is none, or they differ in vocabulary or number of cells.
    pub fn encode(
        architectures: &[&Architecture],
        simplify: Simplify,
        padding: Padding,
        (kind, device): (Kind, Device),
    ) -> Result<Self, SurrogateError> {
        let first = check_alike(architectures)?;
        let vocabulary = first.vocabulary();
        let mut dense = Dense::default();
        let owned: Vec<Vec<OpGraph>> = match simplify {
            Simplify::Pruned => Vec::new(),
            Simplify::Raw => architectures.iter().map(|a| a.op_graphs_with(simplify)).collect(),
        };
        let graphs: Vec<&OpGraph> = match simplify {
            Simplify::Pruned => architectures.iter().flat_map(|a| a.op_graphs()).collect(),
            Simplify::Raw => owned.iter().flatten().collect(),
        };
        dense.fill(&graphs, vocabulary, padding);
        let (b, n, f) = (graphs.len() as i64, dense.rows as i64, dense.classes as i64);
        let tensor = |values: &[f32], width: i64| {
            Tensor::from_slice(values).reshape([b, n, width]).to_kind(kind).to_device(device)
        };
        Ok(Self {
            cells: first.cells().len(),
            classes: dense.classes,
            adjacency: tensor(&dense.adjacency, n), // [B, n, n]
            summed: tensor(&dense.summed, f),       // [B, n, F]
            alive: dense.alive,
        })
    }

    /// Number of architectures, `A`.
    pub fn len(&self) -> usize {
        self.alive.len() / self.cells
    }

    /// Always false: [`Graphs::encode`] refuses to make an empty batch.
    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// The architectures in another order (or some of them).
    pub(super) fn select(&self, order: &[usize]) -> Self {
        let graphs: Vec<i64> = order.iter().flat_map(|&a| self.graphs_of(a)).map(|g| g as i64).collect();
        let index = Tensor::from_slice(&graphs).to_device(self.adjacency.device());
        Self {
            adjacency: self.adjacency.index_select(0, &index),
            summed: self.summed.index_select(0, &index),
            alive: graphs.iter().map(|&g| self.alive[g as usize]).collect(),
            ..*self
        }
    }

    /// `count` architectures from `start` on, without a copy.
    pub(super) fn narrow(&self, start: usize, count: usize) -> Self {
        let (from, many) = (start * self.cells, count * self.cells);
        Self {
            adjacency: self.adjacency.narrow(0, from as i64, many as i64),
            summed: self.summed.narrow(0, from as i64, many as i64),
            alive: self.alive[from..from + many].to_vec(),
            ..*self
        }
    }

    /// The rows of the `[B n]` that are alive.
    pub(super) fn layout(&self) -> Layout {
        let (b, n) = (self.alive.len(), self.adjacency.size()[1] as usize);
        let nodes: usize = self.alive.iter().sum();
        let packing = (nodes < b * n).then(|| Packing::new(&self.alive, n, self.adjacency.device()));
        Layout { graphs: b as i64, rows: n as i64, packing }
    }

    fn graphs_of(&self, architecture: usize) -> std::ops::Range<usize> {
        architecture * self.cells..(architecture + 1) * self.cells
    }
}

/// The first of some architectures, after checking that all are of one space.
///
/// # Errors
/// [`SurrogateError::Data`] if there is none, or they differ in vocabulary or number of cells.
pub(super) fn check_alike<'a>(
    architectures: &[&'a Architecture],
) -> Result<&'a Architecture, SurrogateError> {
    let first = architectures
        .first()
        .ok_or_else(|| SurrogateError::data(NAME, "no architectures; it needs at least one"))?;
    let alike = |other: &Architecture| {
        first.cells().len() == other.cells().len() && first.vocabulary() == other.vocabulary()
    };
    match architectures.iter().position(|other| !alike(other) || other.cells().is_empty()) {
        None => Ok(first),
        Some(i) => {
            let reason = format!(
                "architecture {i} has {} cells over {} labels, the first {} over {}; all must belong to one space",
                architectures[i].cells().len(),
                architectures[i].vocabulary().len(),
                first.cells().len(),
                first.vocabulary().len()
            );
            Err(SurrogateError::data(NAME, reason))
        }
    }
}

/// Row-major values that become tensors.
#[derive(Default)]
struct Dense {
    rows: usize,
    classes: usize,
    adjacency: Vec<f32>,
    summed: Vec<f32>,
    alive: Vec<usize>,
}

impl Dense {
    fn fill(&mut self, graphs: &[&OpGraph], vocabulary: &Vocabulary, padding: Padding) {
        let alive = |graph: &OpGraph| match padding {
            Padding::Masked => graph.len(),
            Padding::Isolated(nodes) => graph.len().max(nodes),
        };
        self.alive = graphs.iter().map(|graph| alive(graph) + 1).collect();
        self.rows = self.alive.iter().copied().max().unwrap_or(1);
        self.classes = vocabulary.len();
        self.adjacency = vec![0.0; graphs.len() * self.rows * self.rows];
        self.summed = vec![0.0; graphs.len() * self.rows * self.classes];
        for (i, graph) in graphs.iter().enumerate() {
            self.write(i, graph, vocabulary);
        }
    }

    /// Writes graph `i`; adds sums over predecessors directly to `Ã X`.
    fn write(&mut self, i: usize, graph: &OpGraph, vocabulary: &Vocabulary) {
        let (n, f, nodes, global) = (self.rows, self.classes, self.alive[i] - 1, self.rows - 1);
        let adjacency = &mut self.adjacency[i * n * n..(i + 1) * n * n];
        let summed = &mut self.summed[i * n * f..(i + 1) * n * f];
        let classes: Vec<usize> = graph.labels().map(|op| class(op, vocabulary)).collect();
        for v in (0..nodes).chain([global]) {
            adjacency[v * n + v] = 1.0;
            adjacency[global * n + v] = 1.0;
        }
        for (from, to) in graph.edges() {
            adjacency[to * n + from] = 1.0;
            summed[to * f + classes[from]] += 1.0;
        }
        for (v, &class) in classes.iter().enumerate() {
            summed[v * f + class] += 1.0;
            summed[global * f + class] += 1.0;
        }
        summed[global * f + f - 1] += 1.0;
    }
}

/// Column of a label; the global node has the last, `vocabulary.len() - 1`.
pub(super) fn class(op: OpId, vocabulary: &Vocabulary) -> usize {
    match vocabulary.role(op) {
        Role::Output => vocabulary.len() - 2,
        // Inputs and operations follow the two structural labels; `PLAIN` is never on a node.
        _ => op.index() - OpId::input(0).index(),
    }
}

/// Positions of the live rows. Packed tensors have one row per live row, `[M, d]`; with every row alive
/// that is `[B n, d]`, otherwise the `B` global rows come first.
pub(super) struct Layout {
    graphs: i64,
    rows: i64,
    packing: Option<Packing>,
}

struct Packing {
    /// Row of `[B n]` that each packed row comes from, `[M]`.
    rows: Tensor,
    /// Packed row of each row of `[B n]`, `[B n]`. Dead rows point at row 0, which is harmless because their columns of
    /// `Ã` are zero.
    slots: Tensor,
}

impl Packing {
    fn new(alive: &[usize], n: usize, device: Device) -> Self {
        let mut rows: Vec<i64> = (0..alive.len()).map(|g| (g * n + n - 1) as i64).collect();
        for (g, &alive) in alive.iter().enumerate() {
            rows.extend((g * n..g * n + alive - 1).map(|row| row as i64));
        }
        let mut slots = vec![0i64; alive.len() * n];
        for (slot, &row) in rows.iter().enumerate() {
            slots[row as usize] = slot as i64;
        }
        Self {
            rows: Tensor::from_slice(&rows).to_device(device),
            slots: Tensor::from_slice(&slots).to_device(device),
        }
    }
}

impl Layout {
    /// `[B, n, d]` to `[M, d]`.
    pub(super) fn pack(&self, x: &Tensor) -> Tensor {
        let flat = x.reshape([self.graphs * self.rows, -1]); // [B n, d]
        self.packing.as_ref().map_or_else(|| flat.shallow_clone(), |p| flat.index_select(0, &p.rows))
    }

    /// `[M, d]` to `[B, n, d]`; dead rows have arbitrary finite values.
    pub(super) fn unpack(&self, x: &Tensor) -> Tensor {
        let shape = [self.graphs, self.rows, -1];
        self.packing.as_ref().map_or_else(|| x.reshape(shape), |p| x.index_select(0, &p.slots).reshape(shape))
    }

    /// The global rows of `[M, d]`: a view, `[B, d]`.
    pub(super) fn globals(&self, x: &Tensor) -> Tensor {
        match self.packing {
            Some(_) => x.narrow(0, 0, self.graphs),
            None => x.view([self.graphs, self.rows, -1]).select(1, self.rows - 1),
        }
    }
}
