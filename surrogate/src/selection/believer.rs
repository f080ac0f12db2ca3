//! The kriging believer.

use rand::Rng;

use super::belief::Belief;
use super::joint::joint;
use super::pick::{NAME, best_first, check, cut};
use super::{Batches, Candidates, Selection, SelectionEntry, SelectionSettings};
use crate::SurrogateError;
use crate::acquisition::ln_improvements;
use crate::entry::PartEntry;

/// Kriging believer: Ginsbourger, Le Riche and Carraro, "Kriging is well-suited to parallelize
/// optimization", 2010. The incumbent does not change, as in the hallucinated updates of Desautels,
/// Krause and Burdick, "Parallelizing exploration-exploitation tradeoffs in Gaussian process bandit
/// optimization", JMLR 2014.
///
/// The first candidate has the highest utility. It then counts as measured, with its predicted mean as the
/// result: means stay, and the variance of candidate `i` falls by `cᵢⱼ² / vⱼ`, where `c` is the covariance
/// without noise and `vⱼ` the variance of the measurement. The next candidate has the highest expected improvement
/// on the incumbent (times the probability that it keeps all limits), and so on. Without an incumbent the best by
/// utility are chosen in order. Deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KrigingBeliever {
    /// Number of candidates with the highest utility that are considered; at least as many as are chosen.
    pub shortlist: usize,
    /// Whether the improvement is that of the true score instead of a measured one ([`Posterior::without_noise`]).
    ///
    /// [`Posterior::without_noise`]: crate::Posterior::without_noise
    pub noise_free: bool,
}

impl Default for KrigingBeliever {
    fn default() -> Self {
        Self { shortlist: 100, noise_free: false }
    }
}

impl KrigingBeliever {
    /// "kriging-believer" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "kriging-believer",
        "Expected improvement once earlier choices are taken as measured at their means",
        |settings: &SelectionSettings| {
            Ok(Box::new(Self { noise_free: settings.noise_free, ..Self::default() }))
        },
    );
}

impl Selection for KrigingBeliever {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        _: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        check(candidates, batches)?;
        let shortlist = best_first(candidates.utilities, self.shortlist.max(batches.total()));
        if shortlist.is_empty() {
            return Ok(Vec::new());
        }
        let covariance = joint(candidates, &shortlist)?.covariance().clone();
        let Some(incumbent) = candidates.incumbent else {
            return Ok(cut(&shortlist[..shortlist.len().min(batches.total())], batches));
        };
        let missing = || {
            SurrogateError::data(
                NAME,
                "kriging-believer needs posteriors of the candidates, and there are none",
            )
        };
        let posteriors = candidates.posteriors.ok_or_else(missing)?;
        let of = |&i: &usize| posteriors[i].clone();
        let mut belief = Belief::new(shortlist.iter().map(of).collect(), Some(covariance));
        let mut chosen = vec![0];
        while chosen.len() < batches.total().min(shortlist.len()) {
            belief.learn(chosen[chosen.len() - 1])?;
            let gains = ln_improvements(belief.posteriors(), incumbent, self.noise_free);
            let utility = |i: usize| gains[i] + candidates.feasibility.map_or(0.0, |p| p[shortlist[i]].ln());
            let left = (0..shortlist.len()).filter(|i| !chosen.contains(i)).map(|i| (i, utility(i)));
            let best = left.reduce(|best, next| if next.1 > best.1 { next } else { best });
            chosen.extend(best.map(|(i, _)| i));
        }
        Ok(cut(&chosen.into_iter().map(|i| shortlist[i]).collect::<Vec<_>>(), batches))
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
    use ndarray::array;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::posterior::{Joint, Posterior};

    /// The second best by itself is a copy of the best: once that is believed in, the copy is sure to
    /// improve by 0.29 and no more, the third by φ(0) = 0.399.
    #[test]
    fn a_copy_waits_for_what_is_independent() {
        let covariance = array![[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let joint = |indices: &[usize]| {
            let part = covariance.select(ndarray::Axis(0), indices).select(ndarray::Axis(1), indices);
            Joint::gaussian(ndarray::Array1::zeros(indices.len()), part).map(Some)
        };
        let posteriors = [0.30, 0.29, 0.0].map(|mean| Posterior::gaussian(mean, 1.0).unwrap());
        let choose = |incumbent, feasibility| {
            let candidates = Candidates {
                joint: Some(&joint),
                posteriors: Some(&posteriors),
                incumbent,
                feasibility,
                ..Candidates::of(&[0.56, 0.55, 0.40])
            };
            let batches = Batches { count: 1, size: 2 };
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            KrigingBeliever::default().select(&candidates, batches, &mut rng).unwrap().concat()
        };
        assert_eq!(choose(Some(0.0), None), [0, 2]);
        assert_eq!(choose(Some(0.0), Some(&[1.0, 1.0, 0.5][..])), [0, 1]);
        assert_eq!(choose(None, None), [0, 1]);
    }
}
