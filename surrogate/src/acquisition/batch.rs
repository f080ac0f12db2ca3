//! Values of batches, from joint draws of their scores.

use ndarray::{ArrayView1, ArrayView2};

/// Expected improvement of a batch, `E max_j max(y_j - y*, 0)`, as a mean over joint draws `[draws, q]` (Ginsbourger et
/// al., 2008). For one candidate it is expected improvement, up to the error of that mean; 0 without draws.
pub fn batch_improvement(draws: ArrayView2<'_, f64>, best: f64) -> f64 {
    let gain = |scores: ArrayView1<'_, f64>| scores.iter().map(|y| y - best).fold(0.0, f64::max);
    draws.rows().into_iter().map(gain).sum::<f64>() / draws.nrows().max(1) as f64
}

/// How [`ln_batch_improvement`] smooths the two maxima of an expected improvement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Temperature of the maximum over the batch, above 0.
    pub max: f64,
    /// Temperature of the maximum of an improvement and 0, above 0 and in the unit of the score.
    pub relu: f64,
    /// Whether values fall like powers far from a maximum instead of exponentially.
    pub fat: bool,
}

impl Default for Smoothing {
    /// The settings of `BoTorch`.
    fn default() -> Self {
        Self { max: 1e-2, relu: 1e-6, fat: true }
    }
}

impl Smoothing {
    /// Logarithm of a smooth `max(gain, 0)`: `τ softplus(gain/τ)`, and if it is fat `τ/10` times a Cauchy density
    /// `1/(1 + (gain/τ)²)` more.
    fn ln_relu(&self, gain: f64) -> f64 {
        let x = gain / self.relu;
        let soft = x.max(0.0) + (-x.abs()).exp().ln_1p();
        if self.fat {
            return self.relu.ln() + (soft + 0.1 / (1.0 + x * x)).ln();
        }
        // Far below zero softplus is its own exponential.
        self.relu.ln() + if x < -35.0 { x } else { soft.ln() }
    }

    /// A smooth maximum of logarithms: `m + τ ln Σ w((m - xⱼ)/τ)`, where `m` is the maximum and `w(d)` is `e⁻ᵈ`, or, if
    /// it is fat, `2 / (2 + 2d + d²)`.
    fn max(&self, values: &[f64]) -> f64 {
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if highest.is_infinite() {
            return highest;
        }
        let weight = |x: &f64| {
            let d = (highest - x) / self.max;
            if self.fat { 2.0 / (2.0 + 2.0 * d + d * d) } else { (-d).exp() }
        };
        highest + self.max * values.iter().map(weight).sum::<f64>().ln()
    }
}

/// Smooth logarithm of the expected improvement of a batch, from joint draws `[draws, q]`: Ament, Daulton, Eriksson,
/// Balandat and Bakshy, "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023.
///
/// `ln mean_draws exp max_j ln max(y_j - y*, 0)` with both maxima smoothed as `smoothing` says: the formula of
/// `BoTorch`'s `qLogExpectedImprovement`, equal to it within 1e-6 on the same draws. It still tells batches apart that
/// improve nothing in any draw. Without draws or candidates minus infinity.
pub fn ln_batch_improvement(draws: ArrayView2<'_, f64>, best: f64, smoothing: &Smoothing) -> f64 {
    let ln_gain = |scores: ArrayView1<'_, f64>| {
        let each: Vec<f64> = scores.iter().map(|y| smoothing.ln_relu(y - best)).collect();
        smoothing.max(&each)
    };
    let gains: Vec<f64> = draws.rows().into_iter().map(ln_gain).collect();
    let highest = gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest.is_infinite() {
        return highest;
    }
    let mean = gains.iter().map(|gain| (gain - highest).exp()).sum::<f64>() / gains.len() as f64;
    highest + mean.ln()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    /// Improvements on 1 of (0, 2), (0, 0) and (1, 0.5): the mean of 2, 0 and 1.
    #[test]
    fn improvements_by_hand() {
        let draws = array![[1.0, 3.0], [0.0, -5.0], [2.0, 1.5]];
        assert_eq!(batch_improvement(draws.view(), 1.0), 1.0);
        assert_eq!(batch_improvement(Array2::zeros((0, 2)).view(), 1.0), 0.0);
    }

    /// At the incumbent softplus is `τ ln 2` and the density adds `τ/10`; of two equal candidates the maximum is `τ ln 2`
    /// higher than each.
    #[test]
    fn smooth_maxima_by_hand() {
        let ln2 = std::f64::consts::LN_2;
        let at = |draws: Array2<f64>, fat| {
            ln_batch_improvement(draws.view(), 0.0, &Smoothing { max: 0.5, relu: 0.1, fat })
        };
        assert!((at(array![[0.0]], false) - (0.1 * ln2).ln()).abs() < 1e-12);
        assert!((at(array![[0.0]], true) - (0.1 * ln2 + 0.01).ln()).abs() < 1e-12);
        for fat in [false, true] {
            let (one, two) = (at(array![[0.3]], fat), at(array![[0.3, 0.3]], fat));
            assert!((two - one - 0.5 * ln2).abs() < 1e-12);
        }
        // Twice as far below the incumbent a fat tail has a quarter, another e⁻¹⁰⁰⁰.
        assert!((at(array![[-200.0]], true) - at(array![[-100.0]], true) + 4f64.ln()).abs() < 1e-5);
        assert!((at(array![[-200.0]], false) - at(array![[-100.0]], false) + 1000.0).abs() < 1e-9);
    }

    /// With low temperatures it is the logarithm of the improvement.
    #[test]
    fn little_smoothing_changes_little() {
        let draws = array![[1.0, 3.0], [0.0, -5.0], [2.0, 1.5]];
        for fat in [false, true] {
            let smoothing = Smoothing { max: 1e-6, relu: 1e-9, fat };
            assert!(ln_batch_improvement(draws.view(), 1.0, &smoothing).abs() < 1e-6);
        }
        let none = Array2::zeros((0, 1));
        assert_eq!(ln_batch_improvement(none.view(), 0.0, &Smoothing::default()), f64::NEG_INFINITY);
    }
}
