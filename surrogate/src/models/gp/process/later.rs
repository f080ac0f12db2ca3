//! A process conditioned on more observations.

use std::sync::Arc;

use ndarray::{Array1, Array2, s};

use super::super::inducing::Inducing;
use super::{Basis, Process};
use crate::SurrogateError;

/// Observations that a process is conditioned on later, `[k]` each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Later<'a> {
    pub(crate) targets: &'a [f64],
    /// Variance of the noise that each has beyond that of all, where it is known.
    pub(crate) noise: &'a [f64],
    /// Share of the covariance with all others that is as features say.
    pub(crate) shares: &'a [f32],
}

impl Process {
    /// This process conditioned on more observations, whose features follow in `x [n + k, d]`. Hyper-parameters stay, and
    /// the factor gets `k` more rows; through inducing points all observations are conditioned on again.
    ///
    /// An observation with share `s` is `y = s f + √(1 - s²) g + ε`, where `f` is the process at its features and `g` is its
    /// own. It tells of `f` what `y / s` would tell with more noise, so that is how it is taken.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if the covariance is not positive definite.
    pub(crate) fn conditioned(&self, x: &Array2<f32>, later: Later<'_>) -> Result<Self, SurrogateError> {
        /// Shares below this one tell nothing as it is.
        const LEAST: f64 = 1e-3;
        let (n, noise) = (self.targets.len(), self.noise());
        let covariance = self.basis.covariance();
        let variances = covariance.variance(&covariance.features(x.slice(s![n.., ..])));
        let shares: Vec<f64> = later.shares.iter().map(|&share| f64::from(share).max(LEAST)).collect();
        let own =
            |((s, v), known): ((&f64, &f64), &f64)| ((1.0 - s * s) * v + noise + known) / (s * s) - noise;
        let extra: Vec<f64> = shares.iter().zip(&variances).zip(later.noise).map(own).collect();
        let more = later.targets.iter().zip(&shares).map(|(target, share)| target / share);
        let targets: Array1<f64> = self.targets.iter().copied().chain(more).collect();
        match &self.basis {
            Basis::All(observed) => {
                let part = self.part.as_ref().map(|part| part.iter().copied().chain(n..x.nrows()).collect());
                Self::on(Arc::new(observed.grown(x, &extra)?), targets, part)
            }
            Basis::Points(inducing) => {
                let extra = [&inducing.extra[..], &extra].concat();
                // Nobody looks for outliers among them.
                let first = targets.len();
                Self::of_points(Inducing::condition(covariance, x, &targets, extra, first)?, targets)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::VARIANCE_LIMIT;
    use super::super::tests::process;
    use super::*;

    /// Without noise of their own, and at most ten.
    fn later(targets: &[f64]) -> Later<'_> {
        Later { targets, noise: &[0.0; 10][..targets.len()], shares: &[1.0; 10][..targets.len()] }
    }

    /// More observations one by one, all at once and from the start make the same process.
    #[test]
    fn conditioning_is_a_fit_with_the_same_hyper_parameters() {
        for n in [40, VARIANCE_LIMIT - 5] {
            let x = Array2::from_shape_fn((n + 10, 2), |(i, j)| ((i * 7 + j * 13) % 101) as f32 / 25.0);
            let z: Array1<f64> = (0..n + 10).map(|i| (0.1 * i as f64).sin()).collect();
            let first = |k: usize| x.slice(s![..k, ..]).to_owned();
            let start = process(&first(n), z.slice(s![..n]).to_owned());
            let at_once = start.conditioned(&x, later(&z.to_vec()[n..])).unwrap();
            let one_by_one = (n..n + 10)
                .fold(start, |process, i| process.conditioned(&first(i + 1), later(&[z[i]])).unwrap());
            let at = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 5 + j) % 31) as f32 / 7.0);
            let (means, covariance, _) = process(&x, z).joint_akin(&at, &[]);
            for conditioned in [at_once, one_by_one] {
                let (joint, other, _) = conditioned.joint_akin(&at, &[]);
                assert!(joint.iter().zip(&means).all(|(a, b)| (a - b).abs() < 1e-5));
                assert!((&other - &covariance).iter().all(|d| d.abs() < 1e-5));
                let (single, variances) = conditioned.predict(&at);
                assert!(single.iter().zip(&means).all(|(a, b)| (a - b).abs() < 1e-4));
                assert!(variances.iter().zip(covariance.diag()).all(|(a, b)| (a - b).abs() < 1e-4));
            }
        }
    }

    /// A share of a half at a place of prior variance 1: `y = f/2 + √(3/4) g + ε` has covariance ½ with `f` and variance
    /// 1.25, so that `y = 1` moves the mean of `f` to 0.4 and its variance to 0.8.
    #[test]
    fn a_share_of_an_observation_by_hand() {
        let far = process(&array![[99.0, 99.0]], array![0.0]);
        let x = array![[99.0, 99.0], [0.0, 0.0]];
        let (mean, variance) = far
            .conditioned(&x, Later { shares: &[0.5], ..later(&[1.0]) })
            .unwrap()
            .predict(&array![[0.0, 0.0]]);
        assert!((mean[0] - 0.4).abs() < 1e-5 && (variance[0] - 0.8).abs() < 1e-5, "{mean:?} {variance:?}");
    }
}
