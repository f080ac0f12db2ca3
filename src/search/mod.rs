//! A whole search, as `bonas search` and `examples/bonas_darts` run it: the study, then final
//! training of the winner and of random cells beside it, then the report.
//!
//! [`SearchConfig`] -> parts ([`strategy`], evaluators) -> [`Study`] in a folder -> finals, a study
//! of its own in [`FINALS_FOLDER`] -> [`report`].
//!
//! Invariant: everything in the folder is a function of `config.toml`, but for the seconds.

#[cfg(feature = "torch")]
mod networks;
mod parts;
mod reporting;
#[cfg(feature = "torch")]
mod training;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bonas_spaces::SearchSpace;

use crate::config::SearchConfig;
use crate::event::Observer;
use crate::report::write_whole;
use crate::study::Budget;
use crate::{Evaluator, Study, StudyError};

#[cfg(feature = "torch")]
pub use networks::{Networks, Size};
pub use parts::strategy;
pub use reporting::report;
#[cfg(feature = "torch")]
pub use training::train_genotype;

/// The configuration in a search's folder.
pub const CONFIG_FILE: &str = "config.toml";
/// The folder, inside a search's, of the study that trains the finalists.
pub const FINALS_FOLDER: &str = "final";

/// What a search is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Searching.
    Search,
    /// Training the winner and random cells from scratch.
    Finals,
}

/// A search in a folder; running it again goes on from where it stopped.
#[derive(Clone, Debug)]
pub struct Search {
    /// What to do.
    pub config: SearchConfig,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

impl Search {
    /// The search that a folder holds.
    ///
    /// # Errors
    /// [`StudyError::Data`] when there is no configuration, or it cannot be read.
    pub fn in_directory(directory: &Path, cancel: Arc<AtomicBool>) -> Result<Self, StudyError> {
        let path = directory.join(CONFIG_FILE);
        let bad = |reason: String| StudyError::Data { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path)
            .map_err(|e| bad(format!("{e}; `bonas search CONFIG.toml --out DIR` starts a search in a folder")))?;
        let config = SearchConfig::from_toml(&text, &path.display().to_string()).map_err(|e| bad(e.to_string()))?;
        Ok(Self { config, directory: directory.to_owned(), cancel })
    }

    /// Runs the search to its end and writes the report. `observers` makes the observers of each
    /// stage.
    ///
    /// # Errors
    /// [`StudyError`]; what was journalled before it stays, and the search can be run again.
    pub fn run(
        &self,
        observers: &mut dyn FnMut(Stage) -> Vec<Box<dyn Observer>>,
    ) -> Result<(), StudyError> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|source| StudyError::Io { path: self.directory.clone(), source })?;
        let space = parts::space(&self.config)?;
        let evaluators = self.evaluators()?;
        let study = self.study(space.clone(), parts::strategy(&self.config, &*space)?, evaluators);
        let study = observers(Stage::Search).into_iter().fold(study, Study::observer);
        self.keep_config()?;
        let finished = study.directory(&self.directory).run()?;
        self.finals(&space, &finished, observers)?;
        report(&self.directory)
    }

    fn study(
        &self,
        space: Arc<dyn SearchSpace>,
        strategy: Box<dyn crate::Strategy>,
        evaluators: Vec<Box<dyn Evaluator>>,
    ) -> Study {
        let settings = &self.config.study;
        let some = |n: usize| (n > 0).then_some(n);
        let budget = Budget {
            architectures: some(settings.architectures),
            rounds: some(settings.rounds),
            seconds: (settings.seconds > 0.0).then_some(settings.seconds),
        };
        Study::new(space, strategy, evaluators)
            .seed(settings.seed)
            .budget(budget)
            .config(self.header())
            .cancel(self.cancel.clone())
    }

    /// The configuration as far as results depend on it: neither workers nor device count.
    fn header(&self) -> String {
        let mut config = self.config.clone();
        config.study.workers = 1;
        "auto".clone_into(&mut config.training.device);
        config.plain()
    }

    /// Writes `config.toml` unless it is there: the study then compares what results depend on.
    fn keep_config(&self) -> Result<(), StudyError> {
        let path = self.directory.join(CONFIG_FILE);
        if path.exists() { Ok(()) } else { write_whole(&path, self.config.commented().as_bytes()) }
    }

    /// One evaluator a worker.
    fn evaluators(&self) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        if let Some(evaluators) = parts::synthetic(&self.config) {
            return Ok(evaluators);
        }
        #[cfg(feature = "torch")]
        return Networks::new(&self.config)?.evaluators(&self.directory);
        #[cfg(not(feature = "torch"))]
        Err(parts::needs_torch(self.config.evaluator.name()))
    }

    #[cfg(not(feature = "torch"))]
    fn finals(
        &self,
        _: &Arc<dyn SearchSpace>,
        _: &crate::study::Finished,
        _: &mut dyn FnMut(Stage) -> Vec<Box<dyn Observer>>,
    ) -> Result<(), StudyError> {
        match self.config.finals.seeds {
            0 => Ok(()),
            _ => Err(parts::needs_torch("final training (set final.seeds = 0 to do without)")),
        }
    }
}
