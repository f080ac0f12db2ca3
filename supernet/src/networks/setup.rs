//! What networks are built from, as settings.

use std::path::PathBuf;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::network::Norm;
use bonas_study::StudyError;

use crate::data::{DataSettings, ImageCache};
use crate::recipe::TrainingSettings;

/// Width and depth of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width C of the first cells.
    pub channels: usize,
    /// Cells (cells a stage, where the skeleton has stages).
    pub layers: usize,
    /// Whether there is an auxiliary head.
    pub auxiliary: bool,
}

impl Size {
    /// Layers times channels squared: the cost of an image grows with it.
    pub fn weight(&self) -> f64 {
        (self.channels * self.channels * self.layers) as f64
    }
}

/// Space, images and training: what all networks of a study are built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The search space.
    pub space: Arc<dyn SearchSpace>,
    /// The images.
    pub data: DataSettings,
    /// The folder that a relative place of the images starts from; empty: the current folder.
    pub relative_to: PathBuf,
    /// The images once they are read, for all networks of a search.
    pub images: ImageCache,
    /// How networks are trained, and where.
    pub training: TrainingSettings,
    /// Evaluators to build.
    pub workers: usize,
    /// Seed of the study.
    pub seed: u64,
}

/// A network that an evaluator will train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkPlan {
    /// Width and depth.
    pub size: Size,
    /// Normalisation inside the cells.
    pub norm: Norm,
    /// Images a step.
    pub images: usize,
    /// The architectures that share its weights.
    pub weights: Weights,
}

/// The architectures that share the weights of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// None: each has a network of its own.
    OfOne,
    /// Those of a batch.
    OfTheBatch,
    /// All of the space.
    OfTheSpace,
}

/// The error of a part that this build lacks.
pub fn without_torch(key: &str, what: &str, instead: &str) -> StudyError {
    let reason =
        format!("{what} needs libtorch, and this program was built without it (feature torch); {instead}");
    StudyError::Setting { name: key.to_owned(), reason }
}
