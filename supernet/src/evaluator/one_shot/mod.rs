//! Scores in a one-shot supernet: one network of the whole space, trained once, in which each architecture is scored.

#[cfg(feature = "torch")]
mod evaluator;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::{OneShotEvaluator, OneShotPlan};
pub use settings::OneShotSettings;
