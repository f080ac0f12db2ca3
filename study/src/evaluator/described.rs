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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_every_space_lead_to_higher_numbers() {
        for entry in bonas_spaces::catalogue::SPACES.iter() {
            let space = entry.space();
            let mut rng = crate::rng::stream(3, &[]);
            for _ in 0..20 {
                let architecture = space.sample(&mut rng);
                let described = Described::of(&*space, &architecture).unwrap();
                for (cell, of) in described.cells.iter().zip(architecture.cells()) {
                    let graph = of.graph();
                    assert_eq!(
                        (cell.nodes.len(), cell.edges.len()),
                        (graph.node_count(), graph.edge_count())
                    );
                    assert!(cell.edges.iter().all(|edge| edge.from < edge.to), "{}", entry.name);
                    let ends = cell.edges.windows(2).all(|pair| pair[0].to <= pair[1].to);
                    assert!(ends && cell.nodes.contains(&"output"), "{}", entry.name);
                }
            }
        }
    }
}
