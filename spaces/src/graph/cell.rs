//! A cell: a labelled directed acyclic graph.

use petgraph::algo::is_cyclic_directed;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::IntoNodeReferences;

use crate::error::SpaceError;
use crate::graph::{OpId, Role, Vocabulary};

/// The graph of a cell: operations on nodes, on edges, or on both.
///
/// A node sums its incoming edges, then applies its operation; an edge applies its operation to the
/// result of its source. [`OpId::PLAIN`] stands for no operation.
pub type CellGraph = DiGraph<OpId, OpId>;

/// A checked cell graph.
///
/// Invariants:
///
/// - The graph is acyclic.
/// - Each input of the vocabulary labels exactly one node, which has no incoming edge.
/// - [`OpId::OUTPUT`] labels exactly one node, which has no outgoing edge.
/// - [`OpId::PLAIN`] is the only structural label on edges.
#[derive(Clone, Debug)]
pub struct Cell {
    graph: CellGraph,
    output: NodeIndex,
}

impl Cell {
    /// Makes a cell of a graph, after checking it against the vocabulary.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] naming the invariant that the graph breaks.
    pub fn new(graph: CellGraph, vocabulary: &Vocabulary) -> Result<Self, SpaceError> {
        for (_, &op) in graph.node_references() {
            if !vocabulary.contains(op) {
                return Err(SpaceError::cell(format!("node label {} is not in the vocabulary", op.index())));
            }
        }
        for edge in graph.edge_references() {
            let op = *edge.weight();
            if !vocabulary.contains(op) || matches!(vocabulary.role(op), Role::Input | Role::Output) {
                return Err(SpaceError::cell(format!("edge label {} cannot stand on an edge", op.index())));
            }
        }
        if is_cyclic_directed(&graph) {
            return Err(SpaceError::cell("the graph has a cycle"));
        }
        for i in 0..vocabulary.inputs() {
            let node = only_node(&graph, OpId::input(i as u16), vocabulary)?;
            if graph.neighbors_directed(node, petgraph::Incoming).next().is_some() {
                return Err(SpaceError::cell(format!("an edge enters input {i}")));
            }
        }
        let output = only_node(&graph, OpId::OUTPUT, vocabulary)?;
        if graph.neighbors(output).next().is_some() {
            return Err(SpaceError::cell("an edge leaves the output"));
        }
        Ok(Self { graph, output })
    }

    /// A cell whose graph this crate built by construction: the invariants hold already.
    pub(crate) fn built(graph: CellGraph, output: NodeIndex) -> Self {
        debug_assert_eq!(graph[output], OpId::OUTPUT);
        debug_assert!(!is_cyclic_directed(&graph));
        Self { graph, output }
    }

    /// The labelled graph.
    pub fn graph(&self) -> &CellGraph {
        &self.graph
    }

    /// The output node.
    pub fn output(&self) -> NodeIndex {
        self.output
    }
}

fn only_node(graph: &CellGraph, label: OpId, vocabulary: &Vocabulary) -> Result<NodeIndex, SpaceError> {
    let mut nodes = graph.node_references().filter(|(_, op)| **op == label).map(|(node, _)| node);
    match (nodes.next(), nodes.next()) {
        (Some(node), None) => Ok(node),
        (None, _) => Err(SpaceError::cell(format!("no {} node", vocabulary.name(label)))),
        (Some(_), Some(_)) => Err(SpaceError::cell(format!("more than one {} node", vocabulary.name(label)))),
    }
}
