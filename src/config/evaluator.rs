//! The catalogue of evaluators.

use bonas_study::evaluator::SyntheticSettings;
use bonas_study::evaluator::command::CommandSettings;
use bonas_supernet::evaluator::BuildEvaluator;

bonas_supernet::evaluators! {
    crate::choices:
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" of BuildEvaluator {
        /// A program of yours, such as a training script, measures every architecture.
        Command(CommandSettings) = "command",
        /// A formula, without any training: for trying things out.
        Synthetic(SyntheticSettings) = "synthetic",
    }
}
