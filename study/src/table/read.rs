//! From the bytes of a file to checked rows.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use bonas_spaces::catalogue::unknown;
use bonas_spaces::{Architecture, SearchSpace, SpaceError};

use super::{ColumnName, Reading};
use crate::StudyError;
use crate::statistics::mean;

/// The column that holds architectures.
const ARCH: &str = "arch";

/// How gzip files begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The rows of a file: their architecture as text, and their numbers in the columns asked for.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Line of each row, from 1.
    pub(super) lines: Vec<u64>,
    /// The `arch` column.
    pub(super) texts: Vec<Arc<str>>,
    /// For every column asked for, the measurements of each row.
    pub(super) values: Vec<Vec<Runs>>,
    /// Rows left out.
    pub(super) skipped: usize,
}

/// The measurements of a row in one column; nearly always one, which needs no heap.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Runs {
    /// One measurement.
    One(f64),
    /// Several.
    Many(Vec<f64>),
}

impl Runs {
    pub(super) fn as_slice(&self) -> &[f64] {
        match self {
            Self::One(run) => std::slice::from_ref(run),
            Self::Many(runs) => runs,
        }
    }
}

pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, StudyError> {
    std::fs::read(path).map_err(|source| StudyError::Io { path: path.to_owned(), source })
}

/// The text of a file, gzipped or not.
pub(super) fn unzipped(bytes: &[u8], path: &Path) -> Result<Vec<u8>, StudyError> {
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::with_capacity(6 * bytes.len());
    match flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let lines = text.split(|&byte| byte == b'\n').count() - 1;
            let reason =
                format!("the gzip file is cut short or damaged after line {lines} ({error}); fetch it again");
            Err(StudyError::Data { path: path.to_owned(), reason })
        }
    }
}

/// Where the wanted columns stand in the file.
struct Places {
    arch: usize,
    /// For every column asked for: the columns of the file.
    columns: Vec<Vec<usize>>,
    /// For every limit: the columns of the file.
    limits: Vec<Vec<usize>>,
}

pub(super) fn rows(text: &[u8], path: &Path, reading: &Reading) -> Result<Rows, StudyError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let mut header = reader.headers().map_err(|error| csv_error(path, &error))?.clone();
    header.trim();
    let places =
        places(&header, reading).map_err(|reason| StudyError::Data { path: path.to_owned(), reason })?;
    let mut rows = Rows { values: vec![Vec::new(); reading.columns.len()], ..Rows::default() };
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| csv_error(path, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let read = row(&record, &header, &places, reading);
        match read.map_err(|reason| StudyError::Table { path: path.to_owned(), line, reason })? {
            None => rows.skipped += 1,
            Some((text, values)) => {
                rows.lines.push(line);
                rows.texts.push(text.into());
                rows.values.iter_mut().zip(values).for_each(|(column, runs)| column.push(runs));
            }
        }
    }
    if rows.lines.is_empty() {
        let reason = match rows.skipped {
            0 => "the table has no row; give a CSV file with a header line and one row an architecture"
                .to_owned(),
            n => format!("all {n} rows are left out, for a missing number or a limit; ask for less"),
        };
        return Err(StudyError::Data { path: path.to_owned(), reason });
    }
    Ok(rows)
}

fn places(header: &csv::StringRecord, reading: &Reading) -> Result<Places, String> {
    let place = |name: &str| {
        let found: Vec<usize> = (0..header.len()).filter(|&i| &header[i] == name).collect();
        match found[..] {
            [one] => Ok(one),
            [] => Err(unknown("column", name, header.iter())),
            [_, _, ..] => Err(format!("column `{name}` is there {} times; rename all but one", found.len())),
        }
    };
    let arch = place(ARCH)
        .map_err(|e| format!("{e}; the first line must name the columns, one of them `{ARCH}`"))?;
    let all =
        |column: &ColumnName| column.parts.iter().map(|part| place(part)).collect::<Result<Vec<_>, _>>();
    let columns = reading.columns.iter().map(all).collect::<Result<_, String>>()?;
    let limits = reading.limits.iter().map(|limit| all(&limit.column)).collect::<Result<_, String>>()?;
    Ok(Places { arch, columns, limits })
}

/// The text of a cell without blanks around it.
fn cell(record: &csv::ByteRecord, place: usize) -> Result<&str, String> {
    let text = std::str::from_utf8(&record[place]).map(str::trim);
    text.map_err(|_| "the text is not UTF-8; save the table as UTF-8 CSV".to_owned())
}

/// The architecture of a row and its measurements, one entry a column asked for; none if it is to
/// be left out.
fn row<'r>(
    record: &'r csv::ByteRecord,
    header: &csv::StringRecord,
    places: &Places,
    reading: &Reading,
) -> Result<Option<(&'r str, Vec<Runs>)>, String> {
    let text = cell(record, places.arch)?;
    if text.is_empty() {
        return Err(format!("column `{ARCH}` is empty; remove the row or write its architecture"));
    }
    let runs = |name: &ColumnName, columns: &[usize]| {
        let mut runs = Vec::new();
        for &column in columns {
            let cell = cell(record, column)?;
            if cell.is_empty() && reading.skip_missing {
                return Ok(None);
            }
            numbers(cell, &header[column], name.negated, &mut runs)?;
        }
        Ok::<_, String>(Some(runs))
    };
    for (limit, columns) in reading.limits.iter().zip(&places.limits) {
        let kept = runs(&limit.column, columns)?.filter(|runs| limit.bound.holds(mean(runs)));
        if kept.is_none() {
            return Ok(None);
        }
    }
    let mut values = Vec::with_capacity(places.columns.len());
    for (name, columns) in reading.columns.iter().zip(&places.columns) {
        match runs(name, columns)?.as_deref() {
            None => return Ok(None),
            Some(&[one]) => values.push(Runs::One(one)),
            Some(many) => values.push(Runs::Many(many.to_vec())),
        }
    }
    Ok(Some((text, values)))
}

/// Reads `1.5` or `1.5;2;3`.
fn numbers(cell: &str, column: &str, negated: bool, runs: &mut Vec<f64>) -> Result<(), String> {
    if cell.is_empty() {
        let remedy = "fill it in, or leave such rows out (missing = \"skip\", --skip-missing)";
        return Err(format!("column `{column}` is empty; {remedy}"));
    }
    for part in cell.split(';') {
        match part.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => runs.push(if negated { -value } else { value }),
            Ok(value) => {
                return Err(format!(
                    "column `{column}` is {value}; it must be finite: remove the row or correct it"
                ));
            }
            Err(_) => {
                let expected = "a number, or several joined by `;`";
                return Err(format!("column `{column}` is {cell:?}; expected {expected}"));
            }
        }
    }
    Ok(())
}

fn csv_error(path: &Path, error: &csv::Error) -> StudyError {
    let path = path.to_owned();
    let line = error.position().map(csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "{len} fields, the header has {expected_len}; the row is cut short, or a comma needs quotes"
            )
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8; save the table as UTF-8 CSV".to_owned(),
        _ => format!("not CSV: {error}"),
    };
    match line {
        Some(line) => StudyError::Table { path, line, reason },
        None => StudyError::Data { path, reason },
    }
}

/// Fewer rows than this are not worth a thread.
const ROWS_A_THREAD: usize = 1000;

/// The architecture of every row, read on all cores.
///
/// The first row that the space cannot read is the error, whatever the number of threads.
pub(super) fn architectures(
    rows: &Rows,
    path: &Path,
    space: &dyn SearchSpace,
) -> Result<Vec<Architecture>, StudyError> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let size = rows.texts.len().div_ceil(cores).max(ROWS_A_THREAD);
    let parse = |texts: &[Arc<str>]| texts.iter().map(|text| space.parse(text)).collect::<Vec<_>>();
    let parsed: Vec<Result<Architecture, SpaceError>> = thread::scope(|scope| {
        let workers: Vec<_> =
            rows.texts.chunks(size).map(|texts| scope.spawn(move || parse(texts))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    if parsed.len() != rows.texts.len() {
        let reason = format!("space {} panicked on one of the architectures; please report it", space.name());
        return Err(StudyError::Data { path: path.to_owned(), reason });
    }
    let checked = parsed.into_iter().zip(&rows.lines);
    checked
        .map(|(architecture, &line)| {
            architecture.map_err(|error| StudyError::Table {
                path: path.to_owned(),
                line,
                reason: format!(
                    "{error}; correct or remove the row, or name the table's own space (now {})",
                    space.name()
                ),
            })
        })
        .collect()
}
