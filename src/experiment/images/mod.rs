//! Strategies on images, or with a program of the user's: every run searches, and trains what it found from scratch or has the
//! program measure it.
//!
//! [`ImagesConfig`] -> a [`Plan`], which says once how many epochs or architectures the seconds of the budget are
//! for each strategy -> a [`Search`](crate::search::Search) for each strategy and seed, in a folder of its own
//! -> its winner trained from scratch, and random cells beside it -> [`Summary`].
//!
//! Where `[truth]` names a table, winners are looked up there in place of being trained ([`TruthSummary`]).
//!
//! The winner of a differentiable search is what it decodes to after its last epoch, as published;
//! that of any other is the architecture with the best score.
//!
//! Invariant: results are a function of configuration and plan. Seconds are measured in the plan's
//! pilots alone (of processors where these compute, so that other work on the machine counts for none), and
//! written to [`PLAN_FILE`] before any run begins; an experiment that is resumed, or given the plan of another
//! machine, has the same runs.

mod aims;
mod budget;
mod meter;
mod page;
mod pilot;
mod plan;
mod run;
mod slots;
mod summary;
#[cfg(feature = "torch")]
#[cfg(test)]
mod tests;
mod timings;
mod truth;

use std::path::Path;

use bonas_study::journal::Lock;
use bonas_supernet::evaluator::Unit as ValueUnit;

use super::files::{Files, RESULTS};
use super::task::Task;
use super::timings::{markdown, page as page_of_times};
use super::{Experiment, Timings};
use crate::StudyError;
use crate::build::{Latencies, keep_space};
use crate::config::{ImagesConfig, SearchConfig, space_identity};
use crate::experiment::PLAN_FILE;
use crate::experiment::table::RUNS_FILE;
use crate::report::Shown;

use slots::Slots;

pub use budget::{Budget, Unit};
pub use plan::Plan;

pub use run::Run;
pub use summary::{Missing, StrategyBudget, StrategySummary, Summary, TruthSummary};
pub use timings::StrategyTimings;
pub use truth::{Agreement, Yardstick};

use truth::Truth;

/// The results of an experiment on images: every run, the differences between strategies, and times.
#[derive(Clone, Debug)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// How long the searches took.
    pub timings: Timings<StrategyTimings>,
    /// The runs of every row, seed by seed.
    runs: Vec<Vec<Run>>,
}

impl Results {
    /// The tables as text, in Markdown.
    pub fn markdown(&self) -> String {
        format!("{}\n{}", self.summary.markdown(), markdown(&self.timings))
    }
}

/// A strategy with the whole of its search. The seed is that of the run at hand, and nothing follows the search
/// but the final training.
struct Searcher {
    label: String,
    search: SearchConfig,
}

/// A row of the results: a strategy, or random cells of the space of one, trained as its winners are.
struct Row {
    label: String,
    strategy: usize,
    random: bool,
}

/// The strategies of an experiment on their images.
pub(super) struct ImagesTask<'a> {
    experiment: &'a Experiment,
    config: &'a ImagesConfig,
    searchers: Vec<Searcher>,
    rows: Vec<Row>,
    plan: Plan,
    truth: Option<Truth>,
    /// Of each strategy's space, where latencies are measured.
    latencies: Vec<Option<Latencies>>,
    /// Devices of programs; networks find theirs themselves.
    slots: Slots,
    _lock: Lock,
}

impl<'a> ImagesTask<'a> {
    /// Checks every strategy, opens the folder, and reads its plan or makes it.
    pub(super) fn open(experiment: &'a Experiment, config: &'a ImagesConfig) -> Result<Self, StudyError> {
        if let (Some(table), None) = (&experiment.table, &config.truth) {
            let reason = format!("{}, but the experiment is on images; say in [data] which", table.display());
            return Err(StudyError::Setting { name: "table.path".to_owned(), reason });
        }
        let settings = &experiment.config.settings;
        let strategies = &experiment.config.strategies;
        let searchers = strategies.iter().map(|strategy| {
            let mut search = config.search(strategy, settings.budget);
            search.relative_to = experiment.absolute_folder()?;
            search.images = experiment.images.clone();
            search.latencies = Some(experiment.directory.clone());
            Ok(Searcher { label: strategy.label.clone(), search: keep_space(search)? })
        });
        let searchers = searchers.collect::<Result<Vec<_>, StudyError>>()?;
        check_measures(&searchers)?;
        let truth = match &config.truth {
            Some(settings) => Some(Truth::open(settings, experiment, &searchers)?),
            None => None,
        };
        searchers.iter().try_for_each(|searcher| run::check(searcher, &experiment.directory))?;
        let lock = experiment.begin(PLAN_FILE, RUNS_FILE)?;
        // Results depend on what space files declare, which the configuration only names.
        let texts = searchers.iter().filter_map(|one| one.search.space.text.as_deref());
        let own = format!("results {RESULTS}\n{}", config.identity(settings, strategies));
        let identity = texts.fold(own, |identity, text| format!("{identity}\n{}", space_identity(text)));
        let identity = truth.iter().fold(identity, |identity, truth| identity + truth.fingerprint() + "\n");
        let plan = Plan::made(experiment, identity, &searchers)?;
        let rows = rows(&searchers, settings.random > 0);
        let slots = Slots::new(searchers.iter().map(|one| one.search.evaluator.devices()).max().unwrap_or(0));
        let latencies = searchers.iter().map(|one| Latencies::of(&one.search, &experiment.directory));
        let latencies = latencies.collect::<Result<_, _>>()?;
        Ok(Self { experiment, config, searchers, rows, plan, truth, latencies, slots, _lock: lock })
    }
}

/// Refuses strategies whose winners are measured in different ways, and networks in a build without libtorch.
fn check_measures(searchers: &[Searcher]) -> Result<(), StudyError> {
    let bad = |name: &str, reason: String| Err(StudyError::Setting { name: name.to_owned(), reason });
    if searchers.iter().any(|searcher| searcher.search.evaluator.told().is_some()) {
        return bad(
            "evaluator.name",
            "told: a comparison evaluates by itself; take another evaluator".to_owned(),
        );
    }
    let own = |searcher: &&Searcher| searcher.search.evaluator.follows_up();
    let unit = |searcher: &Searcher| searcher.search.evaluator.unit();
    let program = |searcher: &&Searcher| unit(searcher) == ValueUnit::Own;
    let text = |searcher: &&Searcher| unit(searcher) == ValueUnit::InversePerplexity;
    if let (Some(text), Some(other)) = (searchers.iter().find(text), searchers.iter().find(|s| !text(s))) {
        let reason = format!(
            "the winners of `{}` are language models and those of `{}` are not, so that they do not compare",
            text.label, other.label
        );
        return bad("evaluator", reason);
    }
    match (searchers.iter().find(program), searchers.iter().find(|searcher| !own(searcher))) {
        (Some(program), Some(network)) => bad(
            "evaluator",
            format!(
                "the winners of `{}` are measured by a program and those of `{}` are trained here, so that they do not \
                 compare",
                program.label, network.label
            ),
        ),
        (None, Some(_)) if cfg!(not(feature = "torch")) => bad(
            "data",
            "an experiment on images needs libtorch, and this program was built without it; build it with feature torch"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// The strategies, then random cells for each space and final training, beside the first strategy that has it.
fn rows(searchers: &[Searcher], random: bool) -> Vec<Row> {
    let same =
        |a: &Searcher, b: &Searcher| a.search.space == b.search.space && a.search.finals == b.search.finals;
    let is_first = |&i: &usize| searchers[..i].iter().all(|earlier| !same(earlier, &searchers[i]));
    let firsts: Vec<usize> = (0..searchers.len()).filter(is_first).collect();
    let space = |i: usize| &searchers[i].search.space.name;
    let beside = |&strategy: &usize| {
        let alone = firsts.iter().filter(|&&i| space(i) == space(strategy)).count() == 1;
        let label = if alone {
            format!("random cells, {}", space(strategy))
        } else {
            format!("random cells, as {}", searchers[strategy].label)
        };
        Row { label, strategy, random: true }
    };
    let own = |(strategy, searcher): (usize, &Searcher)| Row {
        label: searcher.label.clone(),
        strategy,
        random: false,
    };
    let strategies = searchers.iter().enumerate().map(own);
    strategies.chain(firsts.iter().filter(|_| random).map(beside)).collect()
}

impl ImagesTask<'_> {
    /// What runs measure in the end.
    fn shown(&self) -> Shown {
        match self.measured_by_program() {
            _ if self.truth.is_some() => Shown::Truth,
            true => Shown::Score,
            false => Shown::Accuracy,
        }
    }

    /// Whether winners are measured by their evaluator: a program, or language models.
    fn measured_by_program(&self) -> bool {
        self.searchers.first().is_some_and(|searcher| searcher.search.evaluator.unit() != ValueUnit::Accuracy)
    }
}

impl Task for ImagesTask<'_> {
    type Run = Run;
    type Results = Results;

    fn rows(&self) -> Vec<&str> {
        self.rows.iter().map(|row| &*row.label).collect()
    }

    fn plan(&self) -> Option<String> {
        let lines: Vec<String> = self.plan.budgets.iter().map(Budget::to_string).collect();
        Some(lines.join("\n"))
    }

    /// A run lies in its own folder, which [`Self::run`] goes on with.
    fn kept(&self, _: usize, _: u64) -> Option<Run> {
        None
    }

    fn run(&self, row: usize, seed: u64) -> Result<Run, StudyError> {
        let Row { strategy, random, .. } = self.rows[row];
        if random { self.random_cells(strategy, seed) } else { self.search(strategy, seed) }
    }

    fn keep(&self, _: &Run) -> Result<(), StudyError> {
        Ok(())
    }

    fn told(&self, run: &Run) -> String {
        let search = run.seconds.map_or_else(String::new, |seconds| format!(", {seconds:.1} s of search"));
        let value = run.test().map_or_else(|| "no result".to_owned(), |test| self.shown().value(Some(test)));
        let missing = run.missing.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{value}{search}{missing}")
    }

    fn results(&self, runs: Vec<Vec<Run>>) -> Result<Results, StudyError> {
        let (summary, timings) = (self.summary(&runs), self.timings(&runs));
        Ok(Results { summary, timings, runs })
    }

    fn write(&self, results: &Results, folder: &Path) -> Result<(), StudyError> {
        let Results { summary, timings, runs } = results;
        let report = page::page(summary, runs, &self.experiment.config);
        let timings_page = page_of_times(timings, &timings::lead(summary));
        Files { summary, report, timings, timings_page }.write(folder)
    }
}
