//! Notations of cells with four nodes and an operation on each of six edges, which NAS-Bench-201 and the
//! cells of TransNAS-Bench-101 share.
//!
//! Six numbers have two published readings: operations in the order of AutoDL-Projects (`none`,
//! `skip_connect`, `nor_conv_1x1`, `nor_conv_3x3`, `avg_pool_3x3`) on edges by target, and those of `NASLib`
//! (`Identity`, `Zero`, `ReLUConvBN3x3`, `ReLUConvBN1x1`, `AvgPool1x1`) on edges by source.

use crate::error::SpaceError;
use crate::notation::literal::{Literal, statement};
use crate::notation::names::OpNames;
use crate::notation::{TILDES, is_list, refused};

/// Positions of the operations on the edges, by target, then by source.
pub(crate) type Six = [u8; 6];

/// What `NASLib`'s number of an operation is here, and the other way round.
const NASLIB_OPS: Six = [1, 0, 3, 2, 4, 5];

/// The place of an edge by target in the order by source, and the other way round.
const NASLIB_EDGES: [usize; 6] = [0, 1, 3, 2, 4, 5];

/// Whether a text is six numbers.
pub(crate) fn is_six(text: &str) -> bool {
    let digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits || (is_list(text) && !text.contains(|c: char| c.is_alphabetic() || c == '"' || c == '\''))
}

/// Whether a text is a list with names of operations in it.
pub(crate) fn is_structure(text: &str) -> bool {
    text.starts_with("Structure") || (is_list(text) && !is_six(text))
}

/// Reads `301234` or `[3, 0, 1, 2, 3, 4]`, each number below `ops`.
pub(crate) fn digits(text: &str, notation: &'static str, ops: usize) -> Result<Six, SpaceError> {
    numbers(text, ops).map_err(|reason| refused(text, notation, reason))
}

fn numbers(text: &str, ops: usize) -> Result<Six, String> {
    let list = if is_list(text) {
        statement(text)?.integers("six numbers")?
    } else {
        let digit = |c: char| c.to_digit(10).map(i64::from).ok_or(format!("{c:?} is no digit"));
        text.chars().map(digit).collect::<Result<_, _>>()?
    };
    let found = list.len();
    let six: [i64; 6] =
        list.try_into().map_err(|_| format!("{found} numbers given, expected 6, one an edge"))?;
    match six.iter().position(|number| !(0..ops as i64).contains(number)) {
        Some(at) => Err(format!("number {at} is {}, expected 0 to {}", six[at], ops - 1)),
        None => Ok(six.map(|number| number as u8)),
    }
}

/// As [`digits`], in the numbers and the order of `NASLib`.
pub(crate) fn naslib(text: &str, notation: &'static str, ops: usize) -> Result<Six, SpaceError> {
    digits(text, notation, ops).map(exchanged)
}

/// Prints `301234`.
pub(crate) fn digits_of(six: Six) -> String {
    six.iter().map(|op| char::from(b'0' + op)).collect()
}

/// Prints `(3, 0, 1, 2, 3, 4)` as `NASLib` does.
pub(crate) fn naslib_of(six: Six) -> String {
    format!("({})", exchanged(six).map(|op| op.to_string()).join(", "))
}

/// From one of the two orders to the other.
fn exchanged(six: Six) -> Six {
    NASLIB_EDGES.map(|edge| NASLIB_OPS[usize::from(six[edge])])
}

/// Reads `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.
pub(crate) fn arch_str(text: &str, notation: &'static str, names: &OpNames) -> Result<Six, SpaceError> {
    let nodes: Vec<&str> = text.trim().split('+').collect();
    if nodes.len() != 3 {
        let reason = format!("expected 3 nodes joined by '+', found {}", nodes.len());
        return Err(refused(text, notation, reason));
    }
    let mut ops = Vec::with_capacity(6);
    for (i, node) in nodes.iter().enumerate() {
        node_of(i + 1, node, names, &mut ops).map_err(|reason| refused(text, notation, reason))?;
    }
    filled(&ops).map_err(|reason| refused(text, notation, reason))
}

/// Reads `|op~0|..|op~(j-1)|`.
fn node_of(j: usize, node: &str, names: &OpNames, ops: &mut Vec<u8>) -> Result<(), String> {
    let inner = node.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    let terms: Vec<&str> =
        inner.ok_or_else(|| format!("node {j} must stand between bars: |op~0|..|"))?.split('|').collect();
    if terms.len() != j {
        return Err(format!("node {j} must have {j} operations, not {}", terms.len()));
    }
    for (k, term) in terms.iter().enumerate() {
        match term.split_once(TILDES) {
            Some((op, from)) if from.trim().as_bytes() == [b'0' + k as u8] => {
                ops.push(position(op.trim(), names)?);
            }
            _ => return Err(format!("{term:?} of node {j} must be op~{k}")),
        }
    }
    Ok(())
}

fn position(name: &str, names: &OpNames) -> Result<u8, String> {
    names.position(name).map(|position| position as u8).ok_or_else(|| names.unknown(name))
}

fn filled(ops: &[u8]) -> Result<Six, String> {
    ops.try_into().map_err(|_| format!("{} operations given, expected 6", ops.len()))
}

/// Reads the cell of AutoDL-Projects, `Structure(4 nodes with |op~0|+..)`, or its nested pairs
/// `[(('op', 0),), (('op', 0), ('op', 1)), ..]`.
pub(crate) fn structure(text: &str, notation: &'static str, names: &OpNames) -> Result<Six, SpaceError> {
    if let (true, Some(start), Some(end)) = (text.starts_with("Structure"), text.find('|'), text.rfind('|')) {
        return arch_str(&text[start..=end], notation, names);
    }
    let read = statement(text).and_then(|literal| nested(&literal, names));
    read.map_err(|reason| refused(text, notation, reason))
}

fn nested(literal: &Literal<'_>, names: &OpNames) -> Result<Six, String> {
    let nodes = literal.items("a list of three nodes")?;
    if nodes.len() != 3 {
        return Err(literal.wrong(format!("{} nodes given, expected 3", nodes.len())));
    }
    let mut ops = Vec::with_capacity(6);
    for (j, node) in nodes.iter().enumerate() {
        let mut edges = vec![None; j + 1];
        for pair in node.items("the pairs of a node")? {
            let [op, from] = pair.items("a pair ('op', node)")? else {
                return Err(pair.wrong("expected a pair ('op', node)"));
            };
            let name = op.text("the name of an operation")?;
            let place = from.number("a node number")?;
            let slot = edges.get_mut(place).filter(|slot| slot.is_none()).ok_or_else(|| {
                from.wrong(format!("node {} has one edge from each of nodes 0 to {j}", j + 1))
            })?;
            *slot = Some(position(name, names).map_err(|reason| op.wrong(reason))?);
        }
        let missing = || node.wrong(format!("node {} has {} edges", j + 1, j + 1));
        ops.extend(edges.into_iter().collect::<Option<Vec<u8>>>().ok_or_else(missing)?);
    }
    filled(&ops)
}

/// Prints `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.
pub(crate) fn arch_str_of(six: Six, names: &OpNames) -> String {
    let [a, b, c, d, e, f] = six.map(|op| names.0[usize::from(op)].0);
    format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
}

/// Prints nested pairs as AutoDL-Projects does.
pub(crate) fn structure_of(six: Six, names: &OpNames) -> String {
    let mut ops = six.iter().map(|&op| names.0[usize::from(op)].0);
    let node = |edges: usize| {
        let pairs: Vec<String> =
            (0..edges).filter_map(|from| ops.next().map(|op| format!("('{op}', {from})"))).collect();
        format!("({}{})", pairs.join(", "), if edges == 1 { "," } else { "" })
    };
    format!("[{}]", (1..4).map(node).collect::<Vec<_>>().join(", "))
}
