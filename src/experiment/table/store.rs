//! The runs that are done, kept so that a kill loses none of them.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use bonas_study::journal::{record, synced};
use serde::{Deserialize, Serialize};

use crate::StudyError;

/// The runs in the folder of an experiment on a table: append-only, a checked JSON record a line, in the order
/// in which they were done.
pub const RUNS_FILE: &str = "runs.jsonl";

/// What a strategy did with a seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Digest of all that it depends on but the seed.
    pub study: String,
    /// Its seed.
    pub seed: u64,
    /// Places of the architectures that it queried among those of the table, in order.
    #[serde(alias = "arms")]
    pub queries: Vec<u32>,
    /// What it was told of each, accuracies as fractions; none of one that failed.
    pub scores: Vec<Option<f64>>,
    /// For a strategy with a model of the scores: after so many queries, the place among them of the one that the model
    /// takes for the best.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommended: Vec<(u32, u32)>,
    /// Milliseconds of each ask.
    pub ask_ms: Vec<f64>,
    /// Seconds of the whole study.
    pub wall_s: f64,
}

/// The runs of a folder, which no other process may open meanwhile.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    file: File,
    records: usize,
    runs: HashMap<(String, u64), Run>,
}

impl Store {
    /// Opens the runs of a folder that is there. A last record that a kill cut short is taken away.
    ///
    /// # Errors
    /// [`StudyError::Io`], and [`StudyError::Journal`] with the line that is damaged.
    pub(super) fn open(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join(RUNS_FILE);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| io(&path, e))?;
        let bytes = fs::read(&path).map_err(|e| io(&path, e))?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let mut store = Self { path, file, records: 0, runs: HashMap::new() };
        for line in bytes[..whole].split_inclusive(|&b| b == b'\n') {
            let run: Run = record::decode(&line[..line.len() - 1], store.records).map_err(|reason| {
                let reason = format!("{reason}; remove the file to run everything again");
                StudyError::Journal { path: store.path.clone(), line: store.records + 1, reason }
            })?;
            store.records += 1;
            store.runs.insert((run.study.clone(), run.seed), run);
        }
        let rest = &bytes[whole..];
        if rest.is_empty() {
            return Ok(store);
        }
        if !record::is_torn(rest) {
            let reason =
                "this is no run of a comparison; move the file away, or give another folder".to_owned();
            return Err(StudyError::Journal { path: store.path, line: store.records + 1, reason });
        }
        store.file.set_len(whole as u64).map_err(|e| io(&store.path, e))?;
        Ok(store)
    }

    /// A run that was there when the file was opened.
    pub(super) fn get(&self, study: &str, seed: u64) -> Option<&Run> {
        self.runs.get(&(study.to_owned(), seed))
    }

    /// Appends a run with one write, which outlives the process.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub(super) fn keep(&mut self, run: &Run) -> Result<(), StudyError> {
        let line = record::encode(self.records, run).map_err(|e| io(&self.path, e.into()))?;
        self.file.write_all(line.as_bytes()).map_err(|e| io(&self.path, e))?;
        self.records += 1;
        Ok(())
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&self) -> Result<(), StudyError> {
        synced(&self.file).map(drop).map_err(|e| io(&self.path, e))
    }
}

fn io(path: &Path, source: std::io::Error) -> StudyError {
    StudyError::Io { path: path.to_owned(), source }
}
