//! Statistical tests for comparing strategies over many seeds, and figures of a classifier.
//!
//! Use the tests to decide whether one strategy is better than another, and [`Classification`] to measure a trained network
//! on labelled examples. All tests are paired over seeds, and none assumes a normal
//! distribution. After J. Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006: the
//! Friedman test for all strategies at once, the Nemenyi critical difference between mean ranks, and the Wilcoxon
//! signed-rank test for pairs, with Holm's correction.

mod classification;
mod friedman;
mod wilcoxon;

pub use classification::Classification;
pub use friedman::{Friedman, friedman, nemenyi_quantile};
pub use wilcoxon::{Wilcoxon, holm, wilcoxon};

/// Ranks of some values from 1, the largest first; ties get the mean of theirs.
pub(crate) fn ranks_descending(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    // Adding zero makes the two zeros one.
    for run in order.chunk_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)).is_eq()) {
        let mean = start as f64 + 0.5 * (run.len() + 1) as f64;
        for &i in run {
            ranks[i] = mean;
        }
        start += run.len();
    }
    ranks
}

/// Mean; NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation with divisor n - 1; 0 of fewer than two.
pub fn sd(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let centre = mean(values);
    let square: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (square / (values.len() - 1) as f64).sqrt()
}

/// The value that a share `p` in `[0, 1]` of the values does not exceed: linear interpolation
/// between order statistics, as `NumPy` does it. NaN of nothing.
pub fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = p.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    #[test]
    fn ranks_by_hand() {
        assert_eq!(ranks_descending(&[0.9, 0.7, 0.9, 1.0]), [2.5, 4.0, 2.5, 1.0]);
        assert_eq!(ranks_descending(&[0.0, -0.0]), [1.5, 1.5]);
        assert!(ranks_descending(&[]).is_empty());
    }

    #[test]
    fn moments_and_quantiles_by_hand() {
        assert_eq!((mean(&[1.0, 2.0, 6.0]), sd(&[1.0, 3.0]), sd(&[1.0])), (3.0, 2f64.sqrt(), 0.0));
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.25), 1.75);
        assert_eq!((quantile(&[5.0], 0.9), quantile(&[1.0, 2.0], 1.0)), (5.0, 2.0));
        assert!(quantile(&[], 0.5).is_nan());
    }
}
