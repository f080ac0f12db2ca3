//! Training data, and the forms in which prior knowledge enters.

use std::collections::HashMap;

use ndarray::Array1;

use crate::Observation;
use crate::features::Structures;
use crate::models::gp::Shape;
use crate::posterior::Warp;

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

/// Structural features, Gaussian ranks of each own feature and each item of prior knowledge, and scores of the
/// observations.
pub(super) struct TrainingData {
    pub(super) structures: Structures,
    pub(super) ranks: Vec<Vec<f64>>,
    /// Number of own features, whose ranks come first.
    pub(super) own: usize,
    pub(super) scores: Vec<f64>,
    /// Standard deviation of the error of each score, 0 where it is not known.
    pub(super) noise: Vec<f64>,
    /// Number of the group of each observation from 1 on, 0 without one; none where no observation has one.
    pub(super) groups: Option<Vec<f32>>,
}

/// Numbers of the groups of observations, in the order of their first.
pub(super) fn numbered(observations: &[Observation]) -> Option<Vec<f32>> {
    let mut numbers = HashMap::new();
    let mut number = |group| {
        let next = numbers.len() + 1;
        *numbers.entry(group).or_insert(next) as f32
    };
    let groups: Vec<f32> = observations.iter().map(|o| o.group.map_or(0.0, &mut number)).collect();
    groups.iter().any(|&group| group > 0.0).then_some(groups)
}

impl TrainingData {
    /// Structural features, ranks and groups of some observations.
    pub(super) fn rows(&self, rows: &[usize]) -> (Structures, Vec<Vec<f64>>, Option<Vec<f32>>) {
        let of = rows.iter().map(|&i| self.structures.rows[i]).collect();
        let structures = Structures { store: self.structures.store.clone(), rows: of };
        let ranks = self.ranks.iter().map(|ranks| rows.iter().map(|&i| ranks[i]).collect()).collect();
        let groups = self.groups.as_ref().map(|groups| rows.iter().map(|&i| groups[i]).collect());
        (structures, ranks, groups)
    }

    /// Variance, in a latent scale, of the error that each of the first `n` scores is known to have.
    pub(super) fn known_noise(&self, n: usize, warp: &Warp) -> Array1<f64> {
        let pairs = self.scores[..n].iter().zip(&self.noise);
        pairs
            .map(|(&score, &noise)| if noise > 0.0 { warp.latent_noise(score, noise) } else { 0.0 })
            .collect()
    }
}
