//! The catalogue of evaluators.

use bonas_supernet::evaluator::{self, BuildEvaluator};

crate::choices! {
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" of BuildEvaluator {
        /// A batch is trained together in the supernet of its own operations (BONAS).
        SharedWeights(evaluator::SharedSettings) = "shared-weights",
        /// Every architecture is trained by itself.
        FromScratch(evaluator::ScratchSettings) = "from-scratch",
        /// Nothing is trained but the BatchNorm of one supernet, if anything (BN-NAS, BNNAS++).
        Indicator(evaluator::IndicatorSettings) = "indicator",
        /// A formula, without any training: for trying things out.
        Synthetic(bonas_study::evaluator::SyntheticSettings) = "synthetic",
    }
}
