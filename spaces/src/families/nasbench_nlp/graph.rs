//! Recurrent cells as labelled graphs.

use petgraph::Direction::Incoming;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use crate::error::SpaceError;
use crate::graph::{Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};

/// `x` and the states.
const INPUTS: usize = 1 + RecurrentCell::MAX_STATES;

/// Label of the first operation: behind plain, output and the inputs.
const FIRST: usize = 2 + INPUTS;

/// Labels of the edges that carry `a` and `b` into a blend `a·b + (1 − a)·c`.
const BLEND: [&str; 2] = ["blend_gate", "blend_first"];

/// Labels of the edges that carry the new states to the output, and of nodes for new states that the output never depends on.
const NEW: [&str; RecurrentCell::MAX_STATES] = ["h_new_0", "h_new_1", "h_new_2"];

pub(super) fn vocabulary() -> Vocabulary {
    let ops = RecurrentOp::ALL.iter().map(|op| op.name());
    let labels: Vec<(&str, Role)> = ops.chain(BLEND).chain(NEW).map(|name| (name, Role::Compute)).collect();
    Vocabulary::known(INPUTS, &labels)
}

fn op_id(op: RecurrentOp) -> OpId {
    label(RecurrentOp::ALL.iter().position(|own| *own == op).unwrap_or_default())
}

fn blend_id(place: usize) -> OpId {
    if place < BLEND.len() { label(RecurrentOp::ALL.len() + place) } else { OpId::PLAIN }
}

fn new_id(state: usize) -> OpId {
    label(RecurrentOp::ALL.len() + BLEND.len() + state)
}

fn label(position: usize) -> OpId {
    OpId::from_index((FIRST + position) as u16)
}

/// Graph nodes are the inputs, the cell's nodes in order, new states that the output never depends on, and the output.
///
/// So a pruned graph, which predictors read, is that of what bears on the output in some step.
pub(super) fn of_cell(cell: &RecurrentCell) -> Cell {
    let mut graph = CellGraph::new();
    (0..INPUTS).for_each(|input| _ = graph.add_node(OpId::input(input as u16)));
    cell.nodes().iter().for_each(|node| _ = graph.add_node(op_id(node.op)));
    let bears = cell.bearing_states();
    let idle = (0..cell.states()).filter(|&state| !bears[state]);
    let idle: Vec<(usize, NodeIndex)> = idle.map(|state| (state, graph.add_node(new_id(state)))).collect();
    let output = graph.add_node(OpId::OUTPUT);
    for (at, node) in cell.nodes().iter().enumerate() {
        for (place, &source) in node.inputs.iter().enumerate() {
            let label = if node.op == RecurrentOp::Blend { blend_id(place) } else { OpId::PLAIN };
            graph.add_edge(index(source), index(Source::Node(at)), label);
        }
    }
    for (state, &node) in cell.outputs().iter().enumerate().filter(|(state, _)| bears[*state]) {
        graph.add_edge(index(Source::Node(node)), output, new_id(state));
    }
    for (state, end) in idle {
        graph.add_edge(index(Source::Node(cell.outputs()[state])), end, OpId::PLAIN);
    }
    Cell::built(graph, output)
}

fn index(source: Source) -> NodeIndex {
    NodeIndex::new(match source {
        Source::Input => 0,
        Source::State(state) => 1 + state,
        Source::Node(node) => INPUTS + node,
    })
}

fn source(node: NodeIndex) -> Source {
    match node.index() {
        0 => Source::Input,
        state if state < INPUTS => Source::State(state - 1),
        node => Source::Node(node - INPUTS),
    }
}

/// The cell of a graph made as [`of_cell`] makes it.
pub(super) fn to_cell(cell: &Cell) -> Result<RecurrentCell, SpaceError> {
    let graph = cell.graph();
    let bad = |reason: &str| SpaceError::cell(reason.to_owned());
    let count = graph.node_count().saturating_sub(1);
    let is_input = |node: usize| graph[NodeIndex::new(node)] == OpId::input(node as u16);
    if count < INPUTS || !(0..INPUTS).all(is_input) || cell.output().index() != count {
        return Err(bad("the first nodes must be the inputs, the last the output"));
    }
    let is_end = |node: usize| (0..NEW.len()).any(|state| graph[NodeIndex::new(node)] == new_id(state));
    let ends = (INPUTS..count).find(|&node| is_end(node)).unwrap_or(count);
    let nodes = (INPUTS..ends).map(|node| read_node(graph, NodeIndex::new(node)));
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let mut new: Vec<(OpId, usize)> = Vec::new();
    for end in (ends..count).map(NodeIndex::new).chain([cell.output()]) {
        for edge in graph.edges_directed(end, Incoming) {
            let label = if end == cell.output() { *edge.weight() } else { graph[end] };
            match source(edge.source()) {
                Source::Node(node) if node < nodes.len() => new.push((label, node)),
                _ => return Err(bad("a new state must be a node's result")),
            }
        }
    }
    new.sort_unstable();
    if !new.iter().enumerate().all(|(state, (label, _))| *label == new_id(state)) {
        return Err(bad("new states must be labelled h_new_0, h_new_1, .. in turn"));
    }
    let read = RecurrentCell::new(&nodes, &new.into_iter().map(|(_, node)| node).collect::<Vec<_>>())?;
    if read.nodes() != nodes {
        return Err(bad("nodes must stand behind those that they read and lead to a new state"));
    }
    Ok(read)
}

fn read_node(graph: &CellGraph, node: NodeIndex) -> Result<RecurrentNode, SpaceError> {
    let op = RecurrentOp::ALL.into_iter().find(|&op| op_id(op) == graph[node]);
    let op = op.ok_or_else(|| SpaceError::cell(format!("node {} has no operation", node.index())))?;
    let mut edges: Vec<_> = graph
        .edges_directed(node, Incoming)
        .map(|edge| (place(op, *edge.weight(), edge.id().index()), edge.source()))
        .collect();
    edges.sort_unstable();
    let mut places = edges.iter().enumerate();
    let fits = |(at, ((place, _), _)): (usize, &((usize, usize), NodeIndex))| {
        if op == RecurrentOp::Blend { *place == at } else { *place == 0 }
    };
    if !places.all(fits) {
        return Err(SpaceError::cell(format!("edges into {} are not labelled as its inputs", op.name())));
    }
    Ok(RecurrentNode { op, inputs: edges.into_iter().map(|(_, from)| source(from)).collect() })
}

/// The place of an input by its label, [`usize::MAX`] for a foreign one, then the order in which edges were added.
fn place(op: RecurrentOp, label: OpId, edge: usize) -> (usize, usize) {
    let places = if op == RecurrentOp::Blend { 0..3 } else { 0..0 };
    let plain = if label == OpId::PLAIN { 0 } else { usize::MAX };
    let found = places.into_iter().find(|&place| blend_id(place) == label);
    (found.unwrap_or(if op == RecurrentOp::Blend { usize::MAX } else { plain }), edge)
}
