//! What a study has measured: outcomes, the history they add up to, and the events that report both.
//!
//! Use it to read the results of a study, and to write observers. A [`History`] holds one [`Evaluation`] for each unique
//! architecture; its [`Outcome`] is a [`Score`] with a [`Fidelity`], or a failure with its reason. Scores of different
//! fidelities are never compared. [`Event`]s are what the journal keeps and what an [`Observer`] is told.
//!
//! ```
//! use bonas_study::history::{Fidelity, History};
//!
//! let history = History::default();
//! assert!(history.best(Fidelity::Table).is_none());
//! ```

mod aims;
mod event;

use std::collections::HashMap;
use std::fmt;

use bonas_spaces::{Architecture, Key};
use serde::{Deserialize, Serialize};

pub use aims::{Aims, Bound};
pub use event::{EndReason, Event, Known, Observer, Progress, Proposed};

/// How a score was come by. Scores of different fidelities are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// A training-free or BatchNorm-only indicator.
    Indicator,
    /// Validation accuracy with weights shared inside one batch.
    SharedWeights,
    /// Validation accuracy in one supernet of the whole space, trained before the first score.
    OneShot,
    /// A network of its own, trained from scratch.
    FromScratch,
    /// Looked up in a table, or computed by a formula.
    Table,
    /// Measured by a program of the user's.
    Command,
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indicator => "indicator",
            Self::SharedWeights => "shared-weights",
            Self::OneShot => "one-shot",
            Self::FromScratch => "from-scratch",
            Self::Table => "table",
            Self::Command => "command",
        })
    }
}

/// A measured score; higher is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The value, in the evaluator's unit (accuracy: a fraction in `[0, 1]`). Always finite, and at most [`LARGEST`] in size.
    pub value: f64,
    /// How it was come by.
    pub fidelity: Fidelity,
    /// The single measurements that `value` is the mean of, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<f64>,
    /// What else was measured, limited quantities and second objectives, as the evaluator orders it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<f64>,
    /// What readers are told beside the value, as balanced accuracy beside accuracy where classes differ in size. Nothing
    /// depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
    /// Whether it breaks a limit: then there is something to learn from it, but it is no candidate for
    /// the best.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub infeasible: bool,
}

impl Score {
    /// One measurement.
    pub fn of(value: f64, fidelity: Fidelity) -> Self {
        Self { value, fidelity, runs: Vec::new(), measures: Vec::new(), beside: None, infeasible: false }
    }

    /// Refuses a score of which a number is not finite, or beyond [`LARGEST`].
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut all = [&self.value].into_iter().chain(&self.runs).chain(&self.measures).chain(&self.beside);
        all.try_for_each(|&value| check_number("score", value))
    }

    /// The mean of several measurements; NaN, which a study refuses, of none.
    pub fn mean_of(runs: Vec<f64>, fidelity: Fidelity) -> Self {
        let value = runs.iter().sum::<f64>() / runs.len() as f64;
        Self { runs, ..Self::of(value, fidelity) }
    }
}

/// The largest score or measure that is taken, in size: the squares of larger ones have no place in a number.
pub const LARGEST: f64 = 1e150;

/// Refuses what is no score or measure: a number that is not finite, or beyond [`LARGEST`].
pub(crate) fn check_number(name: &str, value: f64) -> Result<(), String> {
    match value.abs() {
        size if !size.is_finite() => Err(format!("{name} {value} is not finite")),
        size if size > LARGEST => Err(format!("{name} {value:e} is beyond {LARGEST:e}")),
        _ => Ok(()),
    }
}

/// What came of evaluating one architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has a score.
    Scored(Score),
    /// It has none, and this is why. It counts as evaluated and is never tried again.
    Failed(String),
}

impl Outcome {
    /// The score if there is one and it has this fidelity, also of what breaks a limit.
    pub fn score(&self, fidelity: Fidelity) -> Option<&Score> {
        match self {
            Self::Scored(score) if score.fidelity == fidelity => Some(score),
            _ => None,
        }
    }

    /// The score's value if there is one, it has this fidelity, and no limit is broken.
    pub fn value(&self, fidelity: Fidelity) -> Option<f64> {
        self.score(fidelity).filter(|score| !score.infeasible).map(|score| score.value)
    }
}

/// One evaluated architecture, in the order of the journal.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// What was evaluated.
    pub architecture: Architecture,
    /// What came of it.
    pub outcome: Outcome,
    /// The mean the strategy's surrogate predicted before it was evaluated, if it has one.
    pub predicted: Option<Prediction>,
    /// Round in which it was proposed, from 0.
    pub round: usize,
    /// Batch of the round it was trained in, from 0. Shared-weights scores compare inside a batch.
    pub batch: usize,
}

/// Mean and standard deviation that a surrogate predicted, in the unit of the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Predicted mean.
    pub mean: f64,
    /// Predicted standard deviation.
    pub sd: f64,
}

/// All evaluations of a study, each architecture at most once.
#[derive(Clone, Debug, Default)]
pub struct History {
    evaluations: Vec<Evaluation>,
    by_key: HashMap<Key, usize>,
}

impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an evaluation; false, and nothing changes, if its architecture is already there.
    pub fn push(&mut self, evaluation: Evaluation) -> bool {
        let key = evaluation.architecture.key();
        if self.by_key.contains_key(&key) {
            return false;
        }
        self.by_key.insert(key, self.evaluations.len());
        self.evaluations.push(evaluation);
        true
    }

    /// Evaluations in order.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Number of unique architectures evaluated, failures included.
    pub fn len(&self) -> usize {
        self.evaluations.len()
    }

    /// Whether nothing has been evaluated yet.
    pub fn is_empty(&self) -> bool {
        self.evaluations.is_empty()
    }

    /// Whether this architecture, or an isomorphic copy of it, has been evaluated.
    pub fn contains(&self, key: Key) -> bool {
        self.by_key.contains_key(&key)
    }

    /// The evaluation of an architecture.
    pub fn get(&self, key: Key) -> Option<&Evaluation> {
        self.by_key.get(&key).map(|&i| &self.evaluations[i])
    }

    /// The evaluations that have a score of this fidelity.
    pub fn scored(&self, fidelity: Fidelity) -> impl Iterator<Item = (&Evaluation, f64)> {
        self.evaluations.iter().filter_map(move |e| Some((e, e.outcome.value(fidelity)?)))
    }

    /// The best evaluation of this fidelity, the earliest of equals.
    pub fn best(&self, fidelity: Fidelity) -> Option<(&Evaluation, f64)> {
        self.scored(fidelity).reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}
