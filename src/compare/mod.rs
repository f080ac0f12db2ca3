//! Strategies against each other on a tabular benchmark: `bonas compare`.
//!
//! [`CompareConfig`] and a table -> [`Arena`] -> one study a strategy and seed, each on one thread
//! -> [`Run`]s, kept in [`RUNS_FILE`] -> [`Summary`] -> `results.csv`, `summary.json`, `report.html`;
//! and [`Timings`] -> `timings.json`, `timings.html`.
//!
//! The protocol (after the traps that NAS-Bench papers fall into): only unique architectures count
//! as queries; strategies see the search column alone; after `q` queries the report value of the
//! cell with the best search value so far is what was *found* (best-validation curve), the best
//! report value among all queried is the *oracle* curve; queries to the optimum count until a cell
//! with the best report value of the table has been queried, capped at the budget.
//!
//! With limits (`[[constraint]]`) only what keeps all of them counts, as found, as oracle and as best; a
//! study that has queried nothing such counts with the lowest report value of what does. A limit that is
//! known leaves nothing beyond it for any strategy to propose; of one that is not, strategies see with
//! each query whether it was kept, and queries beyond it are spent. With a second objective
//! (`[objective]`) the *found* front is what nothing queried dominates by the search columns, and its
//! hypervolume, exact, is that of the report columns; the oracle's is that of everything queried.
//!
//! Invariant: but for seconds, every figure is a function of the configuration and the table,
//! whatever the number of threads, kills and resumes.

mod arena;
mod figures;
mod files;
mod fronts;
mod goals;
mod page;
mod plots;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod timings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::CompareConfig;
use crate::{StudyError, search};
use bonas_study::journal::Journal;
use bonas_study::journal::write_whole;
use bonas_study::parallel;
use bonas_study::table::Source;

pub use arena::Arena;
pub use figures::Results;
pub use files::RESULTS_FILE;
pub use store::{RUNS_FILE, Run};
pub use summary::{
    ConstraintSummary, FORMAT, FrontPoint, Last, Measure, ObjectiveSummary, Optimum, Pair, ParetoLast,
    ParetoPoint, ParetoSummary, Point, StrategySummary, Summary, TestSummary, ToOptimum,
};
pub use timings::{AskMs, StrategyTimings, Timings};

use store::Store;

/// A comparison in a folder; running it again goes on from where it stopped.
#[derive(Clone, Debug)]
pub struct Compare {
    /// What to do.
    pub config: CompareConfig,
    /// The table.
    pub source: Source,
    /// The configuration's folder, which paths of scores on other tasks are relative to.
    pub folder: PathBuf,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Studies at the same time; no result depends on it.
    pub threads: usize,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

/// How far a comparison is: called after every study.
pub type Progress<'a> = dyn FnMut(Step<'_>) + 'a;

/// A study is done.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Label of its strategy; none at the start, when only earlier studies count.
    pub label: Option<&'a str>,
    /// Studies done, those of earlier processes included.
    pub done: usize,
    /// Studies in all.
    pub total: usize,
}

impl Compare {
    /// Runs every study that is not done yet, and writes the results.
    ///
    /// # Errors
    /// [`StudyError`] for a table or a setting that cannot be used, or a strategy that fails;
    /// [`StudyError::Interrupted`]. The studies that are done stay, and it can be run again.
    pub fn run(&self, progress: &mut Progress<'_>) -> Result<Results, StudyError> {
        let arena = Arena::open(&self.config, &self.source)?.paths_from(&self.folder);
        for entrant in &self.config.strategies {
            arena.strategy(entrant)?;
        }
        if Journal::exists(&self.directory) {
            return Err(StudyError::Setting {
                name: "out".to_owned(),
                reason: format!("{} holds a search; give another folder", self.directory.display()),
            });
        }
        let mut store = Store::open(&self.directory)?;
        write_whole(&self.directory.join(search::CONFIG_FILE), self.config.commented().as_bytes())?;
        self.studies(&arena, &mut store, progress)?;
        let results = Results::of(&arena, &self.config, &store)?;
        results.write(&self.directory)?;
        Ok(results)
    }

    /// Runs what is missing, seed after seed so that a part of a comparison compares.
    fn studies(
        &self,
        arena: &Arena,
        store: &mut Store,
        progress: &mut Progress<'_>,
    ) -> Result<(), StudyError> {
        let entrants = &self.config.strategies;
        let total = entrants.len() * self.config.compare.seeds;
        let identities: Vec<String> =
            entrants.iter().map(|entrant| arena.identity(entrant)).collect::<Result<_, _>>()?;
        let missing: Vec<(usize, u64)> = arena
            .seeds()
            .flat_map(|seed| (0..entrants.len()).map(move |entrant| (entrant, seed)))
            .filter(|&(entrant, seed)| store.get(&identities[entrant], seed).is_none())
            .collect();
        let mut done = total - missing.len();
        progress(Step { label: None, done, total });
        let work = |i: usize| {
            let (entrant, seed) = missing[i];
            if self.cancel.load(Ordering::Relaxed) {
                return Err(StudyError::Interrupted);
            }
            arena.study(&entrants[entrant], seed, &self.cancel)
        };
        let mut failed = None;
        parallel(missing.len(), self.threads, work, |i, run| {
            match run.and_then(|run| store.keep(run)) {
                Ok(()) => {
                    done += 1;
                    progress(Step { label: Some(&entrants[missing[i].0].label), done, total });
                }
                Err(error) => failed = failed.take().or(Some(error)),
            }
            failed.is_none()
        });
        failed.map_or_else(|| store.sync(), Err)
    }
}

/// The table of a comparison: `given`, else the configuration's own path, relative to the
/// configuration's folder; without a `[table]` the one inside the program.
///
/// # Errors
/// [`StudyError::Setting`] for a `[table]` without a path where none is given, or a table given where
/// no `[table]` says what is in it.
pub fn resolve(config: &CompareConfig, given: Option<&Path>, folder: &Path) -> Result<Source, StudyError> {
    let bad = |name: &str, reason: &str| {
        Err(StudyError::Setting { name: name.to_owned(), reason: reason.to_owned() })
    };
    match (given, &config.table) {
        (Some(_), None) => {
            bad("--table", "no [table] says its space and columns; give a configuration with one")
        }
        (Some(path), Some(_)) => Ok(Source::named(path)),
        (None, Some(table)) if table.path.is_empty() => {
            bad("table.path", "it is empty; give the CSV file there or with --table PATH")
        }
        (None, Some(table)) => Ok(Source::named(table.path.as_ref()).within(folder)),
        (None, None) => Ok(Source::Embedded),
    }
}
