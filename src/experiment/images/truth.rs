//! Searches judged by known truth: a table says what the architectures that they found and scored are worth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace, SpaceSize};
use bonas_study::Journalled;
use bonas_study::history::{Evaluation, Fidelity};
use bonas_study::rng::stream;
use bonas_study::statistics::{mean, sd};
use bonas_study::table::{Benchmark, Reading, Source};
use bonas_surrogate::metrics::kendall_tau_b;
use rand::seq::index::sample;
use serde::{Deserialize, Serialize};

use super::Searcher;
use crate::StudyError;
use crate::build::{self, named_space};
use crate::config::TruthSettings;
use crate::experiment::Experiment;
use crate::report::share_of_skips;
use crate::search::Search;

/// Spaces of at most so many points are listed, to see whether the table has all of them.
const LISTED: u128 = 50_000;

/// Random architectures that a model is judged by.
pub(super) const SAMPLE: usize = 500;

/// Stream of their draws, from the first seed of a comparison: the same for all runs.
const DRAWS: u64 = 106;

/// The true values of a space's architectures.
#[derive(Debug)]
pub(super) struct Truth {
    table: Benchmark,
    /// Arms of the table that a search may find.
    arms: BTreeSet<usize>,
}

/// What the table itself says about how good a search can be.
///
/// True values are measurements, and the highest of many noisy ones is an overestimate. Where the table has several
/// measurements of each architecture, one of them chooses and the others judge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Yardstick {
    /// Architectures of the table that a search may find.
    pub architectures: usize,
    /// The mean of their true values.
    pub mean: f64,
    /// The highest.
    pub best: f64,
    /// What the architecture that one measurement ranks first is worth by the others, mean over measurements; none where an
    /// architecture has only one.
    pub chosen_by_one: Option<f64>,
    /// Standard error of a true value, the root of its mean square; none as above.
    pub error: Option<f64>,
}

/// How far the scores of one search tell the truth.
///
/// Tau is Kendall's tau-b between scores and true values of what was scored and is in the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Over all.
    pub tau: Option<f64>,
    /// Inside batches: mean over batches, weighted by their pairs.
    pub inside: Option<f64>,
    /// Between batches: of the means of each.
    pub between: Option<f64>,
    /// Between what the strategy's model expects in the end and the true values of random architectures, 500 at most;
    /// none without a model.
    pub model: Option<f64>,
    /// True value of the best score so far, after each round, among what the table has; none before the first.
    pub found: Vec<Option<f64>>,
    /// Share of skips (operations with role identity) among the operations of each round's architectures.
    pub skips: Vec<f64>,
}

/// One scored architecture.
#[derive(Clone, Copy, Debug)]
struct Scored {
    /// Round and batch.
    batch: (usize, usize),
    score: f64,
    truth: f64,
}

impl Truth {
    /// Opens the table that searches are judged by.
    ///
    /// # Errors
    /// [`StudyError::Setting`] where strategies search different spaces; errors of the table.
    pub(super) fn open(
        settings: &TruthSettings,
        experiment: &Experiment,
        searchers: &[Searcher],
    ) -> Result<Self, StudyError> {
        let bad = |name: &str, reason: String| StudyError::Setting { name: name.to_owned(), reason };
        let mut names = searchers.iter().map(|searcher| &searcher.search.space.name);
        let first = names.next().cloned().unwrap_or_default();
        if let Some(other) = names.find(|name| **name != first) {
            let reason = format!("it is of one space, and strategies search {first} and {other}");
            return Err(bad("truth", reason));
        }
        let space = named_space(&first, &experiment.folder).map_err(|reason| bad("space.name", reason))?;
        let column = settings.column.parse().map_err(|reason| bad("truth.column", reason))?;
        let reading = Reading { columns: vec![column], skip_missing: true, ..Reading::default() };
        let source = match &experiment.table {
            Some(path) => Source::named(path),
            None => Source::named(settings.path.as_ref()).within(&experiment.folder),
        };
        let mut truth = Self { table: source.open(space, &reading)?, arms: BTreeSet::new() };
        for searcher in searchers {
            let arms = truth.expect_whole(&*build::space(&searcher.search)?)?;
            truth.arms.extend(arms);
        }
        Ok(truth)
    }

    /// Arms of the table that a search of the space may find: those of a space that can be listed, else all.
    ///
    /// # Errors
    /// [`StudyError::Setting`] where the table lacks one that can be listed.
    fn expect_whole(&self, space: &dyn SearchSpace) -> Result<BTreeSet<usize>, StudyError> {
        let (SpaceSize::Unique(points) | SpaceSize::AtMost(points)) = space.size();
        match space.enumerate().filter(|_| points <= LISTED) {
            Some(mut all) => all.try_fold(BTreeSet::new(), |mut arms, architecture| {
                self.require(&architecture)?;
                arms.extend(self.table.arm(architecture.key()));
                Ok(arms)
            }),
            None => Ok((0..self.table.arms().len()).collect()),
        }
    }

    /// What the table says about how good a search can be.
    pub(super) fn yardstick(&self) -> Yardstick {
        let column = &self.table.columns()[0];
        Yardstick::of(&self.arms.iter().map(|&arm| column.runs(arm)).collect::<Vec<_>>())
    }

    /// The column and the table.
    pub(super) fn named(&self) -> String {
        format!("{} of {}", self.table.columns()[0].name(), self.table.path().display())
    }

    /// Digest of the table's text: results depend on it.
    pub(super) fn fingerprint(&self) -> &str {
        self.table.fingerprint()
    }

    /// True value of an architecture, if the table has it.
    pub(super) fn of(&self, architecture: &Architecture) -> Option<f64> {
        self.table.arm(architecture.key()).map(|arm| self.table.columns()[0].mean(arm))
    }

    /// Tau between what the model of a finished search's strategy expects and the true values of random architectures of the
    /// table that the search may find, the same ones for equal seeds; none without a model.
    ///
    /// # Errors
    /// As [`Search::expected`].
    pub(super) fn of_model(&self, search: &Search, seed: u64) -> Result<Option<f64>, StudyError> {
        let arms: Vec<usize> = self.arms.iter().copied().collect();
        let drawn = sample(&mut stream(seed, &[DRAWS]), arms.len(), SAMPLE.min(arms.len()));
        let arms: Vec<usize> = drawn.iter().map(|i| arms[i]).collect();
        let architectures: Vec<Architecture> =
            arms.iter().map(|&arm| self.table.arms()[arm].architecture.clone()).collect();
        let Some(expected) = search.expected(&architectures)? else { return Ok(None) };
        let truth: Vec<f64> = arms.iter().map(|&arm| self.table.columns()[0].mean(arm)).collect();
        Ok(kendall_tau_b(&expected, &truth))
    }

    /// True value of what a search found.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for an architecture that the table lacks.
    pub(super) fn require(&self, architecture: &Architecture) -> Result<f64, StudyError> {
        self.of(architecture).ok_or_else(|| {
            let space = self.table.space();
            let found = space.format(architecture).unwrap_or_else(|error| error.to_string());
            let reason = format!(
                "{} has no value for {found}, which a search may find; restrict it to what the table has (space.operations)",
                self.table.path().display()
            );
            StudyError::Setting { name: "truth.path".into(), reason }
        })
    }

    /// How far the scores in a search's folder tell the truth.
    ///
    /// # Errors
    /// Those of a journal that cannot be read.
    pub(super) fn agreement(
        &self,
        directory: &Path,
        space: &Arc<dyn SearchSpace>,
        fidelity: Fidelity,
    ) -> Result<Agreement, StudyError> {
        let study = Journalled::read(directory, space)?;
        let evaluations = study.history.evaluations();
        let scored = |one: &Evaluation| {
            let (score, truth) = (one.outcome.value(fidelity)?, self.of(&one.architecture)?);
            Some(Scored { batch: (one.round, one.batch), score, truth })
        };
        let all: Vec<Scored> = evaluations.iter().filter_map(scored).collect();
        let rounds = evaluations.iter().map(|one| one.round + 1).max().unwrap_or(0);
        let found = (0..rounds).map(|round| {
            let until = all.iter().filter(|one| one.batch.0 <= round);
            until.copied().reduce(|best, next| if next.score > best.score { next } else { best })
        });
        let found = found.map(|best| best.map(|best| best.truth)).collect();
        let skips = (0..rounds).map(|round| {
            let of_round = evaluations.iter().filter(|one| one.round == round);
            mean(&of_round.map(|one| share_of_skips(&one.architecture)).collect::<Vec<_>>())
        });
        Ok(Agreement { found, skips: skips.collect(), ..Agreement::of(&all) })
    }
}

impl Yardstick {
    /// Of the measurements of each architecture, at least one each.
    fn of(runs: &[&[f64]]) -> Self {
        let means: Vec<f64> = runs.iter().map(|runs| mean(runs)).collect();
        let repeats = runs.iter().map(|runs| runs.len()).min().unwrap_or(0);
        let chosen = |by: usize| {
            let first =
                runs.iter().copied().reduce(|best, next| if next[by] > best[by] { next } else { best })?;
            let others = first.iter().enumerate().filter(|(run, _)| *run != by).map(|(_, value)| *value);
            Some(mean(&others.collect::<Vec<_>>()))
        };
        let chosen: Vec<f64> = (0..repeats).filter(|_| repeats > 1).filter_map(chosen).collect();
        let squared = |runs: &&[f64]| sd(runs).powi(2) / runs.len() as f64;
        let errors: Vec<f64> = runs.iter().filter(|_| repeats > 1).map(squared).collect();
        let over = |values: &[f64]| (!values.is_empty()).then(|| mean(values));
        Self {
            architectures: runs.len(),
            mean: mean(&means),
            best: means.into_iter().fold(f64::NEG_INFINITY, f64::max),
            chosen_by_one: over(&chosen),
            error: over(&errors).map(f64::sqrt),
        }
    }
}

impl Agreement {
    fn of(all: &[Scored]) -> Self {
        let mut batches: BTreeMap<(usize, usize), (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        for one in all {
            let (scores, truths) = batches.entry(one.batch).or_default();
            scores.push(one.score);
            truths.push(one.truth);
        }
        let (scores, truths): (Vec<f64>, Vec<f64>) = all.iter().map(|one| (one.score, one.truth)).unzip();
        let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
        let inside = batches.values().filter_map(|(scores, truths)| {
            kendall_tau_b(scores, truths).map(|tau| (pairs(scores.len()), tau))
        });
        let (weights, sum) = inside.fold((0.0, 0.0), |(w, s), (pairs, tau)| (w + pairs, s + pairs * tau));
        let (score_means, truth_means): (Vec<f64>, Vec<f64>) =
            batches.values().map(|(scores, truths)| (mean(scores), mean(truths))).unzip();
        Self {
            tau: kendall_tau_b(&scores, &truths),
            inside: (weights > 0.0).then(|| sum / weights),
            between: kendall_tau_b(&score_means, &truth_means),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two batches whose cells are in the right order, one of them with scores too low by as much as truth is higher:
    /// inside 1, of 15 pairs 6 in order, between the means -1.
    #[test]
    fn a_batch_effect_shows_between_batches_only() {
        let one = |batch: usize, score: f64, truth: f64| Scored { batch: (0, batch), score, truth };
        let all = [
            one(0, 0.7, 80.0),
            one(0, 0.8, 81.0),
            one(0, 0.9, 82.0),
            one(1, 0.1, 90.0),
            one(1, 0.2, 91.0),
            one(1, 0.3, 92.0),
        ];
        let found = Agreement::of(&all);
        assert_eq!((found.inside, found.between), (Some(1.0), Some(-1.0)));
        // 6 pairs in order and 9 across batches not: (6 - 9) / 15.
        assert!((found.tau.unwrap() + 0.2).abs() < 1e-12);
        let none = Agreement::of(&all[..1]);
        assert_eq!((none.tau, none.inside, none.between), (None, None, None));
    }

    /// The first measurement chooses (70, 66), the second (64, 72): 66 and 64 by the other. Errors of two measurements are half
    /// their difference: 2, 4 and 1, of which the root mean square is the root of 7.
    #[test]
    fn one_measurement_chooses_and_the_other_judges() {
        let runs: [&[f64]; 3] = [&[70.0, 66.0], &[64.0, 72.0], &[60.0, 62.0]];
        let found = Yardstick::of(&runs);
        assert_eq!((found.architectures, found.best, found.chosen_by_one), (3, 68.0, Some(65.0)));
        assert!((found.mean - 394.0 / 6.0).abs() < 1e-12);
        assert!((found.error.unwrap() - 7.0_f64.sqrt()).abs() < 1e-12);
        let single: [&[f64]; 2] = [&[70.0], &[64.0, 72.0]];
        let found = Yardstick::of(&single);
        assert_eq!((found.best, found.chosen_by_one, found.error), (70.0, None, None));
    }
}
