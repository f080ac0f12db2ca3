//! Batches for several objectives by belief.

use super::Front;
use crate::posterior::normal;
use crate::selection::JointOf;
use crate::selection::belief::Belief;
use crate::selection::pick::best_first;
use crate::{Posterior, SurrogateError};

/// What is known about one objective of `n` candidates.
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    /// Posterior of each candidate, `[n]`.
    pub posteriors: &'a [Posterior],
    /// Joint posterior of several candidates. Without it, or where it is `None`, a choice changes what is believed of no
    /// other candidate.
    pub joint: Option<&'a JointOf<'a>>,
    /// Whether the improvement is that of the true score instead of a measured one ([`Posterior::without_noise`]).
    pub noise_free: bool,
}

/// Number of candidates that [`believers`] chooses from after the first choice, unless more are asked for.
pub const SHORTLIST: usize = 300;

/// Up to `count` candidates that raise the hypervolume together, by independent objectives.
///
/// Each choice has the highest expected improvement times `weights`, `[n]`, and then counts as measured at its means
/// (kriging believer: Ginsbourger, Le Riche and Carraro, 2010): they join the front, and by the joint posterior the
/// variance of every other candidate falls by what the measurement would tell of it. Laws are replaced by the Gaussians
/// with their moments. The first choice is from all candidates, the others are from the [`SHORTLIST`] that were worth
/// most at first.
///
/// # Errors
/// [`SurrogateError::Data`] for lists of other lengths, and those of the joint posterior.
pub fn believers<const M: usize>(
    front: &Front<M>,
    objectives: &[Objective<'_>; M],
    weights: &[f64],
    count: usize,
) -> Result<Vec<usize>, SurrogateError> {
    let shortlist = most_improving(front, objectives, weights, SHORTLIST.max(count))?;
    if count < 2 || shortlist.len() < 2 {
        return Ok(shortlist.into_iter().take(count).collect());
    }
    let weights: Vec<f64> = shortlist.iter().map(|&i| weights[i]).collect();
    let mut beliefs = Vec::with_capacity(M);
    for objective in objectives {
        let posteriors = shortlist.iter().map(|&i| objective.posteriors[i].clone()).collect();
        let joint = objective.joint.map_or(Ok(None), |joint| joint(&shortlist))?;
        beliefs.push((Belief::new(posteriors, joint.map(|j| j.covariance().clone())), objective.noise_free));
    }
    let chosen = choose(front.clone(), beliefs, &weights, count)?;
    Ok(chosen.into_iter().map(|i| shortlist[i]).collect())
}

/// The `count` candidates with the highest expected improvement of the hypervolume times `weights`, `[n]`, each by itself,
/// the best first. Laws are replaced by the Gaussians with their moments.
///
/// # Errors
/// [`SurrogateError::Data`] for lists of other lengths.
pub fn most_improving<const M: usize>(
    front: &Front<M>,
    objectives: &[Objective<'_>; M],
    weights: &[f64],
    count: usize,
) -> Result<Vec<usize>, SurrogateError> {
    if objectives.iter().any(|objective| objective.posteriors.len() != weights.len()) {
        let lengths: Vec<usize> = objectives.iter().map(|objective| objective.posteriors.len()).collect();
        let reason = format!("{lengths:?} posteriors for {} weights", weights.len());
        return Err(SurrogateError::data("hypervolume", reason));
    }
    let laws = objectives.map(|objective| moments(objective.posteriors, objective.noise_free));
    let all: Vec<usize> = (0..weights.len()).collect();
    Ok(best_first(&worths(front, &laws, weights, &all), count))
}

/// Up to `count` of a shortlist, with a belief and whether it counts without noise for each objective.
fn choose<const M: usize>(
    mut front: Front<M>,
    mut beliefs: Vec<(Belief, bool)>,
    weights: &[f64],
    count: usize,
) -> Result<Vec<usize>, SurrogateError> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        let laws: [Vec<(f64, f64)>; M] =
            std::array::from_fn(|k| moments(beliefs[k].0.posteriors(), beliefs[k].1));
        let values = worths(&front, &laws, weights, &left);
        let best = (0..left.len()).reduce(|best, next| if values[next] > values[best] { next } else { best });
        let next = left.remove(best.unwrap_or(0));
        front = front.with(std::array::from_fn(|k| laws[k][next].0));
        beliefs.iter_mut().try_for_each(|(belief, _)| belief.learn(next))?;
        chosen.push(next);
    }
    Ok(chosen)
}

/// Mean and variance of each score, `[n]`.
fn moments(posteriors: &[Posterior], noise_free: bool) -> Vec<(f64, f64)> {
    let of = |p: &Posterior| if noise_free { p.without_noise().moments() } else { p.moments() };
    posteriors.iter().map(of).collect()
}

/// Expected improvement of the hypervolume by candidate `i`.
fn worth<const M: usize>(front: &Front<M>, laws: &[Vec<(f64, f64)>; M], i: usize) -> f64 {
    front.expected(|k, t| excess(laws[k][i], t))
}

/// Expected improvement of the hypervolume by some candidates, times their weights. Where nothing is
/// above the reference point, and none of them comes near it, the logarithm of what they are worth beside it.
fn worths<const M: usize>(
    front: &Front<M>,
    laws: &[Vec<(f64, f64)>; M],
    weights: &[f64],
    candidates: &[usize],
) -> Vec<f64> {
    let values: Vec<f64> = candidates.iter().map(|&i| weights[i] * worth(front, laws, i)).collect();
    if !front.points().is_empty() || values.iter().any(|value| *value != 0.0) {
        return values;
    }
    candidates.iter().map(|&i| ln_worth(front, laws, i) + weights[i].ln()).collect()
}

/// Logarithm of the expected improvement over the reference alone, which is finite however far below it a candidate is:
/// an order where nothing is worth anything.
fn ln_worth<const M: usize>(front: &Front<M>, laws: &[Vec<(f64, f64)>; M], i: usize) -> f64 {
    let excess = |k: usize| {
        let (mean, variance) = laws[k][i];
        let law = Posterior::gaussian(mean, variance.max(f64::MIN_POSITIVE));
        law.map_or(f64::NEG_INFINITY, |law| law.ln_expected_excess(front.reference()[k]))
    };
    (0..M).map(excess).sum()
}

/// `E max(y - threshold, 0)` of a normal law, from mean and variance; 0 from eight standard deviations on.
pub(super) fn excess((mean, variance): (f64, f64), threshold: f64) -> f64 {
    let (sd, gain) = (variance.sqrt(), mean - threshold);
    if gain <= -8.0 * sd {
        return 0.0;
    }
    let z = if sd > 0.0 { gain / sd } else { f64::INFINITY };
    (if z > 8.0 { gain } else { sd * (normal::pdf(z) + z * normal::cdf(z)) }).max(0.0)
}
