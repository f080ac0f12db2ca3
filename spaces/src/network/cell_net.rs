//! A cell in layers.

use super::layer::{Passage, pass};
use super::part::repeated_params;
use super::{CellUnion, EdgeUnion, Join, Layer, Norm, OpTable, Port, Shape};
use crate::error::SpaceError;
use crate::graph::{OpId, Role, Vocabulary};

/// One operation that may be chosen on an edge.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The operation.
    pub op: OpId,
    /// Its name; parameters are saved under it.
    pub name: String,
    /// Its layers; an empty list passes the input on.
    pub layers: Vec<Layer>,
}

impl Choice {
    /// Whether the edge is not there with this choice.
    pub fn is_absent(&self) -> bool {
        matches!(self.layers[..], [Layer::Absent])
    }

    /// A choice for each operation, with the layers that `table` gives it at `port`; a wire passes its input on.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`] for an operation that `table` lacks.
    pub fn each(
        ops: &[OpId],
        vocabulary: &Vocabulary,
        port: Port,
        table: &OpTable,
    ) -> Result<Vec<Self>, SpaceError> {
        let choice = |&op| {
            let name = vocabulary.name(op).to_owned();
            let is_plain = vocabulary.role(op) == Role::Plain;
            let layers = if is_plain { Vec::new() } else { table.layers(&name, port)? };
            Ok(Self { op, name, layers })
        };
        ops.iter().map(choice).collect()
    }
}

/// An edge with its choices.
#[derive(Clone, Debug)]
pub struct EdgeNet {
    /// Node the edge leaves.
    pub from: usize,
    /// Position of the edge in [`CellUnion::edges`], which a route indexes. Several units may share the
    /// edges of one union, so a cell need not have all of them.
    pub edge: usize,
    /// The choices, in the order of [`super::EdgeUnion::ops`].
    pub choices: Vec<Choice>,
    /// Partial channels; `None` if the choices work on all channels.
    pub partial: Option<Partial>,
}

/// Partial channels (PC-DARTS, Xu et al. 2020).
///
/// The operations of an edge work on the first `1 / share` of the channels. The other channels bypass
/// them, through 2×2 max pooling if the map is halved. All channels are then shuffled in `share` groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// K: the operations work on one channel in K; at least 2.
    pub share: usize,
    /// Stride of the operations, 1 or 2.
    pub stride: usize,
}

impl Partial {
    /// Shape that the operations of an edge see of its source.
    pub fn inside(self, source: Shape) -> Shape {
        Shape { channels: source.channels / self.share, ..source }
    }

    /// Shape after an edge whose operations give `result`.
    pub fn outside(self, result: Shape) -> Shape {
        Shape { channels: result.channels * self.share, ..result }
    }
}

impl EdgeNet {
    /// Shape that the choices see of a source.
    pub fn inside(&self, source: Shape) -> Shape {
        self.partial.map_or(source, |partial| partial.inside(source))
    }

    /// Shape after the edge when its choices give `result`.
    pub fn outside(&self, result: Shape) -> Shape {
        self.partial.map_or(result, |partial| partial.outside(result))
    }
}

/// A node: its incoming edges, and how they are joined.
#[derive(Clone, Debug)]
pub struct NodeNet {
    /// How incoming tensors are joined.
    pub join: Join,
    /// Incoming edges; empty for an input.
    pub incoming: Vec<EdgeNet>,
}

/// The zeros that a cell gives where nothing enters its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zeros {
    /// Channels.
    pub channels: usize,
    /// Stride of the cell; sides that it does not divide are rounded up.
    pub stride: usize,
}

impl Zeros {
    /// Their shape after an input.
    fn shape(self, input: Shape) -> Shape {
        let side = |length: usize| length.div_ceil(self.stride.max(1));
        Shape { channels: self.channels, height: side(input.height), width: side(input.width) }
    }
}

/// A cell in layers: nodes, and the choices on each edge.
#[derive(Clone, Debug)]
pub struct CellNet {
    /// Layers on each input before it enters the cell.
    pub preprocess: Vec<Vec<Layer>>,
    /// Nodes by graph index.
    pub nodes: Vec<NodeNet>,
    /// Order of computation, inputs first.
    pub order: Vec<usize>,
    /// Graph index of each input.
    pub inputs: Vec<usize>,
    /// Graph index of the output.
    pub output: usize,
    /// What it gives where nothing enters the output; `None` for zeros in the shape of the first input.
    pub zeros: Option<Zeros>,
}

/// How a skeleton builds a cell with [`CellNet::new`].
#[derive(Clone, Debug)]
pub struct CellSpec {
    /// Layers on each input before it enters the cell.
    pub preprocess: Vec<Vec<Layer>>,
    /// Channels of the inputs when they enter the cell.
    pub input: usize,
    /// Width inside the cell: operations that read an input make so many channels of its own.
    pub channels: usize,
    /// Stride of the operations that read an input.
    pub stride: usize,
    /// Normalisation of the operations.
    pub norm: Norm,
    /// K of partial channels; 1: operations work on all channels.
    pub partial: usize,
    /// How the output joins its incoming edges.
    pub output: Join,
}

impl CellNet {
    /// Builds a cell with operations on its edges.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for a cell whose interior nodes carry operations,
    /// [`SpaceError::UnknownOp`] for an operation that `ops` lacks.
    pub fn new(
        union: &CellUnion,
        vocabulary: &Vocabulary,
        spec: CellSpec,
        ops: &OpTable,
    ) -> Result<Self, SpaceError> {
        for channels in [spec.channels, spec.input] {
            if spec.partial == 0 || !channels.is_multiple_of(spec.partial) {
                return Err(SpaceError::network(format!(
                    "partial channels K = {}; it must divide the {channels} channels of every cell",
                    spec.partial
                )));
            }
        }
        let cell = Cell { union, vocabulary, spec: &spec, ops };
        let nodes = (0..union.nodes.len()).map(|node| cell.node(node)).collect::<Result<Vec<_>, _>>()?;
        let place = |label| union.nodes.iter().position(|&l| l == label);
        let missing = || SpaceError::network("a cell without input or output");
        let inputs = (0..vocabulary.inputs()).map(|i| place(OpId::input(i as u16)).ok_or_else(missing));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let output = place(OpId::OUTPUT).ok_or_else(missing)?;
        let order = topological_order(&nodes)?;
        let zeros =
            (spec.output == Join::Sum).then_some(Zeros { channels: spec.channels, stride: spec.stride });
        Ok(Self { preprocess: spec.preprocess, nodes, order, inputs, output, zeros })
    }

    /// Shape of the cell's output, with every choice active.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when a map is too small or odd where it is halved.
    pub fn output(&self, inputs: &[Shape]) -> Result<Shape, SpaceError> {
        Ok(self.pass(inputs)?.shape)
    }

    /// Number of trainable parameters, over all choices; those that choices share count once.
    pub fn params(&self) -> usize {
        let all: usize = self.layers().map(Layer::params).sum();
        let edges = self.nodes.iter().flat_map(|node| &node.incoming);
        all - repeated_params(edges.map(|edge| edge.choices.iter().map(|choice| &choice.layers[..])))
    }

    /// The layers of all choices and of what is done to the inputs.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Layer> {
        let choices = self.nodes.iter().flat_map(|n| &n.incoming).flat_map(|e| &e.choices);
        choices.map(|c| &c.layers).chain(&self.preprocess).flatten()
    }

    /// Multiply-adds, over all choices.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when a shape does not fit.
    pub fn macs(&self, inputs: &[Shape]) -> Result<u64, SpaceError> {
        Ok(self.pass(inputs)?.macs)
    }

    /// Number of activations that a training step keeps, over all choices.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when a shape does not fit.
    pub fn activations(&self, inputs: &[Shape]) -> Result<u64, SpaceError> {
        Ok(self.pass(inputs)?.activations)
    }

    /// Output shape, multiply-adds and activations, with every choice active.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when a shape does not fit.
    pub(crate) fn pass(&self, inputs: &[Shape]) -> Result<Passage, SpaceError> {
        if inputs.len() != self.preprocess.len() {
            return Err(SpaceError::network(format!(
                "a cell of {} inputs given {}",
                self.preprocess.len(),
                inputs.len()
            )));
        }
        let (mut macs, mut activations) = (0, 0);
        let mut through = |layers: &[Layer], shape| {
            let passage = pass(layers, shape)?;
            macs += passage.macs;
            activations += passage.activations;
            Ok::<Shape, SpaceError>(passage.shape)
        };
        let mut shapes: Vec<Option<Shape>> = vec![None; self.nodes.len()];
        for ((layers, &shape), &node) in self.preprocess.iter().zip(inputs).zip(&self.inputs) {
            shapes[node] = Some(through(layers, shape)?);
        }
        for &node in &self.order {
            let mut arriving = Vec::new();
            for edge in &self.nodes[node].incoming {
                // A node that nothing enters is a constant zero: it adds nothing downstream.
                let Some(shape) = shapes[edge.from].map(|source| edge.inside(source)) else { continue };
                let there = edge.choices.iter().filter(|choice| !choice.is_absent());
                let results = there.map(|choice| through(&choice.layers, shape));
                let results = results.collect::<Result<Vec<_>, _>>()?;
                if !results.is_empty() {
                    arriving.push(edge.outside(Join::Sum.output(&results)?));
                }
            }
            if !arriving.is_empty() {
                shapes[node] = Some(self.nodes[node].join.output(&arriving)?);
            }
        }
        let first = shapes[self.inputs[0]];
        let fallback = self.zeros.map_or(first, |zeros| first.map(|shape| zeros.shape(shape)));
        let shape =
            shapes[self.output].or(fallback).ok_or_else(|| SpaceError::network("a cell without output"))?;
        Ok(Passage { shape, macs, activations })
    }
}

/// A cell under construction.
struct Cell<'a> {
    union: &'a CellUnion,
    vocabulary: &'a Vocabulary,
    spec: &'a CellSpec,
    ops: &'a OpTable,
}

impl Cell<'_> {
    /// A node with the operations of the edges that enter it.
    fn node(&self, node: usize) -> Result<NodeNet, SpaceError> {
        let join = match self.vocabulary.role(self.union.nodes[node]) {
            Role::Output => self.spec.output,
            Role::Plain | Role::Input => Join::Sum,
            _ => return Err(SpaceError::network("this skeleton wants operations on edges, not on nodes")),
        };
        let edges = &self.union.edges;
        let entering = (0..edges.len()).filter(|&edge| edges[edge].to == node);
        Ok(NodeNet { join, incoming: entering.map(|edge| self.edge(edge)).collect::<Result<_, _>>()? })
    }

    /// An edge with its operations in layers.
    fn edge(&self, edge: usize) -> Result<EdgeNet, SpaceError> {
        let EdgeUnion { from, ops, .. } = &self.union.edges[edge];
        let &CellSpec { input, channels, norm, partial: share, .. } = self.spec;
        let is_plain = |op: OpId| self.vocabulary.role(op) == Role::Plain;
        let reads_input = self.vocabulary.role(self.union.nodes[*from]) == Role::Input;
        let (stride, from_width) = if reads_input { (self.spec.stride, input) } else { (1, channels) };
        let inside = |width: usize| width / share.max(1);
        let port = Port { input: inside(from_width), output: inside(channels), stride, norm };
        let choices = Choice::each(ops, self.vocabulary, port, self.ops)?;
        let is_wire = ops.iter().all(|&op| is_plain(op));
        let partial = (share > 1 && !is_wire).then_some(Partial { share, stride });
        Ok(EdgeNet { from: *from, edge, choices, partial })
    }
}

/// Nodes in an order in which every edge goes forward, lowest index first.
fn topological_order(nodes: &[NodeNet]) -> Result<Vec<usize>, SpaceError> {
    let mut order: Vec<usize> = Vec::with_capacity(nodes.len());
    while order.len() < nodes.len() {
        let ready = (0..nodes.len())
            .find(|n| !order.contains(n) && nodes[*n].incoming.iter().all(|e| order.contains(&e.from)));
        order.push(ready.ok_or_else(|| SpaceError::network("the union of these cells has a cycle"))?);
    }
    Ok(order)
}
