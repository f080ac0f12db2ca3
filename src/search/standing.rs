//! How far the search in a folder is, without working on it.

use std::path::Path;
use std::time::SystemTime;

use bonas_study::Journalled;
use bonas_study::journal::{JOURNAL_FILE, Journal, is_locked};
use serde::Serialize;

use super::{FINALS_FOLDER, SHORTLIST_FOLDER, Search, state};
use crate::report::Digest;
use crate::{Fidelity, StudyError, build};

/// What a search is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A process works on it.
    Running,
    /// It waits to be asked, or to be told.
    Open,
    /// It was stopped, and can be resumed.
    Interrupted,
    /// The study, and the shortlist and final training that its configuration asks for, are done.
    Finished,
    /// It is over, and every architecture failed.
    Failed,
}

impl State {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Open => "open",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

/// How far a search is, as its journal says.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What it is doing.
    pub state: State,
    /// Name of the search space.
    pub space: String,
    /// Name of the strategy.
    pub strategy: String,
    /// Kind of its scores.
    pub fidelity: Fidelity,
    /// Unique architectures evaluated, failures included.
    pub evaluated: usize,
    /// Unique architectures to evaluate in all; none where rounds or seconds are the only limit.
    pub budget: Option<usize>,
    /// The highest score.
    pub best: Option<f64>,
    /// Trials that were handed out and are not told yet.
    pub pending: usize,
    /// When a journal was written last, that of the search or of what follows it; none without one.
    pub changed: Option<SystemTime>,
}

impl Search {
    /// How far this search is. Nothing in the folder is changed, and the lock is tried for an instant only.
    ///
    /// # Errors
    /// [`StudyError`] for a damaged journal, and for a space that this release does not have.
    pub fn standing(&self) -> Result<Standing, StudyError> {
        let space = build::space(&self.config)?;
        // Looked at first: a process that begins meanwhile is seen by the next call.
        let locked = is_locked(&self.directory)?;
        let fidelity = self.config.evaluator.fidelity();
        let mut standing = Standing {
            state: self.state(locked),
            space: space.name().to_owned(),
            strategy: self.config.strategy.name().to_owned(),
            fidelity,
            evaluated: 0,
            budget: build::budget(&self.config.study).architectures,
            best: None,
            pending: 0,
            changed: last_change(&self.directory)?,
        };
        if !Journal::exists(&self.directory) {
            return Ok(standing);
        }
        let study = Journalled::read(&self.directory, &space)?;
        standing.budget = study.extended.or(standing.budget);
        standing.evaluated = study.history.len() - study.imported;
        standing.best = study.history.best(fidelity).map(|(_, score)| score);
        standing.pending = Digest::of(&study.events).pending.len();
        if !locked && self.concluded(&space, &study)? {
            let failed = state::check_scored(&study.history.evaluations()[study.imported..]).is_err();
            standing.state = if failed { State::Failed } else { State::Finished };
        }
        Ok(standing)
    }

    /// What a search is doing that is not over.
    fn state(&self, locked: bool) -> State {
        match () {
            () if locked => State::Running,
            () if self.config.evaluator.told().is_some() => State::Open,
            () => State::Interrupted,
        }
    }
}

/// When a journal of a search was written last.
fn last_change(directory: &Path) -> Result<Option<SystemTime>, StudyError> {
    let folders = [directory.to_owned(), directory.join(SHORTLIST_FOLDER), directory.join(FINALS_FOLDER)];
    let journals = folders.map(|folder| folder.join(JOURNAL_FILE));
    let times = journals.into_iter().filter(|path| path.exists()).map(|path| {
        let time = std::fs::metadata(&path).and_then(|there| there.modified());
        time.map_err(|source| StudyError::Io { path, source })
    });
    Ok(times.collect::<Result<Vec<_>, _>>()?.into_iter().max())
}
