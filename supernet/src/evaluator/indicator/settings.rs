//! Settings of the indicator evaluator.

use std::path::Path;

use bonas_spaces::network::Norm;
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};
use serde::{Deserialize, Serialize};

use crate::evaluator::{BuildEvaluator, FORWARD, SearchImages, Work};
#[cfg(feature = "torch")]
use crate::evaluator::{IndicatorEvaluator, IndicatorPlan};
use crate::indicator::Indicator;
#[cfg(feature = "torch")]
use crate::indicator::{ProbeSettings, Subject};
#[cfg(feature = "torch")]
use crate::model::Trainable;
#[cfg(feature = "torch")]
use crate::networks::Networks;
#[cfg(not(feature = "torch"))]
use crate::networks::without_torch;
use crate::networks::{NetworkPlan, Setup, Size, Weights};
use crate::recipe::{Sgd, SinglePathRecipe, TrainingSettings};
#[cfg(feature = "torch")]
use crate::training::Part;

/// Which BatchNorm of the supernet trains; everything else keeps its random initial values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchNormKind {
    /// One after every operation, pools and skips too (BNNAS++).
    #[default]
    Unbiased,
    /// The last one of each operation that has one (BN-NAS as released).
    Published,
    /// Every one of the network, without any after pools and skips.
    All,
}

bonas_study::settings! {
    /// Settings of the indicator evaluator.
    pub struct IndicatorSettings {
        /// Indicator; `bonas list indicators` prints all of them. Expressivity, trainability, uncertainty and
        /// their rank sum are our definitions: the formulas of BNNAS++ are not public.
        indicator: Indicator = Indicator::COMPOSITE,
        /// BatchNorm of the supernet that trains: unbiased (one after every operation), published (the
        /// last of each operation that has one) or all.
        batch_norm: BatchNormKind = BatchNormKind::Unbiased,
        /// Whether the classifier trains too. Published: false.
        classifier: bool = false,
        /// Width C of the first cells of the supernet, or of its stem where there are no cells.
        channels: usize = 8,
        /// Cells in the supernet (cells a stage, where the skeleton has stages); not read where the space fixes it.
        layers: usize = 1,
        /// Epochs of the supernet. Published: 10.
        epochs: usize = 10,
        /// Images a step of the supernet. Published: 512.
        batch: usize = 64,
        /// Learning rate of the supernet at the start; it falls on a straight line. Published: 0.25.
        learning_rate: f64 = 0.25,
        /// Learning rate of the supernet at the end. Published: 5e-4.
        final_learning_rate: f64 = 5e-4,
        /// Label smoothing of the supernet. Published: 0.1.
        label_smoothing: f64 = 0.1,
        /// Images of a tangent kernel, of activation patterns and of each pass of Monte-Carlo BatchNorm.
        images: usize = 32,
        /// Passes of Monte-Carlo BatchNorm.
        passes: usize = 8,
        /// Random architectures that the composite ranks others among.
        references: usize = 100,
        /// Share of the references by expressivity, which costs next to nothing, that an architecture
        /// must reach before the composite's costlier terms are computed; below it gets no score. 0: none.
        prefilter: f64 = 0.0,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2: BatchNorm needs more than one image")?;
        let rate = s.learning_rate > 0.0 && s.learning_rate <= 1e3;
        ensure(rate, "learning_rate", s.learning_rate, "above 0, at most 1000")?;
        let end = (0.0..=s.learning_rate).contains(&s.final_learning_rate);
        ensure(end, "final_learning_rate", s.final_learning_rate, "0 to learning_rate")?;
        let smoothing = (0.0..1.0).contains(&s.label_smoothing);
        ensure(smoothing, "label_smoothing", s.label_smoothing, "0 up to, not including, 1")?;
        ensure(s.images >= 2, "images", s.images, "at least 2: a batch of one has no BatchNorm statistics")?;
        ensure(s.passes >= 2, "passes", s.passes, "at least 2")?;
        ensure(s.references >= 2, "references", s.references, "at least 2")?;
        ensure((0.0..1.0).contains(&s.prefilter), "prefilter", s.prefilter, "0 (none) up to, not including, 1")?;
        let composite = s.prefilter == 0.0 || s.indicator == Indicator::COMPOSITE;
        ensure(composite, "prefilter", s.prefilter, "0 unless indicator = \"composite\"")
    }
}

impl IndicatorSettings {
    /// How the supernet is trained.
    pub fn recipe(&self, training: &TrainingSettings) -> SinglePathRecipe {
        SinglePathRecipe {
            epochs: self.epochs,
            batch: self.batch,
            label_smoothing: self.label_smoothing,
            sgd: Sgd {
                learning_rate: self.learning_rate,
                final_learning_rate: self.final_learning_rate,
                // As published, decay is for convolutions, which are frozen.
                weight_decay: 0.0,
                ..training.sgd()
            },
        }
    }
}

impl BuildEvaluator for IndicatorSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Indicator
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let networks = Networks::new(setup)?;
        let (plan, threads) = (self.plan(&networks, folder)?, setup.training.threads);
        let first = IndicatorEvaluator::new(plan, networks.placement(0))?.threads(threads);
        let others: Vec<_> = (1..setup.workers).map(|i| first.beside(networks.placement(i))).collect();
        Ok([first].into_iter().chain(others).map(|one| Box::new(one) as Box<dyn Evaluator>).collect())
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, _: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Err(without_torch("evaluator.name", "indicator", "use synthetic"))
    }

    fn network(&self) -> Option<NetworkPlan> {
        let weights = Weights::OfTheSpace;
        Some(NetworkPlan { size: self.size(), norm: self.norm(), images: self.batch, weights })
    }

    fn work(&self, images: &SearchImages) -> Work {
        let (training, reading) =
            (self.epochs as f64 * images.trained, FORWARD * (self.images * self.passes) as f64);
        Work { runs: 0, once: self.size().weight() * training, each: self.size().weight() * reading }
    }
}

impl IndicatorSettings {
    fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: false }
    }

    /// Normalisation of the supernet's operations: none but the unbiased one has a BatchNorm after pools and skips.
    fn norm(&self) -> Norm {
        if self.batch_norm == BatchNormKind::Unbiased { Norm::UNBIASED } else { Norm::DISCRETE }
    }

    /// What an indicator evaluator measures, and with what; the checkpoint of its supernet goes below
    /// `folder`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without a supernet, or settings that do not fit the images.
    #[cfg(feature = "torch")]
    pub fn plan(&self, networks: &Networks, folder: &Path) -> Result<IndicatorPlan, StudyError> {
        let (setup, size) = (networks.setup(), self.size());
        let task = networks.task()?;
        let images = task.training_indices(Part::Validation).len();
        for (key, wanted) in [("evaluator.images", self.images), ("evaluator.batch", self.batch)] {
            if wanted > images {
                let reason = format!("{wanted}; there are {images} training images");
                return Err(StudyError::Setting { name: key.into(), reason });
            }
        }
        let classifier = self.classifier;
        let trainable = match self.batch_norm {
            BatchNormKind::All => Trainable::Norms { classifier },
            BatchNormKind::Published | BatchNormKind::Unbiased => Trainable::OperationNorms { classifier },
        };
        let norm = self.norm();
        let subject = Subject {
            space: setup.space.clone(),
            union: networks.whole().clone(),
            supernet: networks.skeleton(size, norm)?,
            discrete: networks.skeleton(size, Norm::DISCRETE)?,
            ops: networks.ops(),
        };
        Ok(IndicatorPlan {
            subject,
            task,
            indicator: self.indicator,
            trainable,
            recipe: self.recipe(&setup.training),
            probe: ProbeSettings { images: self.images, passes: self.passes },
            references: self.references,
            prefilter: self.prefilter,
            seed: setup.seed,
            folder: Some(folder.join("supernet")),
        })
    }
}
