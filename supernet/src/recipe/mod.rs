//! Training recipes: every hyper-parameter of shared and from-scratch training, as values.
//!
//! Use them to describe a training; module `training` and the evaluators carry it out. [`TrainingSettings`] are the
//! settings that all trainings of a search have in common.

mod metric;
mod names;
mod optimizers;
mod schedules;
mod settings;

use serde::{Deserialize, Serialize};

use bonas_study::StudyError;
pub use metric::Metric;
pub use names::{EntryName, Listed};
#[cfg(feature = "torch")]
pub use optimizers::Make;
pub use optimizers::{OPTIMIZERS, OptimizerEntry, OptimizerName, OptimizerRecipe};
pub use schedules::{
    Formula, Moment, RateBy, SCHEDULES, ScheduleEntry, ScheduleName, ScheduleRecipe, cosine, linear,
};
pub use settings::{Precision, TrainingSettings};

#[cfg(feature = "torch")]
use crate::model::{SgdSettings, Trainable};

/// Learning rates, momentum, weight decay and gradient clip; of stochastic gradient descent where no other optimiser is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Learning rate at the end of the schedule.
    pub final_learning_rate: f64,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// L2 penalty on every trained parameter.
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters of a step; 0: no bound.
    pub gradient_clip: f64,
}

impl Default for Sgd {
    /// The published values of DARTS and BONAS.
    fn default() -> Self {
        Self {
            learning_rate: 0.025,
            final_learning_rate: 0.0,
            momentum: 0.9,
            weight_decay: 3e-4,
            gradient_clip: 5.0,
        }
    }
}

impl Sgd {
    pub(crate) fn check(&self) -> Result<(), StudyError> {
        in_range("learning_rate", self.learning_rate, f64::MIN_POSITIVE, 1e3)?;
        in_range("final_learning_rate", self.final_learning_rate, 0.0, self.learning_rate)?;
        in_range("momentum", self.momentum, 0.0, 0.999_999)?;
        in_range("weight_decay", self.weight_decay, 0.0, 1.0)?;
        in_range("gradient_clip", self.gradient_clip, 0.0, f64::INFINITY)
    }

    /// Largest norm of the gradient; none without a bound.
    pub fn clip(&self) -> Option<f64> {
        (self.gradient_clip > 0.0).then_some(self.gradient_clip)
    }

    /// The settings of the optimiser, without look-ahead.
    #[cfg(feature = "torch")]
    pub fn settings(&self) -> SgdSettings {
        SgdSettings {
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            nesterov: false,
            clip: self.clip(),
            decay_vectors: true,
        }
    }
}

/// How a batch of architectures is trained jointly in their sub-supernet (BONAS, section 3.3 of
/// Shi et al. 2020): `warmup_epochs` of the whole union, then one architecture a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SharedRecipe {
    /// Epochs in all; the cosine schedule spans them.
    pub epochs: usize,
    /// Epochs at the start in which every step trains the whole union.
    pub warmup_epochs: usize,
    /// Images a step of the warm-up.
    pub warmup_batch: usize,
    /// Images a step afterwards.
    pub batch: usize,
    /// Training images from which BatchNorm statistics are re-estimated for each architecture.
    pub statistics_images: usize,
    /// Optimiser.
    pub sgd: Sgd,
    /// What each architecture is scored by.
    #[serde(skip_serializing_if = "is_default")]
    pub metric: Metric,
}

impl Default for SharedRecipe {
    /// The published values (release of BONAS, settings.py and trainer.py).
    fn default() -> Self {
        Self {
            epochs: 100,
            warmup_epochs: 10,
            warmup_batch: 64,
            batch: 128,
            statistics_images: 10_000,
            sgd: Sgd::default(),
            metric: Metric::default(),
        }
    }
}

impl SharedRecipe {
    /// Checks every value.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the value and its range.
    pub fn check(&self) -> Result<(), StudyError> {
        at_least("epochs", self.epochs, 1)?;
        if self.warmup_epochs >= self.epochs {
            return Err(setting(
                "warmup_epochs",
                format!(
                    "{} of {} epochs; it must leave some for the single paths",
                    self.warmup_epochs, self.epochs
                ),
            ));
        }
        at_least("warmup_batch", self.warmup_batch, 2)?;
        at_least("batch", self.batch, 2)?;
        at_least("statistics_images", self.statistics_images, 2)?;
        self.sgd.check()
    }
}

/// How one architecture is trained from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScratchRecipe {
    /// Epochs; the schedule spans them.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// Share of the probability moved from the true class to all classes alike.
    pub label_smoothing: f64,
    /// Probability, at the last epoch, of dropping an operation's result for an image; it grows
    /// linearly from 0.
    pub drop_path: f64,
    /// Weight of the auxiliary head's loss; 0 trains without that head.
    pub auxiliary_weight: f64,
    /// Training images from which BatchNorm statistics are re-estimated after training ("precise
    /// BN", Wu and Johnson 2021, arXiv:2105.07576); 0: the running averages of training.
    pub statistics_images: usize,
    /// Learning rates, momentum, weight decay and gradient clip.
    pub sgd: Sgd,
    /// Optimiser.
    #[serde(skip_serializing_if = "is_default")]
    pub optimizer: OptimizerRecipe,
    /// How the learning rate changes.
    #[serde(skip_serializing_if = "is_default")]
    pub schedule: ScheduleRecipe,
    /// Decay of an exponential moving average of the weights and running statistics, which the trained network has in place
    /// of the last ones; 0: none. Step t decays by `min(decay, (1 + t) / (10 + t))`, as in TensorFlow, so that short trainings
    /// forget their start.
    #[serde(skip_serializing_if = "is_default")]
    pub averaging: f64,
    /// Parameter α of mixup (Zhang et al. 2018); 0: none.
    #[serde(skip_serializing_if = "is_default")]
    pub mixup: f64,
    /// Parameter α of `CutMix` (Yun et al. 2019); 0: none. With both, each batch takes one of them at random.
    #[serde(skip_serializing_if = "is_default")]
    pub cutmix: f64,
    /// What the network is scored by.
    #[serde(skip_serializing_if = "is_default")]
    pub metric: Metric,
    /// What keeps the weights that it starts from.
    #[serde(skip_serializing_if = "is_default")]
    pub freeze: Freeze,
    /// What the learning rate is multiplied by for each layer between a weight and the logits; 1: it is the same for all.
    #[serde(skip_serializing_if = "is_1")]
    pub layer_decay: f64,
}

/// The layers of a network that keep the weights that it starts from, and their running statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freeze {
    /// None: all are trained.
    #[default]
    None,
    /// Those before the first cell.
    Stem,
    /// All but the classifier.
    All,
}

#[cfg(feature = "torch")]
impl Freeze {
    /// The parameters that train.
    pub fn trainable(self) -> Trainable {
        match self {
            Self::None => Trainable::All,
            Self::Stem => Trainable::AllButStem,
            Self::All => Trainable::Classifier,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_1(value: &f64) -> bool {
    (value - 1.0).abs() == 0.0
}

/// The largest number of epochs of a training from scratch.
const MOST_EPOCHS: usize = 1_000_000;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ScratchRecipe {
    /// Training without drop-path, label smoothing or auxiliary head.
    pub fn plain(epochs: usize, batch: usize, sgd: Sgd) -> Self {
        Self { epochs, batch, drop_path: 0.0, auxiliary_weight: 0.0, sgd, ..Self::default() }
    }
}

impl Default for ScratchRecipe {
    /// The published CIFAR-10 values of DARTS: 600 epochs, batch 96, drop-path 0.2, auxiliary 0.4.
    fn default() -> Self {
        Self {
            epochs: 600,
            batch: 96,
            label_smoothing: 0.0,
            drop_path: 0.2,
            auxiliary_weight: 0.4,
            statistics_images: 0,
            sgd: Sgd::default(),
            optimizer: OptimizerRecipe::default(),
            schedule: ScheduleRecipe::default(),
            averaging: 0.0,
            mixup: 0.0,
            cutmix: 0.0,
            metric: Metric::default(),
            freeze: Freeze::None,
            layer_decay: 1.0,
        }
    }
}

impl ScratchRecipe {
    /// Checks every value.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the value and its range.
    pub fn check(&self) -> Result<(), StudyError> {
        at_least("epochs", self.epochs, 1)?;
        if self.epochs > MOST_EPOCHS {
            return Err(setting("epochs", format!("{}; it must be at most {MOST_EPOCHS}", self.epochs)));
        }
        at_least("batch", self.batch, 2)?;
        in_range("label_smoothing", self.label_smoothing, 0.0, 0.999)?;
        in_range("drop_path", self.drop_path, 0.0, 0.999)?;
        in_range("auxiliary_weight", self.auxiliary_weight, 0.0, 100.0)?;
        if self.statistics_images == 1 {
            return Err(setting("statistics_images", "1; it must be 0 or at least 2".to_owned()));
        }
        in_range("averaging", self.averaging, 0.0, 0.999_999_9)?;
        in_range("mixup", self.mixup, 0.0, 100.0)?;
        in_range("cutmix", self.cutmix, 0.0, 100.0)?;
        in_range("layer_decay", self.layer_decay, f64::MIN_POSITIVE, 1.0)?;
        if self.freeze == Freeze::All && self.auxiliary_weight > 0.0 {
            let reason = format!(
                "{}; it must be 0 where all layers but the classifier are frozen",
                self.auxiliary_weight
            );
            return Err(setting("auxiliary_weight", reason));
        }
        self.sgd.check()?;
        self.optimizer.check(self.sgd.momentum)?;
        self.schedule.check(self.epochs)
    }
}

/// How a supernet is trained by uniform single paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinglePathRecipe {
    /// Epochs; the learning rate falls on a straight line over them.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// Share of the probability moved from the true class to all classes alike.
    pub label_smoothing: f64,
    /// Optimiser.
    pub sgd: Sgd,
}

impl Default for SinglePathRecipe {
    /// The published values of BN-NAS (release, supernet/main.py), whose weight decay is on frozen
    /// weights alone; it clips each gradient at 5, here their norm is.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 512,
            label_smoothing: 0.1,
            sgd: Sgd { learning_rate: 0.25, final_learning_rate: 5e-4, weight_decay: 0.0, ..Sgd::default() },
        }
    }
}

impl SinglePathRecipe {
    /// Checks every value.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the value and its range.
    pub fn check(&self) -> Result<(), StudyError> {
        at_least("epochs", self.epochs, 1)?;
        at_least("batch", self.batch, 2)?;
        in_range("label_smoothing", self.label_smoothing, 0.0, 0.999)?;
        self.sgd.check()
    }
}

fn setting(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}

fn at_least(name: &str, value: usize, least: usize) -> Result<(), StudyError> {
    if value >= least {
        return Ok(());
    }
    Err(setting(name, format!("{value}; it must be at least {least}")))
}

fn in_range(name: &str, value: f64, low: f64, high: f64) -> Result<(), StudyError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let range = if low > 0.0 && low <= f64::MIN_POSITIVE {
        format!("above 0, at most {high}")
    } else {
        format!("in [{low}, {high}]")
    };
    Err(setting(name, format!("{value}; it must be {range}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_recipes_are_valid_and_bad_values_are_named() {
        SharedRecipe::default().check().expect("published");
        ScratchRecipe::default().check().expect("published");
        let bad = SharedRecipe { warmup_epochs: 100, ..SharedRecipe::default() };
        assert!(bad.check().expect_err("no epoch left").to_string().contains("100 of 100"));
        let bad = Sgd { momentum: f64::NAN, ..Sgd::default() };
        let bad = ScratchRecipe { sgd: bad, ..ScratchRecipe::default() };
        assert!(bad.check().expect_err("not a number").to_string().contains("momentum"));
    }
}
