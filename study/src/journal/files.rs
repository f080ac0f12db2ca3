//! Files that are written as a whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::durable::synced;
use crate::StudyError;

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

/// A file that is written piece by piece beside its place, and moved there by [`finish`](Self::finish): a program that
/// stops before that leaves the old file, or none. A link, a device or a pipe in its place is replaced as a file is.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    finished: bool,
}

impl WholeFile {
    /// Begins a file.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn create(path: &Path) -> Result<Self, StudyError> {
        let part = beside(path);
        let file = File::create(&part).map_err(|e| io(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            file: BufWriter::with_capacity(1 << 16, file),
            finished: false,
        })
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn finish(mut self) -> Result<(), StudyError> {
        let moved = self
            .file
            .flush()
            .and_then(|()| synced(self.file.get_ref()))
            .and_then(|_| std::fs::rename(&self.part, &self.path));
        self.finished = moved.is_ok();
        moved.map_err(|e| io(&self.path, e))
    }

    /// Writes all of some bytes.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StudyError> {
        self.file.write_all(bytes).map_err(|e| io(&self.path, e))
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// Where a file is written before it is moved to its place: a name of this process and this call alone, so that nobody who
/// writes the same file meanwhile is in the way. The last to finish counts.
fn beside(path: &Path) -> PathBuf {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{}.part", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed)));
    PathBuf::from(name)
}

/// Writes a file beside its place and moves it there, so that a kill leaves the old one.
///
/// # Errors
/// [`StudyError::Io`] naming the file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    let part = beside(path);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        synced(&file)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_as_a_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.append(b"new").unwrap();
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let mut file = WholeFile::create(&path).unwrap();
        file.append(b"ne").unwrap();
        file.append(b"w").unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // Two at a time: each is whole, and the last to finish counts.
        let mut files = ["one", "two"].map(|text| (text, WholeFile::create(&path).unwrap()));
        for (text, file) in &mut files {
            file.append(text.as_bytes()).unwrap();
        }
        for (text, file) in files {
            file.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), text.as_bytes());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = WholeFile::create(&folder.path().join("none/a.csv")).unwrap_err().to_string();
        assert!(error.contains("a.csv"), "{error}");
    }
}
