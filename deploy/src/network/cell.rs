//! Cells without what their output does not depend on.

use bonas_spaces::network::{CellNet, EdgeNet, Join, Layer, Shape};

use super::names::{Names, identifier};
use super::{Body, Chain};
use crate::error::{DeployError, Result};

/// A cell whose every operation bears on its output.
#[derive(Clone, Debug)]
pub struct LiveCell {
    /// Index of the cell in the architecture.
    pub role: usize,
    /// The inputs that are read, in the order of [`Part::inputs`](super::Part::inputs).
    pub inputs: Vec<Input>,
    /// The other nodes, in the order of computation.
    pub nodes: Vec<Node>,
    /// The node with the result.
    pub output: usize,
}

/// An input of a cell.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its node.
    pub node: usize,
    /// Name of the layers it goes through, inside the cell.
    pub name: String,
    /// Prefix of their tensors in a supernet.
    pub place: String,
    /// Layers before it enters the cell; an empty list passes it on.
    pub layers: Vec<Layer>,
    /// Shape before the layers.
    pub shape: Shape,
}

/// A node with what enters it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its index in the graph of the cell.
    pub node: usize,
    /// How what enters is joined.
    pub join: Join,
    /// What enters; at least one edge.
    pub incoming: Vec<Edge>,
}

/// What enters a node from one other.
#[derive(Clone, Debug)]
pub enum Edge {
    /// The sum of operations on a node's result.
    From {
        /// That node.
        node: usize,
        /// The operations; at least one.
        ops: Vec<Op>,
    },
    /// Zeros that keep the width of a concatenation.
    Zeros(Shape),
}

/// An operation.
#[derive(Clone, Debug)]
pub struct Op {
    /// Attribute inside the cell; unique there.
    pub name: String,
    /// Name of the operation in its space, as an identifier.
    pub op: String,
    /// Prefix of its tensors in a supernet.
    pub place: String,
    /// Its layers; an empty list passes the input on.
    pub layers: Vec<Layer>,
    /// Shape of what it reads.
    pub shape: Shape,
}

impl LiveCell {
    /// The operations, in the order of computation.
    pub fn ops(&self) -> impl Iterator<Item = &Op> {
        let edges = self.nodes.iter().flat_map(|node| &node.incoming);
        edges.flat_map(|edge| match edge {
            Edge::From { ops, .. } => ops.as_slice(),
            Edge::Zeros(_) => &[],
        })
    }

    /// Every chain of layers.
    pub(super) fn chains(&self) -> impl Iterator<Item = Chain<'_>> {
        let inputs =
            self.inputs.iter().map(|one| Chain { name: &one.name, layers: &one.layers, input: one.shape });
        inputs.chain(self.ops().map(|op| Chain { name: &op.op, layers: &op.layers, input: op.shape }))
    }

    /// The operations of a cell that is a chain of them and of wires, on one input; none of another cell.
    fn chain(&self) -> Option<Vec<&Op>> {
        let [input] = &self.inputs[..] else { return None };
        let mut chain = Vec::new();
        let mut at = input.node;
        for node in &self.nodes {
            let [Edge::From { node: from, ops }] = &node.incoming[..] else { return None };
            let ([op], true) = (&ops[..], *from == at) else { return None };
            chain.extend((!op.layers.is_empty()).then_some(op));
            at = node.node;
        }
        (input.layers.is_empty() && at == self.output).then_some(chain)
    }
}

/// The body of a cell's part, and the units that it reads.
pub(super) fn body(
    net: &CellNet,
    role: usize,
    unit: &str,
    units: &[usize],
    shapes: &[Shape],
) -> Result<(Vec<usize>, Body)> {
    let connected = connected(net);
    if !connected[net.output] {
        return Ok((units[..1].to_vec(), Body::Zeros));
    }
    let after = node_shapes(net, shapes)?;
    let (mut read, mut inputs) = (Vec::new(), Vec::new());
    for (i, ((layers, &node), &shape)) in net.preprocess.iter().zip(&net.inputs).zip(shapes).enumerate() {
        if connected[node] {
            read.push(units[i]);
            let (name, place) = (format!("preprocess{i}"), format!("{unit}.input{i}"));
            inputs.push(Input { node, name, place, layers: layers.clone(), shape });
        }
    }
    let mut names = Names::default();
    let mut nodes = Vec::new();
    for &node in net.order.iter().filter(|&&node| connected[node]) {
        if net.nodes[node].incoming.is_empty() {
            continue;
        }
        let mut entering =
            Entering { net, node, unit, connected: &connected, after: &after, names: &mut names };
        nodes.push(Node { node, join: net.nodes[node].join, incoming: entering.edges()? });
    }
    let cell = LiveCell { role, inputs, nodes, output: net.output };
    let alone = match cell.chain().as_deref() {
        Some([]) => Some((Vec::new(), String::new(), None)),
        Some([op]) => Some((op.layers.clone(), op.place.clone(), Some(op.op.clone()))),
        _ => None,
    };
    let body = alone.map(|(layers, place, op)| Body::Layers { layers, place, op });
    Ok((read, body.unwrap_or(Body::Cell(cell))))
}

/// The edges of a node that is being built.
struct Entering<'a> {
    net: &'a CellNet,
    node: usize,
    unit: &'a str,
    connected: &'a [bool],
    after: &'a [Option<Shape>],
    names: &'a mut Names,
}

impl Entering<'_> {
    fn edges(&mut self) -> Result<Vec<Edge>> {
        let node = &self.net.nodes[self.node];
        let mut edges = Vec::new();
        for edge in &node.incoming {
            let source = self.after[edge.from].filter(|_| !edge.choices.is_empty());
            match (source, self.connected[edge.from]) {
                (Some(shape), true) => edges.push(self.edge(edge, shape)?),
                (Some(shape), false) if node.join == Join::Concat => {
                    edges.push(Edge::Zeros(through(&edge.choices[0].layers, shape)?));
                }
                _ => {}
            }
        }
        Ok(edges)
    }

    fn edge(&mut self, edge: &EdgeNet, shape: Shape) -> Result<Edge> {
        if edge.partial.is_some() {
            let reason = "it has partial channels, which only networks of a search have";
            return Err(DeployError::Network(reason.into()));
        }
        let (from, to) = (edge.from, self.node);
        let ops = edge.choices.iter().map(|choice| Op {
            name: self.names.attribute(&format!("{}_{from}_{to}", identifier(&choice.name))),
            op: identifier(&choice.name),
            place: format!("{}.{to}-{from}.{}", self.unit, choice.name),
            layers: choice.layers.clone(),
            shape,
        });
        Ok(Edge::From { node: from, ops: ops.collect() })
    }
}

/// Nodes that something enters and that the output depends on.
fn connected(net: &CellNet) -> Vec<bool> {
    let mut entered = vec![false; net.nodes.len()];
    net.inputs.iter().for_each(|&input| entered[input] = true);
    for &node in &net.order {
        let open = |edge: &EdgeNet| entered[edge.from] && !edge.choices.is_empty();
        entered[node] |= net.nodes[node].incoming.iter().any(open);
    }
    let mut connected = vec![false; net.nodes.len()];
    connected[net.output] = entered[net.output];
    for &node in net.order.iter().rev() {
        let feeds = connected[node];
        for edge in net.nodes[node].incoming.iter().filter(|edge| !edge.choices.is_empty()) {
            connected[edge.from] |= feeds && entered[edge.from];
        }
    }
    connected
}

/// Shape of each node's result; none for a node that nothing ever enters.
fn node_shapes(net: &CellNet, inputs: &[Shape]) -> Result<Vec<Option<Shape>>> {
    let mut shapes = vec![None; net.nodes.len()];
    for ((layers, &shape), &node) in net.preprocess.iter().zip(inputs).zip(&net.inputs) {
        shapes[node] = Some(through(layers, shape)?);
    }
    for &node in &net.order {
        let mut arriving = Vec::new();
        for edge in &net.nodes[node].incoming {
            if let (Some(shape), Some(choice)) = (shapes[edge.from], edge.choices.first()) {
                arriving.push(through(&choice.layers, shape)?);
            }
        }
        if !arriving.is_empty() {
            shapes[node] = Some(net.nodes[node].join.output(&arriving)?);
        }
    }
    Ok(shapes)
}

/// Shape after some layers.
fn through(layers: &[Layer], shape: Shape) -> Result<Shape> {
    Ok(layers.iter().try_fold(shape, |shape, layer| layer.output(shape))?)
}
