//! When two NAS-Bench-201 cells are the same.

use super::{EDGES, Ops};

/// The rule by which two cells share a key, and how many keys there are under it.
///
/// In `Published` and `Skips` a node is written as the sum of its terms, each term
/// `(expression)@op`, sorted and joined by `+`; the output's expression is the identity
/// (`CellStructure::to_unique_str`, NAS-Bench-201 `lib/models/genotypes.py`). This is a rule about
/// strings and not isomorphism: a skipped sum joins the outer sum as one piece, sorted by how it
/// starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Skips replaced by what they pass on, `none` and operations on `none` by a zero term: 6,466.
    #[default]
    Published,
    /// Skips replaced by what they pass on, `none` an operation like any other: 12,751.
    Skips,
    /// Every text is its own architecture: 15,625.
    Raw,
    /// Zero terms dropped, sums of skipped sums flattened: 4,930 functions. An approximation: a
    /// convolution of the zero map is really a constant, its `BatchNorm`'s bias.
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
