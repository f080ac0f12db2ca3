//! Paired differences and intervals of means.

use bonas_study::rng::stream;
use bonas_study::statistics::{holm, wilcoxon};
use bonas_surrogate::metrics::{Bootstrap, bootstrap};
use serde::{Deserialize, Serialize};

use crate::config::ExperimentSettings;

/// Two strategies, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Label of the first.
    pub a: String,
    /// Label of the second.
    pub b: String,
    /// Mean of first less second, in the measure's unit.
    pub difference: f64,
    /// Lower end of its bootstrap interval over seeds; absent where there is none (a table, or one seed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Seeds at which the first is better.
    pub wins: usize,
    /// Seeds at which the second is.
    pub losses: usize,
    /// Seeds at which one of them has no value, which are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpaired: usize,
    /// Wilcoxon's signed-rank probability, two-sided. With n seeds it cannot be less than 2 / 2ⁿ.
    pub p: f64,
    /// The same with Holm's correction for all pairs.
    pub p_holm: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A mean difference with its interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Difference {
    pub(super) mean: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// Every two of some strategies, by their values at every seed at which both have one; two that never have, make no pair.
/// `sign` is 1 where higher is better, -1 where lower is.
pub(super) fn pairs(
    labels: &[&str],
    values: &[Vec<Option<f64>>],
    sign: f64,
    difference: impl Fn(&[f64], &[f64]) -> Difference,
) -> Vec<Pair> {
    let better = |x: &[f64], y: &[f64]| x.iter().zip(y).filter(|(x, y)| sign * *x > sign * *y).count();
    let two = (0..labels.len()).flat_map(|a| (a + 1..labels.len()).map(move |b| (a, b)));
    let pair = |(a, b): (usize, usize)| {
        let both = values[a].iter().zip(&values[b]).filter_map(|(x, y)| Some(((*x)?, (*y)?)));
        let (first, second): (Vec<f64>, Vec<f64>) = both.unzip();
        let Difference { mean, interval } = (!first.is_empty()).then(|| difference(&first, &second))?;
        let p = wilcoxon(&first, &second).map_or(1.0, |test| test.p);
        Some(Pair {
            a: labels[a].to_owned(),
            b: labels[b].to_owned(),
            difference: mean,
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            wins: better(&first, &second),
            losses: better(&second, &first),
            unpaired: values[a].len() - first.len(),
            p,
            p_holm: p,
        })
    };
    let mut pairs: Vec<Pair> = two.filter_map(pair).collect();
    let corrected = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
    pairs.iter_mut().zip(corrected).for_each(|(pair, p)| pair.p_holm = p);
    pairs
}

/// Bias-corrected bootstrap interval of a mean over seeds, of probability `1 - alpha`; the draws come from the stream
/// `purpose` of the first seed.
pub(super) fn interval(values: &[f64], settings: &ExperimentSettings, purpose: &[u64]) -> Option<(f64, f64)> {
    let of = |drawn: &[usize]| Some(drawn.iter().map(|&i| values[i]).sum::<f64>() / drawn.len() as f64);
    let shape = Bootstrap { resamples: settings.resamples, level: 1.0 - settings.alpha };
    let found = bootstrap(values.len(), of, shape, &mut stream(settings.first_seed, purpose))?;
    Some((found.low, found.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(a: &[f64], b: &[f64]) -> Difference {
        let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / a.len() as f64;
        Difference { mean, interval: None }
    }

    #[test]
    fn pairs_are_by_seed() {
        let values = [[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.9, 0.7, 0.8]].map(|one| one.map(Some).to_vec());
        let found = pairs(&["a", "b", "c"], &values, 1.0, plain);
        assert_eq!(found.len(), 3);
        // The same at every seed: the least p that three seeds can give.
        let first = &found[0];
        assert!((first.difference - 0.1).abs() < 1e-12);
        assert_eq!((first.wins, first.losses), (3, 0));
        assert!((first.p - 0.25).abs() < 1e-12 && (first.p_holm - 0.75).abs() < 1e-12);
        assert_eq!((found[1].wins, found[1].losses), (1, 1));
        let lower = pairs(&["a", "b", "c"], &values, -1.0, plain);
        assert_eq!((lower[0].wins, lower[0].losses), (0, 3));
    }

    /// The second has no value at the first seed, the third none at all.
    #[test]
    fn seeds_without_a_value_are_left_out() {
        let values = [vec![Some(9.0), Some(5.0), Some(2.0)], vec![None, Some(3.0), Some(4.0)], vec![None; 3]];
        let found = pairs(&["a", "b", "c"], &values, 1.0, plain);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].a, &*found[0].b, found[0].difference), ("a", "b", 0.0));
        assert_eq!((found[0].wins, found[0].losses, found[0].unpaired), (1, 1, 1));
    }

    #[test]
    fn intervals_hold_the_mean_and_have_the_level_asked_for() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * 7919 % 41)).collect();
        let of = |alpha: f64| {
            interval(&values, &ExperimentSettings { alpha, ..ExperimentSettings::default() }, &[1]).unwrap()
        };
        let (wide, narrow) = (of(0.01), of(0.5));
        assert!(wide.0 < narrow.0 && narrow.0 < 20.0 && 20.0 < narrow.1 && narrow.1 < wide.1);
        assert!(interval(&[], &ExperimentSettings::default(), &[1]).is_none());
    }
}
