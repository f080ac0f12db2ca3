//! Rank correlation inside batches, and intervals over repeats.

use bonas::study::rng::{StudyRng, stream};
use bonas::surrogate::metrics::{Bootstrap, bootstrap};
use serde::Serialize;

/// Stream of the bootstrap's draws.
const BOOTSTRAP: u64 = 104;

/// A figure with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Interval {
    /// The figure.
    pub(crate) estimate: f64,
    /// Lower end.
    pub(crate) low: f64,
    /// Upper end.
    pub(crate) high: f64,
}

/// Interval of a statistic of repeats, which are drawn with repeats themselves.
pub(crate) fn interval(
    repeats: usize,
    seed: u64,
    statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let mut rng: StudyRng = stream(seed, &[BOOTSTRAP]);
    let settings = Bootstrap { resamples: 10_000, level: 0.95 };
    let found = bootstrap(repeats, statistic, settings, &mut rng)?;
    Some(Interval { estimate: found.estimate, low: found.low, high: found.high })
}

/// Mean of those drawn that are defined.
pub(crate) fn mean_of(values: &[Option<f64>], drawn: &[usize]) -> Option<f64> {
    mean(&drawn.iter().filter_map(|&i| values[i]).collect::<Vec<_>>())
}

/// Mean; none of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample standard deviation; none of fewer than two.
pub(crate) fn sd(values: &[f64]) -> Option<f64> {
    let centre = mean(values).filter(|_| values.len() > 1)?;
    let square: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    Some((square / (values.len() - 1) as f64).sqrt())
}

/// Pairs of a batch: concordant less discordant, those not tied in `x`, those not tied in `y`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pairs {
    difference: f64,
    untied_x: f64,
    untied_y: f64,
}

impl Pairs {
    /// The pairs of lists of the same length.
    pub(crate) fn of(x: &[f64], y: &[f64]) -> Self {
        let mut pairs = Self::default();
        for i in 0..x.len() {
            for j in 0..i {
                let (a, b) = (sign(x[i] - x[j]), sign(y[i] - y[j]));
                pairs = pairs.and(Self { difference: a * b, untied_x: a * a, untied_y: b * b });
            }
        }
        pairs
    }

    /// These and the pairs of another batch; cells of different batches are never compared.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            difference: self.difference + other.difference,
            untied_x: self.untied_x + other.untied_x,
            untied_y: self.untied_y + other.untied_y,
        }
    }

    /// Kendall's tau-b over all these pairs.
    pub(crate) fn tau(self) -> Option<f64> {
        let norm = (self.untied_x * self.untied_y).sqrt();
        (norm > 0.0).then(|| self.difference / norm)
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
