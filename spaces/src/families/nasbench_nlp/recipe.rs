//! Recipes: a node's name, its operation and the names of its inputs.

use std::fmt::Write;

use crate::lookup::nearest;
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};
use crate::notation::literal::Literal;
use crate::notation::names::OpNames;

/// The operations with other spellings, in the order of [`RecurrentOp::ALL`].
const NAMES: OpNames = OpNames(&[
    ("linear", &[]),
    ("blend", &[]),
    ("elementwise_prod", &["prod", "product", "mul"]),
    ("elementwise_sum", &["sum", "add"]),
    ("activation_tanh", &["tanh"]),
    ("activation_sigm", &["sigm", "sigmoid", "activation_sigmoid"]),
    ("activation_leaky_relu", &["leaky_relu"]),
]);

/// Prints the nodes in order: `node_3`, or `h_new_1` for a new state.
pub(super) fn print(cell: &RecurrentCell) -> String {
    let name = |node: usize| match cell.outputs().iter().position(|output| *output == node) {
        Some(state) => format!("h_new_{state}"),
        None => format!("node_{node}"),
    };
    let source = |source: &Source| match *source {
        Source::Input => "x".to_owned(),
        Source::State(state) => format!("h_prev_{state}"),
        Source::Node(node) => name(node),
    };
    let mut text = String::from("{");
    for (at, node) in cell.nodes().iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let inputs: Vec<String> = node.inputs.iter().map(|input| format!("\"{}\"", source(input))).collect();
        let (op, inputs) = (node.op.name(), inputs.join(","));
        let _ = write!(text, "{comma}\"{}\":{{\"op\":\"{op}\",\"input\":[{inputs}]}}", name(at));
    }
    text + "}"
}

/// Reads a recipe.
pub(super) fn read(literal: &Literal<'_>) -> Result<RecurrentCell, String> {
    let fields = literal.fields("a dictionary of nodes")?;
    let mut names: Vec<&str> = Vec::with_capacity(fields.len());
    for (name, value) in &fields {
        if *name == "x" || number(name, "h_prev_").is_some() {
            return Err(value.wrong(format!("{name:?} is an input of the cell; name the node otherwise")));
        }
        if names.contains(name) {
            return Err(value.wrong(format!("node {name:?} stands there twice")));
        }
        names.push(name);
    }
    let outputs = outputs(&names).map_err(|reason| literal.wrong(reason))?;
    let reader = Reader { names: &names, states: outputs.len() };
    let nodes: Vec<RecurrentNode> =
        fields.iter().map(|(name, value)| reader.node(name, value)).collect::<Result<_, _>>()?;
    let cell = RecurrentCell::new(&nodes, &outputs);
    cell.map_err(|error| match (error, circle(&reader, &fields)) {
        (_, Some(name)) => {
            literal.wrong(format!("node {name:?} reads its own result, over other nodes or directly"))
        }
        (error, None) => literal.wrong(reason(error)),
    })
}

/// The rule that a cell breaks, without what the error of a text says anyway.
fn reason(error: crate::SpaceError) -> String {
    match error {
        crate::SpaceError::Cell { reason } => reason,
        other => other.to_string(),
    }
}

/// The number behind a prefix: of `h_new_1`, but not of `h_new_1_act`.
fn number(name: &str, prefix: &str) -> Option<usize> {
    let digits = name.strip_prefix(prefix)?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(usize::MAX))
}

/// The node of each new state.
fn outputs(names: &[&str]) -> Result<Vec<usize>, String> {
    let mut found: Vec<(usize, usize)> =
        names.iter().enumerate().filter_map(|(at, name)| Some((number(name, "h_new_")?, at))).collect();
    found.sort_unstable();
    let most = RecurrentCell::MAX_STATES;
    match found.iter().enumerate().find(|(state, (own, _))| own != state) {
        _ if found.is_empty() => Err("there is no \"h_new_0\", the output of the cell".to_owned()),
        Some((state, _)) => {
            Err(format!("\"h_new_{state}\" is missing: new states are numbered from 0 on, each once"))
        }
        None if found.len() > most => Err(format!("{} new states, expected 1 to {most}", found.len())),
        None => Ok(found.into_iter().map(|(_, at)| at).collect()),
    }
}

struct Reader<'a> {
    names: &'a [&'a str],
    states: usize,
}

impl Reader<'_> {
    fn node(&self, name: &str, value: &Literal<'_>) -> Result<RecurrentNode, String> {
        let what = "a dictionary with op and input";
        let (mut op, mut inputs) = (None, None);
        for (key, field) in value.fields(what)? {
            let slot = match key {
                "op" => &mut op,
                "input" | "inputs" => &mut inputs,
                _ => {
                    return Err(
                        field.wrong(format!("node {name:?} has a key {key:?}, expected op and input"))
                    );
                }
            };
            if slot.replace(field).is_some() {
                return Err(field.wrong(format!("node {name:?} has {key:?} twice")));
            }
        }
        let missing = |key: &str| value.wrong(format!("node {name:?} has no {key:?}"));
        let op = op.ok_or_else(|| missing("op"))?;
        let text = op.text("an operation")?;
        let found = NAMES
            .position(text)
            .ok_or_else(|| op.wrong(format!("node {name:?}: {}", NAMES.unknown(text))))?;
        let inputs = inputs.ok_or_else(|| missing("input"))?;
        let node = RecurrentNode { op: RecurrentOp::ALL[found], inputs: self.inputs(inputs)? };
        expect_fit(&node).map_err(|reason| inputs.wrong(format!("node {name:?}: {reason}")))?;
        Ok(node)
    }

    fn inputs(&self, inputs: &Literal<'_>) -> Result<Vec<Source>, String> {
        let read = |input: &Literal<'_>| {
            let name = input.text("the name of an input")?;
            self.source(name).map_err(|reason| input.wrong(reason))
        };
        inputs.items("a list of inputs")?.iter().map(read).collect()
    }

    fn source(&self, name: &str) -> Result<Source, String> {
        if name == "x" {
            return Ok(Source::Input);
        }
        if let Some(node) = self.names.iter().position(|own| *own == name) {
            return Ok(Source::Node(node));
        }
        match number(name, "h_prev_") {
            Some(state) if state < self.states => Ok(Source::State(state)),
            Some(state) => {
                Err(format!("{name:?} is read, but there is no \"h_new_{state}\", which it is next"))
            }
            None => {
                let states: Vec<String> = (0..self.states).map(|state| format!("h_prev_{state}")).collect();
                let known = self.names.iter().copied().chain(states.iter().map(String::as_str));
                let hint = nearest(name, known.chain(["x"])).map(|near| format!("; did you mean {near:?}?"));
                Err(format!("there is no node {name:?}{}", hint.unwrap_or_default()))
            }
        }
    }
}

/// The rules that a node keeps by itself, by name of its inputs.
fn expect_fit(node: &RecurrentNode) -> Result<(), String> {
    let (op, (least, most), given) = (node.op.name(), node.op.inputs(), node.inputs.len());
    if !(least..=most).contains(&given) {
        let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
        return Err(format!("{op} takes {expected} inputs, {given} given"));
    }
    if (1..given).any(|at| node.inputs[..at].contains(&node.inputs[at])) {
        return Err(format!("{op} reads an input twice"));
    }
    if node.op != RecurrentOp::Linear && node.inputs.contains(&Source::Input) {
        return Err(format!("{op} reads x, which may have another width than the states; only linear can"));
    }
    Ok(())
}

/// A node that reads its own result.
fn circle<'a>(reader: &Reader<'a>, fields: &[(&str, &Literal<'_>)]) -> Option<&'a str> {
    let nodes: Vec<RecurrentNode> =
        fields.iter().map(|(name, value)| reader.node(name, value)).collect::<Result<_, _>>().ok()?;
    let leads_back = |start: &usize| {
        let (mut seen, mut left) = (vec![false; nodes.len()], vec![*start]);
        while let Some(node) = left.pop() {
            for source in &nodes[node].inputs {
                match *source {
                    Source::Node(read) if read == *start => return true,
                    Source::Node(read) if !std::mem::replace(&mut seen[read], true) => left.push(read),
                    _ => {}
                }
            }
        }
        false
    };
    (0..nodes.len()).find(leads_back).map(|node| reader.names[node])
}
