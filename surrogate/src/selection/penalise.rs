//! Local penalisation.

use ndarray::{Array2, Axis};
use rand::Rng;

use super::pick::{NAME, best_first, check, cut, squared_distance, standardised};
use super::{Batches, Candidates, Selection, SelectionEntry};
use crate::SurrogateError;
use crate::acquisition::Scale;
use crate::entry::PartEntry;
use crate::posterior::normal;

/// Local penalisation: González, Dai, Hennig and Lawrence, "Batch Bayesian optimization via local
/// penalization", AISTATS 2016.
///
/// The gain of a candidate at distance `d` from a chosen one is multiplied by `Φ((L d + μ - M)/σ)`, and its logarithm
/// rises by the logarithm of that. `μ` and `σ` are mean and standard deviation of the Gaussian underneath the chosen
/// one's score. The factor is the probability that the chosen one does not exclude the candidate
/// from being the maximum `M` (the incumbent), if that Gaussian changes by at most `L` per unit of distance.
/// Distances are those of the embedding, with columns scaled to unit variance over the
/// [`shortlist`](Self::shortlist). `L` is the steepest slope of the posterior mean between two candidates of the
/// shortlist, since there is no gradient. Utilities in the unit of the score, of any sign, count from the lowest finite
/// one of the shortlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPenalisation {
    /// Number of candidates with the highest utility that are considered; at least as many as are chosen.
    pub shortlist: usize,
}

impl Default for LocalPenalisation {
    fn default() -> Self {
        Self { shortlist: 500 }
    }
}

impl LocalPenalisation {
    /// "local-penalisation" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "local-penalisation",
        "The best in order, each lowering the utility of candidates near it",
        |_| Ok(Box::<Self>::default()),
    );
}

impl Selection for LocalPenalisation {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        _: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        check(candidates, batches)?;
        if candidates.utilities.is_empty() {
            return Ok(Vec::new());
        }
        let missing = |what: &str| {
            SurrogateError::data(
                NAME,
                format!("local-penalisation needs {what}, and the candidates have none"),
            )
        };
        let embeddings = candidates.embeddings.ok_or_else(|| missing("an embedding"))?;
        let posteriors = candidates.posteriors.ok_or_else(|| missing("posteriors"))?;
        let shortlist = best_first(candidates.utilities, self.shortlist.max(batches.total()));
        let field = Field {
            points: standardised(&embeddings.select(Axis(0), &shortlist)),
            moments: shortlist.iter().map(|&i| posteriors[i].latent()).collect(),
        };
        let latent = |score| posteriors[shortlist[0]].latent_of(score);
        let best = candidates.incumbent.map_or_else(|| field.highest(), latent);
        let utilities = shortlist.iter().map(|&i| candidates.utilities[i]).collect();
        let chosen = field.choose(ln_gains(candidates.scale, utilities), best, batches.total());
        Ok(cut(&chosen.into_iter().map(|i| shortlist[i]).collect::<Vec<_>>(), batches))
    }
}

/// Logarithms of gains.
fn ln_gains(scale: Scale, utilities: Vec<f64>) -> Vec<f64> {
    match scale {
        Scale::LogGain => utilities,
        // Without an incumbent what acquisitions give is no gain.
        Scale::Gain if utilities.iter().all(|&u| u >= 0.0) => utilities.into_iter().map(f64::ln).collect(),
        Scale::Gain | Scale::Score => {
            // Candidates that probably break a limit come after all others (`constrained`), far below them.
            let counts = |u: &f64| u.is_finite() && *u > f64::MIN / 4.0;
            let lowest = utilities.iter().copied().filter(counts).fold(f64::INFINITY, f64::min);
            utilities
                .into_iter()
                .map(|u| if counts(&u) { (u - lowest).ln() } else { f64::NEG_INFINITY })
                .collect()
        }
    }
}

/// A shortlist in its embedding.
struct Field {
    /// `[m, d]`
    points: Array2<f64>,
    /// Mean and standard deviation of the Gaussian underneath each score, `[m]`.
    moments: Vec<(f64, f64)>,
}

impl Field {
    fn highest(&self) -> f64 {
        self.moments.iter().map(|m| m.0).fold(f64::NEG_INFINITY, f64::max)
    }

    fn distance(&self, i: usize, j: usize) -> f64 {
        squared_distance(self.points.row(i), self.points.row(j)).sqrt()
    }

    /// Steepest slope of the mean between two candidates at a distance; 0 if all coincide.
    fn slope(&self) -> f64 {
        let mut slope: f64 = 0.0;
        for i in 0..self.moments.len() {
            for j in 0..i {
                let distance = self.distance(i, j);
                if distance > 0.0 {
                    slope = slope.max((self.moments[i].0 - self.moments[j].0).abs() / distance);
                }
            }
        }
        slope
    }

    /// Logarithm of the probability that `chosen` does not exclude a candidate at this distance.
    fn penalty(&self, chosen: usize, reach: f64, best: f64) -> f64 {
        let (mean, sd) = self.moments[chosen];
        match (reach + mean - best) / sd {
            z if z.is_nan() => 0.0,
            z => normal::ln_cdf(z),
        }
    }

    fn choose(&self, mut penalised: Vec<f64>, best: f64, count: usize) -> Vec<usize> {
        let slope = self.slope();
        let mut left: Vec<usize> = (0..penalised.len()).collect();
        let mut chosen = Vec::new();
        while chosen.len() < count && !left.is_empty() {
            let first = |best: usize, next: usize| {
                if penalised[left[next]] > penalised[left[best]] { next } else { best }
            };
            let next = left.remove((0..left.len()).reduce(first).unwrap_or(0));
            for &i in &left {
                penalised[i] += self.penalty(next, slope * self.distance(i, next), best);
            }
            chosen.push(next);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// Two candidates at 0, one at distance 1 (before scaling), means 0, 0 and 0.5.
    fn field() -> Field {
        Field { points: array![[0.0], [0.0], [2.0]], moments: vec![(0.0, 1.0), (0.0, 1.0), (0.5, 1.0)] }
    }

    /// The slope is 0.5 / 2; against M = 1 the copy is worth Φ(-1), the other one Φ(0.25·2 - 1).
    #[test]
    fn penalties_by_hand() {
        let field = field();
        assert!((field.slope() - 0.25).abs() < 1e-15);
        assert!((field.penalty(0, 0.0, 1.0).exp() - 0.158_655_253_931_457_05).abs() < 1e-9);
        assert!((field.penalty(0, 0.5, 1.0).exp() - 0.308_537_538_725_986_9).abs() < 1e-9);
        // Sure to be below the maximum: a step at reach = M - μ.
        let sure = Field { moments: vec![(0.5, 0.0)], points: array![[0.0]] };
        assert_eq!([0.4, 0.6].map(|reach| sure.penalty(0, reach, 1.0)), [f64::NEG_INFINITY, 0.0]);
    }

    /// Utilities 1, 0.9 and 0.5: after the first the copy is worth 0.143, the other 0.154.
    #[test]
    fn a_copy_waits_for_what_is_apart() {
        assert_eq!(field().choose([1.0, 0.9, 0.5].map(f64::ln).to_vec(), 1.0, 3), [0, 2, 1]);
        assert_eq!(field().choose([1.0, 0.99, 0.5].map(f64::ln).to_vec(), 1.0, 2), [0, 1]);
    }

    #[test]
    fn utilities_are_gains() {
        let ln = f64::ln;
        assert_eq!(ln_gains(Scale::Score, vec![-1.0, f64::NEG_INFINITY, 2.0]), [ln(0.0), ln(0.0), ln(3.0)]);
        assert_eq!(ln_gains(Scale::Gain, vec![1.0, 0.5]), [0.0, ln(0.5)]);
        assert_eq!(ln_gains(Scale::LogGain, vec![-7.0, 0.5]), [-7.0, 0.5]);
        assert_eq!(ln_gains(Scale::Gain, vec![-1.0, 1.0]), [ln(0.0), ln(2.0)]);
        let limited = crate::acquisition::constrained(Scale::Score, vec![3.0, 1.0, 9.0], &[0.9, 0.6, 0.2]);
        assert_eq!(ln_gains(Scale::Score, limited), [ln(2.0), ln(0.0), ln(0.0)]);
    }
}
