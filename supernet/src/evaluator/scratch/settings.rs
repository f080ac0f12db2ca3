//! Settings of the from-scratch evaluator.

use std::path::Path;

use bonas_spaces::network::Norm;
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};

#[cfg(feature = "torch")]
use crate::evaluator::ScratchPlan;
use crate::evaluator::{BuildEvaluator, FORWARD, SearchImages, Work};
#[cfg(feature = "torch")]
use crate::networks::Networks;
#[cfg(not(feature = "torch"))]
use crate::networks::without_torch;
use crate::networks::{NetworkPlan, Setup, Size, Weights};
use crate::recipe::{Metric, ScratchRecipe, TrainingSettings};
#[cfg(feature = "torch")]
use crate::training::Part;

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
        /// What an architecture is scored by, in a shortlist too: accuracy (if it is not set) or balanced-accuracy (the mean of
        /// the classes' recalls), for classes of different sizes.
        metric: Option<Metric> = None,
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
        let metric = self.metric.unwrap_or_default();
        ScratchRecipe { metric, ..training.plain(self.epochs, self.batch) }
    }
}

impl BuildEvaluator for ScratchSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::FromScratch
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let networks = Networks::new(setup)?;
        let plan = ScratchPlan {
            size: self.size(),
            skeleton: None,
            recipe: self.recipe(&setup.training),
            start: None,
            part: Part::Validation,
            also: None,
            seeds: self.seeds,
            paired: None,
        };
        plan.evaluators(&networks, &networks.task()?, Some(&folder.join("checkpoints")))
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, _: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Err(without_torch("evaluator.name", "from-scratch", "use synthetic"))
    }

    fn metric(&self) -> Metric {
        self.metric.unwrap_or_default()
    }

    fn network(&self) -> Option<NetworkPlan> {
        let weights = Weights::OfOne;
        Some(NetworkPlan { size: self.size(), norm: Norm::DISCRETE, images: self.batch, weights })
    }

    fn work(&self, images: &SearchImages) -> Work {
        let training = self.epochs as f64 * images.trained + FORWARD * images.held_out;
        Work { runs: self.seeds, once: 0.0, each: self.size().weight() * self.seeds as f64 * training }
    }
}

impl ScratchSettings {
    fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: false }
    }
}
