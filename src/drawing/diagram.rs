//! A cell as boxes and arrows: what both drawings have in common.

use bonas_spaces::{Cell, OpId, Role, Vocabulary};

/// An edge of a cell by node indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) to: usize,
    pub(super) from: usize,
    pub(super) op: OpId,
}

/// The edges of a cell, sorted.
pub(super) fn edges(cell: &Cell) -> Vec<Edge> {
    let raw = cell.graph().raw_edges().iter();
    let mut edges: Vec<Edge> =
        raw.map(|e| Edge { to: e.target().index(), from: e.source().index(), op: e.weight }).collect();
    edges.sort_unstable();
    edges
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An input of the cell.
    Input,
    /// The output.
    Output,
    /// A node that joins what comes in.
    Node,
    /// An operation; the number tells operations of a vocabulary apart.
    Op(usize),
}

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What is written in it.
    pub(super) label: String,
    /// What it stands for.
    pub(super) kind: Kind,
}

/// Boxes and arrows; an operation on an edge is a box of its own, `none` is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Diagram {
    pub(super) items: Vec<Item>,
    pub(super) arrows: Vec<(usize, usize)>,
}

impl Diagram {
    pub(super) fn of(cell: &Cell, vocabulary: &Vocabulary) -> Self {
        let items = cell.graph().node_weights().enumerate().map(|(i, op)| node_item(*op, i, vocabulary));
        let mut diagram = Self { items: items.collect(), arrows: Vec::new() };
        for Edge { to, from, op } in edges(cell) {
            match vocabulary.role(op) {
                Role::Zero => {}
                Role::Plain => diagram.arrows.push((from, to)),
                _ => diagram.add_op(from, to, op, vocabulary),
            }
        }
        diagram
    }

    fn add_op(&mut self, from: usize, to: usize, op: OpId, vocabulary: &Vocabulary) {
        let middle = self.items.len();
        self.items.push(Item { label: vocabulary.name(op).to_owned(), kind: op_kind(op, vocabulary) });
        self.arrows.extend([(from, middle), (middle, to)]);
    }
}

fn op_kind(op: OpId, vocabulary: &Vocabulary) -> Kind {
    Kind::Op(vocabulary.ops().position(|o| o == op).unwrap_or(0))
}

fn node_item(op: OpId, index: usize, vocabulary: &Vocabulary) -> Item {
    let name = vocabulary.name(op).to_owned();
    match vocabulary.role(op) {
        Role::Input => Item { label: name, kind: Kind::Input },
        Role::Output => Item { label: name, kind: Kind::Output },
        Role::Plain => Item { label: index.to_string(), kind: Kind::Node },
        _ => Item { label: name, kind: op_kind(op, vocabulary) },
    }
}
