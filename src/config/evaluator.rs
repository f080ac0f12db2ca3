//! Settings of the evaluators.

use super::{IndicatorSettings, TrainingSettings, at_least_1, ensure};
use crate::history::Fidelity;
use crate::recipe::{ScratchRecipe, Sgd, SharedRecipe};

crate::choices! {
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" {
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

impl EvaluatorSettings {
    /// The kind of score that it gives.
    pub fn fidelity(&self) -> Fidelity {
        match self {
            Self::SharedWeights(_) => Fidelity::SharedWeights,
            Self::FromScratch(_) => Fidelity::FromScratch,
            Self::Indicator(_) => Fidelity::Indicator,
            Self::Synthetic(_) => Fidelity::Table,
        }
    }
}

crate::settings! {
    /// Settings of the shared-weights evaluator.
    pub struct SharedSettings {
        /// Width C of the first cells. Published: 36.
        channels: usize = 8,
        /// Cells in the network (cells a stage, where the skeleton has stages). Published: 20.
        layers: usize = 5,
        /// Epochs in all. Published: 100.
        epochs: usize = 10,
        /// Epochs at the start in which every step trains the whole supernet; afterwards a step
        /// trains one architecture. Published: 10.
        warmup_epochs: usize = 2,
        /// Images a step of the warm-up. Published: 64.
        warmup_batch: usize = 64,
        /// Images a step afterwards. Published: 128.
        batch: usize = 64,
        /// Training images from which batch normalisation is estimated again for each architecture.
        /// Published: 10000.
        statistics_images: usize = 512,
        /// Learning rate at the start; 0: `training.learning_rate`.
        learning_rate: f64 = 0.0,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        ensure(s.warmup_epochs < s.epochs, "warmup_epochs", s.warmup_epochs, "fewer than epochs")?;
        ensure(s.warmup_batch >= 2, "warmup_batch", s.warmup_batch, "at least 2")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")?;
        ensure(s.statistics_images >= 2, "statistics_images", s.statistics_images, "at least 2")?;
        let rate = (0.0..=1e3).contains(&s.learning_rate);
        ensure(rate, "learning_rate", s.learning_rate, "0 (that of [training]) to 1000")
    }
}

impl SharedSettings {
    /// The recipe of these settings.
    pub fn recipe(&self, training: &TrainingSettings) -> SharedRecipe {
        SharedRecipe {
            epochs: self.epochs,
            warmup_epochs: self.warmup_epochs,
            warmup_batch: self.warmup_batch,
            batch: self.batch,
            statistics_images: self.statistics_images,
            sgd: match self.learning_rate {
                rate if rate > 0.0 => Sgd { learning_rate: rate, ..training.sgd() },
                _ => training.sgd(),
            },
        }
    }
}

crate::settings! {
    /// Settings of the from-scratch evaluator.
    pub struct ScratchSettings {
        /// Width C of the first cells.
        channels: usize = 8,
        /// Cells in the network (cells a stage, where the skeleton has stages).
        layers: usize = 5,
        /// Epochs.
        epochs: usize = 10,
        /// Images a step.
        batch: usize = 64,
        /// Seeds an architecture is trained with; its score is the mean.
        seeds: usize = 1,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        at_least_1(s.seeds, "seeds")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")
    }
}

impl ScratchSettings {
    /// The recipe of these settings: plain training, without drop-path or auxiliary head.
    pub fn recipe(&self, training: &TrainingSettings) -> ScratchRecipe {
        training.plain(self.epochs, self.batch)
    }
}

crate::settings! {
    /// Settings of the synthetic evaluator.
    pub struct SyntheticSettings {
        /// Standard deviation of the noise on a score.
        noise: f64 = 0.0,
    }
    check(s) { ensure((0.0..f64::INFINITY).contains(&s.noise), "noise", s.noise, "0 or more") }
}
