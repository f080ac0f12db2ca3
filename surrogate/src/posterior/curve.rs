//! Curves from Gaussian ranks to the scale that a model learns on.

use std::sync::LazyLock;

use crate::posterior::normal;

/// Number of knots, at the ranks `(k + ½) / KNOTS`.
const KNOTS: usize = 21;

/// Skew and tails of the curve that no data speak for: `sinh(SKEW + TAILS · asinh g)` of a Gaussian rank `g` (Jones and
/// Pewsey, "Sinh-arcsinh distributions", 2009). Low scores are spread out more than high ones, as accuracies are.
const SKEW: f64 = -0.5;
const TAILS: f64 = 0.8;

/// Number of observations at which data and the curve above have the same weight.
const PRIOR_COUNT: f64 = 50.0;

/// Bandwidth on the scale of ranks in (0, 1) with [`WIDTH_COUNT`] observations; it falls with the cube root of their
/// number.
const WIDTH: f64 = 0.08;
const WIDTH_COUNT: f64 = 78.0;

/// Least rise from knot to knot.
const RISE: f64 = 1e-3;

/// A rising curve from Gaussian ranks to the scale that a model learns on, linear between knots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RankCurve([f64; KNOTS]);

impl Default for RankCurve {
    fn default() -> Self {
        Self(std::array::from_fn(|k| (SKEW + TAILS * RANKS[k].asinh()).sinh())).standardised()
    }
}

/// The Gaussian ranks of the knots.
static RANKS: LazyLock<[f64; KNOTS]> = LazyLock::new(|| std::array::from_fn(|k| normal::quantile(share(k))));

/// The rank of a knot in (0, 1).
fn share(k: usize) -> f64 {
    (k as f64 + 0.5) / KNOTS as f64
}

impl RankCurve {
    /// The curve on which observations are best predicted from each other, after the alternating conditional
    /// expectations of Breiman and Friedman ("Estimating optimal transformations for multiple regression and
    /// correlation", 1985).
    ///
    /// Let `g` be Gaussian ranks and `p` leave-one-out predictions on some curve. At each knot the new curve is a
    /// local linear regression of `p` on the rank, weighted by `trust`, made rising, and drawn towards the default. A gap between
    /// predictions, as between networks that learn and networks that do not, so becomes a gap of the curve, though
    /// ranks have none. The default curve remains where a prediction is not finite.
    pub(crate) fn learnt(ranks: &[f64], predictions: &[f64], trust: &[f64]) -> Self {
        let n = ranks.len() as f64;
        if n < 2.0 || !predictions.iter().all(|p| p.is_finite()) {
            return Self::default();
        }
        let shares: Vec<f64> = ranks.iter().map(|&rank| normal::cdf(rank)).collect();
        let width = WIDTH * (WIDTH_COUNT / n).cbrt();
        let mut curve =
            Self(std::array::from_fn(|k| local_line(share(k), &shares, predictions, trust, width)));
        for k in 1..KNOTS {
            curve.0[k] = curve.0[k].max(curve.0[k - 1] + RISE);
        }
        let (curve, prior) = (curve.standardised(), Self::default());
        let own = n / (n + PRIOR_COUNT);
        Self(std::array::from_fn(|k| own * curve.0[k] + (1.0 - own) * prior.0[k]))
    }

    /// The value at a Gaussian rank; beyond the outermost knots the outermost pieces go on.
    pub(crate) fn at(&self, rank: f64) -> f64 {
        let above = RANKS.partition_point(|&knot| knot < rank).clamp(1, KNOTS - 1);
        let (left, right) = (RANKS[above - 1], RANKS[above]);
        let along = (rank - left) / (right - left);
        self.0[above - 1] + along * (self.0[above] - self.0[above - 1])
    }

    /// With mean 0 and variance 1 over the knots.
    fn standardised(mut self) -> Self {
        let mean = self.0.iter().sum::<f64>() / KNOTS as f64;
        let sd = (self.0.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / KNOTS as f64).sqrt();
        for value in &mut self.0 {
            *value = (*value - mean) / sd;
        }
        self
    }
}

/// Value at `at` of the line through `y` by `x`, with Gaussian weights around `at`.
fn local_line(at: f64, x: &[f64], y: &[f64], trust: &[f64], width: f64) -> f64 {
    const TINY: f64 = 1e-9;
    /// Share of the squared width below which the ranks that are near are one.
    const FLAT: f64 = 1e-6;
    let (mut weights, mut first, mut second, mut sum, mut product) = (TINY, 0.0, 0.0, 0.0, 0.0);
    for ((x, y), trust) in x.iter().zip(y).zip(trust) {
        let d = x - at;
        let weight = trust * (-0.5 * (d / width).powi(2)).exp();
        weights += weight;
        first += weight * d;
        second += weight * d * d;
        sum += weight * y;
        product += weight * d * y;
    }
    // Where all that is near has one rank, as tied scores have, there is no slope to learn.
    let spread = weights * second - first * first;
    if spread > FLAT * (weights * width).powi(2) {
        (sum * second - product * first) / (spread + TINY)
    } else {
        sum / weights
    }
}

#[cfg(test)]
impl RankCurve {
    /// Gaussian ranks as they are.
    pub(crate) fn straight() -> Self {
        Self(*RANKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posterior::warp::gaussian_ranks;

    #[test]
    fn curves_are_linear_between_knots_and_beyond() {
        let curve = RankCurve::straight();
        for rank in [-4.0, -1.0, 0.0, 0.3, 2.5, 6.0] {
            assert!((curve.at(rank) - rank).abs() < 1e-9, "{rank}");
        }
        let default = RankCurve::default();
        assert!(default.0.windows(2).all(|two| two[0] < two[1]));
        assert!(-default.0[0] > default.0[KNOTS - 1], "low scores are spread out");
    }

    /// Half of the predictions are -1, half are 1: so is the curve, as far as the prior lets it.
    #[test]
    fn a_gap_of_the_predictions_is_one_of_the_curve() {
        let scores: Vec<f64> = (0..400).map(f64::from).collect();
        let (ranks, _) = gaussian_ranks(&scores);
        let predictions: Vec<f64> = (0..400).map(|i| if i < 200 { -1.0 } else { 1.0 }).collect();
        let curve = RankCurve::learnt(&ranks, &predictions, &[1.0; 400]);
        assert!(curve.0.windows(2).all(|two| two[0] < two[1]));
        let rises: Vec<f64> = curve.0.windows(2).map(|two| two[1] - two[0]).collect();
        let middle = rises[KNOTS / 2 - 1].min(rises[KNOTS / 2]);
        assert!(middle > 4.0 * rises[3] && middle > 4.0 * rises[KNOTS - 5], "{rises:?}");
        // Four of ten observations have the same score: all of the lower part of the curve is at their prediction.
        let tied: Vec<f64> = (0..380).map(|i| f64::from(i.max(152))).collect();
        let (ranks, _) = gaussian_ranks(&tied);
        let predictions: Vec<f64> =
            (0..380).map(|i| if i < 152 { -1.2 } else { 0.3 + f64::from(i - 152) / 228.0 }).collect();
        let curve = RankCurve::learnt(&ranks, &predictions, &[1.0; 380]);
        let gap = curve.at(ranks[153]) - curve.at(ranks[0]);
        let rest = curve.at(ranks[379]) - curve.at(ranks[153]);
        assert!(gap > 0.9 * rest, "{gap} {rest}");
        let bad = vec![f64::NAN; 400];
        assert_eq!(RankCurve::learnt(&ranks, &bad, &[1.0; 400]), RankCurve::default());
    }
}
