//! Latencies on disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use bonas_spaces::Key;
use bonas_study::journal::synced;
use serde::{Deserialize, Serialize};

use crate::StudyError;

/// A line of the file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Line {
    /// The first: by which settings, and how long the reference network took.
    Reference { settings: String, reference_ms: f64 },
    /// An architecture.
    Latency { key: String, latency_ms: f64 },
    /// An architecture that cannot be measured, and why.
    Failed { key: String, failed: String },
}

/// Milliseconds, or why there are none.
pub(super) type Measured = Result<f64, String>;

/// What a search has measured, by the keys of its architectures, failures among it. It is on disk before it is returned, so that no
/// architecture is measured twice.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    settings: String,
    /// What is in the file; none before it is first looked at.
    known: Option<Known>,
}

#[derive(Debug, Default)]
struct Known {
    reference: Option<f64>,
    latencies: HashMap<String, Measured>,
}

impl Kept {
    pub(super) fn new(path: PathBuf, settings: String) -> Self {
        Self { path, settings, known: None }
    }

    /// What is known of an architecture.
    pub(super) fn get(&mut self, key: Key) -> Result<Option<Measured>, StudyError> {
        Ok(self.known()?.latencies.get(&key.to_string()).cloned())
    }

    /// Milliseconds of the reference network, if they are known.
    pub(super) fn reference(&mut self) -> Result<Option<f64>, StudyError> {
        Ok(self.known()?.reference)
    }

    pub(super) fn keep_reference(&mut self, reference_ms: f64) -> Result<f64, StudyError> {
        let line = Line::Reference { settings: self.settings.clone(), reference_ms };
        self.append(&line)?;
        self.known()?.reference = Some(reference_ms);
        Ok(reference_ms)
    }

    pub(super) fn keep(&mut self, key: Key, measured: Measured) -> Result<Measured, StudyError> {
        let key = key.to_string();
        self.append(&match &measured {
            Ok(latency_ms) => Line::Latency { key: key.clone(), latency_ms: *latency_ms },
            Err(reason) => Line::Failed { key: key.clone(), failed: reason.clone() },
        })?;
        self.known()?.latencies.insert(key, measured.clone());
        Ok(measured)
    }

    fn known(&mut self) -> Result<&mut Known, StudyError> {
        let known = match self.known.take() {
            Some(known) => known,
            None => self.read()?,
        };
        Ok(self.known.insert(known))
    }

    /// Reads the file. A last line that was cut short is taken off.
    fn read(&self) -> Result<Known, StudyError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Known::default()),
            Err(error) => return Err(self.io(error)),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            let file = OpenOptions::new().write(true).open(&self.path).map_err(|error| self.io(error))?;
            file.set_len(whole as u64).and_then(|()| synced(&file)).map_err(|error| self.io(error))?;
        }
        let mut known = Known::default();
        for (at, line) in text[..whole].lines().enumerate() {
            let read = serde_json::from_str(line);
            match read.map_err(|error| self.damaged(&format!("line {}: {error}", at + 1)))? {
                Line::Reference { settings, .. } if settings != self.settings => {
                    return Err(self.damaged("it was measured by other settings of [latency]"));
                }
                Line::Reference { reference_ms, .. } => known.reference = Some(reference_ms),
                Line::Latency { key, latency_ms } => {
                    known.latencies.insert(key, Ok(latency_ms));
                }
                Line::Failed { key, failed } => {
                    known.latencies.insert(key, Err(failed));
                }
            }
        }
        Ok(known)
    }

    /// Adds a line, which is on disk then.
    fn append(&mut self, line: &Line) -> Result<(), StudyError> {
        let text = serde_json::to_string(line).map_err(|error| self.io(error.into()))? + "\n";
        let write = |mut file: File| file.write_all(text.as_bytes()).and_then(|()| synced(&file));
        let opened = OpenOptions::new().create(true).append(true).open(&self.path);
        opened.and_then(write).map(drop).map_err(|error| {
            // Part of the line may be there: who comes next reads the file again, and takes it off.
            self.known = None;
            self.io(error)
        })
    }

    fn damaged(&self, reason: &str) -> StudyError {
        let reason = format!("{reason}; put the former file back, or search in another folder");
        StudyError::Data { path: self.path.clone(), reason }
    }

    fn io(&self, source: std::io::Error) -> StudyError {
        StudyError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::families::darts::{DARTS_V1, DARTS_V2, Darts};

    use super::*;

    #[test]
    fn what_was_measured_comes_back_without_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latency.jsonl");
        let kept = || Kept::new(path.clone(), "by = 1".to_owned());
        let key = |genotype| Darts::new().architecture(genotype).unwrap().key();
        let (one, two) = (key(&DARTS_V1), key(&DARTS_V2));
        let mut first = kept();
        assert_eq!((first.get(one).unwrap(), first.reference().unwrap()), (None, None));
        first.keep_reference(2.5).unwrap();
        first.keep(one, Ok(0.1 + 0.2)).unwrap().unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.clone() + "{\"key\":\"00000000").unwrap();
        let mut second = kept();
        assert_eq!(second.get(one).unwrap(), Some(Ok(0.1 + 0.2)));
        assert_eq!((second.get(two).unwrap(), second.reference().unwrap()), (None, Some(2.5)));
        let failed = Err("the phone is hot".to_owned());
        second.keep(two, failed.clone()).unwrap().unwrap_err();
        assert_eq!(kept().get(two).unwrap(), Some(failed));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(&whole));
        let other = Kept::new(path.clone(), "by = 2".to_owned()).reference().unwrap_err().to_string();
        assert!(other.contains("measured by other settings"), "{other}");
        std::fs::write(&path, "[1]\n").unwrap();
        assert!(kept().reference().unwrap_err().to_string().contains("line 1"));
    }
}
