//! Features that say nothing.

use bonas_spaces::Architecture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{PLACE_TOLERANCE, must, predict};
use crate::features::FeatureCache;
use crate::{Observation, PriorKnowledge, Surrogate};

/// Number of features.
const FEATURES: usize = 1_000;

/// Checks that features which are the same number for all architectures change nothing; of a surrogate that takes features.
pub(super) fn check_constant_features(
    surrogate: &dyn Surrogate,
    observations: &[Observation],
    candidates: &[Architecture],
    seed: u64,
) {
    let name = surrogate.name();
    let sample: Vec<Architecture> =
        observations.iter().map(|o| &o.architecture).chain(candidates).cloned().collect();
    let constant = |value: usize| {
        let values = move |list: &[Architecture]| Ok(vec![value as f64; list.len()]);
        must(PriorKnowledge::computed(values, &sample), "a constant feature").as_feature()
    };
    let features: Vec<PriorKnowledge> = (0..FEATURES).map(constant).collect();
    let Some(with) = surrogate.with_prior(&features, &FeatureCache::default()) else { return };
    let fit = |surrogate: &dyn Surrogate| {
        must(surrogate.fit(observations, &mut ChaCha8Rng::seed_from_u64(seed)), "fit with constant features")
    };
    let Some(without) = surrogate.with_prior(&[], &FeatureCache::default()) else { return };
    let (before, after) = (predict(&*fit(&*without), candidates), predict(&*fit(&*with), candidates));
    for (one, other) in before.iter().zip(&after) {
        let difference = (one.mean() - other.mean()).abs();
        assert!(difference < PLACE_TOLERANCE, "{name}: constant features move a posterior by {difference}");
    }
}
