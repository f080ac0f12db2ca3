//! The official files of NAS-Bench-101 (`nasbench_full.tfrecord`, `nasbench_only108.tfrecord`).
//!
//! A `TFRecord` file is a list of records: length (8 bytes), its checksum (4), data, their checksum
//! (4), little-endian. Data here are a JSON list `[hash, epochs, adjacency, operations, metrics]`
//! (google-research/nasbench, `api.py`): the adjacency matrix as 0 and 1 row by row, operations with
//! commas between, and a `ModelMetrics` protocol buffer in base64. A cell has a record for each
//! repeat and number of epochs.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::StudyError;

/// Bytes before the data of a record, and behind them.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// Whether a file begins as a `TFRecord` file does: with a length and its checksum.
pub(super) fn is_tfrecord(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD + TAIL && masked_crc(&bytes[..8]) == number(&bytes[8..HEAD]) as u32
}

/// `CRC-32C`, rotated and shifted as the format asks.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The text of a CSV table: `arch`, `hash`, `params`, and for every number of epochs `E` the columns
/// `val_eE`, `test_eE`, `train_eE` (accuracies as fractions) and `time_eE` (seconds of training),
/// repeats joined by `;`. Rows are in the order of their first records.
///
/// # Errors
/// [`StudyError::Data`] with the record that is cut short, damaged, or not of NAS-Bench-101.
pub(super) fn csv(bytes: &[u8], path: &Path) -> Result<Vec<u8>, StudyError> {
    let mut cells = Cells::default();
    let mut rest = bytes;
    let mut count = 0;
    while !rest.is_empty() {
        count += 1;
        let data = next(&mut rest).and_then(|data| cells.add(data));
        data.map_err(|reason| StudyError::Data {
            path: path.to_owned(),
            reason: format!("record {count}: {reason}"),
        })?;
    }
    Ok(cells.csv().into_bytes())
}

/// The data of the next record.
fn next<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], String> {
    let cut = || "the file is cut short; fetch it again".to_owned();
    let damaged = |what: &str| format!("the checksum of its {what} does not fit; fetch the file again");
    let (head, behind) = rest.split_at_checked(HEAD).ok_or_else(cut)?;
    if masked_crc(&head[..8]) != number(&head[8..]) as u32 {
        return Err(damaged("length"));
    }
    let length = usize::try_from(number(&head[..8])).map_err(|_| cut())?;
    let (data, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
    let (tail, behind) = behind.split_at_checked(TAIL).ok_or_else(cut)?;
    if masked_crc(data) != number(tail) as u32 {
        return Err(damaged("data"));
    }
    *rest = behind;
    Ok(data)
}

/// Final figures of one training: validation, test and training accuracy, seconds.
type Repeat = [f64; 4];

/// Names of a [`Repeat`]'s numbers, and their field numbers in an `EvaluationData` message.
const FIGURES: [(&str, u64); 4] = [("val", 4), ("test", 5), ("train", 3), ("time", 2)];

#[derive(Default)]
struct Cells {
    places: HashMap<String, usize>,
    rows: Vec<CellRow>,
    /// Numbers of epochs there are, in order.
    epochs: Vec<u64>,
}

struct CellRow {
    arch: String,
    hash: String,
    params: u64,
    /// By number of epochs.
    repeats: HashMap<u64, Vec<Repeat>>,
}

impl Cells {
    /// Takes a record in, or says what is wrong with it.
    fn add(&mut self, data: &[u8]) -> Result<(), String> {
        let foreign = |what: String| format!("not of NAS-Bench-101: {what}");
        let (hash, epochs, adjacency, operations, metrics): (String, u64, String, String, String) =
            serde_json::from_slice(data).map_err(|error| foreign(error.to_string()))?;
        let metrics = STANDARD.decode(&metrics).map_err(|error| foreign(error.to_string()))?;
        let (params, repeat) = metrics_of(&metrics).map_err(foreign)?;
        let place = if let Some(&place) = self.places.get(&hash) {
            place
        } else {
            let arch = notation(&adjacency, &operations).map_err(foreign)?;
            self.places.insert(hash.clone(), self.rows.len());
            self.rows.push(CellRow { arch, hash, params, repeats: HashMap::new() });
            self.rows.len() - 1
        };
        if let Err(at) = self.epochs.binary_search(&epochs) {
            self.epochs.insert(at, epochs);
        }
        self.rows[place].repeats.entry(epochs).or_default().push(repeat);
        Ok(())
    }

    fn csv(&self) -> String {
        let mut csv = String::from("arch,hash,params");
        for epochs in &self.epochs {
            for (name, _) in FIGURES {
                let _ = write!(csv, ",{name}_e{epochs}");
            }
        }
        csv.push('\n');
        for cell in &self.rows {
            let _ = write!(csv, "{},{},{}", cell.arch, cell.hash, cell.params);
            for epochs in &self.epochs {
                let repeats = cell.repeats.get(epochs).map_or(&[][..], Vec::as_slice);
                for figure in 0..FIGURES.len() {
                    let runs: Vec<String> = repeats.iter().map(|repeat| repeat[figure].to_string()).collect();
                    let _ = write!(csv, ",{}", runs.join(";"));
                }
            }
            csv.push('\n');
        }
        csv
    }
}

/// A matrix and operations as `bits|op;op`.
fn notation(adjacency: &str, operations: &str) -> Result<String, String> {
    let ops: Vec<&str> = operations.split(',').collect();
    let n = ops.len();
    if n < 2 || adjacency.len() != n * n {
        return Err(format!("{n} operations, but a matrix of {} numbers", adjacency.len()));
    }
    if !adjacency.is_ascii() {
        return Err("a matrix of other signs than 0 and 1".to_owned());
    }
    let bits = (0..n).map(|row| &adjacency[row * n + row + 1..(row + 1) * n]);
    Ok(format!("{}|{}", bits.collect::<String>(), ops[1..n - 1].join(";")))
}

/// Parameters and the final figures of a `ModelMetrics` message: `evaluation_data` is field 1, its
/// last entry the final one, `trainable_parameters` field 2.
fn metrics_of(message: &[u8]) -> Result<(u64, Repeat), String> {
    let (mut params, mut last) = (0, None);
    for field in fields(message)? {
        match field {
            (1, Value::Bytes(evaluation)) => last = Some(evaluation),
            (2, Value::Number(number)) => params = number,
            _ => {}
        }
    }
    let mut repeat = [None; 4];
    for field in fields(last.ok_or("a cell without an evaluation")?)? {
        if let (number, Value::Number(bits)) = field
            && let Some(place) = FIGURES.iter().position(|(_, own)| *own == number)
        {
            repeat[place] = Some(f64::from_bits(bits));
        }
    }
    // A figure that is not a number is written as such, and so it is missing.
    match repeat.iter().position(Option::is_none) {
        None => Ok((params, repeat.map(Option::unwrap_or_default))),
        Some(place) => Err(format!("an evaluation without `{}`", FIGURES[place].0)),
    }
}

/// A protocol buffer's value; a double as its bits.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protocol buffer message with their numbers.
fn fields(mut message: &[u8]) -> Result<Vec<(u64, Value<'_>)>, String> {
    let cut = "a protocol buffer that is cut short";
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message).ok_or(cut)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut message).ok_or(cut)?),
            1 => Value::Number(number(take(&mut message, 8).ok_or(cut)?)),
            2 => {
                let length = varint(&mut message).ok_or(cut)?;
                Value::Bytes(take(&mut message, usize::try_from(length).map_err(|_| cut)?).ok_or(cut)?)
            }
            5 => Value::Number(number(take(&mut message, 4).ok_or(cut)?)),
            other => return Err(format!("a protocol buffer with wire type {other}")),
        };
        fields.push((tag >> 3, value));
    }
    Ok(fields)
}

fn take<'m>(message: &mut &'m [u8], n: usize) -> Option<&'m [u8]> {
    let (taken, rest) = message.split_at_checked(n)?;
    *message = rest;
    Some(taken)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench101::NasBench101;

    use super::*;
    use crate::table::{Benchmark, Reading};

    #[test]
    fn a_matrix_of_other_letters_is_refused() {
        assert_eq!(
            notation("0100100", "input,output"),
            Err("2 operations, but a matrix of 7 numbers".to_owned())
        );
        assert_eq!(
            notation("010é0000", "input,conv,output").map_err(|e| e.contains("other signs")),
            Err(true)
        );
        assert_eq!(notation("0100", "input,output"), Ok("1|".to_owned()));
    }

    fn double(field: u8, value: f64) -> Vec<u8> {
        [&[field << 3 | 1][..], &value.to_le_bytes()].concat()
    }

    /// A `ModelMetrics` message with an initial and a final evaluation.
    fn metrics(val: f64, test: f64, params: u8) -> String {
        let evaluation = |figures: &[(u8, f64)]| {
            let body: Vec<u8> = figures.iter().flat_map(|&(field, value)| double(field, value)).collect();
            [&[1 << 3 | 2, body.len() as u8][..], &body].concat()
        };
        let first = evaluation(&[(1, 0.0), (2, 0.0), (3, 0.1), (4, 0.1), (5, 0.1)]);
        let last = evaluation(&[(1, 108.0), (2, 1769.5), (3, 1.0), (4, val), (5, test)]);
        // 300 as a varint needs two bytes.
        let total = [&[2 << 3, 0x80 | (params & 0x7f), 2][..], &double(3, 3538.0)].concat();
        STANDARD.encode([first, last, total].concat())
    }

    fn record(data: &str) -> Vec<u8> {
        let length = (data.len() as u64).to_le_bytes();
        let crcs = [masked_crc(&length), masked_crc(data.as_bytes())].map(u32::to_le_bytes);
        [&length[..], &crcs[0], data.as_bytes(), &crcs[1]].concat()
    }

    /// Two cells, the first one trained twice.
    fn file() -> Vec<u8> {
        let chain = "010001000";
        let row = |hash: &str, matrix: &str, ops: &str, metrics: String| {
            record(&serde_json::json!([hash, 108, matrix, ops, metrics]).to_string())
        };
        [
            row("b49ac8c5", chain, "input,conv3x3-bn-relu,output", metrics(0.91, 0.90, 44)),
            row("other", chain, "input,maxpool3x3,output", metrics(0.71, 0.70, 1)),
            row("b49ac8c5", chain, "input,conv3x3-bn-relu,output", metrics(0.93, 0.92, 44)),
        ]
        .concat()
    }

    fn open(bytes: &[u8]) -> Result<Benchmark, StudyError> {
        let columns = ["val_e108", "test_e108", "params", "time_e108"].map(|name| name.parse().unwrap());
        let reading = Reading { columns: columns.to_vec(), ..Reading::default() };
        Benchmark::parse(bytes, Path::new("n.tfrecord"), Arc::new(NasBench101::new()), &reading)
    }

    #[test]
    fn a_file_in_the_official_format_is_a_table() {
        let table = open(&file()).unwrap();
        let space = NasBench101::new();
        let cell = space.parse("101|conv3x3-bn-relu").unwrap();
        let arm = table.arm(cell.key()).unwrap();
        assert_eq!((arm, table.arms().len()), (0, 2));
        assert_eq!(table.columns()[0].runs(arm), [0.91, 0.93]);
        assert_eq!(table.columns()[1].runs(arm), [0.90, 0.92]);
        assert_eq!(table.columns()[2].runs(arm), [300.0]);
        assert_eq!(table.columns()[3].runs(1), [1769.5]);
    }

    #[test]
    fn a_figure_that_is_not_a_number_is_missing() {
        let row = |matrix: &str, val| {
            let spec =
                ["input,conv3x3-bn-relu,output", "input,maxpool3x3,output"][usize::from(matrix == "x")];
            record(&serde_json::json!([matrix, 108, "010001000", spec, metrics(val, 0.5, 1)]).to_string())
        };
        let file = [row("x", f64::NAN), row("y", 0.5)].concat();
        let error = open(&file).unwrap_err().to_string();
        assert!(error.contains("column `val_e108` is missing (\"NaN\")"), "{error}");
        let columns = vec!["val_e108".parse().unwrap()];
        let reading = Reading { columns, skip_missing: true, ..Reading::default() };
        let space = Arc::new(NasBench101::new());
        let table = Benchmark::parse(&file, Path::new("n.tfrecord"), space, &reading).unwrap();
        assert_eq!(table.skipped().to_string(), "1 row left out: 1 without `val_e108`");
    }

    #[test]
    fn damage_names_the_record() {
        let whole = file();
        let message = |bytes: &[u8]| open(bytes).unwrap_err().to_string();
        assert!(message(&whole[..whole.len() - 1]).contains("n.tfrecord: record 3: the file is cut short"));
        let mut bad = whole.clone();
        bad[40] ^= 1;
        assert!(message(&bad).contains("record 1: the checksum of its data"), "{}", message(&bad));
        assert!(message(&record("[1, 2]")).contains("record 1: not of NAS-Bench-101"));
        let row = serde_json::json!(["h", 108, "0100", "input,output,x", metrics(0.5, 0.5, 1)]);
        assert!(message(&record(&row.to_string())).contains("3 operations, but a matrix of 4"));
        let row = serde_json::json!(["h", 108, "0100", "input,output", "CgA="]);
        assert!(message(&record(&row.to_string())).contains("an evaluation without `val`"));
        assert!(!is_tfrecord(b"arch,val\n1,2,3,4\n"));
    }

    /// Check value of `CRC-32C` (RFC 3720, B.4: 32 bytes of zeros), then masked by hand.
    #[test]
    fn checksums_are_the_formats() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked_crc(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
