//! What architectures reached from scratch: the shortlist, and the winner beside its rivals.

use bonas_study::history::Outcome;
use bonas_study::statistics::{mean, sd};
use bonas_supernet::evaluator::Unit;
use serde::{Deserialize, Serialize};

use super::{Digest, Query};

/// One architecture of the shortlist: trained from scratch, scored on held-out training images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shortlisted {
    /// In the space's notation.
    pub arch: String,
    /// Its key in hexadecimal.
    pub key: String,
    /// Its score in the search.
    pub score: Option<f64>,
    /// Accuracy on the held-out training images, a fraction in `[0, 1]`, one a seed; of language models 1/perplexity on the
    /// validation text.
    pub validation: Vec<f64>,
    /// The other of accuracy and balanced accuracy, mean over seeds, where classes differ in size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
}

impl Shortlisted {
    /// Mean accuracy over seeds; none without a seed.
    pub fn mean(&self) -> Option<f64> {
        (!self.validation.is_empty()).then(|| mean(&self.validation))
    }

    /// The one with the highest mean, the first of equals; none where no training came to an end.
    pub fn best(shortlist: &[Self]) -> Option<&Self> {
        let scored = shortlist.iter().filter_map(|one| Some((one, one.mean()?)));
        scored.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(one, _)| one)
    }
}

/// Final training: what was planned, and what has come of it so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalTraining {
    /// Networks that are to be trained.
    pub planned: usize,
    /// Those that are trained, the winner first.
    pub results: Vec<FinalResult>,
}

impl FinalTraining {
    /// Whether every network that was planned is trained.
    pub fn finished(&self) -> bool {
        self.results.len() == self.planned
    }

    /// Final training that is under way, by the events of its study: the winner is proposed first,
    /// random architectures after it.
    pub fn of(digest: &Digest) -> Self {
        let result = |(i, query): (usize, &Query)| FinalResult {
            label: FinalResult::label_at(i),
            arch: query.arch.clone(),
            ..FinalResult::of(&query.outcome)
        };
        Self { planned: digest.proposed(), results: digest.queries.iter().enumerate().map(result).collect() }
    }
}

/// One architecture trained from scratch, with one test accuracy a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalResult {
    /// What it is: "winner", or "random 1" and so on.
    pub label: String,
    /// In the space's notation.
    pub arch: String,
    /// Accuracy on the test images, a fraction in `[0, 1]`, one a seed; of language models 1/perplexity on the test text.
    pub test: Vec<f64>,
    /// Balanced accuracy on the test images, mean over seeds, where classes differ in size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
    /// Of language models the perplexity on the test text, one a seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perplexity: Vec<f64>,
    /// Why there is no accuracy: training stops at the first seed that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Trainable parameters of the trained network.
    pub params: Option<usize>,
    /// Multiply-adds of one image.
    pub macs: Option<u64>,
    /// Seconds of training, all seeds together.
    pub seconds: Option<f64>,
    /// Learning curves: mean training loss of each epoch, one list a seed. They stand in files of their own
    /// ([`RunFiles::losses`](bonas_supernet::evaluator::RunFiles::losses)).
    #[serde(skip)]
    pub losses: Vec<Vec<f64>>,
}

impl FinalResult {
    /// What the finalist at a place is called: the first is the winner.
    pub fn label_at(place: usize) -> String {
        if place == 0 { "winner".to_owned() } else { format!("random {place}") }
    }

    /// The accuracies of an evaluation, or why there are none.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Scored(score) => {
                Self { test: score.runs.clone(), beside: score.beside, ..Self::default() }
            }
            Outcome::Failed(reason) => Self { failed: Some(reason.clone()), ..Self::default() },
        }
    }

    /// This result where `test` is in a unit: that of language models has perplexities, too.
    #[must_use]
    pub fn in_unit(self, unit: Unit) -> Self {
        match unit {
            Unit::InversePerplexity => {
                Self { perplexity: self.test.iter().map(|score| 1.0 / score).collect(), ..self }
            }
            Unit::Accuracy | Unit::Own => self,
        }
    }

    /// Mean test accuracy; none without a seed.
    pub fn mean(&self) -> Option<f64> {
        (!self.test.is_empty()).then(|| mean(&self.test))
    }

    /// Standard deviation between seeds (divisor n - 1); none with fewer than two.
    pub fn sd(&self) -> Option<f64> {
        (self.test.len() > 1).then(|| sd(&self.test))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_shortlist_is_the_first_of_those_with_the_highest_mean() {
        let of = |arch: &str, validation: &[f64]| Shortlisted {
            arch: arch.into(),
            validation: validation.to_vec(),
            ..Shortlisted::default()
        };
        let list = [of("failed", &[]), of("a", &[0.5, 0.7]), of("b", &[0.6, 0.9]), of("c", &[0.9, 0.6])];
        assert_eq!(Shortlisted::best(&list).map(|one| one.arch.as_str()), Some("b"));
        assert_eq!(Shortlisted::best(&list[..1]), None);
    }

    #[test]
    fn mean_and_sd_by_hand() {
        let of = |test: &[f64]| FinalResult { test: test.to_vec(), ..FinalResult::default() };
        assert_eq!((of(&[]).mean(), of(&[]).sd()), (None, None));
        assert_eq!((of(&[0.5]).mean(), of(&[0.5]).sd()), (Some(0.5), None));
        let three = of(&[0.5, 0.6, 0.7]);
        assert!((three.mean().unwrap() - 0.6).abs() < 1e-12 && (three.sd().unwrap() - 0.1).abs() < 1e-12);
    }
}
