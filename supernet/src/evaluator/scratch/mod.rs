//! From scratch: every architecture is trained by itself.

#[cfg(feature = "torch")]
mod evaluator;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::ScratchEvaluator;
pub use settings::ScratchSettings;
