//! The journal: everything a study did, on disk, one checked record for each event.
//!
//! Use it to read the events of a finished or a running study ([`read()`]), and to write files that are whole or not there
//! ([`write_whole`]). A study that is given a directory writes its journal itself.
//!
//! A study's folder holds
//! - `journal.jsonl`, append-only, one JSON object a line: sequence number, event, CRC-32. It
//!   holds no time, so equal studies have equal journals, byte for byte;
//! - `timings.jsonl`, advisory: how long each ask and each batch took;
//! - `staged/`, batches that were finished before an earlier batch of their round;
//! - `lock`, held by the process that works on the study.
//!
//! Invariant: a record is either on the disk in full when [`Journal::append`] returns, or the
//! study stops. Only a last line without its newline may be taken away again; whatever else does
//! not fit is an error, and the file is left as it is.

mod durable;
mod files;
mod read;
pub mod record;
mod seconds;
mod staging;
mod timings;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::StudyError;
use crate::history::Event;

pub use durable::synced;
use durable::{has_no_locks, told};
pub use files::{WholeFile, read_json, write_json, write_whole};
pub use read::{Records, read};
pub use seconds::{RoundSeconds, Seconds};
pub use staging::{Staged, Staging};
pub use timings::Timings;

/// Version of the format, and of what studies find, that this release writes and reads: it goes up with
/// every change after which the same configuration and seed lead to another history, so that a study
/// begun before is refused and not gone on with in part.
pub const VERSION: u32 = 8;

/// Why a journal of another version is refused.
pub(crate) fn of_another_version(version: u32) -> String {
    format!(
        "the journal has version {version}, this release reads version {VERSION}: go on with the release that began it, or \
         begin in another folder"
    )
}

/// Name of the journal in a study's folder.
pub const JOURNAL_FILE: &str = "journal.jsonl";
/// Name of the advisory timings in a study's folder.
pub const TIMINGS_FILE: &str = "timings.jsonl";
/// Name of the folder of batches that wait for an earlier one.
pub const STAGED_FOLDER: &str = "staged";
const LOCK_FILE: &str = "lock";
/// How long a held lock is asked for, and how far apart.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// A journal open for appending; no other process can open it meanwhile.
///
/// ```
/// use bonas_study::history::{EndReason, Event};
/// use bonas_study::journal::Journal;
///
/// let folder = tempfile::tempdir()?;
/// let (mut journal, records) = Journal::open(folder.path())?;
/// assert!(records.events.is_empty());
/// journal.append(&Event::Ended { reason: EndReason::Budget })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    lock: Lock,
    /// Records written.
    records: usize,
    /// Length of the file up to the last record on disk.
    bytes: u64,
    /// Whether there is half a record behind it, which the next append takes away.
    torn: bool,
    failed: bool,
    warnings: Vec<String>,
}

/// A lock of a folder, which the system gives back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// Whether it keeps others out; false where the file system has no locks.
    held: bool,
}

impl Journal {
    /// Opens the journal of a study's folder, making both if they are missing, and reads what is
    /// there. If [`Records::torn`], the first append takes the torn record away, so that a study
    /// that is refused for another reason leaves the file as it was.
    ///
    /// # Errors
    /// [`StudyError::Locked`] if another process has it open, [`StudyError::Journal`] if it is
    /// damaged, [`StudyError::Io`].
    pub fn open(folder: &Path) -> Result<(Self, Records), StudyError> {
        Self::open_within(folder, LOCK_PATIENCE)
    }

    /// As [`open`](Self::open), but waits for another process for at most `patience`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_within(folder: &Path, patience: Duration) -> Result<(Self, Records), StudyError> {
        fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        let lock = lock_within(folder, patience)?;
        let path = folder.join(JOURNAL_FILE);
        let (file, synced) = open_durably(&path, folder)?;
        let records = read(&path)?;
        let mut warnings = Vec::new();
        if !lock.held {
            warnings.push(format!(
                "the file system of {} has no locks: see to it that no other process works there",
                folder.display()
            ));
        }
        if !synced {
            warnings.push(format!(
                "the file system of {} does not say when a file is on the disk: a loss of power may lose the latest results, a \
                 kill does not",
                folder.display()
            ));
        }
        let journal = Self {
            path,
            file,
            lock,
            records: records.events.len(),
            bytes: records.bytes,
            torn: records.torn,
            failed: false,
            warnings,
        };
        Ok((journal, records))
    }

    /// Whether a folder holds a study's journal.
    pub fn exists(folder: &Path) -> bool {
        folder.join(JOURNAL_FILE).exists()
    }

    /// Where the journal is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file system does not promise, in sentences.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Appends one event with one write and waits until it is on the disk.
    ///
    /// # Errors
    /// [`StudyError::Io`], for example on a full disk. The journal then ends with the record
    /// before, and takes no more. [`StudyError::Locked`] where no lock keeps others out and one has written to the file.
    pub fn append(&mut self, event: &Event) -> Result<(), StudyError> {
        if self.failed {
            let source = io::Error::other("an earlier write failed; free some space and resume the study");
            return Err(io_error(&self.path, source));
        }
        if !self.lock.held && !self.torn {
            let length = self.file.metadata().map_err(|e| io_error(&self.path, e))?.len();
            if length != self.bytes {
                self.failed = true;
                let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
                return Err(StudyError::Locked { path: folder });
            }
        }
        if self.torn {
            self.file.set_len(self.bytes).map_err(|e| io_error(&self.path, e))?;
            self.torn = false;
        }
        let line = record::encode(self.records, event).map_err(|e| io_error(&self.path, e.into()))?;
        if let Err(source) = self.file.write_all(line.as_bytes()).and_then(|()| told(self.file.sync_data())) {
            self.failed = true;
            // What was written of the record goes if the system lets it; else resume takes it away.
            let _ = self.file.set_len(self.bytes).and_then(|()| told(self.file.sync_data()));
            return Err(io_error(&self.path, source));
        }
        self.records += 1;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

/// The line that the journal's record number `seq` (from 0) is for an event, newline included.
///
/// # Errors
/// [`StudyError::Io`] for an event that JSON cannot hold; no event of a study is one.
pub fn record_line(seq: usize, event: &Event) -> Result<String, StudyError> {
    record::encode(seq, event).map_err(|e| io_error(Path::new(JOURNAL_FILE), e.into()))
}

/// Takes the folder's lock. On a file system without locks there is none, and nobody is kept out.
///
/// A lock that is held is asked for again for a moment: a process that was killed may not be gone yet, and
/// a child that this process starts holds its files between fork and exec.
///
/// # Errors
/// [`StudyError::Locked`] while another process works there, [`StudyError::Io`].
pub fn lock(folder: &Path) -> Result<Lock, StudyError> {
    lock_within(folder, LOCK_PATIENCE)
}

/// As [`lock`], but waits for at most `patience`.
fn lock_within(folder: &Path, patience: Duration) -> Result<Lock, StudyError> {
    let path = folder.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| io_error(&path, source))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file, held: true }),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(StudyError::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) if has_no_locks(&source) => {
                return Ok(Lock { _file: file, held: false });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(&path, source)),
        }
    }
}

/// Whether a process works in a folder, that is, holds its lock. The lock is tried for an instant and neither made nor kept:
/// whoever wants it meanwhile asks again.
///
/// # Errors
/// [`StudyError::Io`] if the lock cannot be opened or tried.
pub fn is_locked(folder: &Path) -> Result<bool, StudyError> {
    let path = folder.join(LOCK_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(io_error(&path, source)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) if has_no_locks(&source) => Ok(false),
        Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
    }
}

/// Removes the journal of a study that has evaluated nothing, so that another one can begin in its folder.
///
/// False, and nothing is removed, if something was evaluated, or the folder holds more than the journal's own files,
/// files named in `beside` and empty folders.
///
/// # Errors
/// [`StudyError::Locked`] while another process works there, [`StudyError::Journal`] if the journal is damaged,
/// [`StudyError::Io`].
pub fn discard_unused(folder: &Path, beside: &[&str]) -> Result<bool, StudyError> {
    // Held while looking, so that nothing is evaluated meanwhile.
    let _lock = lock(folder)?;
    let path = folder.join(JOURNAL_FILE);
    if read(&path)?.events.iter().any(|event| {
        matches!(event, Event::Evaluated { .. } | Event::HandedOut { .. } | Event::Imported { .. })
    }) {
        return Ok(false);
    }
    for entry in fs::read_dir(folder).map_err(|e| io_error(folder, e))? {
        let entry = entry.map_err(|e| io_error(folder, e))?;
        let own =
            [JOURNAL_FILE, TIMINGS_FILE, LOCK_FILE].iter().chain(beside).any(|f| entry.file_name() == *f);
        let is_empty = || fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none());
        if !own && !is_empty() {
            return Ok(false);
        }
    }
    fs::remove_file(&path).map_err(|e| io_error(&path, e))?;
    Ok(true)
}

/// Opens for appending; a new file's name is on the disk, too, when this returns, if the file system says when that is.
fn open_durably(path: &Path, folder: &Path) -> Result<(File, bool), StudyError> {
    let new = !path.exists();
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| io_error(path, e))?;
    let synced = synced(&file).map_err(|e| io_error(path, e))?;
    if new {
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
    }
    Ok((file, synced))
}

/// Waits until the names in a folder are on the disk.
fn sync_folder(folder: &Path) -> Result<(), StudyError> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| synced(&f)).map_err(|source| io_error(folder, source))?;
    }
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> StudyError {
    StudyError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_journal_of_a_study_that_evaluated_nothing_is_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let journal = folder.join(JOURNAL_FILE);
        let write = |events: &[Event]| {
            let lines: Vec<String> =
                events.iter().enumerate().map(|(i, event)| record::encode(i, event).unwrap()).collect();
            fs::write(&journal, lines.concat()).unwrap();
        };
        let asked = Event::Asked { round: 0, batches: Vec::new(), dropped: 0 };
        write(&[asked.clone(), Event::Evaluated { round: 0, batch: 0, outcomes: Vec::new() }]);
        assert!(!discard_unused(folder, &[]).unwrap());
        write(&[asked]);
        fs::write(folder.join("settings"), "").unwrap();
        assert!(!discard_unused(folder, &[]).unwrap());
        let checkpoint = folder.join("supernet/checkpoint");
        fs::create_dir(folder.join("supernet")).unwrap();
        fs::write(&checkpoint, "").unwrap();
        assert!(!discard_unused(folder, &["settings"]).unwrap() && journal.exists());
        fs::remove_file(checkpoint).unwrap();
        let held = lock(folder).unwrap();
        assert!(matches!(discard_unused(folder, &["settings"]), Err(StudyError::Locked { .. })));
        drop(held);
        assert!(discard_unused(folder, &["settings"]).unwrap());
        assert!(!journal.exists() && folder.join("settings").exists());
        fs::write(&journal, "no record\n").unwrap();
        assert!(matches!(discard_unused(folder, &[]), Err(StudyError::Journal { .. })));
    }

    #[test]
    fn a_lock_given_back_in_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(StudyError::Locked { .. })));
        std::thread::scope(|threads| {
            threads.spawn(move || {
                std::thread::sleep(LOCK_PAUSE * 3);
                drop(held);
            });
            assert!(lock(folder.path()).is_ok());
        });
    }
}
