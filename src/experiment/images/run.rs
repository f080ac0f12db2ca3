//! One run: the search of a strategy and the training of what it found, or random cells beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_study::journal::{Seconds, read_json};
use bonas_study::statistics::mean;
use bonas_supernet::differentiable::{Epoch, TRAJECTORY_FILE, read_trajectory};

use super::budget::{searching, set};
use super::truth::{Agreement, Truth};
use super::{ImagesTask, Searcher, Unit, aims};
use crate::build::FollowUps;
use crate::report::{FinalResult, SUMMARY_FILE, Summary};
use crate::search::{DIFFERENTIABLE_FOLDER, Search};
use crate::{StudyError, build};

/// Folders of an experiment: runs by strategy, random cells by the strategy that they stand beside, and in a run's
/// the training of its winner.
const STRATEGIES_FOLDER: &str = "strategies";
const RANDOM_FOLDER: &str = "random";
const TRAINED_FOLDER: &str = "trained";
/// Why a search has no winner.
const NO_WINNER: &str = "no architecture was scored within the limits";

/// What came of a strategy with a seed, or of random cells.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What was trained from scratch: the winner, or random cells. Empty where a search found no winner.
    pub trained: Vec<FinalResult>,
    /// Why it has no result; none where it has one.
    pub missing: Option<String>,
    /// Seconds of the search; none of random cells.
    pub seconds: Option<f64>,
    /// Epochs of a differentiable search.
    pub trajectory: Vec<Epoch>,
    /// How far its scores tell the truth, where that is known and it has scores.
    pub agreement: Option<Agreement>,
    /// Milliseconds that networks of what was trained take, mean; none where that is not measured.
    pub latency_ms: Option<f64>,
    /// Score and second objective of each architecture that was scored within the limits; empty without a second objective.
    pub objectives: Vec<[f64; 2]>,
}

impl Run {
    /// Mean test accuracy of what was trained, a fraction in `[0, 1]`; where truth is known, the true value. None where
    /// nothing was found, or no training came to an end.
    pub fn test(&self) -> Option<f64> {
        let known: Vec<f64> = self.trained.iter().filter_map(FinalResult::mean).collect();
        (!known.is_empty()).then(|| mean(&known))
    }
}

/// Refuses a strategy that could not search, or whose winners could not be trained.
pub(super) fn check(searcher: &Searcher, directory: &Path) -> Result<(), StudyError> {
    let mut config = searcher.search.clone();
    config.evaluator.use_device(0);
    let search = Search { config: config.clone(), directory: directory.to_owned(), cancel: Arc::default() };
    search.check_strategy()?;
    FollowUps::planned(&config)?.finalists(directory).map(drop)
}

impl ImagesTask<'_> {
    /// Searches and trains the winner, or does what is left of it.
    pub(super) fn search(&self, strategy: usize, seed: u64) -> Result<Run, StudyError> {
        let (searcher, budget) = (&self.searchers[strategy], &self.plan.budgets[strategy]);
        let folder = self.experiment.directory.join(STRATEGIES_FOLDER).join(&searcher.label);
        let directory = folder.join(format!("seed-{seed}"));
        let mut config = searching(&searcher.search, seed);
        let slot = self.slots.take();
        config.evaluator.use_device(slot.device);
        match budget.unit {
            Unit::Epochs => set(&mut config, budget.count, budget.alpha_start, 0),
            Unit::Architectures => set(&mut config, 0, 0, budget.count),
        }
        let cancel = self.experiment.cancel.clone();
        let search = Search { config, directory: directory.clone(), cancel };
        let named = |error| match error {
            StudyError::Evaluator(reason) => {
                StudyError::Evaluator(format!("strategy `{}`, seed {seed}: {reason}", searcher.label))
            }
            other => other,
        };
        search.run(&mut |_, _| Vec::new()).map_err(named)?;
        drop(slot);
        let trajectory = match budget.unit {
            Unit::Epochs => read_trajectory(&directory.join(DIFFERENTIABLE_FOLDER).join(TRAJECTORY_FILE))?,
            Unit::Architectures => Vec::new(),
        };
        let space = build::space(&searcher.search)?;
        let found = winner(&directory, &trajectory)?.map(|found| space.parse(&found)).transpose()?;
        let agreement = match (&self.truth, budget.unit) {
            (Some(truth), Unit::Architectures) => {
                let agreement = truth.agreement(&directory, &space, searcher.search.evaluator.fidelity())?;
                let model = truth.of_model(&search, self.experiment.config.settings.first_seed)?;
                Some(Agreement { model, ..agreement })
            }
            _ => None,
        };
        let trained = match &found {
            Some(found) => vec![self.judged(strategy, seed, found, directory.join(TRAINED_FOLDER))?],
            None => Vec::new(),
        };
        let missing = match trained.first() {
            None => Some(NO_WINNER.to_owned()),
            Some(one) => without_result(one, "its winner"),
        };
        let seconds = Some(Seconds::read(&directory).total());
        let objectives = match budget.unit {
            Unit::Architectures => aims::objectives(&searcher.search, &directory, &space)?,
            Unit::Epochs => Vec::new(),
        };
        let latency_ms = self.latency(strategy, found.as_slice())?;
        Ok(Run { seed, trained, missing, seconds, trajectory, agreement, latency_ms, objectives })
    }

    /// Draws random cells of a strategy's space and trains them, or does what is left of it.
    pub(super) fn random_cells(&self, strategy: usize, seed: u64) -> Result<Run, StudyError> {
        let Searcher { label, search } = &self.searchers[strategy];
        let folder = self.experiment.directory.join(RANDOM_FOLDER).join(label);
        let cells =
            build::random_cells(&*build::space(search)?, self.experiment.config.settings.random, seed, &[]);
        let train = |(i, cell): (usize, &Architecture)| {
            self.judged(strategy, seed, cell, folder.join(format!("seed-{seed}-cell-{i}")))
        };
        let trained = cells.iter().enumerate().map(train).collect::<Result<Vec<_>, _>>()?;
        let reasons: Option<Vec<String>> =
            trained.iter().map(|one| without_result(one, "each random cell, the first")).collect();
        let missing = reasons.and_then(|reasons| reasons.into_iter().next());
        Ok(Run { seed, trained, missing, latency_ms: self.latency(strategy, &cells)?, ..Run::default() })
    }

    /// Mean latency of some architectures of a strategy's space; none where that is not measured.
    fn latency(&self, strategy: usize, architectures: &[Architecture]) -> Result<Option<f64>, StudyError> {
        let Some(latencies) = &self.latencies[strategy] else { return Ok(None) };
        let of = |one| latencies.milliseconds(one, &self.experiment.cancel);
        let known = architectures.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let known: Vec<f64> = known.into_iter().flatten().collect();
        Ok((!known.is_empty()).then(|| mean(&known)))
    }

    /// Looks an architecture up where truth is known, and else trains it from scratch.
    fn judged(
        &self,
        strategy: usize,
        seed: u64,
        architecture: &Architecture,
        directory: PathBuf,
    ) -> Result<FinalResult, StudyError> {
        match &self.truth {
            Some(truth) => self.looked_up(truth, strategy, architecture),
            None => self.train(strategy, seed, architecture, directory),
        }
    }

    fn looked_up(
        &self,
        truth: &Truth,
        strategy: usize,
        architecture: &Architecture,
    ) -> Result<FinalResult, StudyError> {
        let space = build::space(&self.searchers[strategy].search)?;
        let test = vec![truth.require(architecture)?];
        Ok(FinalResult { arch: space.format(architecture)?, test, ..FinalResult::default() })
    }

    /// Trains an architecture from scratch as the strategy's `[final]` says.
    fn train(
        &self,
        strategy: usize,
        seed: u64,
        architecture: &Architecture,
        directory: PathBuf,
    ) -> Result<FinalResult, StudyError> {
        let mut config = self.searchers[strategy].search.clone();
        (config.study.seed, config.study.workers) = (seed, 1);
        let slot = self.slots.take();
        config.evaluator.use_device(slot.device);
        let search = Search { config, directory, cancel: self.experiment.cancel.clone() };
        search.train_one(architecture, &mut |_, _| Vec::new())
    }
}

/// Why a measured architecture has no result; none where it has one.
fn without_result(one: &FinalResult, what: &str) -> Option<String> {
    let reason = one.failed.as_deref().unwrap_or("no measurement came to an end");
    one.mean().is_none().then(|| format!("{what} failed: {reason}"))
}

/// What a search found: what a differentiable one decodes to in the end, or the best score.
fn winner(directory: &Path, trajectory: &[Epoch]) -> Result<Option<String>, StudyError> {
    if let Some(last) = trajectory.last() {
        return Ok(Some(last.genotype.clone()));
    }
    Ok(read_json::<Summary>(&directory.join(SUMMARY_FILE))?.and_then(|summary| summary.winner))
}
