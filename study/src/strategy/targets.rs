//! What a strategy takes for an architecture's score.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::history::{Evaluation, Fidelity, History, Score};

/// How measured scores become comparable numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetsKind {
    /// The scores as they are.
    #[default]
    Raw,
    /// Each score less the mean of its batch, plus the mean of all.
    BatchCentred,
    /// The scores as they are, with an intercept for each batch that the surrogate learns.
    BatchIntercept,
}

impl TargetsKind {
    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::BatchCentred => "batch-centred",
            Self::BatchIntercept => "batch-intercept",
        }
    }
}

impl From<TargetsKind> for Targets {
    fn from(kind: TargetsKind) -> Self {
        match kind {
            TargetsKind::Raw => Self::Raw,
            TargetsKind::BatchCentred => Self::BatchCentred,
            TargetsKind::BatchIntercept => Self::BatchIntercept,
        }
    }
}

/// How measured scores become comparable numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// The scores as they are.
    #[default]
    Raw,
    /// Each score less the mean of its batch, plus the mean of all scores: `y - ȳ_batch + ȳ`.
    ///
    /// For scores with weights shared inside a batch, which compare only there: how hard the
    /// batch was to train together goes out of the score. So does the progress from one batch to
    /// the next, which makes it a choice and not the default.
    BatchCentred,
    /// The scores as they are, each in the group of its batch ([`Observation::group`](bonas_surrogate::Observation::group)): a
    /// surrogate that [knows groups](bonas_surrogate::Surrogate::knows_groups) gives each batch an intercept,
    /// `y = f(cell) + b_batch + ε` with `b ~ N(0, s²)`, whose variance it learns.
    ///
    /// Between raw scores (`s = 0`) and centred ones (`s` without bound): what batches have in common stays, as far as
    /// the cells explain it.
    BatchIntercept,
}

/// An evaluation and the number that stands for its score.
#[derive(Clone, Copy, Debug)]
pub struct Scored<'a> {
    /// Position in the history.
    pub index: usize,
    /// What was evaluated.
    pub evaluation: &'a Evaluation,
    /// Its score.
    pub score: &'a Score,
    /// Its comparable score, in the unit of the scores.
    pub value: f64,
    /// The batch that it compares in better than outside, numbered from 0 over the history; none where scores compare as
    /// they are.
    pub group: Option<usize>,
}

impl Targets {
    /// The evaluations that have a score of this fidelity and break no limit, in the history's order.
    pub fn of(self, history: &History, fidelity: Fidelity) -> Vec<Scored<'_>> {
        self.measured(history, fidelity).into_iter().filter(|scored| !scored.score.infeasible).collect()
    }

    /// The evaluations that have a score of this fidelity, also those that break a limit.
    pub fn measured(self, history: &History, fidelity: Fidelity) -> Vec<Scored<'_>> {
        let all = history.evaluations().iter().enumerate();
        let mut scored: Vec<_> = all
            .filter_map(|(index, evaluation)| {
                let score = evaluation.outcome.score(fidelity)?;
                Some(Scored { index, evaluation, score, value: score.value, group: None })
            })
            .collect();
        match self {
            Self::Raw => {}
            Self::BatchCentred => centre(&mut scored),
            Self::BatchIntercept => group(&mut scored),
        }
        scored
    }
}

fn group(scored: &mut [Scored<'_>]) {
    let mut numbers = HashMap::new();
    for s in scored {
        let next = numbers.len();
        s.group = Some(*numbers.entry((s.evaluation.round, s.evaluation.batch)).or_insert(next));
    }
}

fn centre(scored: &mut [Scored<'_>]) {
    let mut sums: HashMap<(usize, usize), (f64, f64)> = HashMap::new();
    for s in scored.iter() {
        let (sum, count) = sums.entry((s.evaluation.round, s.evaluation.batch)).or_default();
        *sum += s.value;
        *count += 1.0;
    }
    let mean = scored.iter().map(|s| s.value).sum::<f64>() / scored.len() as f64;
    let (low, high) =
        scored.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| (l.min(s.value), h.max(s.value)));
    for s in scored {
        let (sum, count) = sums[&(s.evaluation.round, s.evaluation.batch)];
        // Inside the range of the scores, so that accuracies stay accuracies.
        s.value = (s.value + mean - sum / count).clamp(low, high);
    }
}
