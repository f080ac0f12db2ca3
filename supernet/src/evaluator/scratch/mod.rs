//! From scratch: every architecture is trained by itself.

#[cfg(feature = "torch")]
mod evaluator;
#[cfg(feature = "torch")]
mod plan;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::ScratchEvaluator;
#[cfg(feature = "torch")]
pub use plan::ScratchPlan;
pub use settings::ScratchSettings;
