//! What a trained network is scored by.

use serde::{Deserialize, Serialize};

/// What a network's score is, over the images that it is scored on: a fraction in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of images that are classified rightly.
    #[default]
    Accuracy,
    /// Mean over the classes of the share classified rightly, for classes of different sizes; those without an image do not
    /// count.
    BalancedAccuracy,
}

impl Metric {
    /// The other one, which readers are told beside it where classes differ in size.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Accuracy => Self::BalancedAccuracy,
            Self::BalancedAccuracy => Self::Accuracy,
        }
    }

    /// Its name in sentences.
    pub fn text(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
        }
    }
}
