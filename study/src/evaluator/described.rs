//! Architectures in JSON.

use bonas_spaces::petgraph::algo::toposort;
use bonas_spaces::petgraph::graph::EdgeReference;
use bonas_spaces::petgraph::visit::EdgeRef;
use bonas_spaces::{Architecture, Cell, OpId, SearchSpace, SpaceError, Vocabulary};
use serde::Serialize;

/// An architecture for readers that know nothing of the space's notation.
#[derive(Clone, Debug, Serialize)]
pub struct Described<'a> {
    /// In the space's notation.
    text: String,
    /// Its key in hexadecimal: equal for isomorphic architectures.
    key: String,
    cells: Vec<DescribedCell<'a>>,
    /// The option at each position; null where the space is not one of independent choices.
    choices: Option<Vec<usize>>,
}

#[derive(Clone, Debug, Serialize)]
struct DescribedCell<'a> {
    name: &'a str,
    /// The operation on each node; `plain` is a sum. Every edge leads from a lower to a higher number.
    nodes: Vec<&'a str>,
    edges: Vec<DescribedEdge<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct DescribedEdge<'a> {
    from: usize,
    to: usize,
    /// The operation on the edge; `plain` is a wire.
    op: &'a str,
}

impl<'a> Described<'a> {
    /// Describes an architecture.
    ///
    /// # Errors
    /// [`SpaceError`] for an architecture that is not of this space.
    pub fn of(space: &'a dyn SearchSpace, architecture: &'a Architecture) -> Result<Self, SpaceError> {
        let names = space.cell_names();
        let cell = |(i, cell)| {
            describe_cell(names.get(i).copied().unwrap_or("cell"), cell, architecture.vocabulary())
        };
        Ok(Self {
            text: space.format(architecture)?,
            key: architecture.key().to_string(),
            cells: architecture.cells().iter().enumerate().map(cell).collect(),
            choices: space.choices().map(|choices| choices.read(architecture)).transpose()?,
        })
    }
}

/// A cell whose nodes are numbered so that every edge leads to a higher number, as a program goes through them.
fn describe_cell<'a>(name: &'a str, cell: &'a Cell, vocabulary: &'a Vocabulary) -> DescribedCell<'a> {
    let graph = cell.graph();
    let in_order = graph.edge_references().all(|edge| edge.source() < edge.target());
    // A cell has no circle, so that there always is such an order.
    let sorted = if in_order { None } else { toposort(graph, None).ok() };
    let order = sorted.unwrap_or_else(|| graph.node_indices().collect());
    let number = |node| order.iter().position(|&other| other == node).unwrap_or_default();
    let edge = |edge: EdgeReference<'_, OpId>| DescribedEdge {
        from: number(edge.source()),
        to: number(edge.target()),
        op: vocabulary.name(*edge.weight()),
    };
    let mut edges: Vec<DescribedEdge<'_>> = graph.edge_references().map(edge).collect();
    edges.sort_by_key(|edge| (edge.to, edge.from));
    DescribedCell { name, nodes: order.iter().map(|&node| vocabulary.name(graph[node])).collect(), edges }
}
