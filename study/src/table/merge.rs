//! Rows of one architecture become one arm.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

use bonas_spaces::Architecture;

use super::read::{Rows, Runs};
use super::skipped::{SkipReason, Skipped};
use super::{Arm, ByKey, Column, Reading};
use crate::StudyError;

/// What becomes of rows whose architectures have one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// One arm that has the measurements of all of them: its value is their mean.
    #[default]
    Mean,
    /// One arm that has the measurements of the first row.
    First,
    /// As [`Self::Mean`], also of rows with one text: they are repeats of a measurement, where else they must agree.
    Repeats,
    /// Each row is an arm by itself.
    Raw,
}

/// What the rows of a file come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged {
    pub(super) arms: Vec<Arm>,
    pub(super) columns: Vec<Column>,
    /// The arm of every row, duplicates left out.
    pub(super) rows: Vec<u32>,
    pub(super) by_key: ByKey,
    pub(super) by_text: HashMap<Arc<str>, u32>,
    pub(super) skipped: Skipped,
}

/// The arms of the rows, in the order of their first rows.
pub(super) fn merge(
    rows: &Rows,
    architectures: Vec<Result<Architecture, SkipReason>>,
    path: &Path,
    reading: &Reading,
) -> Result<Merged, StudyError> {
    let mut merged = Merged { skipped: rows.skipped.clone(), ..Merged::default() };
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut by_text: HashMap<Arc<str>, (u32, usize)> = HashMap::with_capacity(rows.texts.len());
    for (row, architecture) in architectures.into_iter().enumerate() {
        let architecture = match architecture {
            Ok(architecture) => architecture,
            Err(reason) => {
                merged.skipped.add(reason);
                continue;
            }
        };
        let text = &rows.texts[row];
        let slot = match by_text.entry(text.clone()) {
            Entry::Vacant(slot) => slot,
            Entry::Occupied(there) if reading.merge == Merge::Repeats => {
                let (place, _) = *there.get();
                merged.rows.push(place);
                merged.arms[place as usize].rows += 1;
                members[place as usize].push(row);
                continue;
            }
            Entry::Occupied(there) => {
                same_values(rows, there.get().1, row, path, reading)?;
                merged.skipped.add(SkipReason::Repeated);
                continue;
            }
        };
        let next = merged.arms.len() as u32;
        let place = *merged.by_key.entry(architecture.key()).or_insert(next);
        let place = if reading.merge == Merge::Raw { next } else { place };
        slot.insert((place, row));
        merged.rows.push(place);
        if place == next {
            merged.arms.push(Arm { architecture, text: text.clone(), rows: 1 });
            members.push(vec![row]);
        } else {
            merged.arms[place as usize].rows += 1;
            members[place as usize].push(row);
        }
    }
    merged.columns = columns(&rows.values, &members, reading);
    merged.by_text = by_text.into_iter().map(|(text, (arm, _))| (text, arm)).collect();
    Ok(merged)
}

fn columns(values: &[Vec<Runs>], members: &[Vec<usize>], reading: &Reading) -> Vec<Column> {
    let column = |(name, values): (_, &Vec<Runs>)| {
        let mut column = Column::new(name);
        for rows in members {
            let rows = if reading.merge == Merge::First { &rows[..1] } else { &rows[..] };
            column.push(rows.iter().flat_map(|&row| values[row].as_slice().iter().copied()));
        }
        column
    };
    reading.columns.iter().cloned().zip(values).map(column).collect()
}

/// A row that stands in the file a second time is passed over, unless it says something else.
fn same_values(
    rows: &Rows,
    first: usize,
    row: usize,
    path: &Path,
    reading: &Reading,
) -> Result<(), StudyError> {
    for (name, values) in reading.columns.iter().zip(&rows.values) {
        let (before, now) = (values[first].as_slice(), values[row].as_slice());
        if before != now {
            let reason = format!(
                "{:?} is there a second time with {name} = {now:?}; line {} has {before:?}: remove one of the two, or \
                 join repeats in one row with `;`, or take them for repeats (isomorphs = \"repeats\", --merge repeats)",
                rows.texts[row], rows.lines[first]
            );
            return Err(StudyError::Table { path: path.to_owned(), line: rows.lines[row], reason });
        }
    }
    Ok(())
}
