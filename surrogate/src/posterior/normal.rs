//! The standard normal law and the logistic function, accurate in both tails.
//!
//! Accuracy is that of statrs' `erfc`, about 1e-11, for `|x| < 37`; beyond that the tails underflow
//! to zero, which is why acquisitions work with logarithms there.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::{erfc, erfc_inv};

/// Density `φ(x)`.
pub(crate) fn pdf(x: f64) -> f64 {
    ln_pdf(x).exp()
}

/// `ln φ(x)`.
pub(crate) fn ln_pdf(x: f64) -> f64 {
    -0.5 * (x * x + (2.0 * PI).ln())
}

/// `Φ(x)`; for the upper tail call `cdf(-x)`, which does not cancel.
pub(crate) fn cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// `ln Φ(x)`, also where `Φ` underflows; relative error 1e-3 below -30 and far less above.
pub(crate) fn ln_cdf(x: f64) -> f64 {
    if x > -30.0 { cdf(x).ln() } else { ln_pdf(x) - (-x).ln() }
}

/// `ln(φ(x) - x Φ(-x))`, the log of the mean excess of a standard normal variable over `x`; relative
/// error of the excess about 1e-9 for every `x` that is squared without overflow.
///
/// From 3 on, where the difference cancels, as `φ ρ₀ ρ₁` with the ratios `ρₙ = 1 / (x + (n + 1) ρₙ₊₁)`
/// of the repeated integrals of φ (Gautschi: Efficient computation of the complex error function,
/// 1970, for real arguments).
pub(crate) fn ln_excess(x: f64) -> f64 {
    let mut values = [x];
    ln_excess_of_each(&mut values);
    values[0]
}

/// Replaces each value by its [`ln_excess`]: the same bits, faster. Divisions within a continued fraction wait for
/// each other, so several fractions are computed side by side.
pub(crate) fn ln_excess_of_each(values: &mut [f64]) {
    /// Depth at which the continued fraction is cut: from 3 on its error is then below 1e-11.
    const DEPTH: u32 = 32;
    const ABREAST: usize = 8;
    for values in values.chunks_mut(ABREAST) {
        let (mut x, mut later) = ([3.0; ABREAST], [0.0; ABREAST]);
        x[..values.len()].copy_from_slice(values);
        for n in (2..DEPTH).rev() {
            later.iter_mut().zip(x).for_each(|(ratio, x)| *ratio = (x + f64::from(n + 1) * *ratio).recip());
        }
        for (value, later) in values.iter_mut().zip(later) {
            let x = *value;
            *value = if x < 3.0 {
                (pdf(x) - x * cdf(-x)).ln()
            } else {
                let first = (x + 2.0 * later).recip();
                ln_pdf(x) + (first * (x + first).recip()).ln()
            };
        }
    }
}

/// `Φ⁻¹(p)` for `p` in `[0, 1]`; the ends give infinities.
pub(crate) fn quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

/// Logistic function `1 / (1 + e⁻ᶻ)`, without overflow.
pub(crate) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// Inverse of [`sigmoid`] for `y` in `[0, 1]`; the ends give infinities.
pub(crate) fn logit(y: f64) -> f64 {
    y.ln() - (-y).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert!((cdf(1.96) - 0.975_002_104_851_779_5).abs() < 1e-11);
        assert!((cdf(-30.0) / 4.906_713_927_148_187e-198 - 1.0).abs() < 1e-10);
        assert!((ln_cdf(-30.0 + 1e-9) / ln_cdf(-30.0 - 1e-9) - 1.0).abs() < 1e-5 && ln_cdf(-1e5).is_finite());
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-13);
        assert!((pdf(0.0) - 0.398_942_280_401_432_7).abs() < 1e-16);
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    /// Values of `φ(x) - x Φ(-x)` by its Taylor series in 80 digits.
    #[test]
    fn excess_in_both_branches() {
        let known = [
            (-3.0, 3.000_382_154_317_047_7),
            (0.0, 0.398_942_280_401_432_7),
            (1.0, 8.331_547_058_768_63e-2),
            (4.5, 6.942_120_456_202_026e-7),
            (5.0, 5.346_165_533_832_815e-8),
            (6.0, 1.563_569_795_970_966_4e-10),
            (8.0, 7.550_262_411_946_499e-17),
            (10.0, 7.474_560_254_589_328e-25),
        ];
        for (x, excess) in known {
            assert!((ln_excess(x) - f64::ln(excess)).abs() < 1e-9, "{x}");
        }
        let mut all: Vec<f64> = (0..51).map(|i| f64::from(i * 37 % 51) / 5.0).collect();
        let each: Vec<f64> = all.iter().map(|&x| ln_excess(x)).collect();
        ln_excess_of_each(&mut all);
        assert_eq!(all, each);
        assert!((ln_excess(3.0) - ln_excess(3.0 - 1e-12)).abs() < 1e-9);
        assert!(ln_excess(1e6).is_finite());
    }

    #[test]
    fn logistic_is_inverted_and_does_not_overflow() {
        assert_eq!((sigmoid(-800.0), sigmoid(800.0)), (0.0, 1.0));
        for z in [-30.0, -3.0, 0.0, 0.5, 9.0] {
            assert!((logit(sigmoid(z)) - z).abs() < 1e-9 * (1.0 + z.abs().exp() * 1e-6));
        }
    }
}
