//! Runs an experiment, strategies x seeds on one task, and says which strategy is better: `bonas compare`.
//!
//! Use it to choose a strategy or to test one of your own. The task is a table of architectures that were trained
//! before, on which a run takes less than a second ([`table`]), or images, on which every run searches and
//! evaluates its winner in the end ([`images`]); networks need feature `torch`, the program of a command evaluator does not. [`crate::search`] is one search without
//! a comparison.
//!
//! [`ExperimentConfig`] -> [`Experiment`] -> a run for each strategy and seed, kept as soon as it is done ->
//! [`Results`]: `summary.json` and `report.html` with curves, intervals and paired tests, and times in
//! `timings.json` and `timings.html`. A table has `results.csv` too, with every query.
//!
//! Invariant: but for seconds, results are a function of the configuration, of the table or the images, and on
//! images of the plan that turned seconds into budgets; the number of threads, kills and resumes change nothing.
//!
//! # Examples
//! Two strategies on the table inside the program:
//!
//! ```
//! use bonas::config::ExperimentConfig;
//! use bonas::experiment::Experiment;
//!
//! let text = "seeds = 3\nbudget = 20\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\n";
//! let config = ExperimentConfig::from_toml(text, "example")?;
//! let folder = tempfile::tempdir()?;
//! let results = Experiment::new(config, folder.path().join("a")).run(&mut |_| {})?;
//! assert!(results.text().contains("evolution"));
//! assert!(folder.path().join("a/report.html").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod figures;
mod files;
pub mod images;
mod page;
pub mod table;
mod task;
#[cfg(test)]
mod tests;
mod timings;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::StudyError;
use crate::config::{ExperimentConfig, TaskConfig};
use crate::search::CONFIG_FILE;
use bonas_study::cores;
use bonas_study::journal::{Journal, Lock, lock, write_whole};
use bonas_supernet::data::ImageCache;

pub use figures::Pair;
pub use files::{PLAN_FILE, SUMMARY_FORMAT};
pub use task::{Progress, Step};
pub use timings::{TIMINGS_FORMAT, Timings};

use task::Task;

/// An experiment in a folder; running it again goes on from where it stopped.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What to do.
    pub config: ExperimentConfig,
    /// The table, in place of the configuration's path.
    pub table: Option<PathBuf>,
    /// The configuration's folder, which paths of tables are relative to.
    pub folder: PathBuf,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Runs at the same time; no result depends on it.
    pub threads: usize,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
    /// The images of an experiment on images once they are read, for all of its runs.
    pub images: ImageCache,
}

/// The results of an experiment, of whichever kind it is.
#[derive(Clone, Debug)]
pub enum Results {
    /// Of one on a table.
    Table(Box<table::Results>),
    /// Of one on images.
    Images(Box<images::Results>),
}

impl Results {
    /// The figures as text, for a terminal.
    pub fn text(&self) -> String {
        match self {
            Self::Table(results) => results.text(),
            Self::Images(results) => results.markdown(),
        }
    }
}

impl Experiment {
    /// An experiment that is kept in `directory`, with a thread a core.
    pub fn new(config: ExperimentConfig, directory: impl Into<PathBuf>) -> Self {
        Self {
            config,
            table: None,
            folder: PathBuf::new(),
            directory: directory.into(),
            threads: cores(),
            cancel: Arc::default(),
            images: ImageCache::default(),
        }
    }

    /// Makes every run that is not done yet, and writes the results.
    ///
    /// # Errors
    /// [`StudyError`] for a table or a setting that cannot be used, or a strategy that fails;
    /// [`StudyError::Interrupted`]. The runs that are done stay, and it can be run again.
    pub fn run(&self, progress: &mut Progress<'_>) -> Result<Results, StudyError> {
        match &self.config.task {
            TaskConfig::Table(config) => {
                let results = self.carry_out(&table::TableTask::open(self, config)?, progress)?;
                Ok(Results::Table(Box::new(results)))
            }
            TaskConfig::Images(config) => {
                let results = self.carry_out(&images::ImagesTask::open(self, config)?, progress)?;
                Ok(Results::Images(Box::new(results)))
            }
        }
    }

    fn carry_out<T: Task>(&self, task: &T, progress: &mut Progress<'_>) -> Result<T::Results, StudyError> {
        write_whole(&self.directory.join(CONFIG_FILE), self.config.commented().as_bytes())?;
        if let Some(plan) = task.plan() {
            progress(Step::Planned(&plan));
        }
        let results = task.results(task::runs(task, self, progress)?)?;
        task.write(&results, &self.directory)?;
        Ok(results)
    }

    /// The configuration's folder, from which programs run.
    fn absolute_folder(&self) -> Result<PathBuf, StudyError> {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        std::path::absolute(folder).map_err(|source| StudyError::Io { path: folder.to_owned(), source })
    }

    /// Makes the folder and keeps every other process out of it. `own` is a file that experiments of this kind have,
    /// `other` one that only those of another kind have.
    fn begin(&self, own: &str, other: &str) -> Result<Lock, StudyError> {
        let holds = |what: &str| StudyError::Setting {
            name: "out".to_owned(),
            reason: format!("{} holds {what}; give another folder", self.directory.display()),
        };
        if Journal::exists(&self.directory) {
            return Err(holds("a search"));
        }
        if self.directory.join(other).exists() {
            return Err(holds("another experiment"));
        }
        let config = self.directory.join(CONFIG_FILE);
        if config.exists() && !self.directory.join(own).exists() && !self.is_in(&config) {
            return Err(holds("a config.toml of something else"));
        }
        fs::create_dir_all(&self.directory)
            .map_err(|source| StudyError::Io { path: self.directory.clone(), source })?;
        lock(&self.directory)
    }

    /// Whether a file has this configuration.
    fn is_in(&self, path: &Path) -> bool {
        let there = fs::read_to_string(path)
            .ok()
            .and_then(|text| ExperimentConfig::from_toml(&text, &path.display().to_string()).ok());
        there.is_some_and(|there| there.commented() == self.config.commented())
    }
}
