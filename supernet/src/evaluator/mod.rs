//! Evaluators that train networks, each with its settings.

mod indicator;
mod scratch;
mod shared;

use bonas_study::Fidelity;
use bonas_study::evaluator::SyntheticSettings;
pub use indicator::{BatchNormKind, IndicatorSettings};
pub use scratch::ScratchSettings;
pub use shared::SharedSettings;

#[cfg(feature = "torch")]
pub use indicator::{IndicatorEvaluator, IndicatorPlan};
#[cfg(feature = "torch")]
pub use scratch::ScratchEvaluator;
#[cfg(feature = "torch")]
pub use shared::SharedEvaluator;

/// Settings of an evaluator, which build it.
pub trait BuildEvaluator {
    /// The kind of score that the evaluator gives.
    fn fidelity(&self) -> Fidelity;
}

impl BuildEvaluator for SyntheticSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Table
    }
}
