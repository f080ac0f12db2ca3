//! When two NAS-Bench-201 cells are the same.

use super::{EDGES, Ops};

/// The rule by which two cells share a key, with the number of keys.
///
/// `Published` and `Skips` write a node as the sum of its terms `(expression)@op`, sorted and joined by `+`;
/// cells are the same if the expressions of their outputs are (`CellStructure::to_unique_str`,
/// NAS-Bench-201 `lib/models/genotypes.py`). This compares strings and is not isomorphism: a skipped sum
/// enters the outer sum as one piece, sorted by its first characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Replaces skips by their input, and `none` and operations on `none` by a zero term: 6,466 keys.
    #[default]
    Published,
    /// Replaces skips by their input, and treats `none` like any other operation: 12,751 keys.
    Skips,
    /// Every text has a key of its own: 15,625 keys.
    Raw,
    /// Drops zero terms and flattens skipped sums: 4,930 keys. It is an approximation, since a
    /// convolution of the zero map is a constant, the bias of its `BatchNorm`.
    Function,
}

impl Uniqueness {
    /// Number of keys, by full enumeration (a test repeats it).
    pub(super) fn count(self) -> u128 {
        match self {
            Self::Published => 6_466,
            Self::Skips => 12_751,
            Self::Raw => 15_625,
            Self::Function => 4_930,
        }
    }

    /// Bytes that are equal exactly when the rule calls two cells equal.
    pub(super) fn form(self, ops: Ops) -> Vec<u8> {
        match self {
            Self::Published => expression(ops, true),
            Self::Skips => expression(ops, false),
            Self::Raw => ops.to_vec(),
            Self::Function => function(ops),
        }
    }
}

/// One letter an operation, in the alphabetical order of the full names, so that sorting and
/// equality are those of the published strings.
const LETTERS: [u8; 5] = [b'b', b'?', b'c', b'd', b'a'];

const NONE: u8 = 0;
const SKIP: u8 = 1;

/// The published string with operations as letters.
fn expression(ops: Ops, merge_zeros: bool) -> Vec<u8> {
    let mut nodes: [Vec<u8>; 4] = [b"0".to_vec(), Vec::new(), Vec::new(), Vec::new()];
    for node in 1..4 {
        let mut terms: Vec<Vec<u8>> = incoming(ops, node)
            .map(|(from, op)| match op {
                _ if merge_zeros && (op == NONE || nodes[from] == b"#") => b"#".to_vec(),
                SKIP => nodes[from].clone(),
                _ => [b"(", &nodes[from][..], b")@", &[LETTERS[usize::from(op)]]].concat(),
            })
            .collect();
        terms.sort_unstable();
        nodes[node] = terms.join(&b'+');
    }
    let [.., output] = nodes;
    output
}

/// The multiset of non-zero terms of the output, each an operation on a multiset of terms.
fn function(ops: Ops) -> Vec<u8> {
    let mut nodes: [Vec<Vec<u8>>; 4] = [vec![b"0".to_vec()], Vec::new(), Vec::new(), Vec::new()];
    for node in 1..4 {
        let mut terms = Vec::new();
        for (from, op) in incoming(ops, node) {
            match op {
                NONE => {}
                SKIP => terms.extend(nodes[from].iter().cloned()),
                _ if nodes[from].is_empty() => {}
                _ => terms
                    .push([b"(", &nodes[from].join(&b'+')[..], b")", &[LETTERS[usize::from(op)]]].concat()),
            }
        }
        terms.sort_unstable();
        nodes[node] = terms;
    }
    nodes[3].join(&b'+')
}

/// The edges `(from, op)` that enter a node.
fn incoming(ops: Ops, node: usize) -> impl Iterator<Item = (usize, u8)> {
    EDGES.into_iter().zip(ops).filter(move |((_, to), _)| *to == node).map(|((from, _), op)| (from, op))
}
