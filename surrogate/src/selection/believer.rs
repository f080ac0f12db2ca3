//! The kriging believer.

use ndarray::Array2;
use rand::Rng;

use super::joint::joint;
use super::pick::{NAME, best_first, check, cut};
use super::{Batches, Candidates, Selection, SelectionEntry};
use crate::entry::PartEntry;
use crate::{Posterior, SurrogateError};

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
}

impl Default for KrigingBeliever {
    fn default() -> Self {
        Self { shortlist: 100 }
    }
}

impl KrigingBeliever {
    /// "kriging-believer" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "kriging-believer",
        "Expected improvement once earlier choices are taken as measured at their means",
        |_| Ok(Box::<Self>::default()),
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
        let mut belief = Belief { posteriors: shortlist.iter().map(of).collect(), covariance };
        let mut chosen = vec![0];
        while chosen.len() < batches.total().min(shortlist.len()) {
            belief.learn(chosen[chosen.len() - 1])?;
            let gains = Posterior::ln_latent_excesses(&belief.posteriors, incumbent);
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

/// Beliefs about a shortlist.
struct Belief {
    /// Posterior of each measurement, `[m]`.
    posteriors: Vec<Posterior>,
    /// Covariance `[m, m]` of the Gaussians underneath, without noise.
    covariance: Array2<f64>,
}

impl Belief {
    /// Counts a candidate as measured, with its predicted mean as the result.
    fn learn(&mut self, chosen: usize) -> Result<(), SurrogateError> {
        let measured = self.posteriors[chosen].latent().1.powi(2);
        if measured == 0.0 {
            return Ok(());
        }
        let with = self.covariance.column(chosen).to_owned(); // [m]
        for (posterior, c) in self.posteriors.iter_mut().zip(&with) {
            let (mean, sd) = posterior.latent();
            *posterior = posterior.with_latent(mean, (sd * sd - c * c / measured).max(0.0))?;
        }
        for (mut row, c) in self.covariance.rows_mut().into_iter().zip(&with) {
            row.scaled_add(-c / measured, &with);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::posterior::Joint;

    /// Measured with noise 0.25, a standard normal score tells 1/1.25 of itself, and of one that goes
    /// along with correlation 0.5 a quarter of that.
    #[test]
    fn variances_by_hand() {
        let posterior = |mean| Posterior::gaussian(mean, 1.25).unwrap();
        let covariance = array![[1.0, 0.5], [0.5, 1.0]];
        let mut belief = Belief { posteriors: vec![posterior(0.3), posterior(0.1)], covariance };
        belief.learn(0).unwrap();
        let latent = belief.posteriors.iter().map(Posterior::latent);
        for ((mean, sd), expected) in latent.zip([(0.3, 0.45), (0.1, 1.05)]) {
            assert!((mean - expected.0).abs() < 1e-15 && (sd * sd - expected.1).abs() < 1e-12);
        }
        let expected = array![[0.2, 0.1], [0.1, 0.8]];
        assert!((belief.covariance - expected).iter().all(|d| d.abs() < 1e-12));
    }

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
