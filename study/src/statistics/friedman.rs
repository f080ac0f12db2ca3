//! The Friedman test for several strategies at once, and the Nemenyi critical difference.

use bonas_surrogate::posterior::quadrature::gauss_legendre;
use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal};

use super::ranks_descending;

/// What the test says of `n` seeds times `k` strategies.
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// Mean rank of each strategy over seeds; 1 is the best, ties share.
    pub mean_ranks: Vec<f64>,
    /// Chi-square, corrected for ties.
    pub statistic: f64,
    /// Probability of a χ² at least as large if all strategies were equal.
    pub p: f64,
    /// Mean ranks further apart than this differ at the level asked for (Nemenyi).
    pub critical_difference: f64,
}

/// Friedman's test (J. Am. Stat. Assoc. 32, 1937) of values, higher is better: one list a strategy
/// over the same seeds.
///
/// `χ²_F = 12 n/(k(k+1)) (Σ R_j² - k(k+1)²/4) / C`, `C = 1 - Σ(t³-t)/(n k (k²-1))` over groups of `t`
/// ties in a seed, against χ² with `k - 1` degrees; the critical difference is
/// `q_α √(k(k+1)/(6n))`. `None` for fewer than two strategies or seeds, lists of unequal length, or
/// a NaN. Where every seed ties all strategies the probability is 1.
pub fn friedman(strategies: &[Vec<f64>], alpha: f64) -> Option<Friedman> {
    let (k, n) = (strategies.len(), strategies.first()?.len());
    let sound = strategies.iter().all(|s| s.len() == n && !s.iter().any(|v| v.is_nan()));
    if k < 2 || n < 2 || !sound {
        return None;
    }
    let (mut sums, mut tied) = (vec![0.0; k], 0.0);
    for seed in 0..n {
        let values: Vec<f64> = strategies.iter().map(|strategy| strategy[seed]).collect();
        let ranks = ranks_descending(&values);
        sums.iter_mut().zip(&ranks).for_each(|(sum, rank)| *sum += rank);
        tied += ties(&ranks);
    }
    let (k, n) = (k as f64, n as f64);
    let mean_ranks: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
    let square: f64 = mean_ranks.iter().map(|rank| rank * rank).sum();
    let spread = 12.0 * n / (k * (k + 1.0)) * (square - 0.25 * k * (k + 1.0).powi(2));
    let correction = 1.0 - tied / (n * k * (k * k - 1.0));
    let statistic = if correction > 1e-12 { (spread / correction).max(0.0) } else { 0.0 };
    let p = ChiSquared::new(k - 1.0).ok()?.sf(statistic);
    let critical_difference = nemenyi_quantile(mean_ranks.len(), alpha) * (k * (k + 1.0) / (6.0 * n)).sqrt();
    Some(Friedman { mean_ranks, statistic, p, critical_difference })
}

/// `Σ (t³ - t)` over groups of `t` equal ranks.
fn ties(ranks: &[f64]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let groups = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq());
    groups.map(|group| (group.len() as f64).powi(3) - group.len() as f64).sum()
}

/// Nemenyi's `q_α` for `k` strategies (at least 2): the quantile of the studentised range of `k`
/// normals, infinite degrees of freedom, over `√2`.
///
/// Found by bisection to 1e-10 on `P(range ≤ q) = k ∫ φ(z) (Φ(z) - Φ(z - q))^(k-1) dz`. It agrees
/// with Demšar's table (2006, table 5a) in all three of its decimals.
pub fn nemenyi_quantile(k: usize, alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    while high - low > 1e-10 {
        let middle = 0.5 * (low + high);
        if range_probability(middle, k) < 1.0 - alpha { low = middle } else { high = middle }
    }
    0.5 * (low + high) / std::f64::consts::SQRT_2
}

fn range_probability(q: f64, k: usize) -> f64 {
    let normal = Normal::standard();
    let power = k as i32 - 1;
    let density = |z: f64| normal.pdf(z) * (normal.cdf(z) - normal.cdf(z - q)).powi(power);
    k as f64 * gauss_legendre().integrate(-9.0, 9.0, 36, density)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks of four classifiers on fourteen data sets: Demšar 2006, table 6.
    const TABLE: [[f64; 4]; 14] = [
        [4.0, 3.0, 2.0, 1.0],
        [1.0, 2.0, 3.0, 4.0],
        [4.0, 1.0, 2.0, 3.0],
        [4.0, 1.0, 3.0, 2.0],
        [4.0, 2.0, 3.0, 1.0],
        [1.0, 2.5, 4.0, 2.5],
        [3.0, 2.0, 4.0, 1.0],
        [2.5, 2.5, 4.0, 1.0],
        [4.0, 3.0, 2.0, 1.0],
        [2.5, 2.5, 2.5, 2.5],
        [4.0, 2.5, 1.0, 2.5],
        [3.0, 2.0, 4.0, 1.0],
        [4.0, 1.0, 2.0, 3.0],
        [3.0, 1.0, 4.0, 2.0],
    ];

    #[test]
    fn the_published_example() {
        let strategies: Vec<Vec<f64>> = (0..4).map(|j| TABLE.iter().map(|row| -row[j]).collect()).collect();
        let test = friedman(&strategies, 0.05).unwrap();
        for (rank, expected) in test.mean_ranks.iter().zip([3.143, 2.000, 2.893, 1.964]) {
            assert!((rank - expected).abs() < 5e-4, "{:?}", test.mean_ranks);
        }
        // The paper's 9.28 is without the correction for its ties (three pairs and one four): 1 - 78/840.
        assert!((test.statistic * (1.0 - 78.0 / 840.0) - 9.28).abs() < 6e-3, "{}", test.statistic);
        assert!((test.critical_difference - 1.25).abs() < 5e-3, "{}", test.critical_difference);
        assert!(test.p < 0.05 && test.p > 0.01, "{}", test.p);
    }

    /// Demšar 2006, table 5a.
    #[test]
    fn published_critical_values() {
        let table = [
            (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
            (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
        ];
        for (alpha, row) in table {
            for (k, expected) in (2..).zip(row) {
                let q = nemenyi_quantile(k, alpha);
                assert!((q - expected).abs() < 1.1e-3, "k {k}, alpha {alpha}: {q}");
            }
        }
    }

    #[test]
    fn equal_strategies_and_lists_that_do_not_fit() {
        let equal = friedman(&[vec![1.0, 2.0], vec![1.0, 2.0], vec![1.0, 2.0]], 0.05).unwrap();
        assert!((equal.p - 1.0).abs() < 1e-12 && equal.mean_ranks == vec![2.0; 3]);
        for bad in
            [vec![], vec![vec![1.0, 2.0]], vec![vec![1.0, 2.0], vec![1.0]], vec![vec![f64::NAN, 1.0]; 2]]
        {
            assert_eq!(friedman(&bad, 0.05), None);
        }
    }
}
