//! Batches that are worth most together, by draws from the joint posterior. Draws are of the Gaussians underneath the
//! scores, so that a rising function of all scores changes no batch.
//!
//! A joint posterior takes time cubic in its size, so it is that of a shortlist: the candidates with
//! the highest utility. Batches grow greedily by the candidate that adds most. For a mean of maxima,
//! which is submodular, the result is within 1 - 1/e of the best set (Nemhauser et al., 1978; Wilson et al.,
//! "Maximizing acquisition functions for Bayesian optimization", NeurIPS 2018).

use ndarray::{Array1, Array2, Axis};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::pick::{NAME, best_first, check, cut};
use super::{Batches, Candidates, Selection, SelectionEntry, SelectionSettings};
use crate::SurrogateError;
use crate::entry::PartEntry;
use crate::posterior::Joint;

/// Default size of the shortlist.
pub(super) const SHORTLIST: usize = 200;
/// Default number of joint draws.
pub(super) const DRAWS: usize = 256;

/// Expected improvement of a batch, `E max_j max(y_j - y*, 0)` (Ginsbourger et al., 2008), by draws.
///
/// The first candidate has the highest utility; each further one adds most to the expectation
/// over [`draws`](Self::draws) joint draws among the [`shortlist`](Self::shortlist). Whether limits are kept is
/// drawn with the scores; a candidate that breaks one improves nothing.
///
/// For one candidate this is [`ExpectedImprovement`](crate::acquisition::ExpectedImprovement) with the same
/// [`noise_free`](Self::noise_free), up to the error of a mean over draws: scores are drawn with the noise of their
/// measurement, as posteriors have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QExpectedImprovement {
    /// Number of candidates that are considered; at least as many as are chosen.
    pub shortlist: usize,
    /// Number of joint draws, at least 1.
    pub draws: usize,
    /// Whether the improvement is that of the true scores instead of measured ones
    /// ([`Posterior::without_noise`](crate::Posterior::without_noise)).
    pub noise_free: bool,
}

impl Default for QExpectedImprovement {
    fn default() -> Self {
        Self { shortlist: SHORTLIST, draws: DRAWS, noise_free: false }
    }
}

impl QExpectedImprovement {
    /// "q-ei" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "q-ei",
        "Expected improvement of the batch, by joint draws",
        |settings: &SelectionSettings| {
            Ok(Box::new(Self { noise_free: settings.noise_free, ..Self::default() }))
        },
    );

    /// Improvement on the incumbent by each draw of each candidate, `[draws, m]`; without an incumbent, on the lowest
    /// draw.
    fn rewards(draws: &Array2<f64>, feasible: &Array2<bool>, incumbent: Option<f64>) -> Array2<f64> {
        let best = incumbent.unwrap_or_else(|| draws.iter().copied().fold(f64::INFINITY, f64::min));
        let mut rewards = draws.mapv(|y| (y - best).max(0.0));
        rewards.zip_mut_with(feasible, |reward, &feasible| *reward *= f64::from(u8::from(feasible)));
        rewards
    }
}

impl Selection for QExpectedImprovement {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        let Some(drawn) = Drawn::of(candidates, batches, self.shortlist, self.draws, rng)? else {
            return Ok(Vec::new());
        };
        let drawn = if self.noise_free { drawn } else { drawn.measured(candidates, rng) };
        let rewards = Self::rewards(&drawn.latent, &drawn.feasible, drawn.incumbent);
        Ok(drawn.batches(&greedy(&rewards, batches.total()), batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }

    fn reads_joint(&self) -> bool {
        true
    }
}

/// Upper confidence bound of a batch, `E max_j (μ_j + γ √(π/2) |y_j - μ_j|)` (Wilson et al., "The
/// reparameterization trick for acquisition functions", 2017), by draws; for a single Gaussian
/// `μ + γ σ`.
///
/// Chosen like [`QExpectedImprovement`]; a draw that breaks a limit counts as the lowest of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QUpperConfidenceBound {
    gamma: f64,
    /// Number of candidates that are considered; at least as many as are chosen.
    pub shortlist: usize,
    /// Number of joint draws, at least 1.
    pub draws: usize,
}

impl QUpperConfidenceBound {
    /// "q-ucb" in the catalogue.
    pub const ENTRY: SelectionEntry = PartEntry::new(
        "q-ucb",
        "Upper confidence bound of the batch, by joint draws",
        |settings: &SelectionSettings| Ok(Box::new(Self::new(settings.gamma)?)),
    );

    /// A bound `gamma` standard deviations above the mean.
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] unless `gamma` is finite and not negative.
    pub fn new(gamma: f64) -> Result<Self, SurrogateError> {
        if gamma.is_finite() && gamma >= 0.0 {
            Ok(Self { gamma, shortlist: SHORTLIST, draws: DRAWS })
        } else {
            Err(SurrogateError::setting("gamma", gamma, "a finite number from 0 up"))
        }
    }

    fn rewards(&self, draws: &Array2<f64>, feasible: &Array2<bool>) -> Array2<f64> {
        let scale = self.gamma * std::f64::consts::FRAC_PI_2.sqrt();
        let means = draws.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(draws.ncols())); // [m]
        let mut rewards = &(draws - &means).mapv(|away| scale * away.abs()) + &means;
        let lowest = rewards.iter().copied().fold(f64::INFINITY, f64::min);
        rewards.zip_mut_with(feasible, |reward, &feasible| {
            if !feasible {
                *reward = lowest;
            }
        });
        rewards
    }
}

impl Selection for QUpperConfidenceBound {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        let Some(drawn) = Drawn::of(candidates, batches, self.shortlist, self.draws, rng)? else {
            return Ok(Vec::new());
        };
        let rewards = self.rewards(&drawn.latent, &drawn.feasible);
        Ok(drawn.batches(&greedy(&rewards, batches.total()), batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }

    fn reads_joint(&self) -> bool {
        true
    }
}

/// Thompson sampling from the joint posterior (Thompson, 1933; Kandasamy et al., 2018): each position
/// of a batch has its own draw and goes to the best candidate that is not yet chosen.
///
/// Draws are of the [`shortlist`](Self::shortlist) with the highest utilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointThompson {
    /// Number of candidates that are drawn; at least as many as are chosen.
    pub shortlist: usize,
}

impl Default for JointThompson {
    fn default() -> Self {
        Self { shortlist: 2 * SHORTLIST }
    }
}

impl JointThompson {
    /// "joint-thompson" in the catalogue.
    pub const ENTRY: SelectionEntry =
        PartEntry::new("joint-thompson", "The best of a joint draw for each place", |_| {
            Ok(Box::<Self>::default())
        });
}

impl Selection for JointThompson {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        let wanted = batches.total().min(candidates.utilities.len());
        let Some(drawn) = Drawn::of(candidates, batches, self.shortlist, wanted, rng)? else {
            return Ok(Vec::new());
        };
        let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
        for (scores, feasible) in drawn.latent.rows().into_iter().zip(drawn.feasible.rows()) {
            let left = (0..scores.len()).filter(|i| !chosen.contains(i));
            let better = |a: usize, b: usize| (feasible[b], scores[b]) > (feasible[a], scores[a]);
            chosen.extend(left.reduce(|best, next| if better(best, next) { next } else { best }));
        }
        Ok(drawn.batches(&chosen, batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }

    fn reads_joint(&self) -> bool {
        true
    }

    fn takes_best_first(&self) -> bool {
        false
    }
}

/// Joint draws of a shortlist.
pub(super) struct Drawn {
    /// Candidates in order of falling utility, `[m]`.
    shortlist: Vec<usize>,
    /// The Gaussians underneath, `[draws, m]`.
    pub(super) latent: Array2<f64>,
    /// The best observed score on their scale.
    pub(super) incumbent: Option<f64>,
    /// Whether limits are kept, `[draws, m]`.
    pub(super) feasible: Array2<bool>,
}

impl Drawn {
    /// `None` if there are no candidates.
    pub(super) fn of(
        candidates: &Candidates<'_>,
        batches: Batches,
        shortlist: usize,
        draws: usize,
        rng: &mut dyn Rng,
    ) -> Result<Option<Self>, SurrogateError> {
        check(candidates, batches)?;
        if draws == 0 && !candidates.utilities.is_empty() {
            return Err(SurrogateError::setting("draws", 0, "at least 1"));
        }
        let shortlist = best_first(candidates.utilities, shortlist.max(batches.total()));
        if shortlist.is_empty() {
            return Ok(None);
        }
        let joint = joint(candidates, &shortlist)?;
        let latent = joint.latent_draws(draws, rng);
        let incumbent = candidates.incumbent.map(|score| joint.latent_of(score));
        let feasible = match candidates.feasibility {
            None => Array2::from_elem(latent.dim(), true),
            Some(p) => Array2::from_shape_fn(latent.dim(), |(_, i)| rng.random::<f64>() < p[shortlist[i]]),
        };
        Ok(Some(Self { shortlist, latent, incumbent, feasible }))
    }

    /// These draws with the noise of a measurement added to each score, where posteriors know it.
    pub(super) fn measured(mut self, candidates: &Candidates<'_>, rng: &mut dyn Rng) -> Self {
        let Some(posteriors) = candidates.posteriors else { return self };
        for (&i, mut scores) in self.shortlist.iter().zip(self.latent.columns_mut()) {
            let sd = posteriors[i].noise().sqrt();
            if sd > 0.0 {
                let draw = |score: &mut f64| *score += sd * rng.sample::<f64, _>(StandardNormal);
                scores.iter_mut().for_each(draw);
            }
        }
        self
    }

    pub(super) fn batches(&self, chosen: &[usize], batches: Batches) -> Vec<Vec<usize>> {
        cut(&chosen.iter().map(|&i| self.shortlist[i]).collect::<Vec<_>>(), batches)
    }
}

pub(super) fn joint(candidates: &Candidates<'_>, shortlist: &[usize]) -> Result<Joint, SurrogateError> {
    let missing = || {
        SurrogateError::data(
            NAME,
            "it needs the joint posterior of the candidates, and the surrogate has none",
        )
    };
    candidates.joint.ok_or_else(missing)?(shortlist)?.ok_or_else(missing)
}

/// Up to `count` columns: the first one, then always the column that adds most to the mean over
/// rows of the maximum over chosen columns. The lowest index wins a tie.
fn greedy(rewards: &Array2<f64>, count: usize) -> Vec<usize> {
    let mut chosen = vec![0];
    let mut best: Array1<f64> = rewards.column(0).to_owned(); // [draws]
    while chosen.len() < count.min(rewards.ncols()) {
        let gain = |i: usize| rewards.column(i).iter().zip(&best).map(|(r, b)| (r - b).max(0.0)).sum::<f64>();
        let left = (0..rewards.ncols()).filter(|i| !chosen.contains(i)).map(|i| (i, gain(i)));
        let Some((next, _)) = left.reduce(|best, next| if next.1 > best.1 { next } else { best }) else {
            break;
        };
        best.zip_mut_with(&rewards.column(next), |b, r| *b = b.max(*r));
        chosen.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::acquisition::{Acquisition, ExpectedImprovement};
    use crate::posterior::Posterior;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(5)
    }

    const MANY: usize = 40_000;

    /// `E max` over all columns of a mock joint posterior's rewards.
    fn value(rewards: &Array2<f64>) -> f64 {
        let maxima = rewards.rows().into_iter().map(|row| row.iter().copied().fold(f64::MIN, f64::max));
        maxima.sum::<f64>() / rewards.nrows() as f64
    }

    fn q_ei(mean: Array1<f64>, covariance: Array2<f64>, incumbent: f64) -> f64 {
        let draws = Joint::gaussian(mean, covariance).unwrap().draws(MANY, &mut rng());
        let feasible = Array2::from_elem(draws.dim(), true);
        value(&QExpectedImprovement::rewards(&draws, &feasible, Some(incumbent)))
    }

    /// N(0.9, 0.1²) against 0.8: EI = 0.1 (φ(1) + Φ(1)).
    #[test]
    fn one_candidate_has_its_expected_improvement() {
        let got = q_ei(array![0.9], array![[0.01]], 0.8);
        assert!((got - 0.108_331_547).abs() < 2e-3, "{got}");
    }

    /// A batch of one is worth its expected improvement, of a measured score with noise as of the true one without.
    #[test]
    fn a_batch_of_one_is_worth_what_expected_improvement_says() {
        let joint = |indices: &[usize]| {
            let n = indices.len();
            Joint::gaussian(Array1::from_elem(n, 0.9), Array2::eye(n) * 0.01).map(Some)
        };
        let measured = Posterior::gaussian(0.9, 0.05).and_then(|p| p.with_noise(0.04)).unwrap();
        let posteriors = [measured];
        let candidates = Candidates {
            joint: Some(&joint),
            posteriors: Some(&posteriors),
            incumbent: Some(0.8),
            ..Candidates::of(&[1.0])
        };
        let one = Batches { count: 1, size: 1 };
        let value = |noise_free: bool| {
            let mut rng = rng();
            let drawn = Drawn::of(&candidates, one, 1, MANY, &mut rng).unwrap().unwrap();
            let drawn = if noise_free { drawn } else { drawn.measured(&candidates, &mut rng) };
            crate::acquisition::batch_improvement(drawn.latent.view(), 0.8)
        };
        for noise_free in [false, true] {
            let ei = ExpectedImprovement { noise_free, ..ExpectedImprovement::default() };
            let exact = ei.utilities(&posteriors, Some(0.8), &mut rng())[0];
            assert!((value(noise_free) - exact).abs() < 3e-3, "{} {exact}", value(noise_free));
        }
        // N(0.9, 0.1²) without noise, N(0.9, 0.2236²) with it.
        assert!((value(true) - 0.108_331_5).abs() < 3e-3 && (value(false) - 0.147_6).abs() < 3e-3);
    }

    /// Perfectly correlated candidates are one, with EI = φ(0); of independent standard normals
    /// E max = 1/√π.
    #[test]
    fn correlation_decides_what_a_second_candidate_adds() {
        let same = q_ei(array![0.0, 0.0], array![[1.0, 1.0], [1.0, 1.0]], 0.0);
        assert!((same - 0.398_942_28).abs() < 1e-2, "{same}");
        // From far below, improvement is the maximum itself.
        let independent = q_ei(array![0.0, 0.0], array![[1.0, 0.0], [0.0, 1.0]], -20.0) - 20.0;
        assert!((independent - 1.0 / std::f64::consts::PI.sqrt()).abs() < 1e-2, "{independent}");
        // E max with correlation ρ is √((1 - ρ)/π).
        let opposed = q_ei(array![0.0, 0.0], array![[1.0, -0.5], [-0.5, 1.0]], -20.0) - 20.0;
        assert!((opposed - (1.5 / std::f64::consts::PI).sqrt()).abs() < 1e-2, "{opposed}");
    }

    /// `μ + γ σ` for one; for two independent standard normals `γ √(π/2) E max(|z₁|, |z₂|)`, and
    /// `E max(|z₁|, |z₂|) = 2/√π`, so `γ √2`.
    #[test]
    fn bounds_by_hand() {
        let bound = |mean: Array1<f64>, covariance: Array2<f64>| {
            let draws = Joint::gaussian(mean, covariance).unwrap().draws(MANY, &mut rng());
            let feasible = Array2::from_elem(draws.dim(), true);
            value(&QUpperConfidenceBound::new(0.5).unwrap().rewards(&draws, &feasible))
        };
        assert!((bound(array![0.9], array![[0.01]]) - 0.95).abs() < 1e-3);
        let two = bound(array![0.0, 0.0], array![[1.0, 0.0], [0.0, 1.0]]);
        assert!((two - 0.5 * std::f64::consts::SQRT_2).abs() < 1e-2, "{two}");
        let same = bound(array![0.0, 0.0], array![[1.0, 1.0], [1.0, 1.0]]);
        assert!((same - 0.5).abs() < 1e-2, "{same}");
        assert!(QUpperConfidenceBound::new(-1.0).is_err());
    }

    /// The second best by itself is a copy of the best; the third is independent.
    fn choose(selection: &dyn Selection, feasibility: Option<&[f64]>, size: usize) -> Vec<usize> {
        let (mean, covariance) =
            (array![0.30, 0.29, 0.0], array![[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        let joint = |indices: &[usize]| {
            Joint::gaussian(
                mean.select(Axis(0), indices),
                covariance.select(Axis(0), indices).select(Axis(1), indices),
            )
            .map(Some)
        };
        let candidates = Candidates {
            joint: Some(&joint),
            incumbent: Some(0.0),
            feasibility,
            ..Candidates::of(&[0.56, 0.55, 0.40])
        };
        selection.select(&candidates, Batches { count: 1, size }, &mut rng()).unwrap().concat()
    }

    #[test]
    fn a_copy_adds_nothing_to_a_batch() {
        assert_eq!(choose(&QExpectedImprovement::default(), None, 2), [0, 2]);
        assert_eq!(choose(&QUpperConfidenceBound::new(1.0).unwrap(), None, 2), [0, 2]);
        assert_eq!(choose(&QExpectedImprovement::default(), None, 3), [0, 2, 1]);
        // What surely breaks a limit adds nothing either: the copy, which adds nothing too, goes first.
        assert_eq!(choose(&QExpectedImprovement::default(), Some(&[1.0, 1.0, 0.0]), 2), [0, 1]);
    }

    /// Of two independent candidates the better wins with `P(y₁ > y₂) = Φ((0.3 - 0)/√2) = 0.584`.
    #[test]
    fn thompson_takes_a_candidate_as_often_as_it_is_the_best() {
        let mut rng = rng();
        let joint = |indices: &[usize]| {
            let all = array![0.3, 0.0].select(Axis(0), indices);
            Joint::gaussian(all, Array2::eye(indices.len())).map(Some)
        };
        let candidates = Candidates { joint: Some(&joint), ..Candidates::of(&[0.3, 0.0]) };
        let one = Batches { count: 1, size: 1 };
        let first = (0..4000)
            .filter(|_| JointThompson::default().select(&candidates, one, &mut rng).unwrap() == [[0]])
            .count();
        assert!((first as f64 / 4000.0 - 0.584).abs() < 0.03, "{first}");
        assert_eq!(choose(&JointThompson::default(), Some(&[0.0, 0.0, 1.0]), 1), [2]);
    }
}
