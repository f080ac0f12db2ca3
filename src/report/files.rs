//! The files of a report in a study's folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Report, Summary, Timings, page, timings};
use crate::StudyError;

/// The page for people.
pub const REPORT_FILE: &str = "report.html";
/// The figures for programs: [`Summary`].
pub const SUMMARY_FILE: &str = "summary.json";
/// How long it took, for programs; beside a summary.
pub const TIMINGS_JSON: &str = "timings.json";
/// The same for people.
pub const TIMINGS_PAGE: &str = "timings.html";
/// The winner in its space's notation, one line.
pub const WINNER_FILE: &str = "winner.txt";
/// The shortlist: a list of [`super::Shortlisted`].
pub const SHORTLIST_FILE: &str = "shortlist.json";
/// Final training: a list of [`super::FinalResult`].
pub const FINAL_FILE: &str = "final.json";
/// Environment: a list of pairs of texts.
pub const ENVIRONMENT_FILE: &str = "environment.json";
/// Embedding: a [`super::Plane`], a point an evaluated architecture, in their order.
pub const EMBEDDING_FILE: &str = "embedding.json";

impl Report<'_> {
    /// Writes [`REPORT_FILE`], [`SUMMARY_FILE`], [`TIMINGS_JSON`], [`TIMINGS_PAGE`] and, once there is
    /// a score, [`WINNER_FILE`], each as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        write_json(&folder.join(SUMMARY_FILE), &Summary::of(self))?;
        write_whole(&folder.join(REPORT_FILE), page(self).as_bytes())?;
        write_json(&folder.join(TIMINGS_JSON), &Timings::of(self))?;
        write_whole(&folder.join(TIMINGS_PAGE), timings::page(self).as_bytes())?;
        match &self.winner {
            Some(winner) => write_whole(&folder.join(WINNER_FILE), format!("{}\n", winner.arch).as_bytes()),
            None => Ok(()),
        }
    }
}

/// Writes a value as indented JSON, as a whole or not at all.
///
/// # Errors
/// [`StudyError::Io`] naming the file.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StudyError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| io(path, e.into()))?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Reads a JSON file; none if there is no such file.
///
/// # Errors
/// [`StudyError::Io`] if it cannot be read, [`StudyError::Data`] if it is not what is expected.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StudyError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(path, e)),
    };
    let damaged = |e| StudyError::Data {
        path: path.to_owned(),
        reason: format!("is damaged: {e}; remove it to make the report without it"),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Writes a file beside its place and moves it there, so that a kill leaves the old one.
///
/// # Errors
/// [`StudyError::Io`] naming the file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&part);
        io(path, e)
    })
}

fn io(path: &Path, source: std::io::Error) -> StudyError {
    StudyError::Io { path: path.to_owned(), source }
}
