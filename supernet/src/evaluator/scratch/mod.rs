//! From scratch: every architecture is trained by itself.

#[cfg(feature = "torch")]
mod evaluator;
mod files;
#[cfg(feature = "torch")]
mod plan;
mod settings;
#[cfg(feature = "torch")]
mod start;

#[cfg(feature = "torch")]
pub use evaluator::ScratchEvaluator;
pub use files::RunFiles;
#[cfg(feature = "torch")]
pub use plan::ScratchPlan;
pub use settings::ScratchSettings;
#[cfg(feature = "torch")]
pub use start::Start;
