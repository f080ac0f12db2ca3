//! Recurrent cells one change away.

use super::sample::INTERMEDIATE;
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};

/// Kinds of changes.
pub(super) const KINDS: usize = 5;

/// Everything one change away, by kind: operations; inputs; new states; nodes put in or taken out; states put in or taken out.
///
/// No change makes a new state read an old one directly where none did, and none makes a cell larger than those that are drawn.
pub(super) fn of(cell: &RecurrentCell) -> [Vec<RecurrentCell>; KINDS] {
    let draft = Draft { nodes: cell.nodes().to_vec(), outputs: cell.outputs().to_vec() };
    let kinds = [draft.operations(), draft.inputs(), draft.outputs(), draft.sizes(), draft.states()];
    let fits = |child: &RecurrentCell| cell.has_direct_state() || !child.has_direct_state();
    kinds.map(|drafts| drafts.into_iter().filter_map(Draft::cell).filter(fits).collect())
}

/// A cell that may break its invariants.
#[derive(Clone)]
struct Draft {
    nodes: Vec<RecurrentNode>,
    outputs: Vec<usize>,
}

impl Draft {
    fn cell(self) -> Option<RecurrentCell> {
        RecurrentCell::new(self.nodes, self.outputs).ok()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// Whatever a node may read; what makes a circle is refused later.
    fn sources(&self) -> Vec<Source> {
        let states = (0..self.outputs.len()).map(Source::State);
        std::iter::once(Source::Input).chain(states).chain((0..self.nodes.len()).map(Source::Node)).collect()
    }

    /// Every place of every node.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.nodes
            .iter()
            .enumerate()
            .flat_map(|(node, read)| (0..read.inputs.len()).map(move |at| (node, at)))
    }

    /// Another operation of as many inputs.
    fn operations(&self) -> Vec<Self> {
        let of_node = |at: usize| {
            let (own, count) = (self.nodes[at].op, self.nodes[at].inputs.len());
            let takes = move |op: &RecurrentOp| {
                let (least, most) = op.inputs();
                // A linear node of one input comes of no draw.
                *op != own && (least..=most).contains(&count) && (count > 1 || *op != RecurrentOp::Linear)
            };
            RecurrentOp::ALL
                .into_iter()
                .filter(takes)
                .map(move |op| self.with(|draft| draft.nodes[at].op = op))
        };
        (0..self.nodes.len()).flat_map(of_node).collect()
    }

    /// Another input, one more or one less of a linear node, and two inputs of a blend exchanged.
    fn inputs(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (node, at) in self.places() {
            let own = &self.nodes[node];
            for source in self.sources() {
                if !own.inputs.contains(&source) {
                    found.push(self.with(|draft| draft.nodes[node].inputs[at] = source));
                }
            }
            if own.op == RecurrentOp::Blend {
                found.push(self.with(|draft| draft.nodes[node].inputs.swap(at, (at + 1) % 3)));
            }
            if own.op == RecurrentOp::Linear && own.inputs.len() > 2 {
                found.push(self.with(|draft| _ = draft.nodes[node].inputs.remove(at)));
            }
        }
        for node in (0..self.nodes.len()).filter(|&node| self.nodes[node].op == RecurrentOp::Linear) {
            let own = &self.nodes[node];
            for source in self.sources() {
                if !own.inputs.contains(&source) {
                    found.push(self.with(|draft| draft.nodes[node].inputs.push(source)));
                }
            }
        }
        found
    }

    /// Another node for a new state, and two new states exchanged.
    fn outputs(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for state in 0..self.outputs.len() {
            for node in 0..self.nodes.len() {
                found.push(self.with(|draft| match draft.outputs.iter().position(|own| *own == node) {
                    Some(other) => draft.outputs.swap(state, other),
                    None => draft.outputs[state] = node,
                }));
            }
        }
        found
    }

    /// A node taken out, which its readers replace by one of its inputs, or a node put between another and its readers.
    fn sizes(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (node, at) in self.places() {
            found.push(self.with(|draft| draft.take_out(node, at)));
        }
        if self.nodes.len() >= self.outputs.len() + INTERMEDIATE {
            return found;
        }
        for node in 0..self.nodes.len() {
            for op in RecurrentOp::ALL {
                for inputs in self.beside(Source::Node(node), op) {
                    found.push(self.with(|draft| draft.put_behind(node, RecurrentNode { op, inputs })));
                }
            }
        }
        found
    }

    /// The inputs of a new node that reads `first`: of a linear node `first` and another, of a blend the states besides.
    fn beside(&self, first: Source, op: RecurrentOp) -> Vec<Vec<Source>> {
        let others = || self.sources().into_iter().filter(move |source| *source != first);
        match op {
            RecurrentOp::Blend => {
                let pairs = others().flat_map(|gate| others().map(move |other| vec![gate, first, other]));
                pairs.filter(|inputs| inputs[0] != inputs[2]).collect()
            }
            _ if op.inputs().1 == 1 => vec![vec![first]],
            _ => others().map(|other| vec![first, other]).collect(),
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

    /// The last state taken out, or one put in: a node's result becomes a state, and a place reads it in the next step.
    fn states(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let states = self.outputs.len();
        for state in 1..states {
            found.push(self.with(|draft| draft.take_state(state)));
        }
        if states < RecurrentCell::MAX_STATES {
            for new in (0..self.nodes.len()).filter(|node| !self.outputs.contains(node)) {
                for (node, at) in self.places() {
                    found.push(self.with(|draft| {
                        draft.outputs.push(new);
                        draft.nodes[node].inputs[at] = Source::State(states);
                    }));
                }
            }
        }
        found
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
