//! The form of a cell: its nodes, what they may read, and what carries the operations.

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use rand::Rng;

use super::subsets;
use crate::declared::description::{Carrier, Output};
use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Cell, CellGraph, OpId, Vocabulary};
use crate::network::{CellUnion, EdgeUnion};

/// What a node may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wiring {
    /// These nodes.
    Fixed(Vec<usize>),
    /// So many different earlier nodes.
    Free(usize),
}

/// The form of a cell. Nodes are the inputs, `nodes` others, and the output.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) carrier: Carrier,
    pub(super) inputs: usize,
    pub(super) nodes: usize,
    pub(super) output: Output,
    /// What the nodes from the first after the inputs on may read; the output last, if it is a node like the others.
    pub(super) wirings: Vec<Wiring>,
    /// The operations that may stand there.
    pub(super) ops: Vec<OpId>,
}

/// What a node reads, in order, and its operations as positions in [`Form::ops`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) sources: Vec<usize>,
    /// One for each source where edges carry operations; one, or none for an output, where nodes do.
    pub(super) ops: Vec<usize>,
}

/// A cell of a form: its nodes, the output last if it is one of [`Form::wirings`].
pub(super) type Point = Vec<Node>;

/// A change of one element of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    place: usize,
    slot: usize,
    to: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Another operation, as a position in [`Form::ops`].
    Operation(usize),
    /// Another source.
    Source(usize),
}

impl Edit {
    /// Makes the change in the cell that it was found for.
    pub(super) fn apply(&self, point: &mut Point) {
        let node = &mut point[self.place];
        match self.to {
            Change::Operation(op) => node.ops[self.slot] = op,
            Change::Source(from) => node.sources[self.slot] = from,
        }
    }
}

impl Form {
    /// Graph index of the output.
    pub(super) fn output_node(&self) -> usize {
        self.inputs + self.nodes
    }

    /// Whether some node is free in what it reads.
    pub(super) fn is_free(&self) -> bool {
        self.wirings.iter().any(|wiring| matches!(wiring, Wiring::Free(_)))
    }

    /// Number of operations of a node that reads so many others.
    fn slots(&self, place: usize, sources: usize) -> usize {
        match self.carrier {
            Carrier::Edges => sources,
            Carrier::Nodes => usize::from(place < self.nodes),
        }
    }

    fn sources(&self, place: usize) -> usize {
        match &self.wirings[place] {
            Wiring::Fixed(sources) => sources.len(),
            Wiring::Free(count) => *count,
        }
    }

    /// Number of options at each position: for each node its set of sources, where it is free, then its operations.
    pub(super) fn counts(&self) -> Vec<u128> {
        let mut counts = Vec::new();
        for (place, wiring) in self.wirings.iter().enumerate() {
            if let Wiring::Free(count) = wiring {
                counts.push(subsets::count(self.inputs + place, *count));
            }
            let slots = self.slots(place, self.sources(place));
            counts.extend(std::iter::repeat_n(self.ops.len() as u128, slots));
        }
        counts
    }

    /// Number of edges, those to an output that reads all nodes aside.
    pub(super) fn edges(&self) -> usize {
        (0..self.wirings.len()).map(|place| self.sources(place)).sum()
    }

    pub(super) fn sample(&self, rng: &mut dyn Rng) -> Point {
        let node = |(place, wiring): (usize, &Wiring)| {
            let sources = match wiring {
                Wiring::Fixed(sources) => sources.clone(),
                Wiring::Free(count) => subsets::draw(rng, self.inputs + place, *count),
            };
            let slots = self.slots(place, sources.len());
            let ops = (0..slots).map(|_| draw::below(rng, self.ops.len())).collect();
            Node { sources, ops }
        };
        self.wirings.iter().enumerate().map(node).collect()
    }

    /// The options of a cell, in the order of [`Self::counts`].
    pub(super) fn options(&self, point: &Point) -> Vec<usize> {
        let mut options = Vec::new();
        for (wiring, node) in self.wirings.iter().zip(point) {
            if matches!(wiring, Wiring::Fixed(_)) {
                options.extend(&node.ops);
                continue;
            }
            let mut order: Vec<usize> = (0..node.sources.len()).collect();
            order.sort_by_key(|&slot| node.sources[slot]);
            let sorted: Vec<usize> = order.iter().map(|&slot| node.sources[slot]).collect();
            options.push(subsets::rank(&sorted));
            match self.carrier {
                Carrier::Edges => options.extend(order.iter().map(|&slot| node.ops[slot])),
                Carrier::Nodes => options.extend(&node.ops),
            }
        }
        options
    }

    /// The cell with these options, of which there are enough and all in range.
    pub(super) fn point(&self, options: &mut impl Iterator<Item = usize>) -> Point {
        let node = |(place, wiring): (usize, &Wiring)| {
            let sources = match wiring {
                Wiring::Fixed(sources) => sources.clone(),
                Wiring::Free(count) => subsets::unrank(options.next().unwrap_or(0), *count),
            };
            let slots = self.slots(place, sources.len());
            Node { sources, ops: options.by_ref().take(slots).collect() }
        };
        self.wirings.iter().enumerate().map(node).collect()
    }

    /// Every change of one operation.
    ///
    /// The order is part of what a study is determined by: where nothing is free, operations are counted from the
    /// cell's own on; else from the first one.
    pub(super) fn relabelled(&self, point: &Point) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (place, node) in point.iter().enumerate() {
            for (slot, &own) in node.ops.iter().enumerate() {
                let others = (1..self.ops.len()).map(|by| (own + by) % self.ops.len());
                let mut others: Vec<usize> = others.collect();
                if self.is_free() {
                    others.sort_unstable();
                }
                edits.extend(others.into_iter().map(|op| Edit { place, slot, to: Change::Operation(op) }));
            }
        }
        edits
    }

    /// Every change of one source of a free node.
    pub(super) fn rewired(&self, point: &Point) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (place, node) in point.iter().enumerate() {
            if matches!(self.wirings[place], Wiring::Fixed(_)) {
                continue;
            }
            for slot in 0..node.sources.len() {
                let others = (0..self.inputs + place).filter(|from| !node.sources.contains(from));
                edits.extend(others.map(|from| Edit { place, slot, to: Change::Source(from) }));
            }
        }
        edits
    }

    pub(super) fn build(&self, point: &Point) -> Cell {
        let mut graph = CellGraph::with_capacity(self.output_node() + 1, 2 * self.output_node());
        for input in 0..self.inputs {
            graph.add_node(OpId::input(input as u16));
        }
        for node in point.iter().take(self.nodes) {
            graph.add_node(match self.carrier {
                Carrier::Edges => OpId::PLAIN,
                Carrier::Nodes => self.ops[node.ops[0]],
            });
        }
        let output = graph.add_node(OpId::OUTPUT);
        for (place, node) in point.iter().enumerate() {
            let to = NodeIndex::new(self.inputs + place);
            for (slot, &from) in node.sources.iter().enumerate() {
                let op = match self.carrier {
                    Carrier::Edges => self.ops[node.ops[slot]],
                    Carrier::Nodes => OpId::PLAIN,
                };
                graph.add_edge(NodeIndex::new(from), to, op);
            }
        }
        if self.output == Output::All {
            for node in 0..self.nodes {
                graph.add_edge(NodeIndex::new(self.inputs + node), output, OpId::PLAIN);
            }
        }
        Cell::built(graph, output)
    }

    /// Reads a cell.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for one that [`Self::build`] would not have made.
    pub(super) fn read(&self, cell: &Cell) -> Result<Point, SpaceError> {
        let graph = cell.graph();
        let mut point = self.read_nodes(graph)?;
        let mut joined = vec![0; self.nodes];
        for edge in graph.edge_references() {
            let (from, to, op) = (edge.source().index(), edge.target().index(), *edge.weight());
            let wrong = || SpaceError::cell(format!("this space has no such edge from {from} to {to}"));
            let place = to.checked_sub(self.inputs).filter(|_| from < to).ok_or_else(wrong)?;
            match point.get_mut(place) {
                Some(node) => {
                    node.sources.push(from);
                    match self.carrier {
                        Carrier::Edges => node.ops.push(self.position(op)?),
                        Carrier::Nodes if op == OpId::PLAIN => {}
                        Carrier::Nodes => return Err(wrong()),
                    }
                }
                None if from >= self.inputs && op == OpId::PLAIN => joined[from - self.inputs] += 1,
                None => return Err(wrong()),
            }
        }
        if self.output == Output::All && joined.iter().any(|times| *times != 1) {
            return Err(SpaceError::cell("each node enters the output exactly once"));
        }
        for (place, node) in point.iter_mut().enumerate() {
            self.check_sources(place, node)?;
        }
        Ok(point)
    }

    /// The nodes without what they read.
    fn read_nodes(&self, graph: &CellGraph) -> Result<Point, SpaceError> {
        let wrong = || {
            SpaceError::cell(format!(
                "a cell has {} inputs, {} nodes and an output, in this order",
                self.inputs, self.nodes
            ))
        };
        let labels: Vec<OpId> = graph.node_weights().copied().collect();
        let inputs = (0..self.inputs).map(|i| OpId::input(i as u16));
        if labels.len() != self.output_node() + 1
            || !inputs.eq(labels[..self.inputs].iter().copied())
            || labels[self.output_node()] != OpId::OUTPUT
        {
            return Err(wrong());
        }
        let node = |place: usize| {
            let ops = match (self.carrier, labels[self.inputs + place]) {
                (_, OpId::OUTPUT) | (Carrier::Edges, OpId::PLAIN) => Vec::new(),
                (Carrier::Nodes, op) => vec![self.position(op)?],
                (Carrier::Edges, _) => return Err(wrong()),
            };
            Ok(Node { sources: Vec::new(), ops })
        };
        (0..self.wirings.len()).map(node).collect()
    }

    /// Puts the sources of a fixed node into their order, and refuses those that a node may not have.
    pub(super) fn check_sources(&self, place: usize, node: &mut Node) -> Result<(), SpaceError> {
        let mut order: Vec<usize> = (0..node.sources.len()).collect();
        order.sort_by_key(|&slot| node.sources[slot]);
        let sorted: Vec<usize> = order.iter().map(|&slot| node.sources[slot]).collect();
        let number = self.inputs + place;
        if let Some([twice, ..]) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SpaceError::cell(format!("node {number} reads node {twice} twice")));
        }
        if let Some(late) = sorted.last().filter(|&&from| from >= number) {
            return Err(SpaceError::cell(format!(
                "node {number} reads node {late}, which does not come before it"
            )));
        }
        match &self.wirings[place] {
            Wiring::Free(count) if sorted.len() != *count => {
                Err(SpaceError::cell(format!("node {number} reads {} nodes, expected {count}", sorted.len())))
            }
            Wiring::Fixed(expected) if sorted != *expected => {
                Err(SpaceError::cell(format!("node {number} reads nodes {sorted:?}, expected {expected:?}")))
            }
            Wiring::Fixed(_) if self.carrier == Carrier::Edges => {
                node.ops = order.iter().map(|&slot| node.ops[slot]).collect();
                node.sources = sorted;
                Ok(())
            }
            Wiring::Fixed(_) => {
                node.sources = sorted;
                Ok(())
            }
            Wiring::Free(_) => Ok(()),
        }
    }

    fn position(&self, op: OpId) -> Result<usize, SpaceError> {
        let found = self.ops.iter().position(|own| *own == op);
        found.ok_or_else(|| {
            SpaceError::cell(format!("label {} is not one of the cell's operations", op.index()))
        })
    }

    /// The union of all cells: every operation in every place.
    pub(super) fn whole(&self, vocabulary: &Vocabulary) -> CellUnion {
        let is_zero = |op: &OpId| vocabulary.role(*op) == crate::graph::Role::Zero;
        if self.carrier == Carrier::Nodes {
            return CellUnion::of_vertices(self.nodes, vocabulary);
        }
        let mut ops: Vec<OpId> = self.ops.iter().copied().filter(|op| !is_zero(op)).collect();
        ops.sort_unstable();
        let mut edges = Vec::new();
        for (place, wiring) in self.wirings.iter().enumerate() {
            let to = self.inputs + place;
            let sources = match wiring {
                Wiring::Fixed(sources) => sources.clone(),
                Wiring::Free(_) => (0..to).collect(),
            };
            edges.extend(sources.into_iter().map(|from| EdgeUnion { from, to, ops: ops.clone() }));
        }
        if self.output == Output::All {
            let wire =
                |node| EdgeUnion { from: self.inputs + node, to: self.output_node(), ops: vec![OpId::PLAIN] };
            edges.extend((0..self.nodes).map(wire));
        }
        let mut nodes: Vec<OpId> = (0..self.inputs).map(|i| OpId::input(i as u16)).collect();
        nodes.extend(std::iter::repeat_n(OpId::PLAIN, self.nodes));
        nodes.push(OpId::OUTPUT);
        CellUnion { nodes, edges }
    }
}
