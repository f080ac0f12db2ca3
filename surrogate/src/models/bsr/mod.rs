//! Bayesian sigmoid regression: linear Bayesian regression on the logits of scores.
//!
//! Use [`crate::models::CountsBsr`] for a surrogate made of it, and [`Bsr`] itself for features of your own.
//!
//! With features `φ [d]` and scores `y` in `[0, 1]`, `t = logit(clip(y))`:
//!
//! prior `w ~ N(0, α⁻¹ I)`, likelihood `t | w ~ N(φᵀw, β⁻¹)`, posterior
//! `S = (α I + β ΦᵀΦ)⁻¹`, `m = β S Φᵀt`, prediction `logit y* ~ N(φ*ᵀm, β⁻¹ + φ*ᵀ S φ*)`,
//! noise included; see [`Posterior`] for the score itself. α and β are chosen by [`Evidence`].
//!
//! Shi, Pi, Xu, Li, Kwok, Zhang: Bridging the gap between sample-based and one-shot neural
//! architecture search with BONAS, `NeurIPS` 2020; `MacKay`: Bayesian interpolation, 1992.

mod evidence;
mod scaling;

use linfa::DatasetBase;
use linfa::ParamGuard;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::posterior::Moments;
use crate::posterior::normal::logit;
use crate::{Posterior, SurrogateError};
pub use evidence::Evidence;
use evidence::{Hyper, Spectrum};
use scaling::Scaler;
pub use scaling::Scaling;

pub(crate) const NAME: &str = "bsr";

/// Unchecked settings of [`Bsr`]; `fit` checks them.
///
/// ```
/// use bonas_surrogate::{SurrogateError, models::bsr::Bsr};
/// use linfa::{Dataset, traits::Fit};
/// use ndarray::array;
///
/// let data = Dataset::new(array![[0.0], [1.0], [2.0]], array![0.90, 0.92, 0.94]);
/// let model: Result<_, SurrogateError> = Bsr::params().fit(&data);
/// let posterior = &model?.posteriors(&array![[1.5]])?[0];
/// assert!(posterior.mean() > 0.91 && posterior.mean() < 0.95);
/// # Ok::<(), SurrogateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BsrParams(BsrValidParams);

/// Checked settings of [`Bsr`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BsrValidParams {
    evidence: Evidence,
    scaling: Scaling,
    clip: f64,
    moments: Moments,
}

impl BsrParams {
    /// Sets how α and β are chosen.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.0.evidence = evidence;
        self
    }

    /// Sets how features and targets are scaled first.
    #[must_use]
    pub fn scaling(mut self, scaling: Scaling) -> Self {
        self.0.scaling = scaling;
        self
    }

    /// Sets the clipping of scores to `[clip, 1 - clip]` before the logit; in `(0, 0.5)`, default 1e-4.
    #[must_use]
    pub fn clip(mut self, clip: f64) -> Self {
        self.0.clip = clip;
        self
    }

    /// Sets how posteriors compute their moments.
    #[must_use]
    pub fn moments(mut self, moments: Moments) -> Self {
        self.0.moments = moments;
        self
    }
}

impl ParamGuard for BsrParams {
    type Checked = BsrValidParams;
    type Error = SurrogateError;

    fn check_ref(&self) -> Result<&BsrValidParams, SurrogateError> {
        let clip = self.0.clip;
        if !(clip > 0.0 && clip < 0.5) {
            return Err(SurrogateError::setting("clip", clip, "above 0 and below 0.5"));
        }
        self.0.evidence.check()?;
        Ok(&self.0)
    }

    fn check(self) -> Result<BsrValidParams, SurrogateError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl Fit<Array2<f64>, Array1<f64>, SurrogateError> for BsrValidParams {
    type Object = Bsr;

    /// Fits to features `[n, d]` and scores `[n]`, `n >= 1`.
    fn fit(&self, data: &DatasetBase<Array2<f64>, Array1<f64>>) -> Result<Bsr, SurrogateError> {
        let (x, y) = (data.records(), data.targets());
        check_data(x, y)?;
        let t = y.mapv(|y| logit(y.clamp(self.clip, 1.0 - self.clip)));
        let scaler = Scaler::fit(self.scaling, x, &t);
        let spectrum = Spectrum::of(&scaler.features(x), &scaler.targets(&t), scaler.dof(x.nrows()))?;
        let hyper = self.evidence.choose(&spectrum)?;
        let scale = hyper.posterior_beta * hyper.posterior_alpha.recip();
        let shrunk = Array1::from_shape_fn(spectrum.values.len(), |i| {
            let root = spectrum.values[i].sqrt();
            scale * root * spectrum.projected[i] / (1.0 + scale * root * root)
        });
        let weights = spectrum.vectors.dot(&shrunk);
        Ok(Bsr {
            scaler,
            log_evidence: spectrum.log_evidence(&hyper),
            weights,
            spectrum,
            hyper,
            moments: self.moments,
        })
    }
}

/// A fitted Bayesian sigmoid regression.
///
/// α, β, weights and covariance are those of the scaled problem (see [`Scaling`]); predictions are of scores.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Bsr {
    scaler: Scaler,
    spectrum: Spectrum,
    hyper: Hyper,
    weights: Array1<f64>,
    log_evidence: f64,
    moments: Moments,
}

impl Bsr {
    /// The default settings: [`Evidence::Maximised`], [`Scaling::Standardised`], clip 1e-4,
    /// moments by quadrature. Fits are finite from one observation on.
    pub fn params() -> BsrParams {
        BsrParams(BsrValidParams {
            evidence: Evidence::Maximised,
            scaling: Scaling::Standardised,
            clip: 1e-4,
            moments: Moments::Quadrature,
        })
    }

    /// The published settings: `MacKay`'s fixed point on raw features, no intercept, and the
    /// published moments.
    pub fn published() -> BsrParams {
        BsrParams(BsrValidParams {
            evidence: Evidence::published(),
            scaling: Scaling::Raw,
            clip: 1e-4,
            moments: Moments::Published,
        })
    }

    /// Precision of the prior on the weights.
    pub fn alpha(&self) -> f64 {
        self.hyper.alpha
    }

    /// Precision of the noise.
    pub fn beta(&self) -> f64 {
        self.hyper.beta
    }

    /// Effective number of parameters, `Σⱼ β λⱼ / (α + β λⱼ)` over the eigenvalues of `ΦᵀΦ`.
    pub fn effective_parameters(&self) -> f64 {
        self.hyper.gamma
    }

    /// Passes of the fixed point, or iterations of the optimiser.
    pub fn iterations(&self) -> u64 {
        self.hyper.iterations
    }

    /// `ln p(t | α, β)` of the scaled problem.
    pub fn log_evidence(&self) -> f64 {
        self.log_evidence
    }

    /// Posterior mean of the weights, `m [d]`.
    pub fn weights(&self) -> &Array1<f64> {
        &self.weights
    }

    /// Posterior covariance of the weights, `S [d, d]`.
    pub fn covariance(&self) -> Array2<f64> {
        let (alpha, beta) = (self.hyper.posterior_alpha, self.hyper.posterior_beta);
        let v = &self.spectrum.vectors; // [d, r]
        let drop = self.spectrum.values.mapv(|value| beta * value / (alpha * (alpha + beta * value)));
        Array2::from_diag_elem(v.nrows(), 1.0 / alpha) - (v * &drop).dot(&v.t())
    }

    /// Means and variances of the logits of features `x [n, d]`, noise included.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] if `x` has another number of columns than the training features.
    pub fn logits(&self, x: &Array2<f64>) -> Result<(Array1<f64>, Array1<f64>), SurrogateError> {
        if x.ncols() != self.scaler.columns() {
            let reason =
                format!("{} features per row, but it was fitted to {}", x.ncols(), self.scaler.columns());
            return Err(SurrogateError::data(NAME, reason));
        }
        let phi = self.scaler.features(x); // [n, d]
        let along = phi.dot(&self.spectrum.vectors); // [n, r]
        let mean = phi.dot(&self.weights);
        let variance = phi.rows().into_iter().zip(along.rows()).map(|(phi, along)| self.spread(phi, along));
        Ok((self.scaler.restore_mean(&mean), self.scaler.restore_variance(variance.collect())))
    }

    /// One posterior per row of `x [n, d]`.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a wrong number of columns, [`SurrogateError::Numeric`] for
    /// features that are not finite.
    pub fn posteriors(&self, x: &Array2<f64>) -> Result<Vec<Posterior>, SurrogateError> {
        let (mean, variance) = self.logits(x)?;
        let noise = self.scaler.restore_variance(Array1::from_elem(1, 1.0 / self.hyper.beta))[0];
        let posterior = |(&mean, &variance): (&f64, &f64)| {
            Posterior::sigmoid_gaussian(mean, variance, self.moments)?.with_noise(noise.min(variance))
        };
        mean.iter().zip(&variance).map(posterior).collect()
    }

    /// `1/β + φᵀ S φ` without cancellation, with the variance of the intercept and that of unknown features.
    fn spread(&self, phi: ArrayView1<'_, f64>, along: ArrayView1<'_, f64>) -> f64 {
        let (alpha, beta) = (self.hyper.posterior_alpha, self.hyper.posterior_beta);
        let spanned: f64 =
            along.iter().zip(&self.spectrum.values).map(|(a, v)| a * a / (alpha + beta * v)).sum();
        let orthogonal = (phi.dot(&phi) - along.dot(&along)).max(0.0) / alpha;
        spanned
            + orthogonal
            + self.scaler.blind_variance() / alpha
            + (1.0 + self.scaler.intercept_variance()) / self.hyper.beta
    }
}

/// Mean scores, for use with linfa; [`Bsr::posteriors`] gives more. Rows that are not finite, and all rows if the
/// number of columns is wrong, give NaN.
impl PredictInplace<Array2<f64>, Array1<f64>> for Bsr {
    fn predict_inplace(&self, x: &Array2<f64>, y: &mut Array1<f64>) {
        let Ok((mean, variance)) = self.logits(x) else {
            y.fill(f64::NAN);
            return;
        };
        for (y, (&m, &v)) in y.iter_mut().zip(mean.iter().zip(&variance)) {
            *y = Posterior::sigmoid_gaussian(m, v, self.moments).map_or(f64::NAN, |p| p.mean());
        }
    }

    fn default_target(&self, x: &Array2<f64>) -> Array1<f64> {
        Array1::zeros(x.len_of(Axis(0)))
    }
}

fn check_data(x: &Array2<f64>, y: &Array1<f64>) -> Result<(), SurrogateError> {
    if y.is_empty() || x.nrows() != y.len() {
        let reason =
            format!("{} rows of features and {} scores; at least one of each is needed", x.nrows(), y.len());
        return Err(SurrogateError::data(NAME, reason));
    }
    if let Some((i, y)) = y.iter().enumerate().find(|(_, y)| !(0.0..=1.0).contains(*y)) {
        let reason = format!("score {y} of observation {i} is not in [0, 1]; give accuracies as fractions");
        return Err(SurrogateError::data(NAME, reason));
    }
    match x.rows().into_iter().position(|row| row.iter().any(|v| !v.is_finite())) {
        Some(i) => Err(SurrogateError::data(NAME, format!("the features of observation {i} are not finite"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
