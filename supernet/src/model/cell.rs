//! A cell in tensors: nodes, edges and the operations that a path chooses on each.
//!
//! Shapes: B images, C channels, H×W pixels.

use std::rc::Rc;

use bonas_spaces::network::{CellNet, CellRoute, Choice, EdgeNet, Join, Layer, Partial, Shape};
use bonas_spaces::{OpId, SpaceError};
use tch::Tensor;

use super::builder::{Builder, Names};
use super::error::{Result, SupernetError};
use super::join::Sum;
use super::layers::{Chain, Run, as_kind};
use super::operation::Operation;
use super::params::ParamId;
use super::value::Value;

/// A cell whose edges carry one module a choice.
#[derive(Debug)]
pub(super) struct Cell {
    role: usize,
    preprocess: Vec<Chain>,
    nodes: Vec<Node>,
    order: Vec<usize>,
    inputs: Vec<usize>,
    output: usize,
    shape: Shape,
    edges: usize,
}

#[derive(Debug)]
struct Node {
    join: Join,
    incoming: Vec<Edge>,
}

#[derive(Debug)]
struct Edge {
    from: usize,
    /// Position in a route.
    index: usize,
    choices: Vec<Chain>,
    /// Position of the first choice among all operations of the network; none for a wire.
    operations: Option<usize>,
    /// Whether it carries no operation of its own, and so no weight.
    wire: bool,
    /// Which channels the choices work on.
    partial: Option<Partial>,
    /// Shape of its result; none where nothing can ever come along.
    shape: Option<Shape>,
}

/// The node that an edge enters.
#[derive(Clone, Copy)]
struct Entered<'a> {
    unit: usize,
    role: usize,
    node: usize,
    /// Name of the unit.
    name: &'a str,
}

/// What a path uses of a network.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) params: Vec<ParamId>,
    pub(super) norms: Vec<usize>,
    pub(super) operations: Vec<usize>,
}

/// The operations that a path uses of a cell, and the nodes that bear on its output.
#[derive(Debug)]
pub(super) struct CellPath {
    chosen: Vec<Vec<usize>>,
    connected: Vec<bool>,
    /// Operations that drop-path may drop.
    drops: usize,
}

impl CellPath {
    /// Operations that drop-path may drop.
    pub(super) fn drops(&self) -> usize {
        self.drops
    }
}

impl Cell {
    pub(super) fn build(
        net: &CellNet,
        (unit, role): (usize, usize),
        inputs: &[Shape],
        name: &str,
        builder: &mut Builder,
    ) -> Result<Self> {
        let shape = net.output(inputs)?;
        let shapes = node_shapes(net, inputs)?;
        let preprocess = net.preprocess.iter().enumerate();
        let preprocess = preprocess
            .map(|(i, layers)| Chain::build(layers, Names::alone(&format!("{name}.input{i}")), builder))
            .collect();
        let mut nodes = Vec::with_capacity(net.nodes.len());
        let mut edges = 0;
        for (to, node) in net.nodes.iter().enumerate() {
            let entered = Entered { unit, role, node: to, name };
            let edge = |edge: &EdgeNet| Edge::build(edge, shapes[edge.from], entered, builder);
            let incoming = node.incoming.iter().map(edge).collect::<Result<Vec<_>>>()?;
            edges = incoming.iter().map(|e| e.index + 1).fold(edges, usize::max);
            nodes.push(Node { join: node.join, incoming });
        }
        let (order, inputs, output) = (net.order.clone(), net.inputs.clone(), net.output);
        Ok(Self { role, preprocess, nodes, order, inputs, output, shape, edges })
    }

    /// The edges that a route of this cell's role has: at least those of this cell.
    pub(super) fn edges(&self) -> usize {
        self.edges
    }

    /// Says that units of the same role share `edges` out.
    pub(super) fn of_edges(&mut self, edges: usize) {
        self.edges = edges;
    }

    /// Checks a route and finds what it needs of this cell.
    pub(super) fn path(&self, route: &CellRoute) -> Result<CellPath> {
        if route.0.len() != self.edges {
            let reason = format!("a cell of {} edges given a route of {}", self.edges, route.0.len());
            return Err(SupernetError::mismatch("route", reason));
        }
        for edge in self.nodes.iter().flat_map(|n| &n.incoming) {
            let choices = edge.choices.len();
            if let Some(choice) = route.0[edge.index].iter().find(|c| **c >= choices) {
                let reason = format!("choice {choice} on edge {}, which has {choices}", edge.index);
                return Err(SupernetError::mismatch("route", reason));
            }
        }
        let chosen = route.0.clone();
        let connected = self.connected(&chosen);
        let path = CellPath { chosen, connected, drops: 0 };
        let taken =
            self.edges_of(&path).flat_map(|edge| edge.taken(&path).map(|choice| edge.may_drop(choice)));
        let drops = taken.filter(|may| *may).count();
        Ok(CellPath { drops, ..path })
    }

    /// The edges that results of a path go along.
    fn edges_of<'c>(&'c self, path: &'c CellPath) -> impl Iterator<Item = &'c Edge> + 'c {
        let nodes = self.nodes.iter().zip(&path.connected).filter(|(_, connected)| **connected);
        nodes.flat_map(|(node, _)| node.incoming.iter().filter(|edge| path.connected[edge.from]))
    }

    /// Nodes that something enters and that the output depends on.
    fn connected(&self, chosen: &[Vec<usize>]) -> Vec<bool> {
        let mut entered = vec![false; self.nodes.len()];
        self.inputs.iter().for_each(|&i| entered[i] = true);
        for &node in &self.order {
            let open = |e: &Edge| entered[e.from] && e.is_there(chosen);
            entered[node] |= self.nodes[node].incoming.iter().any(open);
        }
        let mut connected = vec![false; self.nodes.len()];
        connected[self.output] = entered[self.output];
        for &node in self.order.iter().rev() {
            let feeds = connected[node];
            for edge in self.nodes[node].incoming.iter().filter(|e| e.is_there(chosen)) {
                connected[edge.from] |= feeds && entered[edge.from];
            }
        }
        connected
    }

    /// Adds the parameters, normalisations and operations that a path uses.
    pub(super) fn collect(&self, path: &CellPath, used: &mut Used) {
        let Used { params, norms, operations } = used;
        for (chain, &node) in self.preprocess.iter().zip(&self.inputs) {
            if path.connected[node] {
                chain.collect(params, norms);
            }
        }
        for edge in self.edges_of(path) {
            for choice in edge.taken(path) {
                edge.choices[choice].collect(params, norms);
                operations.extend(edge.operations.map(|first| first + choice));
            }
        }
    }

    /// `inputs`: one `[B, C, H, W]` each; the result is `[B, C', H', W']`.
    pub(super) fn forward(
        &self,
        inputs: &[&Value],
        path: &CellPath,
        images: i64,
        run: &mut Run<'_, '_, '_>,
    ) -> Result<Rc<Value>> {
        let mut values: Vec<Option<Rc<Value>>> = vec![None; self.nodes.len()];
        let mut parts: Vec<_> = self.nodes.iter().map(|_| None).collect();
        for ((chain, input), &node) in self.preprocess.iter().zip(inputs).zip(&self.inputs) {
            if path.connected[node] {
                values[node] = Some(Rc::new(Value::new(chain.forward(input, run)?)));
            }
        }
        let inner = self.order.iter().filter(|&&n| path.connected[n] && !self.nodes[n].incoming.is_empty());
        for &node in inner {
            let role = self.role;
            let mut arriving = Arriving { role, values: &values, parts: &mut parts, path, images, run };
            let result = self.nodes[node].forward(&mut arriving)?;
            values[node] = Some(Rc::new(result));
        }
        match values.swap_remove(self.output) {
            Some(value) => Ok(value),
            None => Ok(Rc::new(Value::new(zeros(images, self.shape, run)?))),
        }
    }
}

/// What a node needs to compute its value.
struct Arriving<'c, 'r, 'n, 'p, 'a> {
    role: usize,
    values: &'c [Option<Rc<Value>>],
    /// The channels of a node's value that operations work on and those that go by, once some edge
    /// has wanted them.
    parts: &'c mut [Option<(Rc<Value>, Tensor)>],
    path: &'c CellPath,
    images: i64,
    run: &'r mut Run<'n, 'p, 'a>,
}

impl Arriving<'_, '_, '_, '_, '_> {
    /// The first of `share` parts of a node's channels, and the others.
    fn parts(&mut self, node: usize, source: &Value, partial: Partial) -> Result<(Rc<Value>, Tensor)> {
        if let Some((first, others)) = &self.parts[node] {
            return Ok((first.clone(), others.shallow_clone()));
        }
        let raw = source.raw()?; // [B, C, H, W]
        let channels = raw.size()[1];
        let width = channels / partial.share as i64;
        let first = Rc::new(Value::new(raw.f_narrow(1, 0, width)?)); // [B, C/K, H, W]
        let others = raw.f_narrow(1, width, channels - width)?; // [B, C-C/K, H, W]
        self.parts[node] = Some((first.clone(), others.shallow_clone()));
        Ok((first, others))
    }
}

/// The worked-on channels `[B, C/K, H', W']` and those that go by `[B, C-C/K, H, W]` as `[B, C, H', W']`,
/// shuffled: channel `i` of group `g` comes to place `i·K + g`. `weight` `[]` is that of those that go by.
fn shuffled(
    worked_on: &Tensor,
    others: &Tensor,
    partial: Partial,
    weight: Option<&Tensor>,
) -> Result<Tensor> {
    let mut others = match partial.stride {
        1 => others.shallow_clone(),
        stride => {
            let stride = [stride as i64; 2];
            others.f_max_pool2d([2, 2], stride, [0, 0], [1, 1], false)? // [B, C-C/K, H', W']
        }
    };
    if let Some(weight) = weight {
        others = others.f_mul(&as_kind(weight, others.kind())?)?;
    }
    let all = Tensor::f_cat(&[worked_on, &others], 1)?; // [B, C, H', W']
    Ok(all.f_channel_shuffle(partial.share as i64)?)
}

impl Node {
    fn forward(&self, arriving: &mut Arriving<'_, '_, '_, '_, '_>) -> Result<Value> {
        match self.join {
            Join::Sum => self.sum(arriving),
            Join::Concat => self.concat(arriving),
        }
    }

    fn sum(&self, arriving: &mut Arriving<'_, '_, '_, '_, '_>) -> Result<Value> {
        let mut sum = Sum::default();
        for edge in &self.incoming {
            if let Some((x, owned)) = edge.forward(arriving)? {
                sum.add(x, owned)?;
            }
        }
        let (total, _) = sum.finish().ok_or_else(|| SupernetError::mismatch("node", "nothing enters it"))?;
        Ok(Value::new(total))
    }

    /// A concatenation keeps its width: what nobody enters is zero.
    fn concat(&self, arriving: &mut Arriving<'_, '_, '_, '_, '_>) -> Result<Value> {
        let mut parts = Vec::with_capacity(self.incoming.len());
        for edge in &self.incoming {
            let source = &arriving.values[edge.from];
            if let (Some(source), true) = (source, edge.passes_on(arriving.path)) {
                parts.push(source.clone());
            } else if let Some((x, _)) = edge.forward(arriving)? {
                parts.push(Rc::new(Value::new(x)));
            } else if let Some(shape) = edge.shape {
                parts.push(Rc::new(Value::new(zeros(arriving.images, shape, arriving.run)?)));
            }
        }
        Ok(Value::concat(parts))
    }
}

impl Edge {
    fn build(
        net: &EdgeNet,
        from: Option<Shape>,
        entered: Entered<'_>,
        builder: &mut Builder,
    ) -> Result<Self> {
        let wire = net.choices.iter().all(|choice| choice.op == OpId::PLAIN);
        let first = builder.operations.len();
        let Entered { unit, role, node, name } = entered;
        let shared = format!("{name}.{node}-{}.shared", net.from);
        let mut choices = Vec::with_capacity(net.choices.len());
        for (choice, Choice { layers, name: operation, .. }) in net.choices.iter().enumerate() {
            let place = format!("{name}.{node}-{}.{operation}", net.from);
            let chain =
                Chain::build(layers, Names { own: &place, shared: &shared, unit: name, path: "" }, builder);
            if !wire {
                let (name, edge, norm) = (operation.clone(), net.edge, chain.last_norm());
                builder.operations.push(Operation { place, name, unit, role, edge, choice, node, norm });
            }
            choices.push(chain);
        }
        let shape = match (from, net.choices.iter().find(|choice| !choice.is_absent())) {
            (Some(shape), Some(choice)) => Some(net.outside(after(&choice.layers, net.inside(shape))?)),
            _ => None,
        };
        let (from, index, partial) = (net.from, net.edge, net.partial);
        Ok(Self { from, index, choices, operations: (!wire).then_some(first), wire, partial, shape })
    }

    /// Whether some choice lets anything through.
    fn is_there(&self, chosen: &[Vec<usize>]) -> bool {
        chosen[self.index].iter().any(|&choice| !self.choices[choice].is_absent())
    }

    /// The choices of a path with which the edge is there.
    fn taken<'c>(&'c self, path: &'c CellPath) -> impl Iterator<Item = usize> + 'c {
        path.chosen[self.index].iter().copied().filter(|&choice| !self.choices[choice].is_absent())
    }

    /// Whether drop-path may drop a choice.
    fn may_drop(&self, choice: usize) -> bool {
        !self.wire && !self.choices[choice].is_identity()
    }

    /// Whether the path makes it a mere wire.
    fn passes_on(&self, path: &CellPath) -> bool {
        match path.chosen[self.index][..] {
            [choice] => self.wire && self.choices[choice].is_identity(),
            _ => false,
        }
    }

    /// The chosen operations of the source `[B, C, H, W]`, joined, and whether the result may be
    /// written to; none if none is chosen or nothing enters the source.
    fn forward(&self, arriving: &mut Arriving<'_, '_, '_, '_, '_>) -> Result<Option<(Tensor, bool)>> {
        let Some(source) = &arriving.values[self.from] else { return Ok(None) };
        let (worked_on, going_by) = match self.partial {
            Some(partial) => {
                let (first, others) = arriving.parts(self.from, source, partial)?;
                (first, Some((others, partial)))
            }
            None => (source.clone(), None),
        };
        let Some((mut y, mut owned)) = self.mixed(&worked_on, arriving)? else { return Ok(None) };
        if let Some((others, partial)) = going_by {
            // What was worked on has the weight of the edge already.
            let weight = match (&arriving.run.weights, self.wire) {
                (Some(weights), false) => weights.edge(arriving.role, self.index)?, // []
                _ => None,
            };
            (y, owned) = (shuffled(&y, &others, partial, weight)?, true);
        }
        Ok(Some((y, owned)))
    }

    /// The chosen operations on `[B, C, H, W]`, joined.
    fn mixed(
        &self,
        source: &Value,
        arriving: &mut Arriving<'_, '_, '_, '_, '_>,
    ) -> Result<Option<(Tensor, bool)>> {
        let Arriving { role, path, ref mut run, .. } = *arriving;
        let mut sum = Sum::default();
        for choice in self.taken(path) {
            let chain = &self.choices[choice];
            // [B, C', H', W']
            let (mut y, owned) = if self.wire || run.weights.is_none() {
                (chain.forward(source, run)?, chain.owns_result())
            } else {
                (chain.forward_weighted(source, (role, self.index, choice), run)?, true)
            };
            if self.may_drop(choice) {
                y = run.drop_path(y)?;
            }
            sum.add(y, owned)?;
        }
        Ok(sum.finish())
    }
}

fn zeros(images: i64, shape: Shape, run: &Run<'_, '_, '_>) -> Result<Tensor> {
    let size = [images, shape.channels as i64, shape.height as i64, shape.width as i64];
    Ok(Tensor::f_zeros(size, (run.compute, run.device))?)
}

fn after(layers: &[Layer], shape: Shape) -> Result<Shape, SpaceError> {
    layers.iter().try_fold(shape, |shape, layer| layer.output(shape))
}

/// Shape of each node's tensor; none for a node that no operation of the cell enters.
fn node_shapes(net: &CellNet, inputs: &[Shape]) -> Result<Vec<Option<Shape>>> {
    let mut shapes = vec![None; net.nodes.len()];
    for ((layers, &shape), &node) in net.preprocess.iter().zip(inputs).zip(&net.inputs) {
        shapes[node] = Some(after(layers, shape)?);
    }
    for &node in &net.order {
        let mut arriving = Vec::new();
        for edge in &net.nodes[node].incoming {
            let there = edge.choices.iter().find(|choice| !choice.is_absent());
            if let (Some(shape), Some(choice)) = (shapes[edge.from], there) {
                arriving.push(edge.outside(after(&choice.layers, edge.inside(shape))?));
            }
        }
        if !arriving.is_empty() {
            shapes[node] = Some(net.nodes[node].join.output(&arriving)?);
        }
    }
    Ok(shapes)
}
