//! The timings file of a running study: advisory, never compared, tolerant of damage.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::TIMINGS_FILE;
use super::seconds::{Line, Seconds};

/// The [`Seconds`] of a study, and the file that they are kept in.
#[derive(Debug, Default)]
pub struct Timings {
    known: Seconds,
    file: Option<File>,
}

impl Timings {
    /// Timings that are kept in memory only.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Reads the timings of a study's folder and keeps the coming ones there, if it can.
    pub fn open(folder: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(folder.join(TIMINGS_FILE)).ok();
        let mut timings = Self { known: Seconds::read(folder), file };
        if let Some(file) = &mut timings.file {
            // Ends a line that a kill cut short.
            let _ = file.write_all(b"\n");
        }
        timings
    }

    /// What is known so far.
    pub fn known(&self) -> &Seconds {
        &self.known
    }

    /// Notes how long the strategy took in a round.
    pub fn asked(&mut self, round: usize, seconds: f64) {
        self.note(&Line { round, batch: None, seconds });
    }

    /// Notes how long a batch took.
    pub fn evaluated(&mut self, round: usize, batch: usize, seconds: f64) {
        self.note(&Line { round, batch: Some(batch), seconds });
    }

    fn note(&mut self, line: &Line) {
        self.known.insert(line);
        if let (Some(file), Ok(mut text)) = (&mut self.file, serde_json::to_string(line)) {
            text.push('\n');
            // Advisory: a disk that is full stops the study at its journal, not here.
            let _ = file.write_all(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        assert!((Seconds::read(folder.path()).total() - 5.5).abs() < 1e-12);
        assert_eq!(timings.known().asks().len(), 2);
    }
}
