//! What a process is made of: blocks of features, priors of the hyper-parameters, and the data.

use ndarray::{Array1, Array2};

use super::Kernel;

/// Weak normal priors on the logarithms of the hyper-parameters, for targets and columns of about unit variance.
/// They decide where there are few observations and do not matter where there are many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Standard deviation of a block's `ln amplitude`. Its mean makes the variances of all blocks sum to 1.
    pub amplitude_sd: f64,
    /// Standard deviation of a block's `ln lengthscale`, in root mean square distances; mean 0.
    pub length_sd: f64,
    /// Mean of `ln σ`, where σ is the standard deviation of the noise.
    pub noise: f64,
    /// Standard deviation of `ln σ`.
    pub noise_sd: f64,
    /// Standard deviation of a column's own `ln relevance` (the inverse of its own lengthscale), mean 0. Only
    /// [`GraphGp`](crate::models::GraphGp) reads this and the next two.
    pub relevance_sd: f64,
    /// Standard deviation of the `ln relevance` of a family of columns. The mean is 0, except -1 for edges by the
    /// labels of their ends and -0.4 for operations by their places.
    pub family_sd: f64,
    /// Standard deviation of the `ln relevance` of a cut of the operations, mean 0.
    pub cut_sd: f64,
    /// Mean of the `ln amplitude` of the intercepts of groups; its standard deviation is that of other amplitudes.
    pub intercept: f64,
}

impl Default for Prior {
    fn default() -> Self {
        Self {
            amplitude_sd: 1.0,
            length_sd: 1.0,
            noise: -1.5,
            noise_sd: 1.0,
            relevance_sd: 1.0,
            family_sd: 1.0,
            cut_sd: 1.0,
            intercept: -1.0,
        }
    }
}

/// A block of features of the observations.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Features `[n, d]` with a mean squared distance of about 1 or 2.
    pub(crate) x: Array2<f64>,
    pub(crate) shape: Shape,
}

/// Form of a block's covariance.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// The kernel, with the same lengthscale for all columns.
    Even,
    /// The kernel, with a relevance for each column.
    Weighed(Traits),
    /// `a² x·x'`: a linear function whose slopes have variance `a²`.
    Linear,
    /// `a²` for observations of one group, whose number is in the only column ([`Form::Intercept`](super::Form)): a random
    /// intercept for each group.
    Intercept,
}

/// What a block's columns share. The relevance of a column is its own times that of each of its traits.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    /// The traits of each column.
    pub(crate) of: Vec<Vec<usize>>,
    /// Prior mean and standard deviation of each trait's `ln relevance`.
    pub(crate) priors: Vec<(f64, f64)>,
}

/// What hyper-parameters are chosen by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) blocks: &'a [Block],
    /// `[n]`.
    pub(crate) targets: &'a Array1<f64>,
    /// Variance of the noise that each observation is known to have beyond that of all, `[n]`.
    pub(crate) known: &'a Array1<f64>,
    /// Variance of the noise that each observation has beyond both because it does not fit the others, `[n]`.
    pub(crate) extra: &'a Array1<f64>,
    pub(crate) kernel: Kernel,
    pub(crate) prior: &'a Prior,
}

impl Block {
    /// Number of hyper-parameters of this block.
    pub(super) fn parameters(&self) -> usize {
        match &self.shape {
            Shape::Even => 2,
            Shape::Weighed(traits) => 2 + traits.priors.len() + traits.of.len(),
            Shape::Linear | Shape::Intercept => 1,
        }
    }
}

impl Traits {
    /// `ln relevance` of each column, from those of its traits and its own.
    pub(crate) fn relevances(&self, p: &[f64]) -> Array1<f64> {
        let (traits, own) = p.split_at(self.priors.len());
        let relevance = |(of, own): (&Vec<usize>, &f64)| of.iter().map(|&of| traits[of]).sum::<f64>() + own;
        self.of.iter().zip(own).map(relevance).collect()
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(in super::super) fn blocks(n: usize) -> Vec<Block> {
        let x = |seed: usize, d| {
            Array2::from_shape_fn((n, d), |(i, j)| ((i * 37 + j * 11 + seed) % 17) as f64 / 8.0 - 1.0)
        };
        let traits = Traits {
            of: vec![vec![0], vec![1, 2], vec![1], vec![0, 2]],
            priors: vec![(0.0, 1.0), (-0.5, 0.7), (0.0, 0.5)],
        };
        let shapes = [Shape::Weighed(traits), Shape::Even, Shape::Linear];
        let features = shapes.into_iter().zip([(0, 4), (5, 2), (3, 1)]);
        let groups = Array2::from_shape_fn((n, 1), |(i, _)| (i % 7) as f64);
        features
            .map(|(shape, (seed, d))| Block { x: x(seed, d), shape })
            .chain([Block { x: groups, shape: Shape::Intercept }])
            .collect()
    }

    pub(in super::super) fn targets(n: usize) -> Array1<f64> {
        (0..n).map(|i| (i as f64 * 0.7).sin()).collect()
    }
}
