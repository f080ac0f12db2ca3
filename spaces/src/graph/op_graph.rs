//! The op-on-node graph that predictors read.

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use petgraph::{Incoming, Outgoing};

use crate::graph::{Cell, CellGraph, OpId, Role, Vocabulary};

/// How much an [`OpGraph`] simplifies a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Simplify {
    /// Removes `none` and operations that do not reach the output, and contracts skips.
    #[default]
    Pruned,
    /// Keeps every operation as a node, including `none` and skips.
    Raw,
}

/// A DAG with one operation per node: inputs first, output last, in topological order.
///
/// An edge means that the result of one operation is part of the sum (or concatenation) that another
/// reads. A tensor that reaches the same sum twice counts once.
#[derive(Clone, Debug)]
pub struct OpGraph(DiGraph<OpId, ()>);

impl OpGraph {
    /// Converts a cell with operations on nodes, on edges, or on both.
    pub fn of(cell: &Cell, vocabulary: &Vocabulary, simplify: Simplify) -> Self {
        let mut flow = Flow { vocabulary, simplify, graph: DiGraph::new() };
        for i in 0..vocabulary.inputs() {
            flow.graph.add_node(OpId::input(i as u16));
        }
        let graph = flow.build(cell);
        Self(match simplify {
            Simplify::Raw => graph,
            Simplify::Pruned => drop_dead(&graph, vocabulary.inputs()),
        })
    }

    /// The graph.
    pub fn graph(&self) -> &DiGraph<OpId, ()> {
        &self.0
    }

    /// Number of nodes, including inputs and output.
    pub fn len(&self) -> usize {
        self.0.node_count()
    }

    /// Always `false`, since every graph has inputs and an output.
    pub fn is_empty(&self) -> bool {
        self.0.node_count() == 0
    }

    /// Labels in topological order.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = OpId> + '_ {
        self.0.raw_nodes().iter().map(|node| node.weight)
    }

    /// Edges as pairs of node positions `(from, to)`, `from < to`.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        self.0.raw_edges().iter().map(|e| (e.source().index(), e.target().index()))
    }
}

/// Walks a cell in topological order and notes which operations' results make up each tensor.
struct Flow<'a> {
    vocabulary: &'a Vocabulary,
    simplify: Simplify,
    graph: DiGraph<OpId, ()>,
}

impl Flow<'_> {
    fn build(mut self, cell: &Cell) -> DiGraph<OpId, ()> {
        let source = cell.graph();
        // A `Cell` is acyclic, so the order exists; the output comes last whatever else is a sink.
        let order = toposort(source, None).unwrap_or_default();
        let mut tensors: Vec<Vec<NodeIndex>> = vec![Vec::new(); source.node_count()];
        for node in order.into_iter().filter(|&node| node != cell.output()) {
            tensors[node.index()] = if self.vocabulary.role(source[node]) == Role::Input {
                vec![NodeIndex::new(source[node].index() - OpId::input(0).index())]
            } else {
                let sum = self.sum(source, node, &tensors);
                self.apply(source[node], sum)
            };
        }
        let sum = self.sum(source, cell.output(), &tensors);
        self.add(OpId::OUTPUT, &sum);
        self.graph
    }

    /// The operations whose results are summed at `node`.
    fn sum(&mut self, source: &CellGraph, node: NodeIndex, tensors: &[Vec<NodeIndex>]) -> Vec<NodeIndex> {
        let mut edges: Vec<_> =
            source.edges_directed(node, Incoming).map(|e| (e.source(), e.id(), *e.weight())).collect();
        edges.sort_unstable();
        let mut sum = Vec::new();
        for (from, _, op) in edges {
            sum.extend(self.apply(op, tensors[from.index()].clone()));
        }
        sum.sort_unstable();
        sum.dedup();
        sum
    }

    /// The operations whose results make up `op` of a sum.
    fn apply(&mut self, op: OpId, sum: Vec<NodeIndex>) -> Vec<NodeIndex> {
        let pruned = self.simplify == Simplify::Pruned;
        match self.vocabulary.role(op) {
            Role::Plain => sum,
            Role::Identity if pruned => sum,
            Role::Zero if pruned => Vec::new(),
            _ if pruned && sum.is_empty() => Vec::new(),
            _ => vec![self.add(op, &sum)],
        }
    }

    fn add(&mut self, op: OpId, sum: &[NodeIndex]) -> NodeIndex {
        let node = self.graph.add_node(op);
        for &from in sum {
            self.graph.add_edge(from, node, ());
        }
        node
    }
}

/// Removes operations whose result never reaches the output; inputs stay.
fn drop_dead(graph: &DiGraph<OpId, ()>, inputs: usize) -> DiGraph<OpId, ()> {
    let n = graph.node_count();
    let mut live = vec![false; n];
    live[n - 1] = true;
    for v in (0..n).rev() {
        live[v] = live[v] || graph.neighbors_directed(NodeIndex::new(v), Outgoing).any(|w| live[w.index()]);
    }
    graph
        .filter_map(|node, op| (live[node.index()] || node.index() < inputs).then_some(*op), |_, ()| Some(()))
}
