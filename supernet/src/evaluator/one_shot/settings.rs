//! Settings of the one-shot evaluator.

use std::path::Path;

use bonas_spaces::network::Norm;
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};

#[cfg(feature = "torch")]
use super::{OneShotEvaluator, OneShotPlan};
use crate::evaluator::{BuildEvaluator, FORWARD, SearchImages, Work};
#[cfg(feature = "torch")]
use crate::networks::Networks;
#[cfg(not(feature = "torch"))]
use crate::networks::without_torch;
use crate::networks::{NetworkPlan, Setup, Size, Weights};
use crate::recipe::{Metric, Sgd, SinglePathRecipe, TrainingSettings};
#[cfg(feature = "torch")]
use crate::training::Part;

bonas_study::settings! {
    /// Settings of the one-shot evaluator.
    pub struct OneShotSettings {
        /// Width C of the first cells of the supernet, or of its stem where there are no cells.
        channels: usize = 8,
        /// Cells in the supernet (cells a stage, where the skeleton has stages); not read where the space fixes it.
        layers: usize = 5,
        /// Epochs of the supernet; each step trains one architecture, drawn uniformly. Published, on ImageNet: 120.
        epochs: usize = 50,
        /// Images a step. Published: 1024.
        batch: usize = 64,
        /// Learning rate at the start; it falls on a straight line to `training.final_learning_rate`. 0:
        /// `training.learning_rate`. Published, for 1024 images a step: 0.5.
        learning_rate: f64 = 0.0,
        /// Label smoothing. Published: 0.1.
        label_smoothing: f64 = 0.1,
        /// Training images from which batch normalisation is estimated again for each architecture.
        statistics_images: usize = 512,
        /// What an architecture is scored by, in a shortlist too: accuracy (if it is not set) or balanced-accuracy (the mean of
        /// the classes' recalls), for classes of different sizes.
        metric: Option<Metric> = None,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2: BatchNorm needs more than one image")?;
        let rate = (0.0..=1e3).contains(&s.learning_rate);
        ensure(rate, "learning_rate", s.learning_rate, "0 (that of [training]) to 1000")?;
        let smoothing = (0.0..1.0).contains(&s.label_smoothing);
        ensure(smoothing, "label_smoothing", s.label_smoothing, "0 up to, not including, 1")?;
        ensure(s.statistics_images >= 2, "statistics_images", s.statistics_images, "at least 2")
    }
}

impl OneShotSettings {
    /// How the supernet is trained.
    pub fn recipe(&self, training: &TrainingSettings) -> SinglePathRecipe {
        let rate = if self.learning_rate > 0.0 { self.learning_rate } else { training.learning_rate };
        SinglePathRecipe {
            epochs: self.epochs,
            batch: self.batch,
            label_smoothing: self.label_smoothing,
            sgd: Sgd { learning_rate: rate, ..training.sgd() },
        }
    }

    fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: false }
    }
}

impl BuildEvaluator for OneShotSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::OneShot
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let networks = Networks::new(setup)?;
        let (plan, threads) = (self.plan(&networks, folder)?, setup.training.threads);
        let first = OneShotEvaluator::new(plan, networks.placement(0))?.threads(threads);
        let others: Vec<_> = (1..setup.workers).map(|i| first.beside(networks.placement(i))).collect();
        Ok([first].into_iter().chain(others).map(|one| Box::new(one) as Box<dyn Evaluator>).collect())
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, _: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Err(without_torch("evaluator.name", "one-shot", "use synthetic"))
    }

    fn metric(&self) -> Metric {
        self.metric.unwrap_or_default()
    }

    fn network(&self) -> Option<NetworkPlan> {
        let weights = Weights::OfTheSpace;
        Some(NetworkPlan { size: self.size(), norm: Norm::SEARCH, images: self.batch, weights })
    }

    fn work(&self, images: &SearchImages) -> Work {
        let training = self.epochs as f64 * images.trained;
        let scoring = FORWARD * (images.held_out + self.statistics_images as f64);
        Work { runs: 0, once: self.size().weight() * training, each: self.size().weight() * scoring }
    }
}

#[cfg(feature = "torch")]
impl OneShotSettings {
    /// The supernet and its training; its checkpoint goes below `folder`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without a supernet, or settings that do not fit the images.
    pub fn plan(&self, networks: &Networks, folder: &Path) -> Result<OneShotPlan, StudyError> {
        let (setup, task) = (networks.setup(), networks.task()?);
        let images = task.training_indices(Part::Validation).len();
        if self.batch > images {
            let reason = format!("{}; there are {images} training images", self.batch);
            return Err(StudyError::Setting { name: "evaluator.batch".into(), reason });
        }
        let learning_rate = self.recipe(&setup.training).sgd.learning_rate;
        if learning_rate < setup.training.final_learning_rate {
            let reason = format!("{learning_rate}; it must be at least training.final_learning_rate");
            return Err(StudyError::Setting { name: "evaluator.learning_rate".into(), reason });
        }
        Ok(OneShotPlan {
            space: setup.space.clone(),
            union: networks.whole().clone(),
            skeleton: networks.skeleton(self.size(), Norm::SEARCH)?,
            ops: networks.ops(),
            task,
            recipe: self.recipe(&setup.training),
            statistics_images: self.statistics_images,
            metric: self.metric(),
            seed: setup.seed,
            folder: Some(folder.join("supernet")),
        })
    }
}
