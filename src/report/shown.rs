//! How the values of a shortlist and of final training are shown.

use bonas_study::history::Fidelity;

use super::markup::{known, percent, percents};

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Accuracies, fractions in `[0, 1]`, shown in per cent.
    Accuracy,
    /// Scores of a program of the user's, in its unit.
    Score,
    /// True values of a table, in its unit.
    Truth,
}

impl Shown {
    /// What follows a search with scores of this kind.
    pub(crate) fn after(fidelity: Option<Fidelity>) -> Self {
        if fidelity == Some(Fidelity::Command) { Self::Score } else { Self::Accuracy }
    }

    /// A value as a chart shows it.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        if self == Self::Accuracy { 100.0 * value } else { value }
    }

    /// A value in a table.
    pub(crate) fn value(self, value: Option<f64>) -> String {
        if self == Self::Accuracy { percent(value) } else { known(value) }
    }

    /// Values in a cell of a table.
    pub(crate) fn values(self, values: &[f64]) -> String {
        if self == Self::Accuracy {
            return percents(values);
        }
        values.iter().map(|value| known(Some(*value))).collect::<Vec<_>>().join(", ")
    }

    /// What final training measures.
    pub(crate) fn finals(self) -> &'static str {
        match self {
            Self::Accuracy => "test accuracy",
            Self::Score => "final score",
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
        if self == Self::Accuracy { "held-out score" } else { "score again" }
    }

    /// The title of the shortlist's table.
    pub(crate) fn shortlist_title(self) -> &'static str {
        if self == Self::Accuracy { "Shortlist, trained from scratch" } else { "Shortlist, scored again" }
    }

    /// What the chart of the final training shows.
    pub(crate) fn caption(self) -> &'static str {
        match self {
            Self::Accuracy => {
                "Test accuracy after training from scratch with the same recipe: the winner and architectures drawn at random."
            }
            _ => "Final scores by the program: the winner and architectures drawn at random.",
        }
    }
}
