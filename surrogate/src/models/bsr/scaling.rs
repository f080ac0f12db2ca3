//! Scaling of features and targets before the regression.

use ndarray::{Array1, Array2, Axis, concatenate};

/// How features and targets are scaled before the regression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Scaling {
    /// No scaling and no intercept, as published.
    Raw,
    /// A constant feature of 1 is appended, whose weight has the prior of the others.
    Bias,
    /// Features are centred, scaled to unit variance and divided by `√d`; logits are centred and
    /// scaled by `√((Σ(t - t̄)² + 0.25) / n)`, which is positive even if all are equal. The intercept
    /// has a flat prior and is integrated out: one degree of freedom less, `1/(n β)` more
    /// variance. Features that do not vary are dropped. If none varies, as with one observation, every
    /// candidate gets the prior variance `1/α` for the effect of its features.
    #[default]
    Standardised,
}

/// Standard deviation of logits that is assumed before any data.
const PRIOR_SD: f64 = 0.5;

/// Share of its size below which the spread of a feature counts as rounding.
const FLAT: f64 = 1e-6;

/// A fitted [`Scaling`].
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Scaler {
    kind: Scaling,
    offset: Array1<f64>,
    factor: Array1<f64>,
    target_offset: f64,
    target_factor: f64,
    rows: usize,
    /// Whether no feature varies (as with one observation), so that their effect is unknown.
    blind: bool,
}

impl Scaler {
    pub(super) fn fit(kind: Scaling, x: &Array2<f64>, t: &Array1<f64>) -> Self {
        let (rows, d) = x.dim();
        let scaler = Self {
            kind,
            offset: Array1::zeros(d),
            factor: Array1::ones(d),
            target_offset: 0.0,
            target_factor: 1.0,
            rows,
            blind: false,
        };
        if kind != Scaling::Standardised {
            return scaler;
        }
        let n = rows as f64;
        let offset = x.sum_axis(Axis(0)) / n;
        let sd = (x - &offset).mapv(|v| v * v).sum_axis(Axis(0)).mapv(|s| (s / n).sqrt());
        let largest = x.fold(0.0, |m: f64, v| m.max(v.abs()));
        let varying = sd.iter().filter(|&&s| s > FLAT * largest).count();
        let root = (varying.max(1) as f64).sqrt();
        let factor = sd.mapv(|s| if s > FLAT * largest { 1.0 / (s * root) } else { 0.0 });
        let target_offset = t.sum() / n;
        let spread: f64 = t.iter().map(|t| (t - target_offset).powi(2)).sum();
        let target_factor = ((spread + PRIOR_SD * PRIOR_SD) / n).sqrt();
        Self { offset, factor, target_offset, target_factor, blind: varying == 0, ..scaler }
    }

    /// Features of the scaled problem, `[n, d]` to `[n, d]` (one more for [`Scaling::Bias`]).
    pub(super) fn features(&self, x: &Array2<f64>) -> Array2<f64> {
        match self.kind {
            Scaling::Raw => x.clone(),
            Scaling::Bias => {
                let ones = Array2::ones((x.nrows(), 1));
                concatenate(Axis(1), &[x.view(), ones.view()]).unwrap_or(ones)
            }
            Scaling::Standardised => (x - &self.offset) * &self.factor,
        }
    }

    pub(super) fn targets(&self, t: &Array1<f64>) -> Array1<f64> {
        (t - self.target_offset) / self.target_factor
    }

    pub(super) fn restore_mean(&self, mean: &Array1<f64>) -> Array1<f64> {
        mean * self.target_factor + self.target_offset
    }

    pub(super) fn restore_variance(&self, variance: Array1<f64>) -> Array1<f64> {
        variance * (self.target_factor * self.target_factor)
    }

    /// Number of columns that the caller's features have.
    pub(super) fn columns(&self) -> usize {
        self.offset.len()
    }

    /// Degrees of freedom of the regression.
    pub(super) fn dof(&self, n: usize) -> usize {
        if self.kind == Scaling::Standardised { n - 1 } else { n }
    }

    /// Variance of candidates due to features that the training data do not distinguish, in
    /// units of the weights' prior variance.
    pub(super) fn blind_variance(&self) -> f64 {
        if self.blind { 1.0 } else { 0.0 }
    }

    /// Variance of the integrated intercept, in units of the noise variance.
    pub(super) fn intercept_variance(&self) -> f64 {
        if self.kind == Scaling::Standardised { 1.0 / self.rows as f64 } else { 0.0 }
    }
}
