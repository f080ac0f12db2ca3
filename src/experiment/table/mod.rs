//! Strategies on a table of architectures that were trained before: a run takes less than a second.
//!
//! [`TableConfig`] and a table -> a bench with what strategies see and what is reported -> one study a strategy and
//! seed, each on one thread -> [`Run`]s, kept in [`RUNS_FILE`] -> [`Summary`] and [`RESULTS_FILE`].
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

mod bench;
mod csv;
mod figures;
mod fronts;
mod goals;
mod page;
mod plots;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod timings;
mod trace;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::files::Files;
use super::files::PLAN_FILE;
use super::task::Task;
use super::timings::page as page_of_times;
use super::{Experiment, Timings};
use crate::StudyError;
use crate::config::TableConfig;
use bonas_study::journal::{Lock, write_whole};
use bonas_study::strategy::Count;
use bonas_study::table::{ColumnName, Source};

pub use csv::RESULTS_FILE;
pub use store::{RUNS_FILE, Run};
pub use summary::{
    ConstraintSummary, FrontPoint, Last, Measure, ObjectiveSummary, Optimum, ParetoLast, ParetoPoint,
    ParetoSummary, Point, StrategySummary, Summary, TestSummary, ToOptimum,
};
pub use timings::{AskMs, StrategyTimings};

use bench::Bench;
use store::Store;
use trace::Trace;

/// The results of an experiment on a table: every run, figures and tests of strategies, and times.
#[derive(Clone, Debug)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// How long the strategies took.
    pub timings: Timings<StrategyTimings>,
    /// One entry a strategy and seed.
    traces: Vec<Trace>,
}

/// The strategies of an experiment on their table.
pub(super) struct TableTask<'a> {
    experiment: &'a Experiment,
    bench: Bench,
    /// What the results of each strategy are known by.
    identities: Vec<String>,
    store: Mutex<Store>,
    _lock: Lock,
}

impl<'a> TableTask<'a> {
    /// Reads the table, checks every strategy on it, and then opens the folder.
    pub(super) fn open(experiment: &'a Experiment, config: &TableConfig) -> Result<Self, StudyError> {
        let source = source(config, experiment.table.as_deref(), &experiment.folder)?;
        let bench = Bench::open(
            &experiment.config.settings,
            config,
            &features(experiment),
            &source,
            &experiment.folder,
        )?;
        let bench = bench.paths_from(&experiment.folder);
        let strategies = &experiment.config.strategies;
        for strategy in strategies {
            bench.strategy(strategy)?;
        }
        let identities =
            strategies.iter().map(|strategy| bench.identity(strategy)).collect::<Result<_, _>>()?;
        let lock = experiment.begin(RUNS_FILE, PLAN_FILE)?;
        let store = Mutex::new(Store::open(&experiment.directory)?);
        Ok(Self { experiment, bench, identities, store, _lock: lock })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task for TableTask<'_> {
    type Run = Run;
    type Results = Results;

    fn rows(&self) -> Vec<&str> {
        self.experiment.config.strategies.iter().map(|strategy| &*strategy.label).collect()
    }

    fn kept(&self, row: usize, seed: u64) -> Option<Run> {
        self.store().get(&self.identities[row], seed).cloned()
    }

    fn run(&self, row: usize, seed: u64) -> Result<Run, StudyError> {
        self.bench.study(&self.experiment.config.strategies[row], seed, &self.experiment.cancel)
    }

    fn keep(&self, run: &Run) -> Result<(), StudyError> {
        self.store().keep(run)
    }

    fn told(&self, _: &Run) -> String {
        String::new()
    }

    fn results(&self, runs: Vec<Vec<Run>>) -> Result<Results, StudyError> {
        self.store().sync()?;
        Results::of(&self.bench, &self.experiment.config, &runs)
    }

    fn write(&self, results: &Results, folder: &Path) -> Result<(), StudyError> {
        let path = folder.join(RESULTS_FILE);
        let csv =
            results.csv().map_err(|source| StudyError::Io { path: path.clone(), source: source.into() })?;
        write_whole(&path, &csv)?;
        let Results { summary, timings, .. } = results;
        let (report, timings_page) = (page::page(summary), page_of_times(timings, &timings::lead(summary)));
        Files { summary, report, timings, timings_page }.write(folder)
    }
}

/// The columns that strategies take as features.
fn features(experiment: &Experiment) -> Vec<ColumnName> {
    let mut columns: Vec<ColumnName> = Vec::new();
    for feature in experiment.config.strategies.iter().flat_map(|strategy| strategy.settings.features()) {
        if Count::named(&feature.to_string()).is_none() && !columns.contains(feature) {
            columns.push(feature.clone());
        }
    }
    columns
}

/// The table: `given`, else the configuration's own path, relative to the configuration's folder; without a
/// `[table]` the one inside the program.
fn source(config: &TableConfig, given: Option<&Path>, folder: &Path) -> Result<Source, StudyError> {
    let bad = |name: &str, reason: &str| {
        Err(StudyError::Setting { name: name.to_owned(), reason: reason.to_owned() })
    };
    match (given, &config.table) {
        (Some(_), None) => {
            bad("table", "no [table] says its space and columns; give a configuration with one")
        }
        (Some(path), Some(_)) => Ok(Source::named(path)),
        (None, Some(table)) if table.path.is_empty() => {
            bad("table.path", "it is empty; give the CSV file there or with --table PATH")
        }
        (None, Some(table)) => Ok(Source::named(table.path.as_ref()).within(folder)),
        (None, None) => Ok(Source::Embedded),
    }
}
