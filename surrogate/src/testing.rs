//! Contract suites for implementations of this crate's traits, and toy data to run them on.
//!
//! Use them in the tests of your own surrogate, acquisition or selection. Every function panics and names the
//! rule that is broken.
//!
//! ```
//! use bonas_surrogate::models::WlGp;
//! use bonas_surrogate::testing::{check_surrogate, toy_architectures, toy_observations};
//!
//! check_surrogate(&WlGp::default(), &toy_observations(12, 1), &toy_architectures(8, 2), 3);
//! ```

use bonas_spaces::Architecture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

mod acquisitions;
mod conditioning;
mod exchange;
mod features;
mod groups;
mod robustness;
mod saved;
mod selections;
mod toys;

pub use acquisitions::check_acquisition;
use conditioning::check_conditioning;
use exchange::check_exchange;
use features::check_constant_features;
pub use groups::check_groups;
#[cfg(test)]
pub(crate) use robustness::check_toy_robustness;
pub use robustness::{check_robustness, check_unseen_operation};
use saved::check_saved;
pub use selections::check_selection;
use toys::foreign_architecture;
#[cfg(test)]
pub(crate) use toys::toy_known;
pub use toys::{toy_architectures, toy_cell, toy_observations, toy_score};

use crate::features::FeatureCache;
use crate::{Observation, Posterior, Predict, Surrogate, SurrogateError};

/// Largest difference of a candidate's mean by its position in a batch (single precision).
const PLACE_TOLERANCE: f64 = 1e-4;

/// Length of a long list: more than is predicted at a time.
const LONG: usize = 600;

/// Checks a surrogate on observations and candidates of your choice; about ten of each suffice.
///
/// Rules: equal generators give equal predictors. There is one finite posterior per candidate, in order,
/// whatever the order and however often a candidate occurs; no candidates give no posteriors. One or two
/// observations, equal scores, repeated observations, one score far below all others and scores of any size can be
/// fitted; no observation and a NaN score are errors. Architectures of another space are
/// [`SurrogateError::Space`], among the observations and among the candidates. An embedding has one finite row per
/// candidate. A predictor has an embedding and a joint posterior exactly if the recipe says so. A long list, which
/// several threads may share, is predicted as its pieces are. A thousand features that are the same number for all
/// architectures change nothing, if it takes features. One that can be conditioned
/// ([`Predict::condition_on`]) changes by no observation not at all, is drawn to an observation and more certain there,
/// and is the same for observations one by one and at once. Groups of features ([`Predict::feature_groups`]) can be exchanged
/// between candidates; with its own features a candidate is predicted as before.
///
/// A predictor that can be saved ([`Predict::save`]) gives the same bytes each time. The one that [`Surrogate::load`] makes
/// of them gives equal posteriors, embeddings and joint draws, and refuses other spaces, too. Bytes of another version,
/// bytes that are cut short and bytes with one changed are errors. (Prior knowledge that is a function is not known here: a
/// surrogate that has some must ask for it.)
///
/// [`check_robustness`] and [`check_unseen_operation`] have the rules that a surrogate for real data should keep, too, and
/// [`check_groups`] those of one that knows groups.
///
/// # Panics
/// Naming the rule that is broken.
pub fn check_surrogate(
    surrogate: &dyn Surrogate,
    observations: &[Observation],
    candidates: &[Architecture],
    seed: u64,
) {
    let name = surrogate.name();
    assert!(!name.is_empty(), "a surrogate has a name");
    let fit =
        |observations: &[Observation]| surrogate.fit(observations, &mut ChaCha8Rng::seed_from_u64(seed));
    let fitted = must(fit(observations), "fit");
    let posteriors = predict(&*fitted, candidates);
    assert_eq!(
        posteriors,
        predict(&*must(fit(observations), "fit"), candidates),
        "{name}: equal seeds differ"
    );
    check_places(name, &*fitted, candidates, &posteriors);
    check_embedding(surrogate, &*fitted, candidates);
    check_capabilities(surrogate, &*fitted, candidates);
    check_conditioning(name, &*fitted, candidates);
    check_exchange(name, &*fitted, candidates);
    check_saved(surrogate, &*fitted, candidates);
    check_constant_features(surrogate, observations, candidates, seed);
    assert!(predict(&*fitted, &[]).is_empty(), "{name}: posteriors without candidates");
    let equal: Vec<_> = observations.iter().map(|o| Observation { score: 0.9, ..o.clone() }).collect();
    let doubled = [observations, observations].concat();
    let mut low = observations.to_vec();
    low[0].score = 0.0;
    for data in [&observations[..1], &observations[..2], &equal, &doubled, &low] {
        predict(&*must(fit(data), "fit to degenerate data"), candidates);
    }
    if !surrogate.needs_fractions() {
        for scale in [1e-12, -1e-12, 1e12, -1e12] {
            predict(
                &*must(fit(&mapped(observations, |y| scale * y)), "fit to scores of any size"),
                candidates,
            );
        }
    }
    let foreign = foreign_architecture();
    let is_space = |result: Result<(), SurrogateError>| matches!(result, Err(SurrogateError::Space { .. }));
    for candidates in [vec![foreign.clone()], [candidates, std::slice::from_ref(&foreign)].concat()] {
        assert!(is_space(fitted.predict(&candidates).map(drop)), "{name}: predicts another space");
        assert!(is_space(fitted.embed(&candidates).map(drop)), "{name}: embeds another space");
        assert!(is_space(fitted.joint(&candidates).map(drop)), "{name}: a joint posterior of another space");
    }
    let stranger = Observation::new(foreign, 0.5);
    assert!(is_space(fit(&[observations, &[stranger]].concat()).map(drop)), "{name}: fitted to two spaces");
    assert!(fit(&[]).is_err(), "{name}: fitted to no observation");
    let nan = Observation { score: f64::NAN, ..observations[0].clone() };
    assert!(fit(&[&[nan], observations].concat()).is_err(), "{name}: fitted to a NaN score");
}

/// Observations with a function of their scores.
fn mapped(observations: &[Observation], map: impl Fn(f64) -> f64) -> Vec<Observation> {
    observations.iter().map(|o| Observation { score: map(o.score), ..o.clone() }).collect()
}

fn must<T>(result: Result<T, SurrogateError>, what: &str) -> T {
    result.unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// Predicts, and checks number and finiteness of the posteriors.
fn predict(fitted: &dyn Predict, candidates: &[Architecture]) -> Vec<Posterior> {
    let posteriors = must(fitted.predict(candidates), "predict");
    assert_eq!(posteriors.len(), candidates.len(), "one posterior a candidate");
    for (i, posterior) in posteriors.iter().enumerate() {
        let (mean, variance) = posterior.moments();
        assert!(mean.is_finite() && variance.is_finite() && variance >= 0.0, "posterior {i}: {posterior:?}");
    }
    posteriors
}

/// Quality of a surrogate that is fitted to some toy cells, on 300 others: Kendall's tau-b of its means, and the
/// share of true scores inside their 80 % intervals.
#[cfg(test)]
pub(crate) fn toy_quality(surrogate: &dyn Surrogate, train: usize) -> (f64, f64) {
    let observations = toy_observations(train, 2);
    let fitted = must(surrogate.fit(&observations, &mut ChaCha8Rng::seed_from_u64(1)), "fit");
    let candidates = toy_architectures(300, 3);
    let posteriors = predict(&*fitted, &candidates);
    let means: Vec<f64> = posteriors.iter().map(Posterior::median).collect();
    let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
    let tau = crate::metrics::kendall_tau_b(&means, &truth).unwrap_or(f64::NAN);
    (tau, crate::metrics::coverage(&posteriors, &truth, 0.8).unwrap_or(f64::NAN))
}

fn check_places(name: &str, fitted: &dyn Predict, candidates: &[Architecture], posteriors: &[Posterior]) {
    let near = |a: &Posterior, b: &Posterior| (a.mean() - b.mean()).abs() < PLACE_TOLERANCE;
    let reversed: Vec<_> = candidates.iter().rev().cloned().collect();
    for (a, b) in predict(fitted, &reversed).iter().rev().zip(posteriors) {
        assert!(near(a, b), "{name}: the order of the candidates matters");
    }
    let repeated = vec![candidates[0].clone(); 3];
    for posterior in predict(fitted, &repeated) {
        assert!(near(&posterior, &posteriors[0]), "{name}: repeating a candidate matters");
    }
    let long: Vec<_> = candidates.iter().cycle().take(LONG).cloned().collect();
    for (posterior, alone) in predict(fitted, &long).iter().zip(posteriors.iter().cycle()) {
        assert!(near(posterior, alone), "{name}: a long list is predicted otherwise than its pieces");
    }
}

fn check_embedding(surrogate: &dyn Surrogate, fitted: &dyn Predict, candidates: &[Architecture]) {
    let name = surrogate.name();
    if let Some(embedding) = must(fitted.embed(candidates), "embed") {
        assert_eq!(embedding.nrows(), candidates.len(), "{name}: one row of the embedding a candidate");
        assert!(embedding.iter().all(|x| x.is_finite()), "{name}: embedding not finite");
    }
}

/// Checks that a predictor has what its recipe says.
fn check_capabilities(surrogate: &dyn Surrogate, fitted: &dyn Predict, candidates: &[Architecture]) {
    let name = surrogate.name();
    let embeds = must(fitted.embed(candidates), "embed").is_some();
    assert_eq!(embeds, surrogate.has_embedding(), "{name}: an embedding and has_embedding");
    let joint = must(fitted.joint(candidates), "joint").is_some();
    assert_eq!(joint, surrogate.has_joint_posterior(), "{name}: a joint posterior and has_joint_posterior");
    let noisy = predict(fitted, candidates).iter().any(|posterior| posterior.noise() > 0.0);
    assert!(
        !noisy || surrogate.knows_noise(),
        "{name}: posteriors have noise, and knows_noise says that they do not"
    );
    let with_prior = surrogate.with_prior(&[], &FeatureCache::default());
    assert_eq!(with_prior.is_some(), surrogate.takes_prior(), "{name}: with_prior and takes_prior");
    if let Some(with_prior) = with_prior {
        assert_eq!(with_prior.name(), name, "{name}: prior knowledge changes the name");
    }
}
