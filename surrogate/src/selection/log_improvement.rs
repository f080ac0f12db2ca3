//! Batches by the smooth logarithm of their expected improvement.

use ndarray::{Array2, Axis};
use rand::Rng;

use super::joint::{DRAWS, Drawn, SHORTLIST};
use super::{Batches, Candidates, Selection, SelectionEntry, SelectionSettings};
use crate::SurrogateError;
use crate::acquisition::{Smoothing, ln_batch_improvement};
use crate::entry::PartEntry;

/// Smooth logarithm of the expected improvement of a batch, by draws ([`ln_batch_improvement`]).
///
/// Chosen like [`QExpectedImprovement`](super::QExpectedImprovement): the first candidate has the highest utility, each
/// further one makes the value of the batch highest. It still tells candidates apart where no draw improves on the
/// incumbent. A draw that breaks a limit counts as far below the incumbent as the lowest of all. Without an incumbent an
/// improvement is on the lowest draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QLogExpectedImprovement {
    /// Number of candidates that are considered; at least as many as are chosen.
    pub shortlist: usize,
    /// Number of joint draws, at least 1.
    pub draws: usize,
    /// How the maxima are smoothed.
    pub smoothing: Smoothing,
    /// Whether the improvement is that of the true scores instead of measured ones.
    pub noise_free: bool,
}

impl Default for QLogExpectedImprovement {
    fn default() -> Self {
        Self { shortlist: SHORTLIST, draws: DRAWS, smoothing: Smoothing::default(), noise_free: false }
    }
}

impl QLogExpectedImprovement {
    /// "q-log-ei" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "q-log-ei",
        "Logarithm of the expected improvement of the batch, smoothed, by joint draws",
        |settings: &SelectionSettings| {
            Ok(Box::new(Self { noise_free: settings.noise_free, ..Self::default() }))
        },
    );

    /// Up to `count` columns of `draws [draws, m]`: the first, then always the one that makes the value highest.
    fn choose(&self, draws: &Array2<f64>, best: f64, count: usize) -> Vec<usize> {
        let mut chosen = vec![0];
        while chosen.len() < count.min(draws.ncols()) {
            let value = |i: usize| {
                let batch = draws.select(Axis(1), &[&chosen[..], &[i]].concat());
                (i, ln_batch_improvement(batch.view(), best, &self.smoothing))
            };
            let left = (0..draws.ncols()).filter(|i| !chosen.contains(i)).map(value);
            let next = left.reduce(|best, next| if next.1 > best.1 { next } else { best });
            chosen.extend(next.map(|(i, _)| i));
        }
        chosen
    }
}

impl Selection for QLogExpectedImprovement {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        let Some(drawn) = Drawn::of(candidates, batches, self.shortlist, self.draws, rng)? else {
            return Ok(Vec::new());
        };
        let mut drawn = if self.noise_free { drawn } else { drawn.measured(candidates, rng) };
        let lowest = drawn.latent.iter().copied().fold(f64::INFINITY, f64::min);
        let best = drawn.incumbent.unwrap_or(lowest);
        let feasible = &drawn.feasible;
        drawn.latent.zip_mut_with(feasible, |score, &kept| {
            if !kept {
                *score = lowest.min(best);
            }
        });
        Ok(drawn.batches(&self.choose(&drawn.latent, best, batches.total()), batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }

    fn reads_joint(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::posterior::Joint;

    fn choose(incumbent: f64, feasibility: Option<&[f64]>) -> Vec<usize> {
        let mean = array![0.30, 0.29, 0.0, -0.2];
        let covariance =
            array![[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
        let joint = |indices: &[usize]| {
            let mean: Array1<f64> = mean.select(Axis(0), indices);
            Joint::gaussian(mean, covariance.select(Axis(0), indices).select(Axis(1), indices)).map(Some)
        };
        let candidates = Candidates {
            joint: Some(&joint),
            incumbent: Some(incumbent),
            feasibility,
            ..Candidates::of(&[0.56, 0.55, 0.40, 0.3])
        };
        let batches = Batches { count: 1, size: 3 };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        QLogExpectedImprovement::default().select(&candidates, batches, &mut rng).unwrap().concat()
    }

    /// The second best by itself is a copy of the best. Against an incumbent that no draw comes near, the better of the
    /// independent ones still goes first.
    #[test]
    fn a_copy_adds_nothing_and_far_below_the_incumbent_order_remains() {
        assert_eq!(choose(0.0, None), [0, 2, 3]);
        assert_eq!(choose(40.0, None)[..2], [0, 2]);
        assert_eq!(choose(0.0, Some(&[1.0, 1.0, 0.0, 1.0]))[..2], [0, 3]);
    }
}
