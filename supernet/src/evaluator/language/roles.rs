//! What cells share: matrices and biases by the place of a linear node and of its input.
//!
//! The place of a linear node is which activations read it and which such node it is in the cell; that of an input is `x`, a
//! state, or the kind and number of the node. Two cells that have equal places share the weights of them.

use bonas_spaces::network::{RecurrentCell, RecurrentOp, Source};

/// The names of a linear node's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearRole {
    /// The node in the cell.
    pub node: usize,
    /// Name of its place, that of its bias.
    pub name: String,
    /// Names of its inputs' places, in the order of the inputs.
    pub inputs: Vec<String>,
}

/// The places of the linear nodes of a cell, in order. Names are different in a cell.
///
/// ```
/// use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
/// use bonas_spaces::{SearchSpace, network::SpaceRecurrent};
/// use bonas_supernet::evaluator::language::roles::of_cell;
///
/// let space = NasBenchNlp::new();
/// let roles = of_cell(&space.cell(&space.parse("gru")?)?);
/// assert_eq!(roles.iter().map(|role| &*role.name).collect::<Vec<_>>(), ["sigm-linear0", "sigm-linear1", "tanh-linear0"]);
/// assert_eq!(roles[2].inputs, ["x", "prod0"]);
/// # Ok::<(), bonas_spaces::SpaceError>(())
/// ```
pub fn of_cell(cell: &RecurrentCell) -> Vec<LinearRole> {
    let names = names(cell);
    let input = |source: &Source| match *source {
        Source::Input => "x".to_owned(),
        Source::State(state) => format!("h{state}"),
        Source::Node(node) => names[node].clone(),
    };
    let role = |node: usize| {
        let inputs = cell.nodes()[node].inputs.iter().map(input).collect();
        LinearRole { node, name: names[node].clone(), inputs }
    };
    cell.places_of(RecurrentOp::Linear).map(role).collect()
}

/// A name for each node: its kind and its number among those of the kind.
fn names(cell: &RecurrentCell) -> Vec<String> {
    let kinds: Vec<String> = (0..cell.nodes().len()).map(|node| kind(cell, node)).collect();
    let number = |node: usize| kinds[..node].iter().filter(|kind| **kind == kinds[node]).count();
    (0..kinds.len()).map(|node| format!("{}{}", kinds[node], number(node))).collect()
}

/// The operation; of a linear node also the activations that read it.
fn kind(cell: &RecurrentCell, node: usize) -> String {
    let op = cell.nodes()[node].op;
    if op != RecurrentOp::Linear {
        return short(op).to_owned();
    }
    let reads = |op: &RecurrentOp| {
        cell.nodes().iter().any(|other| other.op == *op && other.inputs.contains(&Source::Node(node)))
    };
    let activations = RecurrentOp::ACTIVATIONS.into_iter().filter(reads).map(short);
    activations.chain(["linear"]).collect::<Vec<_>>().join("-")
}

fn short(op: RecurrentOp) -> &'static str {
    match op {
        RecurrentOp::Linear => "linear",
        RecurrentOp::Blend => "blend",
        RecurrentOp::Product => "prod",
        RecurrentOp::Sum => "sum",
        RecurrentOp::Tanh => "tanh",
        RecurrentOp::Sigmoid => "sigm",
        RecurrentOp::LeakyRelu => "leaky",
    }
}
