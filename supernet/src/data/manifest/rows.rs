//! The rows of a manifest.

use std::path::Path;

use bonas_study::StudyError;
use serde_json::Value;

use super::super::fault::{DataFault, FaultKind};
use super::super::files::{self, name_of, unusable};

const LAYOUT: &str = "expected a CSV file with the header path,label or path,label,split, or a JSONL file with lines like \
                      {\"path\": \"a.png\", \"label\": \"cat\", \"split\": \"train\"}";
/// Extensions of manifests, in lower case.
pub(in super::super) const MANIFESTS: [&str; 4] = ["csv", "tsv", "jsonl", "ndjson"];
/// What may stand between the fields of a CSV file.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A row as it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) path: String,
    pub(super) label: String,
    /// Empty if it has none.
    pub(super) split: String,
}

/// The rows that have a path and a label, and those that cannot be used.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) faults: Vec<DataFault>,
}

/// Reads a manifest, plain or gzip.
///
/// # Errors
/// [`StudyError::Data`] for a file that cannot be read, is named or written as neither CSV nor JSONL, or has no column of
/// paths or labels.
pub(super) fn read(manifest: &Path, unpacked: u64) -> Result<Rows, StudyError> {
    if manifest.is_dir() {
        return Err(unusable(manifest, format!("is a folder; {LAYOUT}")));
    }
    let bytes = files::read(manifest, LAYOUT, unpacked)?;
    let text = text(manifest, &bytes)?;
    let name = name_of(manifest).to_lowercase();
    let found = match name.trim_end_matches(".gz").rsplit('.').next() {
        Some("csv" | "tsv") => of_csv(manifest, text)?,
        Some("jsonl" | "ndjson") => of_jsonl(text),
        _ => return Err(unusable(manifest, format!("is not named .csv, .tsv, .jsonl or .ndjson; {LAYOUT}"))),
    };
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for (line, row) in found {
        match row.and_then(Row::checked) {
            Ok(row) => rows.push(row),
            Err(reason) => {
                faults.push(DataFault::new(FaultKind::BadRow, manifest, format!("line {line}: {reason}")));
            }
        }
    }
    Ok(Rows { rows, faults })
}

/// The rows with their lines, or what is wrong with them.
type Found = Vec<(u64, Result<Row, String>)>;

impl Row {
    fn checked(self) -> Result<Self, String> {
        if self.path.is_empty() {
            return Err("has no path".to_owned());
        }
        if self.path.contains("://") {
            return Err(format!("{:?} is no path of a file; fetch the image, and name its file", self.path));
        }
        if self.label.is_empty() {
            return Err("has no label".to_owned());
        }
        Ok(self)
    }
}

/// The text without a byte order mark.
fn text<'a>(manifest: &Path, bytes: &'a [u8]) -> Result<&'a str, StudyError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(unusable(manifest, "is UTF-16 text; save it as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n').count();
        unusable(manifest, format!("line {line} is not UTF-8 text; save it as UTF-8"))
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// Where path, label and split stand in a row.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    count: usize,
}

impl Columns {
    /// # Errors
    /// A column that is missing, or there twice.
    fn of(header: &csv::StringRecord) -> Result<Self, String> {
        let names: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let at = |wanted: &str| {
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == wanted).map(|(at, _)| at);
            let first = found.next();
            if found.next().is_some() { Err(format!("has two columns {wanted}")) } else { Ok(first) }
        };
        let needed = |wanted: &str| at(wanted)?.ok_or_else(|| format!("has no column {wanted}"));
        Ok(Self { path: needed("path")?, label: needed("label")?, split: at("split")?, count: names.len() })
    }
}

/// The rows of a CSV file. Fields are between commas, semicolons or tabs, whichever the header shows.
fn of_csv(manifest: &Path, text: &str) -> Result<Found, StudyError> {
    let reader = |delimiter: u8| {
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes())
    };
    let header = |delimiter: u8| {
        let header = reader(delimiter).headers().cloned().map_err(|error| error.to_string())?;
        Columns::of(&header).map_err(|reason| {
            let columns = header.iter().map(str::trim).collect::<Vec<_>>().join(", ");
            format!("{reason} (its first line: {columns})")
        })
    };
    if text.trim().is_empty() {
        return Err(unusable(manifest, format!("it is empty; {LAYOUT}")));
    }
    let wrong = |reason: String| unusable(manifest, format!("{reason}; {LAYOUT}"));
    let fits = DELIMITERS.into_iter().find(|delimiter| header(*delimiter).is_ok());
    let delimiter = fits.unwrap_or(DELIMITERS[0]);
    let columns = header(delimiter).map_err(wrong)?;
    let rows = reader(delimiter).into_records().map(|record| match record {
        Ok(record) => {
            let line = record.position().map_or(0, csv::Position::line);
            (line, columns.row(line, &record))
        }
        Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
    });
    Ok(rows.collect())
}

impl Columns {
    fn row(&self, line: u64, record: &csv::StringRecord) -> Result<Row, String> {
        // One that is not closed takes in all that follows.
        if record.iter().any(|field| field.contains(['\n', '\r'])) {
            return Err(
                "has a field that goes on in the next line; a quotation mark may be missing".to_owned()
            );
        }
        if record.len() != self.count {
            let fields = if record.len() == 1 { "field" } else { "fields" };
            return Err(format!("has {} {fields}, and the header {}", record.len(), self.count));
        }
        let field = |at: usize| record.get(at).unwrap_or_default();
        Ok(Row {
            line,
            path: field(self.path).trim().to_owned(),
            label: field(self.label).trim().to_owned(),
            split: self.split.map_or("", field).trim().to_owned(),
        })
    }
}

/// The rows of a JSONL file, in which empty lines do not count.
fn of_jsonl(text: &str) -> Found {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(line, text)| (line, of_json(line, text))).collect()
}

fn of_json(line: u64, text: &str) -> Result<Row, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON ({error})"))?;
    let Value::Object(fields) = value else { return Err("is no JSON object".to_owned()) };
    let field = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) if key == "label" && !number.is_f64() => Ok(number.to_string()),
        Some(other) => Err(format!(
            "{key} is {other}, expected a text{}",
            if key == "label" { " or a whole number" } else { "" }
        )),
    };
    let trimmed = |key: &str| field(key).map(|text| text.trim().to_owned());
    Ok(Row { line, path: trimmed("path")?, label: trimmed("label")?, split: trimmed("split")? })
}
