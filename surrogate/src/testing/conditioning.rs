//! The contract of predictors that can be conditioned on more observations.

use bonas_spaces::Architecture;

use super::toys::foreign_architecture;
use super::{must, predict};
use crate::{Observation, Posterior, Predict, SurrogateError};

/// Largest difference of a latent mean by how many observations come at a time (single precision).
const TOLERANCE: f64 = 1e-4;

/// Checks [`Predict::condition_on`] of a predictor, unless it has none.
pub(super) fn check_conditioning(name: &str, fitted: &dyn Predict, candidates: &[Architecture]) {
    let condition = |observations: &[Observation]| must(fitted.condition_on(observations), "condition");
    let before = predict(fitted, candidates);
    let Some(same) = condition(&[]) else { return };
    assert_eq!(predict(&*same, candidates), before, "{name}: conditioned on nothing it changes");
    let chosen = &candidates[..candidates.len().min(3)];
    let above: Vec<Observation> = chosen.iter().zip(&before).map(|(a, p)| raised(a, p)).collect();
    let Some(at_once) = condition(&above) else { panic!("{name}: it cannot be conditioned on observations") };
    let after = predict(&*at_once, candidates);
    for (i, (after, before)) in after.iter().zip(&before).enumerate().take(chosen.len()) {
        let ((mean, sd), (old, old_sd)) = (after.latent(), before.latent());
        assert!(mean > old || old_sd < 1e-6, "{name}: an observation above {i} does not raise it");
        assert!(sd <= old_sd * (1.0 + TOLERANCE), "{name}: an observation at {i} makes it less certain");
    }
    let mut one_by_one = same;
    for observation in &above {
        let next = must(one_by_one.condition_on(std::slice::from_ref(observation)), "condition");
        one_by_one = next.unwrap_or_else(|| panic!("{name}: it cannot be conditioned twice"));
    }
    for (a, b) in predict(&*one_by_one, candidates).iter().zip(&after) {
        let ((a, a_sd), (b, b_sd)) = (a.latent(), b.latent());
        let near = (a - b).abs() < TOLERANCE && (a_sd - b_sd).abs() < TOLERANCE;
        assert!(near, "{name}: observations one by one and at once differ");
    }
    check_refusals(name, fitted, &above[0]);
}

/// An observation two standard deviations above what is expected.
fn raised(architecture: &Architecture, posterior: &Posterior) -> Observation {
    let (mean, sd) = posterior.latent();
    Observation::new(architecture.clone(), posterior.score_of(mean + 2.0 * sd))
}

fn check_refusals(name: &str, fitted: &dyn Predict, fine: &Observation) {
    let foreign = Observation { architecture: foreign_architecture(), ..fine.clone() };
    let refused = fitted.condition_on(&[fine.clone(), foreign]);
    assert!(matches!(refused, Err(SurrogateError::Space { .. })), "{name}: conditioned on another space");
    let nan = Observation { score: f64::NAN, ..fine.clone() };
    assert!(fitted.condition_on(&[nan]).is_err(), "{name}: conditioned on a NaN score");
}
