//! Cells by the expression of their output, as NAS-Bench-201 compares them.

use super::form::{Form, Point};
use crate::graph::{Role, Vocabulary};

/// Most nodes of a cell that is compared by its expression, which doubles in length with each node.
pub(super) const MOST_NODES: usize = 8;

/// Most operations of such a cell, each of which has a letter.
pub(super) const MOST_OPERATIONS: usize = 100;

/// The expression of a cell with operations on edges whose output is a node.
///
/// A node is the sum of its terms `(source)@operation`, sorted and joined by `+`; an identity is replaced by its
/// source, a zero and an operation on a zero by one term. Letters stand for operations, in alphabetical order of
/// the names.
pub(super) fn expression(form: &Form, point: &Point, vocabulary: &Vocabulary) -> Vec<u8> {
    let letters = letters(form, vocabulary);
    let mut nodes: Vec<Vec<u8>> = (0..form.inputs).map(|input| vec![b'0' + input as u8]).collect();
    for node in point {
        let term = |(&from, &op): (&usize, &usize)| match vocabulary.role(form.ops[op]) {
            _ if nodes[from] == b"#" => b"#".to_vec(),
            Role::Zero => b"#".to_vec(),
            Role::Identity => nodes[from].clone(),
            _ => [b"(", &nodes[from][..], b")@", &[letters[op]]].concat(),
        };
        let mut terms: Vec<Vec<u8>> = node.sources.iter().zip(&node.ops).map(term).collect();
        terms.sort_unstable();
        nodes.push(terms.join(&b'+'));
    }
    nodes.pop().unwrap_or_default()
}

/// A letter for each operation of the form, in the alphabetical order of their names; identities need none.
fn letters(form: &Form, vocabulary: &Vocabulary) -> Vec<u8> {
    let named =
        |op: usize| (vocabulary.role(form.ops[op]) != Role::Identity).then(|| vocabulary.name(form.ops[op]));
    let mut order: Vec<&str> = (0..form.ops.len()).filter_map(named).collect();
    order.sort_unstable();
    let place = |op| named(op).and_then(|name| order.iter().position(|other| *other == name));
    (0..form.ops.len()).map(|op| place(op).map_or(b'?', |place| b'a' + place as u8)).collect()
}
