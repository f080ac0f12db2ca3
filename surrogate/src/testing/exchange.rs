//! The contract of predictors whose features can be exchanged.

use bonas_spaces::Architecture;

use super::{must, predict};
use crate::{FeatureGroup, Posterior, Predict, SurrogateError};

/// Largest difference of a candidate's median by what it is predicted with (single precision).
const TOLERANCE: f64 = 1e-6;

/// Checks [`Predict::predict_exchanged`] of a predictor for each of its groups of features.
pub(super) fn check_exchange(name: &str, fitted: &dyn Predict, candidates: &[Architecture]) {
    let groups = fitted.feature_groups();
    let own: Vec<usize> = (0..candidates.len()).collect();
    let turned: Vec<usize> = own.iter().rev().copied().collect();
    let medians = |posteriors: &[Posterior]| posteriors.iter().map(Posterior::median).collect::<Vec<_>>();
    let before = medians(&predict(fitted, candidates));
    let mut moved = false;
    for (i, &group) in groups.iter().enumerate() {
        assert!(!groups[..i].contains(&group), "{name}: group {group:?} is named twice");
        let exchanged = |from: &[usize]| {
            let posteriors = must(fitted.predict_exchanged(candidates, group, from), "predict_exchanged");
            let posteriors = posteriors.unwrap_or_else(|| panic!("{name}: {group:?} cannot be exchanged"));
            assert_eq!(posteriors.len(), candidates.len(), "{name}: one posterior a candidate");
            medians(&posteriors)
        };
        let near = exchanged(&own).iter().zip(&before).all(|(a, b)| (a - b).abs() <= TOLERANCE * b.abs());
        assert!(near, "{name}: with features of its own in {group:?} a candidate is predicted otherwise");
        moved |= exchanged(&turned).iter().zip(&before).any(|(a, b)| (a - b).abs() > TOLERANCE);
        for bad in [vec![0; candidates.len() + 1], vec![candidates.len(); candidates.len()]] {
            let refused = fitted.predict_exchanged(candidates, group, &bad);
            assert!(
                matches!(refused, Err(SurrogateError::Data { .. })),
                "{name}: exchanged with no candidate"
            );
        }
    }
    assert!(moved || groups.is_empty(), "{name}: no group of features changes any prediction");
    let unknown = FeatureGroup::Known(usize::MAX);
    let none = must(fitted.predict_exchanged(candidates, unknown, &own), "predict_exchanged");
    assert!(none.is_none(), "{name}: a group that it does not name is exchanged");
}
