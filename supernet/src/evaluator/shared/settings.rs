//! Settings of the shared-weights evaluator.

use std::path::Path;

use bonas_spaces::network::Norm;
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};

use super::Exposure;
#[cfg(feature = "torch")]
use crate::evaluator::SharedEvaluator;
use crate::evaluator::{BuildEvaluator, FORWARD, SearchImages, Work};
#[cfg(feature = "torch")]
use crate::networks::Networks;
#[cfg(not(feature = "torch"))]
use crate::networks::without_torch;
use crate::networks::{NetworkPlan, Setup, Size, Weights};
use crate::recipe::{Metric, Sgd, SharedRecipe, TrainingSettings};
#[cfg(feature = "torch")]
use crate::training::Part;

bonas_study::settings! {
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
        /// What an architecture is scored by, in a shortlist too: accuracy (if it is not set) or balanced-accuracy (the mean of
        /// the classes' recalls), for classes of different sizes.
        metric: Option<Metric> = None,
        /// How often a weight is trained that several architectures of the batch share: uses (if it is not set; in the steps of
        /// all that use it, as published) or equal (these take turns, so that sharing is no advantage).
        exposure: Option<Exposure> = None,
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
            metric: self.metric.unwrap_or_default(),
        }
    }
}

impl BuildEvaluator for SharedSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::SharedWeights
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, _folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let boxed = |evaluator| Box::new(evaluator) as Box<dyn Evaluator>;
        Ok(self.evaluators(&Networks::new(setup)?)?.into_iter().map(boxed).collect())
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, _: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Err(without_torch("evaluator.name", "shared-weights", "use synthetic"))
    }

    fn metric(&self) -> Metric {
        self.metric.unwrap_or_default()
    }

    fn network(&self) -> Option<NetworkPlan> {
        let images = self.batch.max(self.warmup_batch);
        Some(NetworkPlan { size: self.size(), norm: Norm::SEARCH, images, weights: Weights::OfTheBatch })
    }

    fn work(&self, images: &SearchImages) -> Work {
        let training = self.epochs as f64 * images.trained / images.batch;
        let scoring = FORWARD * (images.held_out + self.statistics_images as f64);
        Work { runs: 1, once: 0.0, each: self.size().weight() * (training + scoring) }
    }
}

impl SharedSettings {
    fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: false }
    }

    /// Refuses steps of more images than there are, which an epoch would leave out.
    #[cfg(feature = "torch")]
    fn check_batches(&self, images: usize) -> Result<(), StudyError> {
        let warm_up = (self.warmup_epochs > 0).then_some(("evaluator.warmup_batch", self.warmup_batch));
        match warm_up.into_iter().chain([("evaluator.batch", self.batch)]).find(|(_, size)| *size > images) {
            Some((name, size)) => {
                let reason = format!("{size}; there are {images} training images");
                Err(StudyError::Setting { name: name.into(), reason })
            }
            None => Ok(()),
        }
    }

    /// Evaluators that train batches jointly, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    #[cfg(feature = "torch")]
    pub fn evaluators(&self, networks: &Networks) -> Result<Vec<SharedEvaluator>, StudyError> {
        let (setup, task) = (networks.setup(), networks.task()?);
        self.check_batches(task.training_indices(Part::Validation).len())?;
        let skeleton = networks.skeleton(self.size(), Norm::SEARCH)?;
        let recipe = self.recipe(&setup.training);
        let make = |i| {
            let (task, skeleton, placement) = (task.clone(), skeleton.clone(), networks.placement(i));
            let evaluator = SharedEvaluator::new(task, skeleton, networks.ops(), recipe.clone(), placement)?;
            let exposure = self.exposure.unwrap_or_default();
            Ok(evaluator.threads(setup.training.threads).exposure(exposure))
        };
        (0..setup.workers).map(make).collect()
    }
}
