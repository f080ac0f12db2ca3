//! Optimisers of trained networks: one file an optimiser, with its name, its keys and its update.
//!
//! Use an [`OptimizerRecipe`] to say which. An optimiser of your own is a file with an [`OptimizerEntry`] and a line in
//! [`OPTIMIZERS`]; it implements [`Optimizer`](crate::model::Optimizer).

mod adam;
mod rmsprop;
mod sgd;

use bonas_spaces::catalogue::{Catalogue, Entry};
use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

#[cfg(feature = "torch")]
use super::Sgd;
use super::in_range;
use super::names::{EntryName, Listed};
#[cfg(feature = "torch")]
use crate::model::{Optimizer, Result, Supernet};

/// The optimisers, one line each.
pub static OPTIMIZERS: Catalogue<OptimizerEntry> = Catalogue::new(
    "optimizer",
    &[
        // The default comes first.
        &sgd::ENTRY,
        &adam::ADAM,
        &adam::ADAMW,
        &rmsprop::RMSPROP,
        &rmsprop::RMSPROP_TF,
    ],
);

/// Builds an optimiser at rest: rates and decay, its own numbers, the network.
#[cfg(feature = "torch")]
pub type Make = fn(&Sgd, &OptimizerRecipe, &Supernet) -> Result<Box<dyn Optimizer>>;

/// One optimiser.
#[derive(Debug)]
pub struct OptimizerEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The keys that it reads, which others refuse. All read learning rates, weight decay and gradient clip.
    pub reads: &'static [&'static str],
    /// Tensors of the size of the network that it keeps.
    pub tensors: usize,
    /// How it is built.
    #[cfg(feature = "torch")]
    pub make: Make,
}

impl Entry for OptimizerEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

impl Listed for OptimizerEntry {
    fn catalogue() -> &'static Catalogue<Self> {
        &OPTIMIZERS
    }
}

/// The name of an optimiser; the default is `sgd`.
pub type OptimizerName = EntryName<OptimizerEntry>;

impl Default for OptimizerName {
    fn default() -> Self {
        Self::of(&sgd::ENTRY)
    }
}

/// Which optimiser, and the numbers that only some have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerRecipe {
    /// The optimiser.
    pub name: OptimizerName,
    /// `sgd`: whether to look ahead.
    pub nesterov: bool,
    /// `adam`, `adamw`: decay of the mean of gradients.
    pub beta1: f64,
    /// `adam`, `adamw`: decay of the mean of their squares.
    pub beta2: f64,
    /// What keeps denominators from 0; none: the usual value of the optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// `rmsprop`, `rmsprop-tf`: decay of the mean of squares; none: the usual value of the optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rms_decay: Option<f64>,
    /// Whether parameters of one dimension (BatchNorm, biases) decay, too.
    pub decay_vectors: bool,
}

impl Default for OptimizerRecipe {
    /// SGD without look-ahead; betas of 0.9 and 0.999 (Kingma and Ba 2015).
    fn default() -> Self {
        Self {
            name: OptimizerName::default(),
            nesterov: false,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: None,
            rms_decay: None,
            decay_vectors: true,
        }
    }
}

impl OptimizerRecipe {
    pub(super) fn check(&self, momentum: f64) -> std::result::Result<(), StudyError> {
        if self.nesterov && momentum <= 0.0 {
            let reason = "true without momentum; there is nothing to look ahead along";
            return Err(super::setting("nesterov", reason.to_owned()));
        }
        in_range("beta1", self.beta1, 0.0, BELOW_1)?;
        in_range("beta2", self.beta2, 0.0, BELOW_1)?;
        in_range("epsilon", self.epsilon.unwrap_or(1.0), f64::MIN_POSITIVE, 1e3)?;
        in_range("rms_decay", self.rms_decay.unwrap_or(0.9), 0.0, BELOW_1)
    }

    /// The optimiser at rest.
    ///
    /// # Errors
    /// [`SupernetError::Setting`](crate::model::SupernetError::Setting) for a number out of its range.
    #[cfg(feature = "torch")]
    pub fn build(&self, sgd: &Sgd, net: &Supernet) -> Result<Box<dyn Optimizer>> {
        (self.name.entry().make)(sgd, self, net)
    }
}

/// The largest decay of a mean.
const BELOW_1: f64 = 0.999_999;

#[cfg(all(test, feature = "torch"))]
mod tests;
