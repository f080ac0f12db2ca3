//! `summary.json` of an experiment on images, for programs.

use bonas_study::statistics::{mean, sd};
use serde::{Deserialize, Serialize};

use super::budget::{Budget, Unit};
use super::{Agreement, ImagesTask, Row, Run, Yardstick, aims};
use crate::config::ExperimentSettings;
use crate::experiment::figures::{Difference, interval, pairs};
use crate::experiment::{Pair, SUMMARY_FORMAT};
use crate::report::Shown;

/// Stream of the bootstrap's draws.
const BOOTSTRAP: u64 = 105;

/// What `summary.json` holds. Accuracies are fractions. It is a function of configuration and plan:
/// times are in [`Timings`](crate::experiment::Timings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_FORMAT`].
    pub format: u32,
    /// Where the images are.
    pub data: String,
    /// Whether winners were measured by a program: what is called test accuracy here is its score then, in its own unit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scores: bool,
    /// The table and the column of true values; what is called test accuracy here is the true value then, in its own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// What that table says about how good a search can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yardstick: Option<Yardstick>,
    /// Networks that latencies are predicted from; 0: each is measured, or none is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub latency_table: usize,
    /// Seeds of each strategy; lists by seed are in their order.
    pub seeds: usize,
    /// The first seed.
    pub first_seed: u64,
    /// Seconds of search that every strategy was given; 0: budgets of their own.
    pub seconds: f64,
    /// 1 less the probability of the intervals.
    pub alpha: f64,
    /// One a strategy, in order, then one for each kind of random cells.
    pub strategies: Vec<StrategySummary>,
    /// Differences in test accuracy of every two of them.
    pub pairs: Vec<Pair>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What a strategy may spend in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyBudget {
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: usize,
    /// First epoch in which the architecture parameters move; 0 for other than differentiable searches.
    pub alpha_start: usize,
}

/// A run without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its seed.
    pub seed: u64,
    /// Why it has none.
    pub reason: String,
}

/// One strategy, or random cells, over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategySummary {
    /// What it is called.
    pub label: String,
    /// Which strategy it is; none of random cells.
    pub strategy: Option<String>,
    /// Name of the space.
    pub space: String,
    /// What every run of it might spend; none of random cells.
    pub budget: Option<StrategyBudget>,
    /// Test accuracy of the winner by seed, mean over the runs of its training; of random cells the
    /// mean over cells. Null where a search found no winner, or no training of it came to an end.
    pub test: Vec<Option<f64>>,
    /// Mean over the seeds that have one; null if none has.
    pub test_mean: Option<f64>,
    /// Standard deviation over the same seeds (divisor n - 1).
    pub test_sd: Option<f64>,
    /// Why seeds have none, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Trainable parameters of the winner, mean over seeds; none where bonas does not build its network.
    pub params_mean: Option<f64>,
    /// Milliseconds that the winner's network takes, mean over seeds; none where that is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms_mean: Option<f64>,
    /// Hypervolume of what was scored by seed, a share of the rectangle between the worst and the best that any run scored in
    /// each objective; empty without a second objective.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypervolume: Vec<f64>,
    /// Operations without weights (skips, pools) among the 8 of each of the two cells by epoch, mean
    /// over seeds; empty for other than differentiable searches.
    pub weight_free: [Vec<f64>; 2],
    /// The winner of each seed, or its first random cell, in the space's notation; null where nothing was found.
    pub found: Vec<Option<String>>,
    /// How far scores tell the truth, where that is known; none without scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<TruthSummary>,
}

/// How far the scores of a strategy tell the truth: [`Agreement`] over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthSummary {
    /// Kendall's tau-b between scores and truth by seed; null where it is not defined.
    pub tau: Vec<Option<f64>>,
    /// The same inside batches.
    pub inside: Vec<Option<f64>>,
    /// The same between the means of batches.
    pub between: Vec<Option<f64>>,
    /// The same between what the strategy's model expects in the end and the true values of random architectures; null
    /// without a model.
    #[serde(default)]
    pub model: Vec<Option<f64>>,
    /// True value of the best score so far by round, mean over seeds; null before the first score.
    pub found: Vec<Option<f64>>,
    /// Share of skips among operations by round, mean over seeds.
    pub skips: Vec<f64>,
}

impl TruthSummary {
    fn of(runs: &[Run]) -> Option<Self> {
        let all: Vec<&Agreement> = runs.iter().filter_map(|run| run.agreement.as_ref()).collect();
        let rounds = all.iter().map(|one| one.skips.len()).max().filter(|&rounds| rounds > 0)?;
        let over = |values: Vec<f64>| (!values.is_empty()).then(|| mean(&values));
        let found = |round: usize| over(all.iter().filter_map(|one| *one.found.get(round)?).collect());
        let skips = |round: usize| over(all.iter().filter_map(|one| one.skips.get(round).copied()).collect());
        Some(Self {
            tau: all.iter().map(|one| one.tau).collect(),
            inside: all.iter().map(|one| one.inside).collect(),
            between: all.iter().map(|one| one.between).collect(),
            model: all.iter().map(|one| one.model).collect(),
            found: (0..rounds).map(found).collect(),
            skips: (0..rounds).filter_map(skips).collect(),
        })
    }
}

impl Summary {
    /// How values are shown.
    pub(super) fn shown(&self) -> Shown {
        match (&self.truth, self.scores) {
            (Some(_), _) => Shown::Truth,
            (None, true) => Shown::Score,
            (None, false) => Shown::Accuracy,
        }
    }
}

impl StrategySummary {
    /// Operations without weights in both cells in the end, mean over seeds; none for other than
    /// differentiable searches.
    pub fn weight_free_at_end(&self) -> Option<f64> {
        Some(self.weight_free[0].last()? + self.weight_free[1].last()?)
    }
}

impl ImagesTask<'_> {
    /// The figures of all runs.
    pub(super) fn summary(&self, runs: &[Vec<Run>]) -> Summary {
        let settings = &self.experiment.config.settings;
        let scores = self.measured_by_program();
        let strategies: Vec<StrategySummary> =
            self.rows.iter().zip(runs).map(|(row, own)| self.row(row, own, runs)).collect();
        Summary {
            format: SUMMARY_FORMAT,
            data: if scores { "a program".to_owned() } else { self.config.data.source.clone() },
            scores,
            truth: self.truth.as_ref().map(super::Truth::named),
            yardstick: self.truth.as_ref().map(super::Truth::yardstick),
            latency_table: self.config.latency.table,
            seeds: settings.seeds,
            first_seed: settings.first_seed,
            seconds: settings.seconds,
            alpha: settings.alpha,
            pairs: differences(&strategies, settings),
            strategies,
        }
    }

    fn row(&self, row: &Row, runs: &[Run], all: &[Vec<Run>]) -> StrategySummary {
        let search = &self.searchers[row.strategy].search;
        let test: Vec<Option<f64>> = runs.iter().map(Run::test).collect();
        let known: Vec<f64> = test.iter().copied().flatten().collect();
        let missing = |run: &Run| Some(Missing { seed: run.seed, reason: run.missing.clone()? });
        let params = runs.iter().flat_map(|run| &run.trained).filter_map(|one| one.params);
        let params: Vec<f64> = params.map(|n| n as f64).collect();
        let latencies: Vec<f64> = runs.iter().filter_map(|run| run.latency_ms).collect();
        StrategySummary {
            label: row.label.clone(),
            strategy: (!row.random).then(|| search.strategy.name().to_owned()),
            space: search.space.name.clone(),
            budget: (!row.random).then(|| {
                let Budget { unit, count, alpha_start, .. } = self.plan.budgets[row.strategy];
                StrategyBudget { unit, count, alpha_start }
            }),
            test_mean: (!known.is_empty()).then(|| mean(&known)),
            test_sd: (!known.is_empty()).then(|| sd(&known)),
            test,
            missing: runs.iter().filter_map(missing).collect(),
            params_mean: (!params.is_empty()).then(|| mean(&params)),
            latency_ms_mean: (!latencies.is_empty()).then(|| mean(&latencies)),
            hypervolume: aims::hypervolumes(runs, all),
            weight_free: [0, 1].map(|cell| weight_free(runs, cell)),
            found: runs.iter().map(|run| Some(run.trained.first()?.arch.clone())).collect(),
            truth: TruthSummary::of(runs),
        }
    }
}

/// Operations without weights in a cell by epoch, mean over the runs that came so far.
fn weight_free(runs: &[Run], cell: usize) -> Vec<f64> {
    let epochs = runs.iter().map(|run| run.trajectory.len()).max().unwrap_or(0);
    let at = |epoch: usize| {
        let there = runs.iter().filter_map(|run| run.trajectory.get(epoch));
        mean(&there.map(|epoch| epoch.weight_free[cell] as f64).collect::<Vec<_>>())
    };
    (0..epochs).map(at).collect()
}

/// Differences of every two rows, with their intervals where there is more than one seed.
fn differences(strategies: &[StrategySummary], settings: &ExperimentSettings) -> Vec<Pair> {
    let labels: Vec<&str> = strategies.iter().map(|strategy| &*strategy.label).collect();
    let tests: Vec<Vec<Option<f64>>> = strategies.iter().map(|strategy| strategy.test.clone()).collect();
    pairs(&labels, &tests, 1.0, |a, b| {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let several = differences.len() > 1;
        let interval = several.then(|| interval(&differences, settings, &[BOOTSTRAP])).flatten();
        Difference { mean: mean(&differences), interval }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    fn of(label: &str, test: &[f64]) -> StrategySummary {
        StrategySummary {
            label: label.into(),
            strategy: None,
            space: "darts".into(),
            budget: None,
            test: test.iter().copied().map(Some).collect(),
            test_mean: Some(mean(test)),
            test_sd: Some(sd(test)),
            missing: Vec::new(),
            params_mean: None,
            latency_ms_mean: None,
            hypervolume: Vec::new(),
            weight_free: Default::default(),
            found: Vec::new(),
            truth: None,
        }
    }

    #[test]
    fn differences_are_paired_by_seed() {
        let rows = [of("a", &[0.9, 0.8, 0.7]), of("b", &[0.8, 0.7, 0.6]), of("c", &[0.9, 0.7, 0.8])];
        let found = differences(&rows, &ExperimentSettings::on_images());
        assert_eq!(found.len(), 3);
        // The same at every seed: no spread.
        let first = &found[0];
        assert!((first.difference - 0.1).abs() < 1e-12);
        assert!((first.low.unwrap() - 0.1).abs() < 1e-12 && (first.high.unwrap() - 0.1).abs() < 1e-12);
        assert!(found[1].low.unwrap() < found[1].difference && found[1].difference < found[1].high.unwrap());
    }

    #[test]
    fn one_seed_has_no_interval() {
        let found = differences(&[of("a", &[0.9]), of("b", &[0.8])], &ExperimentSettings::on_images());
        assert_eq!((found[0].low, found[0].high, found[0].p), (None, None, 1.0));
    }
}
