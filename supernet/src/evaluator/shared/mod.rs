//! Shared weights: a batch trains jointly in the supernet of its own operations.

#[cfg(feature = "torch")]
mod diverged;
#[cfg(feature = "torch")]
mod evaluator;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::SharedEvaluator;
pub use settings::SharedSettings;
