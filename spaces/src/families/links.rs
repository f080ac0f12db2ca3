//! Networks of chains: the operations of a chain as cells, one after the other.

use crate::error::SpaceError;
use crate::graph::OpId;
use crate::network::{CellNet, Choice, EdgeNet, Join, Layer, NodeNet, OpTable, Places, Port, Union};

/// The union of chains that have the same length, link by link. A link is one operation of the chain, with
/// all choices that there are for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links<'a> {
    union: &'a Union,
}

/// How a segment of a chain ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// Layers after its last link.
    pub(crate) layers: Vec<Layer>,
    /// Whether what enters the segment is added to the result.
    pub(crate) residual: bool,
}

impl<'a> Links<'a> {
    /// Reads a union.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for what is not the union of chains of one length; `what` says what the skeleton
    /// wants.
    pub(crate) fn of(union: &'a Union, what: &str) -> Result<Self, SpaceError> {
        let wrong = || SpaceError::network(format!("this skeleton wants {what}"));
        let [cell] = &union.cells[..] else { return Err(wrong()) };
        let vertices = cell.nodes.len().saturating_sub(2) / 2;
        // Edges are sorted by the node that they enter: wire, link, wire, .., link, wire.
        let chained = cell.edges.len() == 2 * vertices + 1
            && cell.edges.iter().enumerate().all(|(i, edge)| {
                let link = i % 2 == 1;
                let fits = if link { !edge.ops.contains(&OpId::PLAIN) } else { edge.ops == [OpId::PLAIN] };
                (edge.from, edge.to) == (i, i + 1) && fits
            });
        if union.vocabulary.inputs() != 1
            || cell.nodes != (Places { inputs: 1, vertices }).labels()
            || !chained
        {
            return Err(wrong());
        }
        Ok(Self { union })
    }

    /// The same for a skeleton that knows operations by their places in the vocabulary.
    ///
    /// # Errors
    /// As [`Self::of`]; [`SpaceError::Network`] for other operations than these, in this order.
    pub(crate) fn of_operations(
        union: &'a Union,
        operations: &[&str],
        what: &str,
    ) -> Result<Self, SpaceError> {
        let vocabulary = &union.vocabulary;
        let own = vocabulary.ops().map(|op| vocabulary.name(op));
        if !own.eq(operations.iter().copied()) {
            let names = operations.join(", ");
            return Err(SpaceError::network(format!(
                "this skeleton wants the operations {names}, in this order"
            )));
        }
        Self::of(union, what)
    }

    /// Number of links.
    pub(crate) fn len(self) -> usize {
        self.union.cells[0].edges.len() / 2
    }

    /// The choices of a link.
    pub(crate) fn ops(self, link: usize) -> &'a [OpId] {
        &self.union.cells[0].edges[2 * link + 1].ops
    }

    /// The name of an operation.
    pub(crate) fn name(self, op: OpId) -> &'a str {
        self.union.vocabulary.name(op)
    }

    /// The links from `first` on, one for each port, as a cell of one input.
    ///
    /// Segments cover a chain from its first link to its last; then every edge of the union is in one of them.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`] for an operation that `ops` lacks.
    pub(crate) fn segment(
        self,
        first: usize,
        ports: &[Port],
        ending: Ending,
        ops: &OpTable,
    ) -> Result<CellNet, SpaceError> {
        let mut path = Path { nodes: vec![NodeNet { join: Join::Sum, incoming: Vec::new() }] };
        for (link, &port) in (first..).zip(ports) {
            if link == 0 || link > first {
                path.extend(2 * link, self.wire(Vec::new()));
            }
            path.extend(2 * link + 1, Choice::each(self.ops(link), &self.union.vocabulary, port, ops)?);
        }
        let last = 2 * (first + ports.len());
        path.extend(last, self.wire(ending.layers));
        if ending.residual {
            path.join(last, self.wire(Vec::new()));
        }
        Ok(path.cell())
    }

    /// A link as a cell of one input with several edges, all of which take the choice of the link.
    ///
    /// `edges` are pairs of nodes, of which 0 is the input and the highest the output, with a kind; `layers` gives the
    /// layers of each choice from the first node of an edge of that kind.
    ///
    /// # Errors
    /// Those of `layers`.
    pub(crate) fn graph<K: Copy>(
        self,
        link: usize,
        edges: &[(usize, usize, K)],
        layers: impl Fn(usize, K, &[OpId]) -> Result<Vec<Vec<Layer>>, SpaceError>,
    ) -> Result<CellNet, SpaceError> {
        let mut path = Path { nodes: vec![NodeNet { join: Join::Sum, incoming: Vec::new() }] };
        path.extend(2 * link, self.wire(Vec::new()));
        let last = edges.iter().map(|&(_, to, _)| to).max().unwrap_or(0);
        let inner = || NodeNet { join: Join::Sum, incoming: Vec::new() };
        path.nodes.extend((0..last).map(|_| inner()));
        let (ops, vocabulary) = (self.ops(link), &self.union.vocabulary);
        for &(from, to, kind) in edges {
            let choices = ops.iter().zip(layers(from, kind, ops)?);
            let choice = |(&op, layers)| Choice { op, name: vocabulary.name(op).to_owned(), layers };
            let choices = choices.map(choice).collect();
            let edge = EdgeNet { from: from + 1, edge: 2 * link + 1, choices, partial: None };
            path.nodes[to + 1].incoming.push(edge);
        }
        path.extend(2 * (link + 1), self.wire(Vec::new()));
        Ok(path.cell())
    }

    /// The choice of an edge without an operation.
    fn wire(self, layers: Vec<Layer>) -> Vec<Choice> {
        vec![Choice { op: OpId::PLAIN, name: self.union.vocabulary.name(OpId::PLAIN).to_owned(), layers }]
    }
}

/// The nodes of a cell that is one path.
struct Path {
    nodes: Vec<NodeNet>,
}

impl Path {
    /// Adds an edge from the last node to a new one.
    fn extend(&mut self, edge: usize, choices: Vec<Choice>) {
        let incoming = vec![EdgeNet { from: self.nodes.len() - 1, edge, choices, partial: None }];
        self.nodes.push(NodeNet { join: Join::Sum, incoming });
    }

    /// Adds an edge from the first node to the last.
    fn join(&mut self, edge: usize, choices: Vec<Choice>) {
        if let Some(last) = self.nodes.last_mut() {
            last.incoming.push(EdgeNet { from: 0, edge, choices, partial: None });
        }
    }

    fn cell(self) -> CellNet {
        let nodes = self.nodes;
        let (order, output) = ((0..nodes.len()).collect(), nodes.len() - 1);
        CellNet { preprocess: vec![vec![]], nodes, order, inputs: vec![0], output, zeros: None }
    }
}
