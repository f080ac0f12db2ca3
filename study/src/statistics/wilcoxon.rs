//! The Wilcoxon signed-rank test for pairs, and Holm's correction for many of them.

use statrs::distribution::{ContinuousCDF, Normal};

/// From more differences than this the normal approximation is taken; there its error is far below
/// any level in use.
const EXACT_UP_TO: usize = 300;

/// What the test says of paired values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wilcoxon {
    /// Pairs that differ; the others are left out.
    pub pairs: usize,
    /// Sum of the ranks of the positive differences.
    pub w_plus: f64,
    /// Two-sided probability of differences at least as one-sided, if there were none in truth.
    pub p: f64,
}

/// Wilcoxon's signed-rank test of `a[i] - b[i]` (Biometrics Bulletin 1, 1945), two-sided.
///
/// Pairs without a difference are left out, as Wilcoxon does; tied differences share their ranks.
/// The probability is exact under the permutation of signs, ties included, for up to 300
/// differences, else by the normal law with the correction for ties and continuity. Without any
/// difference it is 1. `None` for lists of unequal length or a NaN.
///
/// ```
/// let test = bonas_study::statistics::wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0.9, 1.8, 2.7, 3.6, 4.5]);
/// assert!((test.unwrap().p - 2.0 / 32.0).abs() < 1e-15); // all five of one sign
/// ```
pub fn wilcoxon(a: &[f64], b: &[f64]) -> Option<Wilcoxon> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    if a.len() != b.len() || differences.iter().any(|d| d.is_nan()) {
        return None;
    }
    let differences: Vec<f64> = differences.into_iter().filter(|&d| d != 0.0).collect();
    let doubled = doubled_ranks(&differences);
    let plus: usize = differences.iter().zip(&doubled).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
    let p = match differences.len() {
        0 => 1.0,
        n if n <= EXACT_UP_TO => exact(&doubled, plus),
        _ => normal(&doubled, plus),
    };
    Some(Wilcoxon { pairs: differences.len(), w_plus: 0.5 * plus as f64, p })
}

/// Twice the ranks of the absolute values from 1, so that shared ranks are whole numbers.
fn doubled_ranks(differences: &[f64]) -> Vec<usize> {
    let negative: Vec<f64> = differences.iter().map(|d| -d.abs()).collect();
    super::ranks_descending(&negative).into_iter().map(|rank| (2.0 * rank).round() as usize).collect()
}

/// `min(1, 2 min(P(W ≤ w), P(W ≥ w)))` over all `2ⁿ` signs, by counting subsets of ranks by sum.
fn exact(doubled: &[usize], plus: usize) -> f64 {
    let all: usize = doubled.iter().sum();
    // probability[s]: that the positive ranks sum to s.
    let mut probability = vec![0.0; all + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for &rank in doubled {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    let below: f64 = probability[..=plus].iter().sum();
    let above: f64 = probability[plus..].iter().sum();
    (2.0 * below.min(above)).min(1.0)
}

/// The same by the normal law of the sum: mean `Σr/2`, variance `Σr²/4`, which holds ties.
fn normal(doubled: &[usize], plus: usize) -> f64 {
    let ranks = doubled.iter().map(|&rank| 0.5 * rank as f64);
    let mean = 0.5 * ranks.clone().sum::<f64>();
    let sd = (0.25 * ranks.map(|rank| rank * rank).sum::<f64>()).sqrt();
    let z = ((0.5 * plus as f64 - mean).abs() - 0.5).max(0.0) / sd;
    2.0 * Normal::standard().sf(z)
}

/// Holm's step-down correction of several probabilities (Scandinavian J. of Statistics 6, 1979), in
/// their order: what each must stay below a level for it to hold for all of them together.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (place, &i) in order.iter().enumerate() {
        largest = largest.max((p.len() - place) as f64 * p[i]).min(1.0);
        corrected[i] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(differences: &[f64]) -> Wilcoxon {
        wilcoxon(differences, &vec![0.0; differences.len()]).unwrap()
    }

    /// 25 of the 1,024 subsets of the ranks 1 to 10 sum to 8 or less, the critical value of the
    /// published tables for ten pairs at 5 %.
    #[test]
    fn exact_probabilities_of_published_tables() {
        let test = of(&[-1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0, 8.0, 9.0, 10.0]);
        assert!((test.w_plus - 47.0).abs() < 1e-12 && test.pairs == 10);
        assert!((test.p - 50.0 / 1024.0).abs() < 1e-15, "{}", test.p);
        // Six pairs, all of one sign: the least probability there is.
        assert!((of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p - 2.0 / 64.0).abs() < 1e-15);
    }

    /// Ranks 1.5, 1.5, 3, 4 with 1.5 negative: sums of 1.5 or less come from the empty set and from
    /// either of the two smallest ranks, so 3 of 16 subsets.
    #[test]
    fn ties_share_ranks_and_zeros_are_left_out() {
        let test = of(&[1.0, -1.0, 2.0, 3.0, 0.0]);
        assert_eq!(test.pairs, 4);
        assert!((test.w_plus - 8.5).abs() < 1e-12);
        assert!((test.p - 6.0 / 16.0).abs() < 1e-15, "{}", test.p);
        assert!((of(&[0.0, 0.0]).p - 1.0).abs() < 1e-15);
        assert!((of(&[1.0, -1.0]).p - 1.0).abs() < 1e-15);
        assert_eq!((wilcoxon(&[1.0], &[]), wilcoxon(&[f64::NAN], &[0.0])), (None, None));
    }

    #[test]
    fn the_normal_law_meets_the_exact_one() {
        let differences: Vec<f64> =
            (1..=200).map(|i| if i % 5 < 2 { -f64::from(i) } else { f64::from(i / 3) + 0.5 }).collect();
        let ranks = doubled_ranks(&differences);
        for plus in [15_000, 18_000, 20_000] {
            let (exact, normal) = (exact(&ranks, plus), normal(&ranks, plus));
            assert!((exact - normal).abs() < 0.002, "{exact} {normal}");
        }
    }

    /// Holm's own rule by hand: 3 · 0.01, then max(0.03, 2 · 0.02), then max(0.04, 1 · 0.03).
    #[test]
    fn holm_by_hand() {
        let corrected = holm(&[0.03, 0.01, 0.02]);
        for (got, expected) in corrected.iter().zip([0.04, 0.03, 0.04]) {
            assert!((got - expected).abs() < 1e-15, "{corrected:?}");
        }
        assert!((holm(&[0.7, 0.9])[1] - 1.0).abs() < 1e-15);
        assert!(holm(&[]).is_empty());
    }
}
