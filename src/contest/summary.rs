//! A contest in figures.

use bonas_study::rng::stream;
use bonas_study::statistics::{holm, mean, sd, wilcoxon};
use bonas_surrogate::metrics::{Bootstrap, bootstrap};
use serde::{Deserialize, Serialize};

use super::plan::{Budget, Plan, Unit};
use super::study::{Outcome, Piece};
use crate::config::ContestConfig;

/// Stream of the bootstrap's draws.
const BOOTSTRAP: u64 = 105;

/// Version of the keys of [`Summary`].
pub const CONTEST_FORMAT: u32 = 2;

/// What `summary.json` holds. Accuracies are fractions. It is a function of configuration and plan:
/// times are in [`super::Timings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`CONTEST_FORMAT`].
    pub format: u32,
    /// Where the images are.
    pub data: String,
    /// Seeds, in the order of all lists by seed.
    pub seeds: Vec<u64>,
    /// Seconds of search that every arm was given; 0: budgets of their own.
    pub budget_s: f64,
    /// One an arm, in order, then one for each kind of random cells.
    pub arms: Vec<ArmSummary>,
    /// Every two of them.
    pub pairs: Vec<Pair>,
}

/// What an arm may spend in every study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmBudget {
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: usize,
    /// First epoch in which the architecture parameters move; 0 for other than differentiable searches.
    pub alpha_start: usize,
}

/// One arm, or random cells, over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmSummary {
    /// What it is called.
    pub name: String,
    /// Name of the strategy; none of random cells.
    pub strategy: Option<String>,
    /// Name of the space.
    pub space: String,
    /// What every study of it might spend; none of random cells.
    pub budget: Option<ArmBudget>,
    /// Test accuracy of the winner by seed, mean over the runs of its training; of random cells the
    /// mean over cells.
    pub test: Vec<f64>,
    /// Mean over seeds.
    pub test_mean: f64,
    /// Standard deviation over seeds (divisor n - 1).
    pub test_sd: f64,
    /// Trainable parameters of the winner, mean over seeds.
    pub params_mean: f64,
    /// Operations without weights (skips, pools) among the 8 of each of the two cells by epoch, mean
    /// over seeds; empty for other than differentiable searches.
    pub weight_free: [Vec<f64>; 2],
    /// The winner of each seed, or its first random cell, in the space's notation.
    pub found: Vec<String>,
}

/// Test accuracies of two arms, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The first.
    pub a: String,
    /// The second.
    pub b: String,
    /// Mean of first less second.
    pub difference: f64,
    /// Its 95 % interval (bootstrap over seeds); null with one seed.
    pub low: Option<f64>,
    /// Its other end.
    pub high: Option<f64>,
    /// Seeds at which the first is better.
    pub wins: usize,
    /// Seeds at which the second is.
    pub losses: usize,
    /// Wilcoxon's signed-rank test, two-sided. With n seeds it cannot be less than 2 / 2ⁿ.
    pub p: f64,
    /// The same with Holm's correction for all pairs.
    pub p_holm: f64,
}

impl ArmSummary {
    /// Operations without weights in both cells in the end, mean over seeds; none for other than
    /// differentiable searches.
    pub fn weight_free_at_end(&self) -> Option<f64> {
        Some(self.weight_free[0].last()? + self.weight_free[1].last()?)
    }
}

impl Summary {
    /// The summary of a contest that is done.
    pub(super) fn of(config: &ContestConfig, plan: &Plan, outcomes: &[Outcome]) -> Self {
        let contest = &config.contest;
        let arms: Vec<ArmSummary> =
            rows(outcomes).into_iter().map(|row| arm(config, plan, &of_row(outcomes, row))).collect();
        let pairs = pairs(&arms, contest.resamples, contest.first_seed);
        Self {
            format: CONTEST_FORMAT,
            data: config.arms.first().map(|arm| arm.config.data.source.clone()).unwrap_or_default(),
            seeds: (contest.first_seed..).take(contest.seeds).collect(),
            budget_s: contest.seconds,
            arms,
            pairs,
        }
    }
}

/// The names of the rows: searches as they come, then random cells.
pub(super) fn rows(outcomes: &[Outcome]) -> Vec<&str> {
    let is_search = |outcome: &&Outcome| matches!(outcome.piece, Piece::Search { .. });
    let (searches, random): (Vec<_>, Vec<_>) = outcomes.iter().partition(is_search);
    let mut names: Vec<&str> = Vec::new();
    for outcome in searches.into_iter().chain(random) {
        if !names.contains(&&*outcome.row) {
            names.push(&outcome.row);
        }
    }
    names
}

/// The outcomes of a row, seed by seed.
pub(super) fn of_row<'a>(outcomes: &'a [Outcome], row: &str) -> Vec<&'a Outcome> {
    outcomes.iter().filter(|outcome| outcome.row == row).collect()
}

fn arm(config: &ContestConfig, plan: &Plan, outcomes: &[&Outcome]) -> ArmSummary {
    let (number, searched) = match outcomes[0].piece {
        Piece::Search { arm, .. } => (arm, true),
        Piece::Random { arm, .. } => (arm, false),
    };
    let search = &config.arms[number].config;
    let test: Vec<f64> = outcomes.iter().map(|outcome| outcome.test()).collect();
    let params =
        |outcome: &&Outcome| outcome.trained.iter().filter_map(|one| one.params).map(|n| n as f64).collect();
    let params: Vec<Vec<f64>> = outcomes.iter().map(params).collect();
    ArmSummary {
        name: outcomes[0].row.clone(),
        strategy: searched.then(|| search.strategy.name().to_owned()),
        space: search.space.name.clone(),
        budget: searched.then(|| {
            let Budget { unit, count, alpha_start, .. } = *plan.budget(number);
            ArmBudget { unit, count, alpha_start }
        }),
        test_mean: mean(&test),
        test_sd: sd(&test),
        test,
        params_mean: mean(&params.concat()),
        weight_free: [0, 1].map(|cell| weight_free(outcomes, cell)),
        found: outcomes.iter().filter_map(|o| o.trained.first()).map(|one| one.arch.clone()).collect(),
    }
}

/// Operations without weights in a cell by epoch, mean over the studies that came so far.
fn weight_free(outcomes: &[&Outcome], cell: usize) -> Vec<f64> {
    let epochs = outcomes.iter().map(|outcome| outcome.trajectory.len()).max().unwrap_or(0);
    let at = |epoch: usize| {
        let there = outcomes.iter().filter_map(|outcome| outcome.trajectory.get(epoch));
        mean(&there.map(|epoch| epoch.weight_free[cell] as f64).collect::<Vec<_>>())
    };
    (0..epochs).map(at).collect()
}

fn pairs(arms: &[ArmSummary], resamples: usize, seed: u64) -> Vec<Pair> {
    let two = (0..arms.len()).flat_map(|a| (a + 1..arms.len()).map(move |b| (a, b)));
    let mut pairs: Vec<Pair> = two.map(|(a, b)| pair(&arms[a], &arms[b], resamples, seed)).collect();
    let corrected = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
    for (pair, p) in pairs.iter_mut().zip(corrected) {
        pair.p_holm = p;
    }
    pairs
}

fn pair(a: &ArmSummary, b: &ArmSummary, resamples: usize, seed: u64) -> Pair {
    let differences: Vec<f64> = a.test.iter().zip(&b.test).map(|(a, b)| a - b).collect();
    let of = |drawn: &[usize]| Some(mean(&drawn.iter().map(|&i| differences[i]).collect::<Vec<_>>()));
    let settings = Bootstrap { resamples, level: 0.95 };
    let interval = (differences.len() > 1)
        .then(|| bootstrap(differences.len(), of, settings, &mut stream(seed, &[BOOTSTRAP])))
        .flatten();
    let p = wilcoxon(&a.test, &b.test).map_or(1.0, |test| test.p);
    Pair {
        a: a.name.clone(),
        b: b.name.clone(),
        difference: mean(&differences),
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        wins: differences.iter().filter(|&&d| d > 0.0).count(),
        losses: differences.iter().filter(|&&d| d < 0.0).count(),
        p,
        p_holm: p,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    fn of(name: &str, test: &[f64]) -> ArmSummary {
        ArmSummary {
            name: name.into(),
            strategy: None,
            space: "darts".into(),
            budget: None,
            test: test.to_vec(),
            test_mean: mean(test),
            test_sd: sd(test),
            params_mean: 0.0,
            weight_free: Default::default(),
            found: Vec::new(),
        }
    }

    #[test]
    fn differences_are_paired_by_seed() {
        let arms = [of("a", &[0.9, 0.8, 0.7]), of("b", &[0.8, 0.7, 0.6]), of("c", &[0.9, 0.7, 0.8])];
        let found = pairs(&arms, 1000, 1);
        assert_eq!(found.len(), 3);
        // The same at every seed: no spread, and the least p that three seeds can give.
        let first = &found[0];
        assert!((first.difference - 0.1).abs() < 1e-12);
        assert!((first.low.unwrap() - 0.1).abs() < 1e-12 && (first.high.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!((first.wins, first.losses), (3, 0));
        assert!((first.p - 0.25).abs() < 1e-12 && (first.p_holm - 0.75).abs() < 1e-12);
        assert_eq!((found[1].wins, found[1].losses), (1, 1));
    }

    #[test]
    fn one_seed_has_no_interval() {
        let found = pairs(&[of("a", &[0.9]), of("b", &[0.8])], 1000, 1);
        assert_eq!((found[0].low, found[0].high, found[0].p), (None, None, 1.0));
    }
}
