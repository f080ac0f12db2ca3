//! Reading a journal back.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{VERSION, io_error, of_another_version, record};
use crate::StudyError;
use crate::history::Event;

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The events; record `i` is line `i + 1`.
    pub events: Vec<Event>,
    /// Whether the last line had no newline, and is not among the events.
    pub torn: bool,
    /// Length of the file up to the last whole record.
    pub bytes: u64,
}

/// Reads a journal without changing it, also while a study writes it.
///
/// # Errors
/// [`StudyError::Journal`] with the line that is damaged or of another version,
/// [`StudyError::Io`].
pub fn read(path: &Path) -> Result<Records, StudyError> {
    let bytes = fs::read(path).map_err(|source| io_error(path, source))?;
    // Whole records end in a newline; a write cut short by a kill or a power loss does not.
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    if whole == 0 && !record::is_torn(&bytes) {
        let reason = "this is not a journal".into();
        return Err(StudyError::Journal { path: path.to_owned(), line: 1, reason });
    }
    let mut records = Records { events: Vec::new(), torn: whole < bytes.len(), bytes: whole as u64 };
    for (i, line) in bytes[..whole].split_inclusive(|&b| b == b'\n').enumerate() {
        let event = decode(&line[..line.len() - 1], i).map_err(|reason| StudyError::Journal {
            path: path.to_owned(),
            line: i + 1,
            reason,
        })?;
        records.events.push(event);
    }
    Ok(records)
}

fn decode(line: &[u8], seq: usize) -> Result<Event, String> {
    if seq > 0 {
        return record::decode(line, seq);
    }
    // The version comes before the events' own format, which is the version's to say.
    let header: Header = record::decode(line, seq)?;
    match header.version {
        Some(VERSION) | None => record::decode(line, seq),
        Some(other) => Err(of_another_version(other)),
    }
}

#[derive(Deserialize)]
struct Header {
    version: Option<u32>,
}
