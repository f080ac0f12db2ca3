//! Observations that do not fit the others: runs that diverged, mostly.

use ndarray::Array1;

/// Share of observations that are expected not to fit.
const SHARE: f64 = 0.03;

/// Variance that such an observation has beyond that of the noise, where targets have variance 1.
const VARIANCE: f64 = 4.0;

/// A leave-one-out prediction of an observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftOut {
    /// Its mean.
    pub(crate) mean: f64,
    /// Its variance, noise included but for what it has as an outlier ([`outlier_noise`]).
    pub(crate) variance: f64,
}

/// Variance of the noise that each observation has beyond its own `noise`, `[n]`, given leave-one-out predictions.
///
/// An observation is a mixture: of variance `noise`, or, with probability 0.03, of variance `noise + 4`. With the
/// posterior probability `p` of the second, the precision is `(1 - p) / noise + p / (noise + 4)`, the step of
/// expectation maximisation.
pub(crate) fn outlier_noise(targets: &Array1<f64>, left_out: &[LeftOut], noise: &Array1<f64>) -> Array1<f64> {
    let each = targets.iter().zip(left_out).zip(noise);
    each.map(|((target, left), noise)| left.extra_noise(*target, *noise)).collect()
}

impl LeftOut {
    /// [`outlier_noise`] of this observation.
    pub(super) fn extra_noise(&self, target: f64, noise: f64) -> f64 {
        let square = (target - self.mean).powi(2);
        let ln_density = |variance: f64| -0.5 * (square / variance + variance.ln());
        let odds =
            (SHARE / (1.0 - SHARE)).ln() + ln_density(self.variance + VARIANCE) - ln_density(self.variance);
        let p = 1.0 / (1.0 + (-odds).exp());
        if p.is_finite() { ((1.0 - p) / noise + p / (noise + VARIANCE)).recip() - noise } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_has_the_noise_of_all_and_what_does_not_fit_has_more() {
        let left = LeftOut { mean: 0.5, variance: 0.3 };
        let targets = Array1::from(vec![0.5, 1.0, -2.5]);
        let extra = outlier_noise(&targets, &[left; 3], &Array1::from_elem(3, 0.1));
        // At its mean the odds are 3/97 · √(0.3 / 4.3) = 0.00817.
        let p = 0.008_17 / 1.008_17;
        let expected = 1.0 / ((1.0 - p) / 0.1 + p / 4.1) - 0.1;
        assert!((extra[0] - expected).abs() < 1e-5, "{} {expected}", extra[0]);
        assert!(extra[1] < 0.01 && extra[2] > 3.0, "{extra}");
    }
}
