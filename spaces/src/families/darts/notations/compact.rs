//! Two cells of eight pairs (from, operation) of numbers, in the two numberings there are.

use super::super::{CellGenotype, Genotype, Primitive, STEPS};
use crate::error::SpaceError;
use crate::notation::literal::{Literal, statement};
use crate::notation::refused;

/// Who numbers the operations from where.
pub(super) struct Numbering {
    notation: &'static str,
    name: &'static str,
    /// The position in [`Primitive::ALL`] of operation 0.
    first: usize,
}

/// BANANAS and naszilla: `none` is 0.
pub(super) const BANANAS: Numbering =
    Numbering { notation: "two cells ((from, operation), ..) of BANANAS", name: "bananas", first: 0 };

/// `NASLib`: without `none`.
pub(super) const NASLIB: Numbering =
    Numbering { notation: "two cells ((from, operation), ..) of NASLib", name: "naslib", first: 1 };

/// Reads `(((0, 4), (1, 4), ..), (..))`, the normal cell first.
pub(super) fn read(text: &str, numbering: &Numbering) -> Result<Genotype, SpaceError> {
    let cells = statement(text).and_then(|literal| {
        let cells = literal.items("two cells")?;
        let [normal, reduce] = cells else {
            return Err(literal.wrong(format!("{} cells given, expected 2", cells.len())));
        };
        Ok(Genotype { normal: cell(normal, numbering)?, reduce: cell(reduce, numbering)? })
    });
    cells.map_err(|reason| refused(text, numbering.notation, reason))
}

fn cell(literal: &Literal<'_>, numbering: &Numbering) -> Result<CellGenotype, String> {
    let edges = literal.items("the edges of a cell")?;
    let read = edges.iter().map(|pair| edge(pair, numbering)).collect::<Result<Vec<_>, _>>()?;
    let found = read.len();
    read.try_into().map_err(|_| literal.wrong(format!("a cell has {} edges, not {found}", 2 * STEPS)))
}

fn edge(pair: &Literal<'_>, numbering: &Numbering) -> Result<(Primitive, usize), String> {
    let [from, op] = pair.items("a pair (from, operation)")? else {
        return Err(pair.wrong("expected a pair (from, operation)"));
    };
    let number = op.number("the number of an operation")?;
    let primitive = Primitive::ALL[numbering.first..].get(number).copied();
    let last = Primitive::ALL.len() - 1 - numbering.first;
    let primitive = primitive.ok_or_else(|| op.wrong(format!("operation {number}, expected 0 to {last}")))?;
    Ok((primitive, from.number("a node number")?))
}

/// Prints both cells.
///
/// # Errors
/// [`SpaceError::CannotSay`] for an operation without a number.
pub(super) fn print(genotype: &Genotype, numbering: &Numbering) -> Result<String, SpaceError> {
    let edge = |&(op, from): &(Primitive, usize)| {
        let number = (op as usize).checked_sub(numbering.first).ok_or_else(|| SpaceError::CannotSay {
            notation: numbering.name,
            reason: format!("{} has no number", op.name()),
        })?;
        Ok(format!("({from}, {number})"))
    };
    let cell = |cell: &CellGenotype| {
        let edges = cell.iter().map(edge).collect::<Result<Vec<_>, SpaceError>>()?;
        Ok::<_, SpaceError>(format!("({})", edges.join(", ")))
    };
    Ok(format!("({}, {})", cell(&genotype.normal)?, cell(&genotype.reduce)?))
}
