//! The operations that a set of architectures needs, and the route of each through them.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::visit::EdgeRef;

use crate::{Architecture, Cell, OpId, Role, SpaceError, Vocabulary};

/// One edge of a [`CellUnion`]: every operation that one of the cells has between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeUnion {
    /// Node the edge leaves.
    pub from: usize,
    /// Node the edge enters.
    pub to: usize,
    /// The operations, ascending, `none` left out.
    pub ops: Vec<OpId>,
}

/// The logical OR of cells that share their nodes (op-on-edge spaces).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellUnion {
    /// Label of each node, by graph index.
    pub nodes: Vec<OpId>,
    /// Edges sorted by `(to, from)`.
    pub edges: Vec<EdgeUnion>,
}

/// The operations that one cell uses of a [`CellUnion`]: for each of its edges, positions in
/// [`EdgeUnion::ops`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRoute(pub Vec<Vec<usize>>);

/// One [`CellRoute`] a cell of the architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route(pub Vec<CellRoute>);

/// The logical OR of architectures, cell by cell (spec of BONAS' sub-supernet).
#[derive(Clone, Debug)]
pub struct Union {
    /// The cells, in the space's order.
    pub cells: Vec<CellUnion>,
    /// Names of the operations.
    pub vocabulary: std::sync::Arc<Vocabulary>,
}

impl Union {
    /// The union of architectures of one space.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when there is none, or their cells do not have the same nodes.
    pub fn of(architectures: &[Architecture]) -> Result<Self, SpaceError> {
        let Some(first) = architectures.first() else {
            return Err(SpaceError::network("a union of no architecture"));
        };
        let cells = (0..first.cells().len())
            .map(|i| {
                let cells = architectures.iter().map(|a| {
                    a.cells().get(i).ok_or_else(|| SpaceError::network("architectures of different spaces"))
                });
                CellUnion::of(&cells.collect::<Result<Vec<_>, _>>()?, first.vocabulary())
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { cells, vocabulary: first.vocabulary().clone() })
    }

    /// The route of one of the architectures.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when it needs an operation that the union lacks.
    pub fn route(&self, architecture: &Architecture) -> Result<Route, SpaceError> {
        let routes =
            self.cells.iter().zip(architecture.cells()).map(|(u, cell)| u.route(cell, &self.vocabulary));
        Ok(Route(routes.collect::<Result<_, _>>()?))
    }

    /// The route that uses every operation.
    pub fn full_route(&self) -> Route {
        let full =
            |cell: &CellUnion| CellRoute(cell.edges.iter().map(|e| (0..e.ops.len()).collect()).collect());
        Route(self.cells.iter().map(full).collect())
    }
}

impl CellUnion {
    fn of(cells: &[&Cell], vocabulary: &Vocabulary) -> Result<Self, SpaceError> {
        let nodes: Vec<OpId> = cells[0].graph().node_weights().copied().collect();
        let mut edges: BTreeMap<(usize, usize), BTreeSet<OpId>> = BTreeMap::new();
        for cell in cells {
            if !cell.graph().node_weights().eq(&nodes) {
                return Err(SpaceError::network("only cells with the same nodes can share a network"));
            }
            for (from, to, op) in live_edges(cell, vocabulary) {
                edges.entry((to, from)).or_default().insert(op);
            }
        }
        let edges = edges
            .into_iter()
            .map(|((to, from), ops)| EdgeUnion { from, to, ops: ops.into_iter().collect() })
            .collect();
        Ok(Self { nodes, edges })
    }

    fn route(&self, cell: &Cell, vocabulary: &Vocabulary) -> Result<CellRoute, SpaceError> {
        let mut route = vec![Vec::new(); self.edges.len()];
        for (from, to, op) in live_edges(cell, vocabulary) {
            let place = self
                .edges
                .iter()
                .position(|e| (e.from, e.to) == (from, to))
                .and_then(|edge| Some((edge, self.edges[edge].ops.iter().position(|&o| o == op)?)));
            let Some((edge, choice)) = place else {
                return Err(SpaceError::network(format!(
                    "the network has no {} from node {from} to node {to}",
                    vocabulary.name(op)
                )));
            };
            route[edge].push(choice);
        }
        Ok(CellRoute(route))
    }
}

fn live_edges<'a>(
    cell: &'a Cell,
    vocabulary: &'a Vocabulary,
) -> impl Iterator<Item = (usize, usize, OpId)> + 'a {
    cell.graph()
        .edge_references()
        .filter(|e| vocabulary.role(*e.weight()) != Role::Zero)
        .map(|e| (e.source().index(), e.target().index(), *e.weight()))
}
