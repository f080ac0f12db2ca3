//! From the bytes of a file to checked rows.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use bonas_spaces::catalogue::unknown;
use bonas_spaces::{Architecture, SearchSpace, SpaceError};

use super::part::Part;
use super::skipped::{SkipReason, Skipped, is_missing, missing_text};
use super::{ColumnName, Reading};
use crate::StudyError;
use crate::statistics::mean;

/// The column that holds architectures.
const ARCH: &str = "arch";

/// What a table of hashes must have.
const ARCHITECTURES: &str =
    "column `arch` must have the architectures themselves, such as matrix and operations";

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
    pub(super) skipped: Skipped,
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

/// Most bytes of a first line, which names the columns.
const LONGEST_HEADER: usize = 1 << 20;
/// Most bytes that a gzip file is unpacked to where [`Reading::unpacked`] says nothing.
const UNPACKED: u64 = 4 << 30;

/// The text of a file, gzipped or not.
pub(super) fn unzipped(bytes: &[u8], path: &Path, reading: &Reading) -> Result<Vec<u8>, StudyError> {
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes.to_vec());
    }
    let refused = |reason: String| Err(StudyError::Data { path: path.to_owned(), reason });
    let most = reading.unpacked.unwrap_or(UNPACKED);
    let mut text = Vec::new();
    let mut unpacked = flate2::read::MultiGzDecoder::new(bytes).take(most.saturating_add(1));
    // What is no table is not unpacked to its end.
    let read = unpacked
        .by_ref()
        .take(1 + LONGEST_HEADER as u64)
        .read_to_end(&mut text)
        .and_then(|_| if is_endless(&text) { Ok(0) } else { unpacked.read_to_end(&mut text) });
    match read {
        Err(error) => {
            let lines = text.split(|&byte| byte == b'\n').count() - 1;
            refused(format!(
                "the gzip file is cut short or damaged after line {lines} ({error}); fetch it again"
            ))
        }
        Ok(_) if is_endless(&text) => refused(no_header()),
        Ok(_) if text.len() as u64 > most => refused(format!(
            "its {} bytes of gzip unpack to more than {most}; unpack it{}",
            bytes.len(),
            if reading.unpacked.is_some() { ", or raise table.unpacked_megabytes" } else { "" }
        )),
        Ok(_) => Ok(text),
    }
}

/// Whether a text has no end of a first line within [`LONGEST_HEADER`], and is of no other kind of table.
fn is_endless(text: &[u8]) -> bool {
    let head = &text[..text.len().min(LONGEST_HEADER)];
    head.len() < text.len()
        && !head.contains(&b'\n')
        && !super::tfrecord::is_tfrecord(text)
        && !super::parquet::is_parquet(text)
}

fn no_header() -> String {
    format!(
        "its first line has more than {LONGEST_HEADER} bytes; expected the names of columns, one of them arch"
    )
}

/// Where the wanted columns stand in the file.
struct Places {
    arch: usize,
    /// The notation that the header names: `arch:digits`.
    notation: Option<String>,
    /// For every column asked for: what is read of the file.
    columns: Vec<Vec<Part>>,
    /// For every limit: what is read of the file.
    limits: Vec<Vec<Part>>,
}

pub(super) fn rows(
    text: &[u8],
    path: &Path,
    reading: &Reading,
    space: &dyn SearchSpace,
) -> Result<Rows, StudyError> {
    if is_endless(text) {
        return Err(StudyError::Data { path: path.to_owned(), reason: no_header() });
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let mut header = reader.headers().map_err(|error| csv_error(text, path, &error))?.clone();
    header.trim();
    if header.is_empty() {
        let reason =
            format!("it is empty; give a CSV file whose first line names the columns, one of them {ARCH}");
        return Err(StudyError::Data { path: path.to_owned(), reason });
    }
    let places = places(&header, reading).and_then(|places| places.expect_notation(space));
    let places = places.map_err(|reason| StudyError::Data { path: path.to_owned(), reason })?;
    let mut rows = Rows { values: vec![Vec::new(); reading.columns.len()], ..Rows::default() };
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| csv_error(text, path, &error))? {
        let line = record.position().map_or(0, |start| line_at(text, start));
        let read = row(&record, &places, reading);
        match read.map_err(|reason| StudyError::Table { path: path.to_owned(), line, reason })? {
            Err(reason) => rows.skipped.add(reason),
            Ok((text, values)) => {
                rows.lines.push(line);
                rows.texts.push(text);
                rows.values.iter_mut().zip(values).for_each(|(column, runs)| column.push(runs));
            }
        }
    }
    if rows.lines.is_empty() { Err(nothing_left(&rows.skipped, path)) } else { Ok(rows) }
}

/// The error of a table of which no row is left.
pub(super) fn nothing_left(skipped: &Skipped, path: &Path) -> StudyError {
    let reason = if skipped.is_empty() {
        "the table has no row; give a CSV file with a header line and one row an architecture".to_owned()
    } else {
        format!("no row is left: {skipped}; ask for less")
    };
    StudyError::Data { path: path.to_owned(), reason }
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
    let (arch, notation) = arch_column(header)?
        .map_or_else(|| place(ARCH).map(|arch| (arch, None)), |(arch, notation)| Ok((arch, Some(notation))))
        .map_err(|e| format!("{e}; {}", header_remedy(header)))?;
    let part = |name: &String| Part::named(name, |name| header.iter().any(|own| own == name), place);
    let all = |column: &ColumnName| column.parts.iter().map(part).collect::<Result<Vec<_>, _>>();
    let columns = reading.columns.iter().map(all).collect::<Result<_, String>>()?;
    let limits = reading.limits.iter().map(|limit| all(&limit.column)).collect::<Result<_, String>>()?;
    Ok(Places { arch, notation, columns, limits })
}

/// What to do about a first line without a column of architectures.
fn header_remedy(header: &csv::StringRecord) -> String {
    let separator = [(';', "semicolons"), ('\t', "tabs")]
        .into_iter()
        .find(|(sign, _)| header.get(0).is_some_and(|name| name.contains(*sign)));
    match separator {
        Some((_, name)) if header.len() == 1 => {
            format!(
                "its columns have {name} between them: save it as CSV with commas, and numbers with decimal points"
            )
        }
        _ if header.iter().any(|name| name.to_lowercase().contains("hash")) => {
            format!("a hash does not say what the architecture is; {ARCHITECTURES}")
        }
        _ => format!("the first line must name the columns, one of them `{ARCH}`"),
    }
}

/// The column of architectures whose header names their notation, as `arch:digits`, and the notation.
fn arch_column(header: &csv::StringRecord) -> Result<Option<(usize, String)>, String> {
    let notation = |name: &str| Some(name.strip_prefix(ARCH)?.strip_prefix(':')?.trim().to_owned());
    let mut found = header.iter().enumerate().filter_map(|(at, name)| Some((at, notation(name)?)));
    match (found.next(), found.next(), header.iter().any(|name| name == ARCH)) {
        (first, None, false) | (first @ None, None, true) => Ok(first),
        _ => Err(format!("there are several columns `{ARCH}` or `{ARCH}:NOTATION`; rename all but one")),
    }
}

impl Places {
    /// Refuses a notation that the space does not have.
    fn expect_notation(self, space: &dyn SearchSpace) -> Result<Self, String> {
        let known: Vec<&str> = space.notations().iter().map(|known| known.name).collect();
        match &self.notation {
            Some(name) if !known.contains(&name.as_str()) => Err(unknown("notation", name, known)),
            _ => Ok(self),
        }
    }

    /// The text of an architecture with the notation in front that the header names.
    fn named(&self, text: &str) -> Arc<str> {
        self.notation.as_ref().map_or_else(|| text.into(), |notation| format!("{notation}:{text}").into())
    }
}

/// The text of a cell without blanks around it.
fn cell(record: &csv::ByteRecord, place: usize) -> Result<&str, String> {
    let text = std::str::from_utf8(&record[place]).map(str::trim);
    text.map_err(|_| "the text is not UTF-8; save the table as UTF-8 CSV".to_owned())
}

/// The architecture of a row and its measurements, one entry a column asked for; the reason if it is to be left out.
type Row = Result<(Arc<str>, Vec<Runs>), SkipReason>;

/// Reads a row, or says what is wrong with it.
fn row(record: &csv::ByteRecord, places: &Places, reading: &Reading) -> Result<Row, String> {
    let text = cell(record, places.arch)?;
    if is_missing(text) {
        let what = missing_text(text);
        return reading.skip_missing.then_some(Err(SkipReason::NoArchitecture)).ok_or_else(|| {
            format!("column `{ARCH}` is {what}; remove the row or write its architecture, or {SKIP}")
        });
    }
    let runs = |name: &ColumnName, parts: &[Part]| {
        let mut runs = Vec::new();
        for part in parts {
            if !numbers(cell(record, part.column)?, part, name.negated, &mut runs)? {
                let reason = SkipReason::Missing(part.name.clone());
                return if reading.skip_missing { Ok(Err(reason)) } else { Err(lacking(record, part)) };
            }
        }
        Ok(Ok(runs))
    };
    for (limit, parts) in reading.limits.iter().zip(&places.limits) {
        match runs(&limit.column, parts)? {
            Ok(runs) if limit.bound.holds(mean(&runs)) => {}
            Ok(_) => return Ok(Err(SkipReason::Beyond(limit.to_string()))),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    let mut values = Vec::with_capacity(places.columns.len());
    for (name, parts) in reading.columns.iter().zip(&places.columns) {
        match runs(name, parts)?.as_deref() {
            Err(reason) => return Ok(Err(reason.clone())),
            Ok(&[one]) => values.push(Runs::One(one)),
            Ok(many) => values.push(Runs::Many(many.to_vec())),
        }
    }
    Ok(Ok((places.named(text), values)))
}

/// What to do about rows that lack something.
const SKIP: &str = "leave such rows out (missing = \"skip\", --skip-missing)";

/// The error of a missing number.
fn lacking(record: &csv::ByteRecord, part: &Part) -> String {
    let cell = cell(record, part.column).unwrap_or_default();
    let what = missing_text(part.numbers(cell).find(|number| is_missing(number)).unwrap_or_default());
    format!("column `{}` is {what}; fill it in, or {SKIP}", part.name)
}

/// Reads `1.5` or `1.5;2;3`, or the part of it that is asked for; false if one is missing.
fn numbers(cell: &str, part: &Part, negated: bool, runs: &mut Vec<f64>) -> Result<bool, String> {
    let column = &part.name;
    let before = runs.len();
    for number in part.numbers(cell) {
        if is_missing(number) {
            return Ok(false);
        }
        match number.trim().parse::<f64>() {
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
    Ok(runs.len() > before)
}

/// The line of what begins at a position: the reader takes what is left of a line's end, and blank lines, for a part of the
/// record behind them.
fn line_at(text: &[u8], start: &csv::Position) -> u64 {
    let rest = usize::try_from(start.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    start.line() + ends.filter(|&&byte| byte == b'\n').count() as u64
}

fn csv_error(text: &[u8], path: &Path, error: &csv::Error) -> StudyError {
    let path = path.to_owned();
    let line = error.position().map(|start| line_at(text, start));
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

/// The architecture of every row, or why it is left out, read on all cores.
///
/// The first row that the space cannot read is the error, whatever the number of threads.
pub(super) fn architectures(
    rows: &Rows,
    path: &Path,
    space: &dyn SearchSpace,
    reading: &Reading,
) -> Result<Vec<Result<Architecture, SkipReason>>, StudyError> {
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
        .map(|(architecture, &line)| match architecture {
            Ok(architecture) => Ok(Ok(architecture)),
            Err(SpaceError::Excluded { exclusion, .. }) if reading.skip_excluded => Ok(Err(exclusion.into())),
            Err(error) => {
                let reason = unread(&error, space);
                Err(StudyError::Table { path: path.to_owned(), line, reason })
            }
        })
        .collect()
}

/// What is wrong with a text that is not read, and what to do about it.
fn unread(error: &SpaceError, space: &dyn SearchSpace) -> String {
    match error {
        SpaceError::Ambiguous { readings, .. } => {
            let first = readings.first().map_or("", |(name, _)| *name);
            format!("{error}; or in the header: {ARCH}:{first}")
        }
        SpaceError::Digest { text, notation } => {
            format!("{text:?} is a {notation}, which does not say what the architecture is; {ARCHITECTURES}")
        }
        _ => {
            format!(
                "{error}; correct or remove the row, or name the table's own space (now {})",
                space.name()
            )
        }
    }
}
