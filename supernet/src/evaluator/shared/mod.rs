//! Shared weights: a batch trains jointly in the supernet of its own operations.

#[cfg(feature = "torch")]
mod diverged;
#[cfg(feature = "torch")]
mod evaluator;
mod exposure;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::SharedEvaluator;
pub use exposure::Exposure;
pub use settings::SharedSettings;
