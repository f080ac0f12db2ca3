//! What is read of observations, and how what is known beforehand is taken.

use crate::features::Structures;
use crate::models::gp::Shape;

/// How [`GraphGp`](super::GraphGp) takes what is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Not at all.
    Nothing,
    /// As its mean: `b·u` of the Gaussian rank `u`, standardised over the observations that columns are scaled by, with `b ~ N(0, s²)`
    /// integrated out. Where little is measured it goes on straight.
    Mean,
    /// As a feature: any function of `u` that the kernel makes likely.
    Feature,
}

impl Form {
    /// All of them, for a choice by evidence.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Mean, Self::Feature];

    /// The covariance of a column of it.
    pub(super) fn shape(self) -> Option<Shape> {
        match self {
            Self::Nothing => None,
            Self::Mean => Some(Shape::Linear),
            Self::Feature => Some(Shape::Even),
        }
    }

    /// Hyper-parameters of a column of it.
    pub(super) fn parameters(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mean => 1,
            Self::Feature => 2,
        }
    }
}

/// What is read of observations: structures, Gaussian ranks of each thing known, scores.
pub(super) struct Read {
    pub(super) structures: Structures,
    pub(super) ranks: Vec<Vec<f64>>,
    pub(super) scores: Vec<f64>,
}
