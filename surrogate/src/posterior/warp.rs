//! Maps between scores and Gaussian ranks or normal scores.
//!
//! Accuracies crowd near their top and have a long tail below. A Gaussian process on raw accuracies
//! spends its flexibility on the tail. Ranks have no tail, but lose the distances between scores. Normal scores
//! are ranks on a curve that stands for these distances ([`RankCurve`]).

use crate::posterior::curve::RankCurve;
use crate::posterior::normal;

/// Most knots of a [`Warp`].
const MAX_KNOTS: usize = 33;

/// The slope of a tail is taken over one in this number of knots.
const TAIL: usize = 5;

/// Most variance of known noise in the latent scale. Scores have a variance of 1 there, so that one with this noise says
/// nothing; with much more a covariance matrix loses the other scores to rounding.
const MOST_NOISE: f64 = 1e6;

/// A rising, piecewise linear map from Gaussian ranks, or normal scores, to scores.
///
/// For ranks it is the empirical quantile function of the observed scores, smoothed to at most 33 knots. Beyond the
/// outermost knots it is linear, with the mean slope over the fifth of the knots next to them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Warp {
    /// Gaussian ranks, rising.
    latent: Vec<f64>,
    /// Scores of the knots, rising.
    score: Vec<f64>,
    low_slope: f64,
    high_slope: f64,
}

/// Gaussian ranks `Φ⁻¹((r - ½) / n)` of at least one finite score, and the map back; `r` is the rank from 1, the
/// mean rank for ties.
///
/// If all scores are equal, the spread of others is unknown: the map's slope is then a thousandth of the score's
/// size.
pub(crate) fn gaussian_ranks(scores: &[f64]) -> (Vec<f64>, Warp) {
    let n = scores.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut latent = vec![0.0; n];
    let mut knots = Vec::new();
    let mut below = 0;
    for run in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let rank = below as f64 + 0.5 * run.len() as f64;
        let z = normal::quantile(rank / n as f64);
        for &i in run {
            latent[i] = z;
        }
        knots.push((z, scores[run[0]]));
        below += run.len();
    }
    (latent, Warp::through(&knots))
}

/// Scores as a model learns them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalScores {
    /// One a score. Their mean is 0 and their variance 1, unless all scores are equal.
    pub(crate) z: Vec<f64>,
    /// The map back to scores.
    pub(crate) warp: Warp,
}

/// Normal scores of at least one finite score: their Gaussian ranks ([`gaussian_ranks`]) on a curve, standardised.
///
/// They depend on the order of the scores alone. So a rising function of the scores, such as the logarithm of an error
/// turned round, changes nothing, and a single score is never farther off than its rank.
pub(crate) fn normal_scores(scores: &[f64], curve: &RankCurve) -> NormalScores {
    let (ranks, warp) = gaussian_ranks(scores);
    let mut z: Vec<f64> = ranks.iter().map(|&rank| curve.at(rank)).collect();
    if !standardise(&mut z) {
        return NormalScores { z: ranks, warp };
    }
    let mut knots: Vec<(f64, f64)> = z.iter().copied().zip(scores.iter().copied()).collect();
    knots.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    knots.dedup_by(|a, b| a.1.total_cmp(&b.1).is_eq());
    NormalScores { warp: Warp::through(&knots), z }
}

/// Standardises values to mean 0 and variance 1; false, and nothing is changed, if all are equal.
fn standardise(values: &mut [f64]) -> bool {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    if sd < 1e-9 {
        return false;
    }
    for value in values {
        *value = (*value - mean) / sd;
    }
    true
}

impl Warp {
    /// The map through at least one point; the points are rising in both coordinates.
    fn through(points: &[(f64, f64)]) -> Self {
        let last = points.len().saturating_sub(1);
        let kept = points.len().min(MAX_KNOTS);
        let at = |i: usize| if kept > 1 { points[i * last / (kept - 1)] } else { points[0] };
        let (latent, score): (Vec<f64>, Vec<f64>) = (0..kept).map(at).unzip();
        let slope = |a: usize, b: usize| (score[b] - score[a]) / (latent[b] - latent[a]);
        let tail = (kept / TAIL).max(1);
        let (low_slope, high_slope) = if kept > 1 {
            (slope(0, tail), slope(kept - 1 - tail, kept - 1))
        } else {
            let unknown = (1e-3 * score[0].abs()).max(1e-6);
            (unknown, unknown)
        };
        Self { latent, score, low_slope, high_slope }
    }

    /// Gaussian rank and score of each knot.
    pub(crate) fn knots(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.latent.iter().copied().zip(self.score.iter().copied())
    }

    /// The score of a Gaussian rank.
    pub fn score(&self, latent: f64) -> f64 {
        let (knot, slope) = self.piece(&self.latent, latent);
        self.score[knot] + slope * (latent - self.latent[knot])
    }

    /// Mean and variance of the score of `z ~ N(mu, sd²)`, exact up to rounding: a sum over the linear pieces.
    ///
    /// With `u = (z - mu) / sd`, a piece from `a` to `b` on which the score is `w + v u` adds `w ΔΦ - v Δφ` to the mean and
    /// `w² ΔΦ - 2 w v Δφ + v² (ΔΦ - Δ(u φ))` to the mean square.
    pub(crate) fn moments(&self, mu: f64, sd: f64) -> (f64, f64) {
        // Scores count from that of the mean, so that the variance is no difference of large numbers.
        let centre = self.score(mu);
        if sd == 0.0 {
            return (centre, 0.0);
        }
        let density = |u: f64| if u.is_finite() { (normal::pdf(u), u * normal::pdf(u)) } else { (0.0, 0.0) };
        let (mut mean, mut square) = (0.0, 0.0);
        let mut from = f64::NEG_INFINITY;
        for piece in 0..=self.latent.len() {
            let to = self.latent.get(piece).map_or(f64::INFINITY, |knot| (knot - mu) / sd);
            // A knot that the piece touches, and its slope.
            let (knot, slope) = match piece {
                0 => (0, self.low_slope),
                last if last == self.latent.len() => (last - 1, self.high_slope),
                inner => (inner, self.slope_before(inner)),
            };
            let (w, v) = (self.score[knot] + slope * (mu - self.latent[knot]) - centre, slope * sd);
            let mass = if from > 0.0 {
                normal::cdf(-from) - normal::cdf(-to)
            } else {
                normal::cdf(to) - normal::cdf(from)
            };
            let ((left, left_u), (right, right_u)) = (density(from), density(to));
            mean += w * mass - v * (right - left);
            square += w * w * mass - 2.0 * w * v * (right - left) + v * v * (mass - (right_u - left_u));
            from = to;
        }
        (centre + mean, (square - mean * mean).max(0.0))
    }

    /// The slope of the piece that ends at a knot other than the first.
    fn slope_before(&self, knot: usize) -> f64 {
        (self.score[knot] - self.score[knot - 1]) / (self.latent[knot] - self.latent[knot - 1])
    }

    /// The Gaussian rank of a score.
    pub fn latent(&self, score: f64) -> f64 {
        let (knot, slope) = self.piece(&self.score, score);
        self.latent[knot] + (score - self.score[knot]) / slope
    }

    /// Variance in the latent scale of a score with an error of standard deviation `sd`, at most [`MOST_NOISE`].
    pub(crate) fn latent_noise(&self, score: f64, sd: f64) -> f64 {
        (0.5 * (self.latent(score + sd) - self.latent(score - sd))).powi(2).min(MOST_NOISE)
    }

    /// Slope of the score by the Gaussian rank, at a score.
    pub fn slope_at(&self, score: f64) -> f64 {
        self.piece(&self.score, score).1
    }

    /// The slope beyond the best score; `None` below that score.
    pub(crate) fn slope_beyond(&self, score: f64) -> Option<f64> {
        (score >= *self.score.last()?).then_some(self.high_slope)
    }

    /// A knot of the linear piece that `value` lies on, and the slope of the piece.
    fn piece(&self, knots: &[f64], value: f64) -> (usize, f64) {
        let after = knots.partition_point(|&knot| knot < value);
        if after == 0 {
            (0, self.low_slope)
        } else if after == knots.len() {
            (after - 1, self.high_slope)
        } else {
            (after - 1, self.slope_before(after))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_hand() {
        let (z, warp) = gaussian_ranks(&[0.9, 0.1, 0.5, 0.5]);
        assert!((z[1] - normal::quantile(0.125)).abs() < 1e-12);
        assert!((z[0] - normal::quantile(0.875)).abs() < 1e-12);
        assert!(z[2].abs() < 1e-12 && z[2] == z[3]);
        assert!((warp.score(z[0]) - 0.9).abs() < 1e-12 && (warp.latent(0.5)).abs() < 1e-12);
        // Beyond the ends it goes on as before.
        let slope = 0.4 / z[0];
        assert!((warp.score(z[0] + 1.0) - 0.9 - slope).abs() < 1e-12);
        assert!((warp.latent(0.1 - slope) - (z[1] - 1.0)).abs() < 1e-12);
    }

    /// Three different scores: two are the mirror images of each other, on a straight curve.
    #[test]
    fn normal_scores_by_hand() {
        let NormalScores { z, warp } = normal_scores(&[1.0, -1.0, 7.0], &RankCurve::straight());
        let root = 1.5f64.sqrt();
        for (z, expected) in z.iter().zip([0.0, -root, root]) {
            assert!((z - expected).abs() < 1e-9, "{z} {expected}");
        }
        assert!((warp.score(z[2]) - 7.0).abs() < 1e-12 && (warp.latent(-1.0) - z[1]).abs() < 1e-12);
    }

    #[test]
    fn normal_scores_know_the_order_alone() {
        let scores: Vec<f64> = (0..40).map(|i| f64::from(i * 37 % 101)).collect();
        let of = |map: fn(f64) -> f64| {
            normal_scores(&scores.iter().map(|&y| map(y)).collect::<Vec<_>>(), &RankCurve::default()).z
        };
        let expected = of(|y| y);
        assert_eq!(of(f64::exp), expected);
        assert_eq!(of(|y| -(102.0 - y).ln()), expected);
        assert_eq!(of(|y| if y < 5.0 { y - 1e9 } else { y }), expected);
        let equal = [0.3, 0.3];
        assert_eq!(normal_scores(&equal, &RankCurve::default()).z, gaussian_ranks(&equal).0);
    }

    #[test]
    fn the_map_rises_and_is_inverted() {
        let scores: Vec<f64> = (0..500).map(|i| ((i * 37 % 101) as f64).sqrt()).collect();
        for warp in [gaussian_ranks(&scores).1, normal_scores(&scores, &RankCurve::default()).warp] {
            rises_and_is_inverted(&warp);
        }
    }

    fn rises_and_is_inverted(warp: &Warp) {
        let mut last = f64::NEG_INFINITY;
        for i in -60..=60 {
            let z = f64::from(i) / 10.0;
            let score = warp.score(z);
            assert!(score > last && (warp.latent(score) - z).abs() < 1e-9, "{z}");
            last = score;
        }
        assert_eq!(warp.slope_beyond(10.0), Some(warp.high_slope));
        assert_eq!(warp.slope_beyond(9.9), None);
    }

    #[test]
    fn noise_has_a_bound() {
        let (_, warp) = gaussian_ranks(&[0.9, 0.1, 0.5]);
        assert!((warp.latent_noise(0.5, 0.4) - warp.latent(0.9).powi(2)).abs() < 1e-9);
        for sd in [1e6, 1e300, f64::MAX] {
            assert_eq!(warp.latent_noise(0.5, sd), MOST_NOISE);
        }
    }

    #[test]
    fn equal_scores_are_all_in_the_middle() {
        let (z, warp) = gaussian_ranks(&[0.9; 4]);
        assert!(z.iter().all(|z| z.abs() < 1e-12));
        assert!((warp.score(1.0) - 0.9009).abs() < 1e-12 && (warp.latent(0.9009) - 1.0).abs() < 1e-9);
        let (_, warp) = gaussian_ranks(&[0.0]);
        assert!(warp.score(1.0) > 0.0);
    }

    /// A straight map has the moments of the Gaussian, one with a kink at its mean those of two half-normals.
    #[test]
    fn moments_by_hand() {
        let straight = Warp::through(&[(-1.0, 3.0), (0.5, 6.0), (2.0, 9.0)]);
        for (mu, sd) in [(0.0, 1.0), (4.0, 0.3), (-7.0, 2.0)] {
            let (mean, variance) = straight.moments(mu, sd);
            assert!((mean - (5.0 + 2.0 * mu)).abs() < 1e-9 && (variance - 4.0 * sd * sd).abs() < 1e-9);
        }
        // Below 0 the slope is 1, above it 3: E = 2 φ(0), E² = (1 + 9) / 2.
        let kinked = Warp::through(&[(-1.0, -1.0), (0.0, 0.0), (1.0, 3.0)]);
        let first = 2.0 * normal::pdf(0.0);
        let (mean, variance) = kinked.moments(0.0, 1.0);
        assert!(
            (mean - first).abs() < 1e-9 && (variance - (5.0 - first * first)).abs() < 1e-9,
            "{mean} {variance}"
        );
        assert_eq!(kinked.moments(0.5, 0.0), (1.5, 0.0));
        // Small standard deviations far from zero lose no digits.
        let (mean, variance) = Warp::through(&[(-1.0, 1e9), (1.0, 1e9 + 2.0)]).moments(0.3, 1e-4);
        assert!((mean - 1e9 - 1.3).abs() < 1e-6 && (variance / 1e-8 - 1.0).abs() < 1e-6, "{variance}");
    }
}
