//! The catalogue of evaluators.

use bonas_study::evaluator::command::CommandSettings;
use bonas_study::evaluator::{SyntheticSettings, ToldSettings};
use bonas_supernet::evaluator::BuildEvaluator;

bonas_supernet::evaluators! {
    crate::choices:
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" of BuildEvaluator {
        /// A program of yours, such as a training script, measures every architecture.
        Command(CommandSettings) = "command",
        /// Scores come from outside: `bonas ask` hands out architectures, `bonas tell` takes their scores.
        Told(ToldSettings) = "told",
        /// A formula, without any training: for trying things out.
        Synthetic(SyntheticSettings) = "synthetic",
    }
}

impl EvaluatorSettings {
    /// The settings of scores that are told, if they are.
    pub fn told(&self) -> Option<&ToldSettings> {
        match self {
            Self::Told(settings) => Some(settings),
            _ => None,
        }
    }
}
