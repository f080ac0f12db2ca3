//! Settings of the from-scratch evaluator.

use bonas_study::Fidelity;
use bonas_study::settings::{at_least_1, ensure};

use crate::evaluator::BuildEvaluator;
use crate::recipe::{ScratchRecipe, TrainingSettings};

bonas_study::settings! {
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

impl BuildEvaluator for ScratchSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::FromScratch
    }
}
