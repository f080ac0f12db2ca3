//! A recurrent cell: what it computes in one step.

use crate::error::SpaceError;

/// What a node computes, elementwise but for [`Linear`](Self::Linear).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecurrentOp {
    /// `b + Σᵢ Wᵢ·aᵢ`: a matrix for each of one to three inputs, one bias.
    Linear,
    /// `a·b + (1 − a)·c` of three inputs in this order.
    Blend,
    /// `a·b`.
    Product,
    /// `a + b`.
    Sum,
    /// Hyperbolic tangent.
    Tanh,
    /// Logistic function.
    Sigmoid,
    /// `max(a, a/100)`.
    LeakyRelu,
}

impl RecurrentOp {
    /// All operations, in the order of the vocabulary.
    pub const ALL: [Self; 7] =
        [Self::Linear, Self::Blend, Self::Product, Self::Sum, Self::Tanh, Self::Sigmoid, Self::LeakyRelu];

    /// The activations.
    pub const ACTIVATIONS: [Self; 3] = [Self::Tanh, Self::Sigmoid, Self::LeakyRelu];

    /// The name in recipes of NAS-Bench-NLP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Blend => "blend",
            Self::Product => "elementwise_prod",
            Self::Sum => "elementwise_sum",
            Self::Tanh => "activation_tanh",
            Self::Sigmoid => "activation_sigm",
            Self::LeakyRelu => "activation_leaky_relu",
        }
    }

    /// Fewest and most inputs.
    pub const fn inputs(self) -> (usize, usize) {
        match self {
            Self::Linear => (1, 3),
            Self::Blend => (3, 3),
            Self::Product | Self::Sum => (2, 2),
            Self::Tanh | Self::Sigmoid | Self::LeakyRelu => (1, 1),
        }
    }
}

/// What a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The input `x` of the step.
    Input,
    /// A hidden state after the step before, `h_prev_i`.
    State(usize),
    /// The result of a node.
    Node(usize),
}

/// A node: an operation and what it reads, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecurrentNode {
    /// What it computes.
    pub op: RecurrentOp,
    /// Its inputs; their order matters for [`RecurrentOp::Blend`] only.
    pub inputs: Vec<Source>,
}

/// A recurrent cell: from the input `x` and the hidden states `h_prev_i` to the states `h_new_i`, of which the first is the
/// output of the step.
///
/// Invariants:
///
/// - Nodes read what stands before them, and lead to a new state.
/// - An operation has as many inputs as [`RecurrentOp::inputs`] says, all different.
/// - Only [`RecurrentOp::Linear`] reads `x`, which may have another width than the states.
/// - `x` and every state are read. There are 1 to [`Self::MAX_STATES`] states and at most [`Self::MAX_NODES`] nodes.
///
/// ```
/// use bonas_spaces::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};
///
/// let linear = RecurrentNode { op: RecurrentOp::Linear, inputs: vec![Source::Input, Source::State(0)] };
/// let tanh = RecurrentNode { op: RecurrentOp::Tanh, inputs: vec![Source::Node(0)] };
/// let cell = RecurrentCell::new(&[linear, tanh], &[1])?;
/// assert_eq!((cell.nodes().len(), cell.states()), (2, 1));
/// # Ok::<(), bonas_spaces::SpaceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecurrentCell {
    nodes: Vec<RecurrentNode>,
    outputs: Vec<usize>,
}

impl RecurrentCell {
    /// Most hidden states.
    pub const MAX_STATES: usize = 3;

    /// Most nodes: as many as the largest cells that the generator of NAS-Bench-NLP draws.
    pub const MAX_NODES: usize = 25;

    /// A cell of nodes in any order and the node of each new state. Nodes that lead to no new state are left out, and the
    /// others sorted so that each reads what stands before it; otherwise their order is kept.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] naming the invariant that they break.
    pub fn new(nodes: &[RecurrentNode], outputs: &[usize]) -> Result<Self, SpaceError> {
        expect_places(nodes, outputs)?;
        let order = order(nodes, &live(nodes, outputs))?;
        let mut place = vec![0; nodes.len()];
        order.iter().enumerate().for_each(|(at, &node)| place[node] = at);
        let moved = |source: &Source| match *source {
            Source::Node(node) => Source::Node(place[node]),
            other => other,
        };
        let at = |&node: &usize| {
            let RecurrentNode { op, inputs } = &nodes[node];
            RecurrentNode { op: *op, inputs: inputs.iter().map(moved).collect() }
        };
        let nodes: Vec<RecurrentNode> = order.iter().map(at).collect();
        let cell = Self { nodes, outputs: outputs.iter().map(|&node| place[node]).collect() };
        cell.expect_read()?;
        Ok(cell)
    }

    /// The nodes, each after those that it reads.
    pub fn nodes(&self) -> &[RecurrentNode] {
        &self.nodes
    }

    /// For every state the node that is its new value.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Number of hidden states.
    pub fn states(&self) -> usize {
        self.outputs.len()
    }

    /// Whether a new state reads an old one directly, which no cell that NAS-Bench-NLP draws does (the hand-made GRU does).
    pub fn has_direct_state(&self) -> bool {
        let is_state = |source: &Source| matches!(source, Source::State(_));
        self.outputs.iter().any(|&node| self.nodes[node].inputs.iter().any(is_state))
    }

    /// For every state whether the output depends on it, in this step or a later one. The first one is the output.
    pub fn bearing_states(&self) -> Vec<bool> {
        let mut bears = vec![false; self.states()];
        bears[0] = true;
        loop {
            let outputs: Vec<usize> =
                self.outputs.iter().zip(&bears).filter(|(_, bears)| **bears).map(|(node, _)| *node).collect();
            let live = live(&self.nodes, &outputs);
            let read = |state: usize| {
                self.nodes
                    .iter()
                    .zip(&live)
                    .any(|(node, live)| *live && node.inputs.contains(&Source::State(state)))
            };
            let more: Vec<bool> = (0..bears.len()).map(|state| bears[state] || read(state)).collect();
            if more == bears {
                return bears;
            }
            bears = more;
        }
    }

    /// The places of nodes that an operation takes.
    pub fn places_of(&self, op: RecurrentOp) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(move |&node| self.nodes[node].op == op)
    }

    fn expect_read(&self) -> Result<(), SpaceError> {
        if self.nodes.len() > Self::MAX_NODES {
            return Err(SpaceError::cell(format!(
                "{} nodes lead to a state; at most {}",
                self.nodes.len(),
                Self::MAX_NODES
            )));
        }
        let reads = |source| self.nodes.iter().any(|node| node.inputs.contains(&source));
        if !reads(Source::Input) {
            return Err(SpaceError::cell("no node that leads to a state reads x"));
        }
        match (0..self.states()).find(|&state| !reads(Source::State(state))) {
            Some(state) => Err(SpaceError::cell(format!(
                "no node that leads to a state reads h_prev_{state}; leave h_new_{state} out"
            ))),
            None => Ok(()),
        }
    }
}

/// What each node by itself must keep.
fn expect_places(nodes: &[RecurrentNode], outputs: &[usize]) -> Result<(), SpaceError> {
    let bad = |reason: String| Err(SpaceError::cell(reason));
    let most = RecurrentCell::MAX_STATES;
    if !(1..=most).contains(&outputs.len()) {
        return bad(format!("{} hidden states, expected 1 to {most}", outputs.len()));
    }
    for (state, &node) in outputs.iter().enumerate() {
        if node >= nodes.len() || outputs[..state].contains(&node) {
            return bad(format!("h_new_{state} must be a node of its own"));
        }
    }
    for node in nodes {
        let (name, (least, most), given) = (node.op.name(), node.op.inputs(), node.inputs.len());
        if !(least..=most).contains(&given) {
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return bad(format!("{name} has {given} inputs, expected {expected}"));
        }
        if (1..given).any(|at| node.inputs[..at].contains(&node.inputs[at])) {
            return bad(format!("{name} reads an input twice"));
        }
        if node.op != RecurrentOp::Linear && node.inputs.contains(&Source::Input) {
            return bad(format!(
                "{name} reads x, which may have another width than the states; only linear can"
            ));
        }
        let foreign = |source: &Source| match *source {
            Source::Input => false,
            Source::State(state) => state >= outputs.len(),
            Source::Node(other) => other >= nodes.len(),
        };
        if node.inputs.iter().any(foreign) {
            return bad(format!("{name} reads a state or a node that is not there"));
        }
    }
    Ok(())
}

/// The nodes that lead to a new state.
fn live(nodes: &[RecurrentNode], outputs: &[usize]) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    let mut left = outputs.to_vec();
    while let Some(node) = left.pop() {
        if !std::mem::replace(&mut live[node], true) {
            left.extend(read_nodes(&nodes[node]));
        }
    }
    live
}

fn read_nodes(node: &RecurrentNode) -> impl Iterator<Item = usize> + '_ {
    node.inputs.iter().filter_map(|source| match source {
        Source::Node(node) => Some(*node),
        _ => None,
    })
}

/// The live nodes, each after those that it reads, else in the order given.
fn order(nodes: &[RecurrentNode], live: &[bool]) -> Result<Vec<usize>, SpaceError> {
    let (mut placed, mut order) = (vec![false; nodes.len()], Vec::new());
    let all = live.iter().filter(|live| **live).count();
    while order.len() < all {
        let ready =
            |&node: &usize| live[node] && !placed[node] && read_nodes(&nodes[node]).all(|n| placed[n]);
        let Some(node) = (0..nodes.len()).find(ready) else {
            return Err(SpaceError::cell("nodes read each other in a circle"));
        };
        placed[node] = true;
        order.push(node);
    }
    Ok(order)
}
