//! Metrics of predictions: how well they rank, and how well their uncertainty is calibrated.
//!
//! Use [`kendall_tau_b`] to compare a predicted with a true ranking, [`coverage`] to check posteriors, and
//! [`bootstrap`] for a confidence interval of any statistic.
//!
//! Every function returns `None` where its value is undefined: lists of unequal length, fewer than two items,
//! a NaN anywhere, or a constant list for a correlation. Higher scores are better.
//!
//! ```
//! use bonas_surrogate::metrics::{n_at_k, spearman};
//!
//! let (predicted, truth) = ([0.1, 0.7, 0.5, 0.9], [0.2, 0.6, 0.7, 0.8]);
//! assert!(spearman(&predicted, &truth).unwrap() > 0.7);
//! assert_eq!(n_at_k(&predicted, &truth, 1), Some(1)); // the best is predicted best
//! ```

use std::cmp::Ordering;

use rand::{Rng, RngExt};

use crate::Posterior;
use crate::posterior::normal;

/// Kendall's tau-b, `(C - D) / √((n₀ - n₁)(n₀ - n₂))` with `n₀ = n(n-1)/2` pairs, `n₁` and `n₂`
/// pairs tied in `x` and in `y`; as `SciPy`'s `kendalltau`.
///
/// Knight's algorithm (J. Am. Stat. Assoc. 61, 1966): `O(n log n)`.
///
/// ```
/// let tau = bonas_surrogate::metrics::kendall_tau_b(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]);
/// assert!((tau.unwrap() - 4.0 / 6.0).abs() < 1e-15); // 5 pairs in order, 1 not
/// ```
pub fn kendall_tau_b(x: &[f64], y: &[f64]) -> Option<f64> {
    check(x, y)?;
    let mut pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
    pairs.sort_unstable_by(|a, b| compare(a.0, b.0).then(compare(a.1, b.1)));
    let tied_x = tied_pairs(&pairs, |a, b| compare(a.0, b.0).is_eq());
    let tied_both = tied_pairs(&pairs, |a, b| a == b);
    let mut ys: Vec<f64> = pairs.iter().map(|p| p.1).collect();
    let swaps = sort_counting_swaps(&mut ys, &mut vec![0.0; x.len()]);
    let tied_y = tied_pairs(&ys, |a, b| compare(*a, *b).is_eq());
    let all = pairs_of(x.len());
    if tied_x == all || tied_y == all {
        return None;
    }
    let difference = all as f64 - tied_x as f64 - tied_y as f64 + tied_both as f64 - 2.0 * swaps as f64;
    let tau = difference / ((all - tied_x) as f64).sqrt() / ((all - tied_y) as f64).sqrt();
    Some(tau.clamp(-1.0, 1.0))
}

/// Spearman's rank correlation: Pearson's correlation of the average ranks.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    check(x, y)?;
    let (x, y) = (average_ranks(x), average_ranks(y));
    let centre = 0.5 * (x.len() + 1) as f64;
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - centre) * (b - centre)).sum() };
    let scale = (product(&x, &x) * product(&y, &y)).sqrt();
    (scale > 0.0).then(|| (product(&x, &y) / scale).clamp(-1.0, 1.0))
}

/// N@K: the best true rank (1 is the best) among the `k` candidates with the best predictions.
///
/// Tied predictions are taken by lowest index; tied true scores share their best rank.
pub fn n_at_k(predicted: &[f64], truth: &[f64], k: usize) -> Option<usize> {
    check(predicted, truth)?;
    let best = best_indices(predicted, k).into_iter().map(|i| truth[i]).max_by(|a, b| compare(*a, *b))?;
    Some(1 + truth.iter().filter(|&&t| t > best).count())
}

/// P@T%: the share of the predicted best `fraction` whose true scores are among the best `fraction`.
///
/// `fraction` is in `(0, 1]`; at least one candidate counts. Of equal predictions the lowest index is taken. True scores
/// that equal the last of the best are among them.
pub fn precision_at_top(predicted: &[f64], truth: &[f64], fraction: f64) -> Option<f64> {
    check(predicted, truth)?;
    if !(fraction > 0.0 && fraction <= 1.0) {
        return None;
    }
    let k = ((fraction * truth.len() as f64).round() as usize).max(1);
    let last = best_indices(truth, k).into_iter().map(|i| truth[i]).min_by(f64::total_cmp)?;
    let hits = best_indices(predicted, k).into_iter().filter(|&i| truth[i] >= last).count();
    Some(hits as f64 / k as f64)
}

/// Share of the scores inside their central posterior interval of probability `level`.
///
/// Calibrated posteriors give about `level`. Needs at least one score and a `level` in `(0, 1)`.
pub fn coverage(posteriors: &[Posterior], scores: &[f64], level: f64) -> Option<f64> {
    check_scores(posteriors, scores)?;
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let (low, high) = (0.5 * (1.0 - level), 0.5 * (1.0 + level));
    let inside = |(p, &y): (&Posterior, &f64)| y >= p.quantile(low) && y <= p.quantile(high);
    Some(posteriors.iter().zip(scores).filter(|&pair| inside(pair)).count() as f64 / scores.len() as f64)
}

/// Mean negative log likelihood of the scores, in nats. At least one score.
pub fn negative_log_likelihood(posteriors: &[Posterior], scores: &[f64]) -> Option<f64> {
    check_scores(posteriors, scores)?;
    let sum: f64 = posteriors.iter().zip(scores).map(|(p, &y)| p.ln_pdf(y)).sum();
    Some(-sum / scores.len() as f64)
}

/// An estimate with a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The statistic of the data.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Bias-corrected and accelerated bootstrap interval (Efron, J. Am. Stat. Assoc. 82, 1987).
///
/// `statistic` gets the indices of the drawn items, out of `0..n` and with repeats. Resamples
/// where it is `None` are left out; the interval is `None` if fewer than half of
/// `resamples` remain, or if the data themselves have no value. If no item changes the statistic in the jackknife,
/// this is the percentile interval.
pub fn bootstrap(
    n: usize,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    Bootstrap { resamples, level }: Bootstrap,
    rng: &mut dyn Rng,
) -> Option<Interval> {
    if n == 0 || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let all: Vec<usize> = (0..n).collect();
    let estimate = statistic(&all)?;
    let mut draws = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
        draws.extend(statistic(&drawn).filter(|s| !s.is_nan()));
    }
    if draws.is_empty() || draws.len() < resamples.div_ceil(2) {
        return None;
    }
    draws.sort_unstable_by(|a, b| compare(*a, *b));
    let bias = bias(&draws, estimate);
    let acceleration = acceleration(&all, &mut statistic);
    let end = |p: f64| {
        let z = bias + normal::quantile(p);
        percentile(&draws, normal::cdf(bias + z / (1.0 - acceleration * z)))
    };
    Some(Interval { estimate, low: end(0.5 * (1.0 - level)), high: end(0.5 * (1.0 + level)) })
}

/// Settings of [`bootstrap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Confidence level of the interval, in `(0, 1)`.
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, level: 0.95 }
    }
}

/// `Φ⁻¹` of the share of draws below the estimate (ties count half), kept finite.
fn bias(draws: &[f64], estimate: f64) -> f64 {
    let below = draws.partition_point(|&d| d < estimate);
    let equal = draws.partition_point(|&d| d <= estimate) - below;
    let n = draws.len() as f64;
    normal::quantile(((below as f64 + 0.5 * equal as f64) / n).clamp(0.5 / n, 1.0 - 0.5 / n))
}

/// Skewness of the jackknife values over six; 0 where that is not defined.
fn acceleration(all: &[usize], statistic: &mut impl FnMut(&[usize]) -> Option<f64>) -> f64 {
    let mut values = Vec::with_capacity(all.len());
    for i in 0..all.len() {
        let rest: Vec<usize> = all.iter().copied().filter(|&j| j != i).collect();
        values.extend(if rest.is_empty() { None } else { statistic(&rest) });
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (square, cube) =
        values.iter().map(|v| mean - v).fold((0.0, 0.0), |(s, c), d| (s + d * d, c + d * d * d));
    let acceleration = cube / (6.0 * f64::powf(square, 1.5));
    if acceleration.is_finite() { acceleration } else { 0.0 }
}

/// Linear interpolation between order statistics.
fn percentile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

fn check(x: &[f64], y: &[f64]) -> Option<()> {
    let fine = x.len() == y.len() && x.len() >= 2 && !x.iter().chain(y).any(|v| v.is_nan());
    fine.then_some(())
}

fn check_scores(posteriors: &[Posterior], scores: &[f64]) -> Option<()> {
    let fine = posteriors.len() == scores.len() && !scores.is_empty() && !scores.iter().any(|v| v.is_nan());
    fine.then_some(())
}

/// Orders two numbers that are not NaN; the two zeros are equal.
fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

fn pairs_of(n: usize) -> u64 {
    let n = n as u64;
    n * n.saturating_sub(1) / 2
}

/// Number of pairs inside runs of equal neighbours.
fn tied_pairs<T>(sorted: &[T], equal: impl FnMut(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(equal).map(|run| pairs_of(run.len())).sum()
}

/// Merge sort; returns the number of pairs that stood in the wrong order.
fn sort_counting_swaps(values: &mut [f64], scratch: &mut [f64]) -> u64 {
    let n = values.len();
    if n < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(n / 2);
    let (scratch_left, scratch_right) = scratch.split_at_mut(n / 2);
    let mut swaps = sort_counting_swaps(left, scratch_left) + sort_counting_swaps(right, scratch_right);
    let (mut i, mut j) = (0, 0);
    for slot in scratch.iter_mut() {
        let take_right = i == left.len() || (j < right.len() && right[j] < left[i]);
        if take_right {
            swaps += (left.len() - i) as u64;
            *slot = right[j];
            j += 1;
        } else {
            *slot = left[i];
            i += 1;
        }
    }
    values.copy_from_slice(scratch);
    swaps
}

/// Ranks from 1; ties get their mean rank.
fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| compare(values[a], values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for run in order.chunk_by(|&a, &b| compare(values[a], values[b]).is_eq()) {
        let mean = start as f64 + 0.5 * (run.len() + 1) as f64;
        for &i in run {
            ranks[i] = mean;
        }
        start += run.len();
    }
    ranks
}

fn best_indices(values: &[f64], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| compare(values[b], values[a]));
    order.truncate(k);
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    fn naive_tau(x: &[f64], y: &[f64]) -> Option<f64> {
        let sign = |a: f64, b: f64| f64::from(i8::from(a > b) - i8::from(a < b));
        let (mut s, mut nx, mut ny) = (0.0, 0.0, 0.0);
        for i in 0..x.len() {
            for j in 0..i {
                let (a, b) = (sign(x[i], x[j]), sign(y[i], y[j]));
                s += a * b;
                nx += a * a;
                ny += b * b;
            }
        }
        (nx > 0.0 && ny > 0.0).then(|| s / f64::sqrt(nx) / f64::sqrt(ny))
    }

    proptest! {
        #[test]
        fn tau_is_the_naive_tau(pairs in prop::collection::vec((-4i32..4, -4i32..4), 2..60)) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            match (kendall_tau_b(&x, &y), naive_tau(&x, &y)) {
                (Some(got), Some(expected)) => prop_assert!((got - expected).abs() < 1e-12),
                (got, expected) => prop_assert_eq!(got, expected),
            }
        }
    }

    /// `SciPy` 1.17: `kendalltau` and `spearmanr` of the same lists.
    #[test]
    fn correlations_with_ties_are_scipys() {
        let (x, y) = ([12.0, 2.0, 1.0, 12.0, 2.0], [1.0, 4.0, 7.0, 1.0, 0.0]);
        assert!((kendall_tau_b(&x, &y).unwrap() + 0.471_404_520_791_031_7).abs() < 1e-15);
        assert!((spearman(&x, &y).unwrap() + 0.540_738_070_435_875_2).abs() < 1e-12);
    }

    #[test]
    fn undefined_correlations_are_none() {
        for (x, y) in [
            (vec![], vec![]),
            (vec![1.0], vec![1.0]),
            (vec![1.0, 2.0], vec![1.0]),
            (vec![1.0, f64::NAN], vec![1.0, 2.0]),
            (vec![1.0, 1.0], vec![1.0, 2.0]),
        ] {
            assert_eq!((kendall_tau_b(&x, &y), spearman(&x, &y)), (None, None));
        }
    }

    #[test]
    fn top_figures_by_hand() {
        let (predicted, truth) = ([0.9, 0.8, 0.7, 0.1], [3.0, 1.0, 4.0, 2.0]);
        assert_eq!(n_at_k(&predicted, &truth, 1), Some(2));
        assert_eq!(n_at_k(&predicted, &truth, 3), Some(1));
        assert_eq!(n_at_k(&predicted, &truth, 0), None);
        assert_eq!(precision_at_top(&predicted, &truth, 0.5), Some(0.5));
        assert_eq!(precision_at_top(&predicted, &truth, 0.01), Some(0.0));
        assert_eq!(precision_at_top(&predicted, &truth, 0.0), None);
        // Whichever of two that are equally good is predicted best.
        assert_eq!(precision_at_top(&[0.1, 0.9, 0.2], &[7.0, 7.0, 1.0], 0.3), Some(1.0));
    }

    #[test]
    fn calibration_by_hand() {
        let posteriors = vec![Posterior::gaussian(0.0, 1.0).unwrap(); 4];
        let scores = [0.0, 0.6, -0.7, 3.0]; // the 50 % interval is ±0.6745
        assert_eq!(coverage(&posteriors, &scores, 0.5), Some(0.5));
        let nll = negative_log_likelihood(&posteriors, &scores).unwrap();
        assert!((nll - (0.918_938_533_204_672_7 + 0.5 * (0.36 + 0.49 + 9.0) / 4.0)).abs() < 1e-12);
        assert_eq!(coverage(&posteriors, &[f64::NAN; 4], 0.5), None);
    }

    /// The interval of a mean is nearly mean ± 1.96 sd/√n, and holds as often as it says.
    #[test]
    fn bootstrap_interval_of_a_mean() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut held = 0;
        for _ in 0..200 {
            let data: Vec<f64> = (0..60).map(|_| StandardNormal.sample(&mut rng)).collect();
            let mean = |i: &[usize]| Some(i.iter().map(|&i| data[i]).sum::<f64>() / i.len() as f64);
            let settings = Bootstrap { resamples: 300, level: 0.9 };
            let interval = bootstrap(60, mean, settings, &mut rng).unwrap();
            assert!((interval.high - interval.low - 2.0 * 1.645 / 60f64.sqrt()).abs() < 0.2);
            held += usize::from(interval.low <= 0.0 && interval.high >= 0.0);
        }
        assert!((165..=195).contains(&held), "{held} of 200 intervals of 90 %");
        let constant = bootstrap(3, |_| Some(1.0), Bootstrap::default(), &mut rng).unwrap();
        assert_eq!((constant.low, constant.high), (1.0, 1.0));
        assert_eq!(bootstrap(3, |_| None, Bootstrap::default(), &mut rng), None);
    }
}
