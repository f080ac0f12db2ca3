//! Shortlists and final trainings that are out of date: they are set aside, and come back where they fit again.
//!
//! A search that is extended may find another winner, and its settings of shortlist and final training may be changed.
//! What was trained before is then renamed to `shortlist-1`, `final-1` and so on. Each step may be the last before a kill.

use std::io;
use std::path::{Path, PathBuf};

use bonas_study::history::Event;
use bonas_study::journal::{JOURNAL_FILE, Journal, is_locked, lock, read};

use super::{FINALS_FOLDER, SHORTLIST_FOLDER, Search, Stage};
use crate::StudyError;
use crate::report::{BY_MODEL_FILE, EMBEDDING_FILE, FINAL_FILE, SHORTLIST_FILE};

/// A training that follows a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Its folder, inside the search's.
    folder: &'static str,
    /// The file of its results.
    file: &'static str,
}

/// The training of the best architectures.
pub(super) const SHORTLIST: Part = Part { folder: SHORTLIST_FOLDER, file: SHORTLIST_FILE };
/// The training of the winner.
pub(super) const FINALS: Part = Part { folder: FINALS_FOLDER, file: FINAL_FILE };

impl Part {
    /// That of a stage; none of the search itself.
    pub(super) fn of(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Search => None,
            Stage::Shortlist => Some(SHORTLIST),
            Stage::Finals => Some(FINALS),
        }
    }

    /// Its folder number `n` of those that are set aside.
    fn aside(self, directory: &Path, n: usize) -> PathBuf {
        directory.join(format!("{}-{n}", self.folder))
    }

    /// Numbers of the folders that are set aside, in order.
    fn numbers(self, directory: &Path) -> Result<Vec<usize>, StudyError> {
        let io = |source| StudyError::Io { path: directory.to_owned(), source };
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(self.folder)?.strip_prefix('-'));
            numbers.extend(rest.and_then(|number| number.parse::<usize>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Refuses a training that a process works on.
    ///
    /// # Errors
    /// [`StudyError::Locked`].
    pub(super) fn expect_idle(self, directory: &Path) -> Result<(), StudyError> {
        let path = directory.join(self.folder);
        if is_locked(&path)? { Err(StudyError::Locked { path }) } else { Ok(()) }
    }

    /// Takes the file of results away, and renames the folder.
    pub(super) fn set_aside(self, directory: &Path) -> Result<(), StudyError> {
        self.expect_idle(directory)?;
        remove(&directory.join(self.file))?;
        let folder = directory.join(self.folder);
        if !Journal::exists(&folder) {
            return Ok(());
        }
        let last = self.numbers(directory)?.pop().unwrap_or(0);
        rename(&folder, &self.aside(directory, last + 1))
    }

    /// Sees to it that the folder holds the training with this header, if there is one in the search's folder, or none.
    /// What is there of another search is left, and refused when it is opened.
    pub(super) fn fit(self, directory: &Path, header: &str, identity: &str) -> Result<(), StudyError> {
        let folder = directory.join(self.folder);
        match header_of(&folder)? {
            Some(there) if there != header && there.starts_with(identity) => self.set_aside(directory)?,
            Some(_) => return Ok(()),
            None if folder.exists() => return Ok(()),
            None => {}
        }
        for n in self.numbers(directory)? {
            let aside = self.aside(directory, n);
            if header_of(&aside)?.as_deref() == Some(header) {
                return rename(&aside, &folder);
            }
        }
        Ok(())
    }
}

impl Search {
    /// Sets aside what followed this search, if it goes on after that: it was extended.
    ///
    /// # Errors
    /// [`StudyError::Locked`] while a process works there, [`StudyError::Journal`], [`StudyError::Io`].
    pub(super) fn set_aside_outdated(&self) -> Result<(), StudyError> {
        let directory = &self.directory;
        let results =
            [SHORTLIST_FILE, FINAL_FILE, BY_MODEL_FILE, EMBEDDING_FILE].map(|file| directory.join(file));
        let folders = [SHORTLIST_FOLDER, FINALS_FOLDER].map(|folder| directory.join(folder));
        if !results.iter().chain(&folders).any(|path| path.exists()) || !Journal::exists(directory) {
            return Ok(());
        }
        // Held, so that the search does not end meanwhile.
        let _lock = lock(directory)?;
        let events = read(&directory.join(JOURNAL_FILE))?.events;
        let ends = events.iter().rfind(|event| matches!(event, Event::Ended { .. } | Event::Extended { .. }));
        if events.is_empty() || matches!(ends, Some(Event::Ended { .. })) {
            return Ok(());
        }
        for part in [FINALS, SHORTLIST] {
            part.set_aside(directory)?;
        }
        results.iter().try_for_each(|path| remove(path))
    }
}

/// What the first record of a folder's journal says of the configuration.
fn header_of(folder: &Path) -> Result<Option<String>, StudyError> {
    if !Journal::exists(folder) {
        return Ok(None);
    }
    let first = read(&folder.join(JOURNAL_FILE))?.events.into_iter().next();
    Ok(first.and_then(|event| match event {
        Event::Started { config, .. } => Some(config),
        _ => None,
    }))
}

fn rename(from: &Path, to: &Path) -> Result<(), StudyError> {
    std::fs::rename(from, to).map_err(|source| StudyError::Io { path: from.to_owned(), source })
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), StudyError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StudyError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
