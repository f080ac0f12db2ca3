//! The catalogue of evaluators.

use bonas_study::evaluator::SyntheticSettings;
use bonas_supernet::evaluator::{BuildEvaluator, IndicatorSettings, ScratchSettings, SharedSettings};

crate::choices! {
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" of BuildEvaluator {
        /// A batch is trained together in the supernet of its own operations (BONAS).
        SharedWeights(SharedSettings) = "shared-weights",
        /// Every architecture is trained by itself.
        FromScratch(ScratchSettings) = "from-scratch",
        /// Nothing is trained but the BatchNorm of one supernet, if anything (BN-NAS, BNNAS++).
        Indicator(IndicatorSettings) = "indicator",
        /// A formula, without any training: for trying things out.
        Synthetic(SyntheticSettings) = "synthetic",
    }
}
