//! The notations of NAS-Bench-101.

use super::module::Module;
use super::{FIRST, MAX_VERTICES, NasBench101, OPS};
use crate::error::SpaceError;
use crate::graph::{Architecture, OpId};
use crate::notation::literal::{Literal, Value, arguments, statement};
use crate::notation::names::NASBENCH101;
use crate::notation::{Form, Notation, is_list, refused};

const BITS: &str = "a NAS-Bench-101 cell bits|op;op";
const MATRIX: &str = "a NAS-Bench-101 cell {\"matrix\": [[..], ..], \"ops\": [..]}";

/// Letters of an official hash.
const HASH: usize = 32;

pub(super) const FORMS: &[Form<NasBench101>] = &[
    Form {
        notation: Notation {
            name: "bits",
            about: "upper triangle of the matrix row by row, then the operations inside",
            example: "111|conv3x3-bn-relu",
        },
        looks: |text| text.contains('|'),
        read: bits,
        print: |space, cell| Ok(bits_of(&space.read(cell)?)),
    },
    Form {
        notation: Notation {
            name: "json",
            about: "matrix and operations in JSON; ModelSpec(..), dictionaries and pairs in Python are read too",
            example: r#"{"matrix": [[0, 1, 1], [0, 0, 1], [0, 0, 0]], "ops": ["input", "conv3x3-bn-relu", "output"]}"#,
        },
        looks: |text| is_list(text) || text.starts_with('{') || text.contains("[["),
        read: matrix,
        print: |space, cell| {
            let (matrix, ops) = matrix_of(&space.read(cell)?, '"');
            Ok(format!("{{\"matrix\": {matrix}, \"ops\": {ops}}}"))
        },
    },
    Form {
        notation: Notation {
            name: "modelspec",
            about: "ModelSpec(matrix=[[..]], ops=[..]) of the official package",
            example: "ModelSpec(matrix=[[0, 1, 1], [0, 0, 1], [0, 0, 0]], ops=['input', 'conv3x3-bn-relu', 'output'])",
        },
        looks: |_| false,
        read: matrix,
        print: |space, cell| {
            let (matrix, ops) = matrix_of(&space.read(cell)?, '\'');
            Ok(format!("ModelSpec(matrix={matrix}, ops={ops})"))
        },
    },
    Form {
        notation: Notation {
            name: "hash",
            about: "official hash of the cell; read only beside a table that has the cell",
            example: "d32d0b26d534203b48d866facd98cc3e",
        },
        looks: |text| text.len() == HASH && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        read: |_, text| Err(SpaceError::Digest { text: text.to_ascii_lowercase(), notation: "hash" }),
        print: |space, cell| space.official_hash(cell),
    },
];

fn bits(space: &NasBench101, text: &str) -> Result<Architecture, SpaceError> {
    let bad = |reason: String| refused(text, BITS, reason);
    let (bits, ops) =
        text.trim().split_once('|').ok_or_else(|| bad("no '|' between bits and operations".into()))?;
    let ops: Vec<&str> = ops.split(';').map(str::trim).filter(|op| !op.is_empty()).collect();
    let n = ops.len() + 2;
    check_bits(bits, n).map_err(bad)?;
    let edges: Vec<_> = pairs(n).zip(bits.bytes()).filter(|(_, bit)| *bit == b'1').map(|(e, _)| e).collect();
    let interior = ops.iter().map(|op| op_id(op).map_err(bad)).collect::<Result<Vec<_>, _>>()?;
    space.module(&edges, &interior).map_err(|error| bad(error.to_string()))
}

/// The pairs of vertices `(from, to)`, row by row.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |from| (from + 1..n).map(move |to| (from, to)))
}

fn op_id(name: &str) -> Result<OpId, String> {
    if matches!(name, "input" | "output") {
        return Err(format!("{name} cannot stand inside a cell"));
    }
    let position = NASBENCH101.position(name).ok_or_else(|| NASBENCH101.unknown(name))?;
    Ok(OpId::from_index((FIRST + position) as u16))
}

/// Refuses bits that are not the upper triangle of an adjacency matrix of `n` vertices.
fn check_bits(bits: &str, n: usize) -> Result<(), String> {
    if n > MAX_VERTICES {
        return Err(format!("{} operations given, expected at most {}", n - 2, MAX_VERTICES - 2));
    }
    if let Some((at, found)) = bits.char_indices().find(|(_, bit)| !matches!(bit, '0' | '1')) {
        return Err(format!("bit {at} is {found:?}, expected 0 or 1"));
    }
    let (given, expected) = (bits.len(), n * (n - 1) / 2);
    if given == expected {
        return Ok(());
    }
    Err(format!("{given} bits given, expected {expected} for {n} vertices (input, output, operations)"))
}

/// Prints `bits|op;op`.
pub(super) fn bits_of(module: &Module) -> String {
    let bits: String =
        pairs(module.vertices()).map(|(a, b)| if module.has_edge(a, b) { '1' } else { '0' }).collect();
    let ops: Vec<&str> = module.interior().iter().map(|&op| OPS[usize::from(op)]).collect();
    format!("{bits}|{}", ops.join(";"))
}

/// The matrix and the operations as lists, with these quotes.
fn matrix_of(module: &Module, quote: char) -> (String, String) {
    let n = module.vertices();
    let row = |from: usize| {
        let bits: Vec<&str> = (0..n).map(|to| if module.has_edge(from, to) { "1" } else { "0" }).collect();
        format!("[{}]", bits.join(", "))
    };
    let rows: Vec<String> = (0..n).map(row).collect();
    let inside = module.interior().iter().map(|&op| OPS[usize::from(op)]);
    let ops: Vec<String> = ["input"]
        .into_iter()
        .chain(inside)
        .chain(["output"])
        .map(|op| format!("{quote}{op}{quote}"))
        .collect();
    (format!("[{}]", rows.join(", ")), format!("[{}]", ops.join(", ")))
}

/// Reads a matrix and operations in JSON or Python.
fn matrix(space: &NasBench101, text: &str) -> Result<Architecture, SpaceError> {
    let bad = |reason: String| refused(text, MATRIX, reason);
    let (edges, ops) = spec(text).and_then(|literal| parts(&literal)).map_err(bad)?;
    space.module(&edges, &ops).map_err(|error| bad(error.to_string()))
}

/// The literal of a text, which may be the arguments of a call alone: `matrix=[[..]], ops=[..]`.
fn spec(text: &str) -> Result<Literal<'_>, String> {
    let name = text.split('=').next().unwrap_or_default().trim();
    if NAMES[0].contains(&name) { arguments(text) } else { statement(text) }
}

/// Names of the matrix and of the operations: those of the package, of its files, and after pruning.
const NAMES: [[&str; 5]; 2] = [
    ["matrix", "module_adjacency", "adjacency", "adjacency_matrix", "original_matrix"],
    ["ops", "module_operations", "operations", "vertices", "original_ops"],
];

type Parts = (Vec<(usize, usize)>, Vec<OpId>);

fn parts(literal: &Literal<'_>) -> Result<Parts, String> {
    let (matrix, ops) = match literal.arguments() {
        [matrix, ops] => (matrix, ops),
        [_, ..] if is_a_list(literal) => return Err(literal.expected("a matrix and operations")),
        _ => (field(literal, 0)?, field(literal, 1)?),
    };
    let rows = matrix.items("the rows of a matrix")?;
    let names = ops.items("a list of operations")?;
    let n = rows.len();
    if !(2..=MAX_VERTICES).contains(&n) {
        return Err(matrix.wrong(format!("{n} vertices given, expected 2 to {MAX_VERTICES}")));
    }
    Ok((edges(rows)?, interior(ops, names, n)?))
}

fn is_a_list(literal: &Literal<'_>) -> bool {
    matches!(literal.value, Value::List(_))
}

fn field<'l, 't>(literal: &'l Literal<'t>, which: usize) -> Result<&'l Literal<'t>, String> {
    let fields = literal.fields("a matrix and operations")?;
    let found = fields.into_iter().find(|(name, _)| NAMES[which].contains(name));
    found.map(|(_, value)| value).ok_or_else(|| literal.wrong(format!("{:?} is missing", NAMES[which][0])))
}

/// The edges of a strictly upper-triangular matrix of 0 and 1.
fn edges(rows: &[Literal<'_>]) -> Result<Vec<(usize, usize)>, String> {
    let mut edges = Vec::new();
    for (from, row) in rows.iter().enumerate() {
        let bits = row.integers("a row of 0 and 1")?;
        if bits.len() != rows.len() {
            return Err(row.wrong(format!("row {from} has {} numbers, expected {}", bits.len(), rows.len())));
        }
        for (to, bit) in bits.into_iter().enumerate() {
            match bit {
                0 => {}
                1 if from < to => edges.push((from, to)),
                1 => return Err(row.wrong(format!("edge {from} to {to} is not above the diagonal"))),
                other => return Err(row.wrong(format!("row {from} has {other}, expected 0 or 1"))),
            }
        }
    }
    Ok(edges)
}

/// The operations of the vertices inside; input and output may be left out.
fn interior(ops: &Literal<'_>, names: &[Literal<'_>], n: usize) -> Result<Vec<OpId>, String> {
    let is =
        |at: usize, name: &str| Ok::<_, String>(names[at].text("an operation")?.eq_ignore_ascii_case(name));
    let inside = if names.len() == n {
        if !is(0, "input")? || !is(n - 1, "output")? {
            return Err(ops.wrong("the first operation must be input, the last output"));
        }
        &names[1..n - 1]
    } else if names.len() + 2 == n {
        names
    } else {
        return Err(ops.wrong(format!("{} operations given, expected {n}, one a vertex", names.len())));
    };
    let id = |name: &Literal<'_>| op_id(name.text("an operation")?).map_err(|reason| name.wrong(reason));
    inside.iter().map(id).collect()
}
