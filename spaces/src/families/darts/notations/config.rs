//! Configurations of NAS-Bench-301 (automl/nasbench301, `representations.py`).
//!
//! Edges are numbered by target, then by source: node 2 has edges 0 and 1, node 3 edges 2 to 4, node 4 edges
//! 5 to 8, node 5 edges 9 to 13. `edge_normal_3` is the operation of an edge, `inputs_node_normal_4` the
//! two inputs of a node, as `0_2`; node 2 always reads both inputs of the cell. Keys are told by their ends,
//! so that any prefix will do; other keys are training settings, which say nothing about the cells.

use super::super::{CellGenotype, Genotype, Primitive, STEPS};
use super::nodes;
use crate::error::SpaceError;
use crate::notation::literal::{Literal, statement};
use crate::notation::names::DARTS;
use crate::notation::refused;

const NOTATION: &str = "a configuration of NAS-Bench-301";
const PREFIX: &str = "NetworkSelectorDatasetInfo:darts:";

pub(super) fn looks(text: &str) -> bool {
    text.contains("edge_normal_") || text.contains("edge_reduce_")
}

/// The number of the first edge into an intermediate node.
fn first_edge(step: usize) -> usize {
    (0..step).map(|step| step + 2).sum()
}

/// Reads a dictionary, `Configuration(values={..})`, or the lines `key, Value: value` that older versions of
/// `ConfigSpace` print.
pub(super) fn read(text: &str) -> Result<Genotype, SpaceError> {
    let bad = |reason: String| refused(text, NOTATION, reason);
    let dict = if text.contains(", Value: ") { lines(text) } else { text.to_owned() };
    genotype(&statement(&dict).map_err(bad)?).map_err(bad)
}

/// The lines `key, Value: value` as a dictionary, one entry a line.
fn lines(text: &str) -> String {
    let entry = |line: &str| match line.trim().split_once(", Value: ") {
        Some((key, value)) => format!("'{key}': {value},\n"),
        None => "\n".to_owned(),
    };
    format!("{{{}}}", text.lines().map(entry).collect::<String>())
}

fn genotype(literal: &Literal<'_>) -> Result<Genotype, String> {
    let mut fields = literal.fields("a dictionary")?;
    if let [("values", values)] = fields[..] {
        fields = values.fields("a dictionary")?;
    }
    Ok(Genotype { normal: cell(&fields, "normal")?, reduce: cell(&fields, "reduce")? })
}

fn cell(fields: &[(&str, &Literal<'_>)], kind: &str) -> Result<CellGenotype, String> {
    let mut cell = [(Primitive::None, 0); 2 * STEPS];
    let mut used = Vec::new();
    for (step, pair) in cell.chunks_mut(2).enumerate() {
        for (slot, from) in pair.iter_mut().zip(inputs(fields, kind, step + 2)?) {
            let key = format!("edge_{kind}_{}", first_edge(step) + from);
            let op = field(fields, &key)?.ok_or_else(|| format!("{key} is missing (node {})", step + 2))?;
            let name = op.text("the name of an operation")?;
            let position = DARTS.position(name).ok_or_else(|| op.wrong(DARTS.unknown(name)))?;
            *slot = (Primitive::ALL[position], from);
            used.push(key);
        }
    }
    let of_kind = format!("edge_{kind}_");
    match fields.iter().find(|(key, _)| key.contains(&of_kind) && !used.iter().any(|own| is(key, own))) {
        Some((key, value)) => {
            Err(value.wrong(format!("{key} is given, and no node has this edge as an input")))
        }
        None => Ok(cell),
    }
}

/// The inputs of a node.
fn inputs(fields: &[(&str, &Literal<'_>)], kind: &str, node: usize) -> Result<[usize; 2], String> {
    let key = format!("inputs_node_{kind}_{node}");
    let Some(value) = field(fields, &key)? else {
        return if node == 2 { Ok([0, 1]) } else { Err(format!("{key} is missing")) };
    };
    let text = value.text("two inputs as 0_1")?;
    let pair = text.split_once('_').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
    match pair {
        Some([a, b]) if a < node && b < node && a != b => Ok([a, b]),
        _ => Err(value.wrong(format!("{key} is {text:?}, expected two different nodes below {node} as 0_1"))),
    }
}

/// The value of the one key that ends like this.
fn field<'l, 't>(fields: &[(&str, &'l Literal<'t>)], end: &str) -> Result<Option<&'l Literal<'t>>, String> {
    let mut found = fields.iter().filter(|(key, _)| is(key, end));
    match (found.next(), found.next()) {
        (_, Some((key, value))) => Err(value.wrong(format!("{key} is there twice"))),
        (first, None) => Ok(first.map(|(_, value)| *value)),
    }
}

fn is(key: &str, end: &str) -> bool {
    key.strip_suffix(end).is_some_and(|prefix| !prefix.ends_with(|c: char| c.is_alphanumeric()))
}

/// Prints a dictionary.
///
/// # Errors
/// [`SpaceError::CannotSay`] for a node with two edges from one predecessor.
pub(super) fn print(genotype: &Genotype) -> Result<String, SpaceError> {
    let mut entries = Vec::new();
    for (kind, cell) in [("normal", &genotype.normal), ("reduce", &genotype.reduce)] {
        for (node, mut pair) in nodes(cell) {
            pair.sort_by_key(|&(_, from)| from);
            let [(_, a), (_, b)] = pair;
            if a == b {
                let reason =
                    format!("node {node} of the {kind} cell has two edges from node {a}, which are one key");
                return Err(SpaceError::CannotSay { notation: "configspace", reason });
            }
            for (op, from) in pair {
                let edge = first_edge(node - 2) + from;
                entries.push(format!("'{PREFIX}edge_{kind}_{edge}': '{}'", op.name()));
            }
            if node > 2 {
                entries.push(format!("'{PREFIX}inputs_node_{kind}_{node}': '{a}_{b}'"));
            }
        }
    }
    Ok(format!("{{{}}}", entries.join(", ")))
}
