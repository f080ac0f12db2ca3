//! Indicators as scores: a supernet trained once, then read for each architecture.

#[cfg(feature = "torch")]
mod evaluator;
mod settings;
#[cfg(feature = "torch")]
mod values;

#[cfg(feature = "torch")]
pub use evaluator::{IndicatorEvaluator, IndicatorPlan};
pub use settings::{BatchNormKind, IndicatorSettings};
#[cfg(feature = "torch")]
pub use values::{IndicatorValues, indicator_values};
