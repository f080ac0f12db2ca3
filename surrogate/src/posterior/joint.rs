//! Joint posteriors.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::SurrogateError;
use crate::linalg::Cholesky;
use crate::posterior::warp::Warp;

/// The joint law of the scores of several candidates, without noise: `y = g(f)` with `f ~ N(mean, covariance)`, and
/// a rising `g` or none.
///
/// ```
/// use bonas_surrogate::posterior::Joint;
/// use ndarray::array;
/// use rand::SeedableRng;
///
/// let joint = Joint::gaussian(array![0.9, 0.8], array![[1.0, 0.9], [0.9, 1.0]])?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// assert_eq!(joint.draws(5, &mut rng).dim(), (5, 2));
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Joint {
    mean: Array1<f64>,
    covariance: Array2<f64>,
    factor: Cholesky,
    /// The map g; `None` if the scores are Gaussian themselves.
    warp: Option<Arc<Warp>>,
}

impl Joint {
    /// Scores `y ~ N(mean, covariance)`, `[m]` and `[m, m]`.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] for a covariance that is not positive semi-definite.
    pub fn gaussian(mean: Array1<f64>, covariance: Array2<f64>) -> Result<Self, SurrogateError> {
        Self::linked(mean, covariance, 0.0, None)
    }

    /// The joint law of a process with this prior variance.
    pub(crate) fn new(
        mean: Array1<f64>,
        covariance: Array2<f64>,
        prior: f64,
        warp: Arc<Warp>,
    ) -> Result<Self, SurrogateError> {
        Self::linked(mean, covariance, prior, Some(warp))
    }

    fn linked(
        mean: Array1<f64>,
        covariance: Array2<f64>,
        prior: f64,
        warp: Option<Arc<Warp>>,
    ) -> Result<Self, SurrogateError> {
        // The covariance is singular if candidates are equal. Rounding makes it worse: where little of the prior's variance
        // is left, it is the difference of two large numbers.
        let size = covariance.diag().iter().copied().fold(prior.max(1e-12), f64::max);
        let ridged = |ridge: f64| &covariance + &(Array2::<f64>::eye(mean.len()) * (ridge * size));
        let factor =
            [0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2].into_iter().find_map(|ridge| Cholesky::of(ridged(ridge)));
        let failed = || {
            SurrogateError::numeric(
                "joint posterior",
                "its covariance is not positive semi-definite; use a selection that reads no joint posterior",
            )
        };
        Ok(Self { factor: factor.ok_or_else(failed)?, mean, covariance, warp })
    }

    /// Means of `f`, `[m]`.
    pub fn mean(&self) -> &Array1<f64> {
        &self.mean
    }

    /// Covariance of `f`, `[m, m]`.
    pub fn covariance(&self) -> &Array2<f64> {
        &self.covariance
    }

    /// Draws the scores of all candidates once, `[m]`, in their own unit.
    pub fn sample(&self, rng: &mut dyn Rng) -> Vec<f64> {
        self.draws(1, rng).row(0).to_vec()
    }

    /// Draws the scores of all candidates `count` times, `[count, m]`, in their own unit.
    pub fn draws(&self, count: usize, rng: &mut dyn Rng) -> Array2<f64> {
        self.scores(self.latent_draws(count, rng))
    }

    /// The scores `[draws, m]` that standard normal base samples `[draws, m]` lead to, in their own unit.
    pub fn draws_of(&self, base: &Array2<f64>) -> Array2<f64> {
        self.scores(self.latent_draws_of(base))
    }

    /// The values of `f`, `[draws, m]`, that standard normal base samples `[draws, m]` lead to: `mean + L z`, where `L` is
    /// the Cholesky factor of the covariance.
    pub fn latent_draws_of(&self, base: &Array2<f64>) -> Array2<f64> {
        base.dot(&self.factor.lower().t()) + &self.mean
    }

    fn scores(&self, f: Array2<f64>) -> Array2<f64> {
        match &self.warp {
            Some(warp) => f.mapv(|f| warp.score(f)),
            None => f,
        }
    }

    /// Draws `f` of all candidates `count` times, `[count, m]`.
    pub fn latent_draws(&self, count: usize, rng: &mut dyn Rng) -> Array2<f64> {
        let z = Array2::from_shape_simple_fn((count, self.mean.len()), || StandardNormal.sample(rng)); // [count, m]
        self.latent_draws_of(&z)
    }

    /// The place of a score on the scale of `f`.
    pub fn latent_of(&self, score: f64) -> f64 {
        self.warp.as_ref().map_or(score, |warp| warp.latent(score))
    }
}
