//! How long things took: advisory, never compared, tolerant of damage.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TIMINGS_FILE;

/// Seconds of every ask and every batch of a study, this process's and earlier ones'.
///
/// Work that was lost in a kill and done again counts once, as it was done last.
#[derive(Debug, Default)]
pub struct Timings {
    asks: BTreeMap<usize, f64>,
    batches: BTreeMap<(usize, usize), f64>,
    file: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    round: usize,
    /// None: the ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    seconds: f64,
}

impl Timings {
    /// Timings that are kept in memory only.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Reads the timings of a study's folder, as far as they are there and legible.
    pub fn read(folder: &Path) -> Self {
        let mut timings = Self::default();
        let bytes = fs::read(folder.join(TIMINGS_FILE)).unwrap_or_default();
        for line in bytes.split(|&b| b == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(line)
                && line.seconds >= 0.0
            {
                timings.insert(&line);
            }
        }
        timings
    }

    /// Reads the timings of a study's folder and keeps the coming ones there, if it can.
    pub fn open(folder: &Path) -> Self {
        let mut timings = Self::read(folder);
        timings.file = OpenOptions::new().create(true).append(true).open(folder.join(TIMINGS_FILE)).ok();
        if let Some(file) = &mut timings.file {
            // Ends a line that a kill cut short.
            let _ = file.write_all(b"\n");
        }
        timings
    }

    /// Notes how long the strategy took in a round.
    pub fn asked(&mut self, round: usize, seconds: f64) {
        self.note(&Line { round, batch: None, seconds });
    }

    /// Notes how long a batch took.
    pub fn evaluated(&mut self, round: usize, batch: usize, seconds: f64) {
        self.note(&Line { round, batch: Some(batch), seconds });
    }

    /// Seconds of each ask, in the order of the rounds.
    pub fn asks(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.asks.values().copied()
    }

    /// Seconds of one batch, if they are known.
    pub fn batch(&self, round: usize, batch: usize) -> Option<f64> {
        self.batches.get(&(round, batch)).copied()
    }

    /// Seconds of evaluation, summed over batches whatever worker they ran on.
    pub fn evaluation_seconds(&self) -> f64 {
        self.batches.values().sum()
    }

    /// Seconds of asking and evaluation together.
    pub fn seconds(&self) -> f64 {
        self.asks().sum::<f64>() + self.evaluation_seconds()
    }

    fn note(&mut self, line: &Line) {
        self.insert(line);
        if let (Some(file), Ok(mut text)) = (&mut self.file, serde_json::to_string(line)) {
            text.push('\n');
            // Advisory: a disk that is full stops the study at its journal, not here.
            let _ = file.write_all(text.as_bytes());
        }
    }

    fn insert(&mut self, line: &Line) {
        match line.batch {
            None => self.asks.insert(line.round, line.seconds),
            Some(batch) => self.batches.insert((line.round, batch), line.seconds),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survive_damage_and_count_redone_work_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut timings = Timings::open(folder.path());
        timings.asked(0, 1.0);
        timings.evaluated(0, 0, 2.0);
        timings.evaluated(0, 0, 4.0);
        let path = folder.path().join(TIMINGS_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"\xff\xfe garbage\n{\"round\":1,\"sec");
        fs::write(&path, bytes).unwrap();
        let mut timings = Timings::open(folder.path());
        timings.asked(1, 0.5);
        assert!((Timings::read(folder.path()).seconds() - 5.5).abs() < 1e-12);
        assert_eq!(timings.asks().len(), 2);
    }
}
