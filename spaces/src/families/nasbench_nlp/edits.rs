//! Recurrent cells one change away.

use super::sample::INTERMEDIATE;
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};

/// Kinds of changes.
pub(super) const KINDS: usize = 5;

/// One change, by the node or state and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    /// Another operation of as many inputs.
    Operation(usize, RecurrentOp),
    /// Another input in a place.
    Input(usize, usize, Source),
    /// An input of a blend exchanged with the next.
    Exchange(usize, usize),
    /// One input less.
    Drop(usize, usize),
    /// One input more.
    Add(usize, Source),
    /// Another node for a new state; if that is another state, the two are exchanged.
    Output(usize, usize),
    /// A node taken out; its readers read one of its inputs.
    TakeOut(usize, usize),
    /// A node put between another and its readers, which reads that one and others; a blend has it for its second.
    PutBehind(usize, RecurrentOp, [Option<Source>; 2]),
    /// A state taken out; its readers read the first.
    TakeState(usize),
    /// A state put in: a node's result, which a place reads in the next step.
    PutState(usize, usize, usize),
}

/// All changes, by kind: operations; inputs; new states; nodes put in or taken out; states put in or taken out. Some make no
/// cell.
pub(super) fn of(cell: &RecurrentCell) -> [Vec<Edit>; KINDS] {
    [operations(cell), inputs(cell), outputs(cell), sizes(cell), states(cell)]
}

/// The cell after a change; none where that is no cell, and where it makes a new state read an old one directly and none did.
pub(super) fn apply(cell: &RecurrentCell, edit: Edit) -> Option<RecurrentCell> {
    let mut draft = Draft { nodes: cell.nodes().to_vec(), outputs: cell.outputs().to_vec() };
    draft.change(edit);
    let child = RecurrentCell::new(&draft.nodes, &draft.outputs).ok()?;
    (cell.has_direct_state() || !child.has_direct_state()).then_some(child)
}

/// Whatever a node may read; what makes a circle is refused later.
fn sources(cell: &RecurrentCell) -> impl Iterator<Item = Source> + Clone {
    let states = (0..cell.states()).map(Source::State);
    std::iter::once(Source::Input).chain(states).chain((0..cell.nodes().len()).map(Source::Node))
}

/// Every place of every node.
fn places(cell: &RecurrentCell) -> impl Iterator<Item = (usize, usize)> + '_ {
    cell.nodes().iter().enumerate().flat_map(|(node, read)| (0..read.inputs.len()).map(move |at| (node, at)))
}

fn operations(cell: &RecurrentCell) -> Vec<Edit> {
    let of_node = |node: usize| {
        let (own, count) = (cell.nodes()[node].op, cell.nodes()[node].inputs.len());
        let takes = move |op: &RecurrentOp| {
            let (least, most) = op.inputs();
            // A linear node of one input comes of no draw.
            *op != own && (least..=most).contains(&count) && (count > 1 || *op != RecurrentOp::Linear)
        };
        RecurrentOp::ALL.into_iter().filter(takes).map(move |op| Edit::Operation(node, op))
    };
    (0..cell.nodes().len()).flat_map(of_node).collect()
}

fn inputs(cell: &RecurrentCell) -> Vec<Edit> {
    let mut found = Vec::new();
    for (node, at) in places(cell) {
        let own = &cell.nodes()[node];
        let others = sources(cell).filter(|source| !own.inputs.contains(source));
        found.extend(others.map(|source| Edit::Input(node, at, source)));
        match own.op {
            RecurrentOp::Blend => found.push(Edit::Exchange(node, at)),
            RecurrentOp::Linear if own.inputs.len() > 2 => found.push(Edit::Drop(node, at)),
            _ => {}
        }
    }
    for node in cell.places_of(RecurrentOp::Linear) {
        let others = sources(cell).filter(|source| !cell.nodes()[node].inputs.contains(source));
        found.extend(others.map(|source| Edit::Add(node, source)));
    }
    found
}

fn outputs(cell: &RecurrentCell) -> Vec<Edit> {
    let nodes = 0..cell.nodes().len();
    (0..cell.states()).flat_map(|state| nodes.clone().map(move |node| Edit::Output(state, node))).collect()
}

fn sizes(cell: &RecurrentCell) -> Vec<Edit> {
    let mut found: Vec<Edit> = places(cell).map(|(node, at)| Edit::TakeOut(node, at)).collect();
    if cell.nodes().len() >= cell.states() + INTERMEDIATE {
        return found;
    }
    for node in 0..cell.nodes().len() {
        let others = sources(cell).filter(|source| *source != Source::Node(node));
        for op in RecurrentOp::ALL {
            match op {
                RecurrentOp::Blend => {
                    let pairs = others.clone().flat_map(|gate| others.clone().map(move |last| (gate, last)));
                    let pairs = pairs.filter(|(gate, last)| gate != last);
                    found.extend(
                        pairs.map(|(gate, last)| Edit::PutBehind(node, op, [Some(gate), Some(last)])),
                    );
                }
                _ if op.inputs().1 == 1 => found.push(Edit::PutBehind(node, op, [None, None])),
                _ => found.extend(others.clone().map(|other| Edit::PutBehind(node, op, [None, Some(other)]))),
            }
        }
    }
    found
}

fn states(cell: &RecurrentCell) -> Vec<Edit> {
    let mut found: Vec<Edit> = (1..cell.states()).map(Edit::TakeState).collect();
    if cell.states() < RecurrentCell::MAX_STATES {
        let free = (0..cell.nodes().len()).filter(|node| !cell.outputs().contains(node));
        found.extend(free.flat_map(|new| places(cell).map(move |(node, at)| Edit::PutState(new, node, at))));
    }
    found
}

/// A cell that may break its invariants.
struct Draft {
    nodes: Vec<RecurrentNode>,
    outputs: Vec<usize>,
}

impl Draft {
    fn change(&mut self, edit: Edit) {
        match edit {
            Edit::Operation(node, op) => self.nodes[node].op = op,
            Edit::Input(node, at, source) => self.nodes[node].inputs[at] = source,
            Edit::Exchange(node, at) => self.nodes[node].inputs.swap(at, (at + 1) % 3),
            Edit::Drop(node, at) => _ = self.nodes[node].inputs.remove(at),
            Edit::Add(node, source) => self.nodes[node].inputs.push(source),
            Edit::Output(state, node) => match self.outputs.iter().position(|own| *own == node) {
                Some(other) => self.outputs.swap(state, other),
                None => self.outputs[state] = node,
            },
            Edit::TakeOut(node, at) => self.take_out(node, at),
            Edit::PutBehind(node, op, [first, last]) => {
                let inputs = [first, Some(Source::Node(node)), last].into_iter().flatten().collect();
                self.put_behind(node, RecurrentNode { op, inputs });
            }
            Edit::TakeState(state) => self.take_state(state),
            Edit::PutState(new, node, at) => {
                self.nodes[node].inputs[at] = Source::State(self.outputs.len());
                self.outputs.push(new);
            }
        }
    }

    fn take_out(&mut self, node: usize, at: usize) {
        let left = self.nodes[node].inputs[at];
        self.replace(Source::Node(node), left, None);
        if let Some(state) = self.outputs.iter().position(|own| *own == node)
            && let Source::Node(left) = left
        {
            self.outputs[state] = left;
        }
    }

    fn put_behind(&mut self, node: usize, new: RecurrentNode) {
        let at = self.nodes.len();
        self.nodes.push(new);
        self.replace(Source::Node(node), Source::Node(at), Some(at));
        self.outputs.iter_mut().filter(|own| **own == node).for_each(|own| *own = at);
    }

    /// What all nodes but one read.
    fn replace(&mut self, from: Source, to: Source, but: Option<usize>) {
        let nodes = self.nodes.iter_mut().enumerate().filter(|(at, _)| Some(*at) != but);
        let inputs = nodes.flat_map(|(_, node)| &mut node.inputs);
        inputs.filter(|source| **source == from).for_each(|source| *source = to);
    }

    /// Readers of a state read the first one; states behind it move up.
    fn take_state(&mut self, state: usize) {
        self.outputs.remove(state);
        for source in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            match source {
                Source::State(own) if *own == state => *source = Source::State(0),
                Source::State(own) if *own > state => *own -= 1,
                _ => {}
            }
        }
    }
}
