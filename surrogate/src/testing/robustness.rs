//! Rules for surrogates that meet real data.

use bonas_spaces::{Architecture, OpId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{mapped, must, predict};
#[cfg(test)]
use super::{toy_architectures, toy_observations, toy_score};
use crate::metrics::{coverage, kendall_tau_b};
use crate::{Observation, Posterior, Surrogate};

/// Checks that a surrogate survives what happens in training; the observations need scores in `(0, 1)` that architectures can
/// be told apart by, and about thirty of them suffice.
///
/// Rules: a rising function of all scores leaves the order of the candidates' medians as it is, up to a tau of
/// 0.99 (single precision). A score that is far below all others, as that of a run that diverged, costs at most 0.1 of
/// Kendall's tau with `truth`, the true scores of the candidates. Replicates, a third
/// of all observations, take at most 0.15 of the share of true scores that 80 % intervals contain.
///
/// # Panics
/// Naming the rule that is broken.
pub fn check_robustness(
    surrogate: &dyn Surrogate,
    observations: &[Observation],
    candidates: &[Architecture],
    truth: &[f64],
    seed: u64,
) {
    let name = surrogate.name();
    let posteriors = |observations: &[Observation]| {
        let fitted = must(surrogate.fit(observations, &mut ChaCha8Rng::seed_from_u64(seed)), "fit");
        predict(&*fitted, candidates)
    };
    let medians = |observations: &[Observation]| -> Vec<f64> {
        posteriors(observations).iter().map(Posterior::median).collect()
    };
    let tau = |a: &[f64], b: &[f64]| kendall_tau_b(a, b).unwrap_or(0.0);
    let before = medians(observations);
    let exp = mapped(observations, |y| (8.0 * y).exp());
    let log_error = mapped(observations, |y| -(1.001 - y).ln());
    let cube = mapped(observations, |y| y.powi(3));
    for (map, mapped) in [("exp", exp), ("log error", log_error), ("cube", cube)] {
        let after = tau(&medians(&mapped), &before);
        assert!(
            after > 0.99,
            "{name}: the order of candidates changes with {map} of the scores, tau {after}"
        );
    }
    let mut low = observations.to_vec();
    let middle = low.len() / 2;
    low[middle].score = -1e6;
    let (clean, diverged) = (tau(&before, truth), tau(&medians(&low), truth));
    assert!(diverged > clean - 0.1, "{name}: one diverged run takes tau from {clean} to {diverged}");
    let replicated = [observations, &observations[..observations.len() / 2]].concat();
    let covered =
        |observations: &[Observation]| coverage(&posteriors(observations), truth, 0.8).unwrap_or(0.0);
    let (clean, with) = (covered(observations), covered(&replicated));
    assert!(with > clean - 0.15, "{name}: with replicates 80 % intervals cover {with}, without them {clean}");
}

/// Checks that an operation which no observation has makes the posteriors of the candidates that have it wider.
///
/// `operation` is the name of one that computes. The surrogate is fitted to those of `observations` that do without it. The
/// latent standard deviation of the candidates with it must be, in the mean, at least 1.1 times that of the
/// others; a hundred observations without it suffice.
///
/// # Panics
/// Naming the rule that is broken; where no observation or no candidate is left on one side.
pub fn check_unseen_operation(
    surrogate: &dyn Surrogate,
    observations: &[Observation],
    candidates: &[Architecture],
    operation: &str,
    seed: u64,
) {
    let name = surrogate.name();
    let has = |architecture: &Architecture| has(architecture, operation);
    let seen: Vec<_> = observations.iter().filter(|o| !has(&o.architecture)).cloned().collect();
    let (with, without): (Vec<_>, Vec<_>) = candidates.iter().cloned().partition(has);
    assert!(!seen.is_empty(), "all observations have the operation {operation}");
    assert!(!with.is_empty() && !without.is_empty(), "all candidates or none have the operation {operation}");
    let fitted = must(surrogate.fit(&seen, &mut ChaCha8Rng::seed_from_u64(seed)), "fit");
    let spread = |list: &[Architecture]| {
        let posteriors = predict(&*fitted, list);
        posteriors.iter().map(|p| p.latent().1).sum::<f64>() / posteriors.len() as f64
    };
    let (new, known) = (spread(&with), spread(&without));
    assert!(new > 1.1 * known, "{name}: unseen operations {new}, seen ones {known}");
}

/// Whether an operation is left in the pruned graphs of an architecture.
fn has(architecture: &Architecture, operation: &str) -> bool {
    let named = |op: OpId| architecture.vocabulary().name(op) == operation;
    architecture.op_graphs().iter().any(|graph| graph.labels().any(named))
}

/// The rules of this file on toy cells.
#[cfg(test)]
pub(crate) fn check_toy_robustness(surrogate: &dyn Surrogate) {
    let candidates = toy_architectures(200, 5);
    let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
    // The middle one of these is a good cell, of which few are near.
    check_robustness(surrogate, &toy_observations(60, 104), &candidates, &truth, 6);
    check_unseen_operation(surrogate, &toy_observations(200, 7), &candidates, "pool", 1);
}
