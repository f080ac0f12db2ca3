//! How the values of a shortlist and of final training are shown.

use bonas_study::history::Fidelity;
use bonas_study::statistics::{mean, sd};
use bonas_supernet::evaluator::Unit;

use super::markup::{dash, known, percent, percents};

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Accuracies, fractions in `[0, 1]`, shown in per cent.
    Accuracy,
    /// Scores of a program of the user's, in its unit.
    Score,
    /// Scores that are 1/perplexity of a text, shown as perplexities.
    Perplexity,
    /// True values of a table, in its unit.
    Truth,
}

impl Shown {
    /// What follows a search with scores of this kind.
    pub(crate) fn after(fidelity: Option<Fidelity>) -> Self {
        if fidelity == Some(Fidelity::Command) { Self::Score } else { Self::Accuracy }
    }

    /// Values of this unit.
    pub(crate) fn of(unit: Unit) -> Self {
        match unit {
            Unit::Accuracy => Self::Accuracy,
            Unit::InversePerplexity => Self::Perplexity,
            Unit::Own => Self::Score,
        }
    }

    /// The scores of single runs as they are shown, not scaled.
    pub(crate) fn runs(self, scores: &[f64]) -> Vec<f64> {
        let shown = |score: &f64| if self == Self::Perplexity { 1.0 / score } else { *score };
        scores.iter().map(shown).collect()
    }

    /// Their mean; none without a run.
    pub(crate) fn mean(self, scores: &[f64]) -> Option<f64> {
        (!scores.is_empty()).then(|| mean(&self.runs(scores)))
    }

    /// Their standard deviation (divisor n - 1); none with fewer than two.
    pub(crate) fn sd(self, scores: &[f64]) -> Option<f64> {
        (scores.len() > 1).then(|| sd(&self.runs(scores)))
    }

    /// A value as a chart shows it.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        if self == Self::Accuracy { 100.0 * value } else { value }
    }

    /// A value in a table.
    pub(crate) fn value(self, value: Option<f64>) -> String {
        match self {
            Self::Accuracy => percent(value),
            Self::Perplexity => value.map_or_else(dash, |value| format!("{value:.2}")),
            Self::Score | Self::Truth => known(value),
        }
    }

    /// Scores of single runs in a cell of a table.
    pub(crate) fn values(self, values: &[f64]) -> String {
        if self == Self::Accuracy {
            return percents(values);
        }
        self.runs(values).into_iter().map(|value| self.value(Some(value))).collect::<Vec<_>>().join(", ")
    }

    /// What final training measures.
    pub(crate) fn finals(self) -> &'static str {
        match self {
            Self::Accuracy => "test accuracy",
            Self::Score => "final score",
            Self::Perplexity => "test perplexity",
            Self::Truth => "true value",
        }
    }

    /// The same, with its unit.
    pub(crate) fn axis(self) -> &'static str {
        if self == Self::Accuracy { "test accuracy (%)" } else { self.finals() }
    }

    /// The head of a column of single runs.
    pub(crate) fn by_seed(self) -> &'static str {
        if self == Self::Accuracy { "by seed (%)" } else { "by seed" }
    }

    /// What the shortlist measures.
    pub(crate) fn shortlist(self) -> &'static str {
        match self {
            Self::Accuracy => "held-out score",
            Self::Perplexity => "held-out perplexity",
            Self::Score | Self::Truth => "score again",
        }
    }

    /// The title of the shortlist's table.
    pub(crate) fn shortlist_title(self) -> &'static str {
        match self {
            Self::Accuracy | Self::Perplexity => "Shortlist, trained from scratch",
            Self::Score | Self::Truth => "Shortlist, scored again",
        }
    }

    /// What the chart of the final training shows.
    pub(crate) fn caption(self) -> &'static str {
        match self {
            Self::Accuracy => {
                "Test accuracy after training from scratch with the same recipe: the winner and architectures drawn at random."
            }
            Self::Perplexity => {
                "Perplexity on the test text after training from scratch with the same recipe: the winner and architectures drawn at \
                 random."
            }
            Self::Score | Self::Truth => {
                "Final scores by the program: the winner and architectures drawn at random."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perplexities_are_averaged_as_such() {
        let scores = [0.02, 0.025];
        assert_eq!(Shown::Perplexity.values(&scores), "50.00, 40.00");
        let shown = |value| Shown::Perplexity.value(value);
        assert_eq!(
            [shown(Shown::Perplexity.mean(&scores)), shown(Shown::Perplexity.sd(&scores))],
            ["45.00", "7.07"]
        );
        assert_eq!((Shown::Perplexity.mean(&[]), Shown::Perplexity.sd(&scores[..1])), (None, None));
        assert_eq!(Shown::Accuracy.mean(&scores), Some(0.0225));
    }
}
