//! What an explanation says.

use bonas_study::history::Fidelity;
use serde::{Deserialize, Serialize};

/// Version of the keys of [`Explanation`]; they are only ever added to under one version.
pub(super) const FORMAT: u32 = 1;

/// Why a search found what it found, as its surrogate sees it. Scores, effects and differences are in the unit of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Version of the keys, 1; they are only ever added to under one version.
    pub format: u32,
    /// Name of the search space.
    pub space: String,
    /// Name of the strategy.
    pub strategy: String,
    /// Name of the surrogate that was fitted.
    pub surrogate: String,
    /// Whether it is that of the strategy.
    pub own_surrogate: bool,
    /// How scores were come by.
    pub fidelity: Fidelity,
    /// Seed of the study, of which all that is drawn is a function.
    pub seed: u64,
    /// Architectures in numbers.
    pub counts: Counts,
    /// Effect of each operation wherever it stands, the best first.
    pub operations: Vec<Effect>,
    /// Effects of operations by place.
    pub places: Vec<PlaceEffects>,
    /// Kendall's tau-b between scores and predictions by fits that did not see them (five folds); null where there is none.
    pub tau: Option<f64>,
    /// How much worse that gets, the most important first; empty without tau.
    pub importance: Vec<Importance>,
    /// The winner and what is near it; null without one.
    pub winner: Option<Winner>,
    /// The highest score and those after it; null with fewer than two.
    pub first: Option<First>,
    /// What could not be said, and why; what to know of the rest.
    pub remarks: Vec<String>,
}

impl Default for Explanation {
    fn default() -> Self {
        Self {
            format: FORMAT,
            space: String::new(),
            strategy: String::new(),
            surrogate: String::new(),
            own_surrogate: false,
            fidelity: Fidelity::Table,
            seed: 0,
            counts: Counts::default(),
            operations: Vec::new(),
            places: Vec::new(),
            tau: None,
            importance: Vec::new(),
            winner: None,
            first: None,
            remarks: Vec::new(),
        }
    }
}

/// Architectures in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Evaluated, failures included.
    pub evaluated: usize,
    /// Failed.
    pub failed: usize,
    /// That the surrogate was fitted to.
    pub fitted: usize,
}

/// A number with its 95 % interval, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Interval {
    /// A number whose error has a standard deviation, if that is known.
    pub(super) fn of(value: f64, sd: Option<f64>) -> Self {
        /// Half of a 95 % interval of a normal law, in standard deviations.
        const HALF: f64 = 1.96;
        Self { value, low: sd.map(|sd| value - HALF * sd), high: sd.map(|sd| value + HALF * sd) }
    }
}

/// What an operation does to the predicted score, compared with the others that could stand at its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The operation.
    pub operation: String,
    /// Change of the predicted score.
    #[serde(flatten)]
    pub effect: Interval,
    /// Placements: architectures in which it was, or was put, at one place, or at all places together.
    pub count: usize,
}

/// Effects of the operations at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceEffects {
    /// The place.
    pub place: String,
    /// Standard deviation of the effects of its operations: how much it matters what stands there.
    pub spread: f64,
    /// The best first.
    pub effects: Vec<Effect>,
}

/// What is permuted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportanceKind {
    /// A group of features that the surrogate reads.
    Feature,
    /// The operations at a place.
    Place,
}

/// How much worse the surrogate ranks architectures that it was not fitted to, once something of theirs is permuted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// What is permuted.
    pub kind: ImportanceKind,
    /// Its name.
    pub name: String,
    /// Drop of Kendall's tau-b, its mean over permutations.
    #[serde(flatten)]
    pub drop: Interval,
}

/// The winner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// In the space's notation.
    pub arch: String,
    /// Its key in hexadecimal.
    pub key: String,
    /// Its measured score; null for one that is known by training only.
    pub score: Option<f64>,
    /// Median of the surrogate's posterior.
    pub median: f64,
    /// What becomes of it without each of its operations, the worst loss first.
    pub operations: Vec<Replacement>,
    /// Measured architectures that differ least from it, the nearest first, of equals the better.
    pub neighbours: Vec<Neighbour>,
}

/// An operation of the winner, replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// The place.
    pub place: String,
    /// The operation that the winner has there.
    pub operation: String,
    /// Mean change of the predicted score with each of the others there.
    #[serde(flatten)]
    pub change: Interval,
    /// The best of the others.
    pub best: String,
    /// Change of the predicted score with that.
    pub best_change: f64,
}

/// A measured architecture near the winner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// In the space's notation.
    pub arch: String,
    /// Its measured score.
    pub score: f64,
    /// Whether it breaks a limit of the search, so that it could not be the winner.
    pub breaks_limit: bool,
    /// Number of differences.
    pub distance: usize,
    /// What it has in place of what the winner has.
    pub differences: Vec<String>,
}

/// The architecture with the highest score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct First {
    /// In the space's notation.
    pub arch: String,
    /// Its measured score.
    pub score: f64,
    /// Median of its score as the surrogate sees it.
    pub median: f64,
    /// Standard deviation of the noise of a measurement at that score, as the surrogate sees it; null where it does not know it.
    pub noise: Option<f64>,
    /// Whether the posterior is joint, and of true scores; else architectures are taken for independent.
    pub joint: bool,
    /// Those after it, by score.
    pub rivals: Vec<Rival>,
}

/// An architecture with one of the next highest scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rival {
    /// In the space's notation.
    pub arch: String,
    /// Its place by score, from 2.
    pub rank: usize,
    /// Its measured score.
    pub score: f64,
    /// Measured lead of the first.
    pub lead: f64,
    /// Lead of the first that the surrogate expects of the true scores.
    pub expected_lead: f64,
    /// Share of the measured lead that is noise, `1 - expected_lead / lead`; above 1 where the rival is expected to be better. Null
    /// without a lead, and where the surrogate is fitted to other values than scores as they are (`targets` is not raw).
    pub noise_share: Option<f64>,
    /// Probability that the first is truly better.
    pub probability: f64,
}
