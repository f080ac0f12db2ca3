//! The operations that a set of architectures needs, and the route of each architecture through them.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::visit::EdgeRef;

use crate::error::SpaceError;
use crate::graph::{Architecture, Cell, OpId, Role, Vocabulary};

/// An edge of a [`CellUnion`], with every operation that a cell of the union has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeUnion {
    /// Node the edge leaves.
    pub from: usize,
    /// Node the edge enters.
    pub to: usize,
    /// The operations in ascending order, without `none`.
    pub ops: Vec<OpId>,
}

/// The logical OR of cells.
///
/// Cells with operations on edges must have the same nodes.
///
/// In a cell with operations on its interior nodes, each such *vertex* becomes an edge, from an "in"
/// node that sums what enters the vertex to an "out" node with its result. The nodes of the union are
/// the inputs, in and out of vertex 1, 2, .., and the output. The edges of the cell are then wires,
/// which a route takes or leaves like any other operation. The k-th interior vertices of all cells
/// share one place; a cell may have fewer vertices than the union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellUnion {
    /// Label of each node, by graph index or in the order given above.
    pub nodes: Vec<OpId>,
    /// Edges, sorted by `(to, from)`.
    pub edges: Vec<EdgeUnion>,
}

/// The operations of a [`CellUnion`] that one cell uses: positions in [`EdgeUnion::ops`] for each edge
/// of the union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRoute(pub Vec<Vec<usize>>);

/// The route of an architecture: one [`CellRoute`] for each cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route(pub Vec<CellRoute>);

/// The logical OR of architectures, cell by cell (the sub-supernet of BONAS).
#[derive(Clone, Debug)]
pub struct Union {
    /// The cells, in the space's order.
    pub cells: Vec<CellUnion>,
    /// The operations.
    pub vocabulary: std::sync::Arc<Vocabulary>,
}

impl Union {
    /// The union of architectures of one space.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for an empty list, or cells with different nodes.
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

    /// The route of an architecture through the union.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for an architecture with an operation that the union does not have.
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
        let vertices = cells.iter().map(|cell| interior(cell, vocabulary)).max().unwrap_or(0);
        let mut nodes: Option<Vec<OpId>> = None;
        let mut edges: BTreeMap<(usize, usize), BTreeSet<OpId>> = BTreeMap::new();
        for cell in cells {
            let cell = OnEdges::of(cell, vertices, vocabulary)?;
            if *nodes.get_or_insert_with(|| cell.nodes.clone()) != cell.nodes {
                return Err(SpaceError::network("only cells with the same nodes can share a network"));
            }
            for (from, to, op) in cell.edges {
                edges.entry((to, from)).or_default().insert(op);
            }
        }
        let edges = edges
            .into_iter()
            .map(|((to, from), ops)| EdgeUnion { from, to, ops: ops.into_iter().collect() })
            .collect();
        Ok(Self { nodes: nodes.unwrap_or_default(), edges })
    }

    /// The union of all cells of up to `vertices` interior vertices: every operation on each vertex, and
    /// every wire from an earlier vertex to a later one.
    pub fn of_vertices(vertices: usize, vocabulary: &Vocabulary) -> Self {
        let places = Places { inputs: vocabulary.inputs(), vertices };
        let sources = |before| (0..places.inputs).chain((0..before).map(|v| places.leaves(v)));
        let wire = |from, to| EdgeUnion { from, to, ops: vec![OpId::PLAIN] };
        let ops: Vec<OpId> = vocabulary.ops().filter(|&op| vocabulary.role(op) != Role::Zero).collect();
        let mut edges = Vec::new();
        for v in 0..vertices {
            let (from, to) = (places.enters(v), places.leaves(v));
            edges.extend(sources(v).map(|source| wire(source, from)));
            edges.push(EdgeUnion { from, to, ops: ops.clone() });
        }
        edges.extend(sources(vertices).map(|source| wire(source, places.output())));
        Self { nodes: places.labels(), edges }
    }

    fn route(&self, cell: &Cell, vocabulary: &Vocabulary) -> Result<CellRoute, SpaceError> {
        let vertices = self.nodes.len().saturating_sub(vocabulary.inputs() + 1) / 2;
        let mut route = vec![Vec::new(); self.edges.len()];
        for (from, to, op) in OnEdges::of(cell, vertices, vocabulary)?.edges {
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

/// Where the vertices of a cell stand among the nodes of a [`CellUnion`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// Inputs of the cell.
    pub(crate) inputs: usize,
    /// Interior vertices of the union.
    pub(crate) vertices: usize,
}

impl Places {
    /// The node that sums what enters interior vertex `v`, counted from 0.
    pub(crate) fn enters(self, v: usize) -> usize {
        self.inputs + 2 * v
    }

    /// The node with the result of vertex `v`.
    pub(crate) fn leaves(self, v: usize) -> usize {
        self.inputs + 2 * v + 1
    }

    pub(crate) fn output(self) -> usize {
        self.inputs + 2 * self.vertices
    }

    /// Labels of all nodes.
    pub(crate) fn labels(self) -> Vec<OpId> {
        let inputs = (0..self.inputs).map(|i| OpId::input(i as u16));
        let interior = std::iter::repeat_n(OpId::PLAIN, 2 * self.vertices);
        inputs.chain(interior).chain([OpId::OUTPUT]).collect()
    }
}

/// A cell as a union has it: all operations on edges `(from, to, op)`, `none` left out.
struct OnEdges {
    nodes: Vec<OpId>,
    edges: Vec<(usize, usize, OpId)>,
}

impl OnEdges {
    /// `vertices` says how many interior vertices there is room for, where they carry operations.
    fn of(cell: &Cell, vertices: usize, vocabulary: &Vocabulary) -> Result<Self, SpaceError> {
        let labels: Vec<OpId> = cell.graph().node_weights().copied().collect();
        if labels.contains(&OpId::PLAIN) {
            let edges = live_edges(cell, vocabulary).collect();
            return Ok(Self { nodes: labels, edges });
        }
        let places = Places { inputs: vocabulary.inputs(), vertices };
        let (mut edges, mut ends, mut next) = (Vec::new(), Vec::with_capacity(labels.len()), 0);
        for label in labels {
            let node = match vocabulary.role(label) {
                Role::Input => label.index() - OpId::input(0).index(),
                Role::Output => places.output(),
                role => {
                    let (enters, leaves) = (places.enters(next), places.leaves(next));
                    next += 1;
                    ends.push((enters, leaves));
                    edges.extend((role != Role::Zero).then_some((enters, leaves, label)));
                    continue;
                }
            };
            ends.push((node, node));
        }
        if next > vertices {
            let reason = format!("the cell has {next} interior vertices, and the network {vertices}");
            return Err(SpaceError::network(reason));
        }
        let wires = live_edges(cell, vocabulary).map(|(from, to, op)| (ends[from].1, ends[to].0, op));
        edges.extend(wires);
        Ok(Self { nodes: places.labels(), edges })
    }
}

/// Nodes of a cell that are neither input nor output.
fn interior(cell: &Cell, vocabulary: &Vocabulary) -> usize {
    let inner = |label: &&OpId| !matches!(vocabulary.role(**label), Role::Input | Role::Output);
    cell.graph().node_weights().filter(inner).count()
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
