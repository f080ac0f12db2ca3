//! Training data, and the forms in which prior knowledge enters.

use crate::features::Structures;
use crate::models::gp::Shape;

/// How [`GraphGp`](super::GraphGp) uses prior knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum PriorForm {
    /// Prior knowledge is not used.
    Nothing,
    /// As the mean: `b·u`, where `u` is the Gaussian rank, standardised over the observations that scale the columns,
    /// and `b ~ N(0, s²)` is integrated out. Extrapolates linearly.
    Mean,
    /// As a feature: the kernel learns a function of `u`.
    Feature,
}

impl PriorForm {
    /// All forms, for a choice by evidence.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Mean, Self::Feature];

    /// Shape of the covariance of a column in this form.
    pub(super) fn shape(self) -> Option<Shape> {
        match self {
            Self::Nothing => None,
            Self::Mean => Some(Shape::Linear),
            Self::Feature => Some(Shape::Even),
        }
    }

    /// Number of hyper-parameters of a column in this form.
    pub(super) fn parameters(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mean => 1,
            Self::Feature => 2,
        }
    }
}

/// Features, Gaussian ranks of each item of prior knowledge, and scores of the observations.
pub(super) struct TrainingData {
    pub(super) structures: Structures,
    pub(super) ranks: Vec<Vec<f64>>,
    pub(super) scores: Vec<f64>,
}
