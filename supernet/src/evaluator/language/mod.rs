//! Language models of recurrent cells, trained jointly or each by itself.

#[cfg(feature = "torch")]
mod evaluator;
mod settings;

#[cfg(feature = "torch")]
pub use evaluator::LanguageEvaluator;
pub use settings::LanguageSettings;
