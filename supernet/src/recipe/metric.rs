//! What a trained network is scored by.

use serde::{Deserialize, Serialize};

/// What a network's score is, over the images that it is scored on; higher is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of images that are classified rightly, in `[0, 1]`.
    #[default]
    Accuracy,
    /// Mean over the classes that have images of the share classified rightly, in `[0, 1]`.
    BalancedAccuracy,
    /// Mean probability that the network gives the right class, in `[0, 1]`. Finer than accuracy where few images are
    /// held out.
    Probability,
    /// Mean logarithm of that probability, which is at most 0: minus the cross-entropy.
    LogLikelihood,
}

impl Metric {
    /// Whether it is a fraction in `[0, 1]`.
    pub fn is_fraction(self) -> bool {
        self != Self::LogLikelihood
    }
}
