//! A study that is open: its session, its folder, and what Python has not been told yet.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bonas::config::ToldSettings;
use bonas::search::{Search, note_environment};
use bonas::study::history::Progress;
use bonas::study::journal::Journal;
use bonas::{Event, Observer, StudyError};

use crate::errors::Fault;

/// How long the folder is waited for after the budget was changed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is locked while a call lasts.
pub(crate) struct Opened {
    pub(crate) search: Search,
    pub(crate) in_memory: bool,
    /// None once it is closed, and where the folder could not be had back after a change of the budget.
    pub(crate) session: Option<bonas::Session>,
    /// Beside a session in a folder.
    pub(crate) held: Option<Held>,
    pub(crate) closed: bool,
    /// Whether the report of the study, which is over, is written.
    pub(crate) reported: bool,
    pub(crate) warnings: Warnings,
    /// Facts about machine and program, for the report.
    pub(crate) facts: Vec<(String, String)>,
}

/// Folders that this program has open, by the process: one that is forked off holds none of them.
static HELD: Mutex<Option<HashSet<(u32, PathBuf)>>> = Mutex::new(None);

/// A folder that this program has open.
pub(crate) struct Held(u32, PathBuf);

impl Held {
    pub(crate) fn begin(folder: &Path) -> Self {
        let held = (process::id(), resolved(folder));
        HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(held.clone());
        Self(held.0, held.1)
    }

    pub(crate) fn is(folder: &Path) -> bool {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().is_some_and(|held| held.contains(&(process::id(), resolved(folder))))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0 != process::id() {
            return;
        }
        if let Some(held) = HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            held.remove(&(self.0, std::mem::take(&mut self.1)));
        }
    }
}

/// The one path of a folder, whatever links lead there.
fn resolved(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// Warnings that Python has not been told yet.
#[derive(Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    pub(crate) fn push(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Warnings {
    fn event(&mut self, _: &Event, _: bool) {}

    fn progress(&mut self, progress: &Progress<'_>) {
        if let Progress::Warning(text) = progress {
            self.push((*text).to_owned());
        }
    }
}

impl Opened {
    pub(crate) fn open(&mut self, patience: Duration) -> Result<(), Fault> {
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(self.warnings.clone())];
        let session = if self.in_memory {
            self.search.open_in_memory(observers)?
        } else {
            let folder = &self.search.directory;
            let session = match self.search.open(patience, observers) {
                Err(StudyError::Locked { path }) if Held::is(&path) => {
                    return Err(Fault::locked(format!(
                        "{}: this program has it open already; close() that Study",
                        path.display()
                    )));
                }
                other => other?,
            };
            self.held = Some(Held::begin(folder));
            for moved in note_environment(folder, &self.search.config, &self.facts)? {
                self.warnings.push(moved.to_string());
            }
            session
        };
        self.session = Some(session);
        self.reported = false;
        Ok(())
    }

    /// Gives the folder free.
    pub(crate) fn release(&mut self) {
        self.session = None;
        self.held = None;
    }

    pub(crate) fn session(&mut self) -> Result<&mut bonas::Session, Fault> {
        if self.session.is_none() && !self.closed {
            self.expect_journal()?;
            self.open(PATIENCE)?;
        }
        self.session.as_mut().ok_or_else(|| Fault::closed("the study is closed; open it again"))
    }

    /// The study, for a step that is journalled. What is written to a journal that was deleted would be lost without a word.
    pub(crate) fn writable(&mut self) -> Result<&mut bonas::Session, Fault> {
        if self.session.is_some() {
            self.expect_journal()?;
        }
        self.session()
    }

    /// Refuses a folder whose journal was deleted.
    fn expect_journal(&self) -> Result<(), Fault> {
        let folder = &self.search.directory;
        if !self.in_memory && !Journal::exists(folder) {
            let shown = folder.display();
            return Err(Fault::path(format!(
                "path: the journal in {shown} is gone; begin in another folder"
            )));
        }
        Ok(())
    }

    pub(crate) fn told(&self) -> Result<&ToldSettings, Fault> {
        let told = self.search.config.evaluator.told();
        told.ok_or_else(|| Fault::setting("the scores of this study are not told"))
    }

    /// Writes the report of a study in a folder that is over, as `bonas tell` does. What was told is in the journal by then, so
    /// that a report which cannot be written is a warning.
    pub(crate) fn conclude(&mut self) {
        let Some(session) = self.session.as_mut().filter(|session| session.ended().is_some()) else { return };
        if self.in_memory || self.reported {
            return;
        }
        match self.search.report_over(session) {
            Ok(_) => self.reported = true,
            // The report, which is written, says so, too.
            Err(StudyError::Evaluator(text)) => {
                self.reported = true;
                self.warnings.push(text);
            }
            Err(error) => {
                let text =
                    format!("everything told is recorded, but the report could not be written: {error}");
                self.warnings.push(text);
            }
        }
    }

    /// Does something in the folder that needs its lock, and opens it again: if another process has it by then, at the next
    /// call.
    pub(crate) fn apart(
        &mut self,
        work: impl FnOnce(&Search) -> Result<(), StudyError>,
    ) -> Result<(), Fault> {
        self.writable()?;
        self.release();
        let done = work(&self.search);
        let opened = self.session().map(drop);
        done?;
        if let Err(fault) = opened {
            self.warnings.push(format!("the budget is changed, but {}", fault.text()));
        }
        Ok(())
    }
}
