//! Permutation importance: how much worse architectures are ranked that the surrogate was not fitted to.

use std::collections::BTreeMap;

use bonas_spaces::Architecture;
use bonas_study::rng::stream;
use bonas_study::statistics::{mean, quantile};
use bonas_surrogate::metrics::kendall_tau_b;
use bonas_surrogate::{FeatureGroup, Posterior, Predict};
use rand::seq::SliceRandom;

use super::effects::{Values, values};
use super::exchanges::{Exchanges, Options, Place};
use super::facts::{Explanation, Importance, ImportanceKind, Interval};
use super::{Asked, EXPLAIN, FEWEST_HALVED, FOLDS, PERMUTE};
use crate::StudyError;

/// Parts of the observations that are left out in turn.
const COUNT: usize = 5;

/// Adds importances to an explanation.
pub(super) fn answer(
    asked: &Asked<'_>,
    facts: &mut Explanation,
    (chosen, exchanges): (&[usize], &Exchanges),
    known: &[String],
) -> Result<(), StudyError> {
    if let Some(reason) = too_few(asked, chosen) {
        facts.remarks.push(reason);
        return Ok(());
    }
    let order = order(asked);
    let folds = asked.on_threads(COUNT, |fold| Fold::of(asked, chosen, exchanges, &order, fold))?;
    let scores: Vec<f64> =
        folds.iter().flat_map(|fold| &fold.rows).map(|&i| score(asked, chosen[i])).collect();
    let tau = |values: &dyn Fn(&Fold) -> Vec<f64>| {
        kendall_tau_b(&folds.iter().flat_map(values).collect::<Vec<_>>(), &scores)
    };
    facts.tau = tau(&|fold| fold.medians.clone());
    let Some(whole) = facts.tau else {
        let reason = "All scores, or all predictions, are equal: there is no ranking that permuted features could make worse.";
        facts.remarks.push(reason.to_owned());
        return Ok(());
    };
    if folds.iter().all(|fold| fold.features.is_empty()) {
        facts.remarks.push(format!(
            "Surrogate {} has no features that can be permuted; operations by place are permuted instead.",
            facts.surrogate
        ));
    }
    let drop = |permuted: &dyn Fn(&Fold, usize) -> Vec<f64>| {
        // Predictions that are all equal rank nothing.
        let drops = (0..asked.explain.repeats.max(2))
            .map(|repeat| whole - tau(&|fold| permuted(fold, repeat)).unwrap_or(0.0))
            .collect::<Vec<_>>();
        Interval {
            value: mean(&drops),
            low: Some(quantile(&drops, 0.025)),
            high: Some(quantile(&drops, 0.975)),
        }
    };
    for group in groups(&folds) {
        let of = |fold: &Fold, repeat: usize| {
            fold.feature(group).map_or_else(|| fold.medians.clone(), |p| p[repeat].clone())
        };
        let name = name(group, known);
        facts.importance.push(Importance { kind: ImportanceKind::Feature, name, drop: drop(&of) });
    }
    for &place in exchanges.places() {
        let of = |fold: &Fold, repeat: usize| fold.places[&place][repeat].clone();
        let name = exchanges.name(place, asked, chosen);
        facts.importance.push(Importance { kind: ImportanceKind::Place, name, drop: drop(&of) });
    }
    facts.importance.sort_by(|a, b| b.drop.value.total_cmp(&a.drop.value));
    Ok(())
}

/// Why there is no importance of features, where there is too little to leave out or to permute.
fn too_few(asked: &Asked<'_>, chosen: &[usize]) -> Option<String> {
    if asked.observations.len() < FEWEST_HALVED {
        return Some(format!(
            "With fewer than {FEWEST_HALVED} scores none is left out, so that there is no importance of features."
        ));
    }
    (chosen.len() < FEWEST_HALVED).then(|| {
        format!(
            "{} architectures are too few to permute features among, so that there is no importance of features; raise \
             --architectures to {FEWEST_HALVED} or more.",
            chosen.len()
        )
    })
}

/// All observations in a random order: the `i`-th is in fold `i mod COUNT`.
fn order(asked: &Asked<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..asked.observations.len()).collect();
    order.shuffle(&mut stream(asked.seed, &[EXPLAIN, FOLDS]));
    order
}

fn score(asked: &Asked<'_>, row: usize) -> f64 {
    asked.observations[row].score
}

/// The groups of features of any fold, in order.
fn groups(folds: &[Fold]) -> Vec<FeatureGroup> {
    let mut groups = Vec::new();
    for (group, _) in folds.iter().flat_map(|fold| &fold.features) {
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    groups
}

fn name(group: FeatureGroup, known: &[String]) -> String {
    match group {
        FeatureGroup::Counts(family) => family.about().to_owned(),
        FeatureGroup::Known(place) => {
            known.get(place).cloned().unwrap_or_else(|| format!("prior knowledge {}", place + 1))
        }
    }
}

/// Medians for each permutation.
type Permuted = Vec<Vec<f64>>;

/// Predictions of architectures that were left out of a fit.
struct Fold {
    /// Their positions among those that are looked at.
    rows: Vec<usize>,
    medians: Vec<f64>,
    /// For each group of features, and each permutation, the medians with that group permuted.
    features: Vec<(FeatureGroup, Permuted)>,
    /// The same for the operations at each place.
    places: BTreeMap<Place, Permuted>,
}

impl Fold {
    fn of(
        asked: &Asked<'_>,
        chosen: &[usize],
        exchanges: &Exchanges,
        order: &[usize],
        fold: usize,
    ) -> Result<Self, StudyError> {
        let mut is_out = vec![false; order.len()];
        order.iter().skip(fold).step_by(COUNT).for_each(|&row| is_out[row] = true);
        let rest: Vec<usize> = (0..order.len()).filter(|&row| !is_out[row]).collect();
        let fitted = asked.fit(&rest, &[FOLDS, fold as u64])?;
        let rows: Vec<usize> = (0..chosen.len()).filter(|&i| is_out[chosen[i]]).collect();
        let architectures: Vec<Architecture> =
            rows.iter().map(|&i| asked.observations[chosen[i]].architecture.clone()).collect();
        let medians = medians(&fitted.predict(&architectures)?);
        let permutations: Vec<Vec<usize>> = (0..asked.explain.repeats.max(2))
            .map(|repeat| {
                let mut from: Vec<usize> = (0..rows.len()).collect();
                from.shuffle(&mut stream(asked.seed, &[EXPLAIN, PERMUTE, fold as u64, repeat as u64]));
                from
            })
            .collect();
        let options: Vec<Options> = rows.iter().map(|&i| exchanges.of[i].clone()).collect();
        let values = values(&*fitted, &options)?;
        let at = |&place: &Place| {
            (place, permutations.iter().map(|from| at_place(&values, &medians, place, from)).collect())
        };
        let places = exchanges.places().iter().map(at).collect();
        let features = features(&*fitted, &architectures, &permutations)?;
        Ok(Self { rows, medians, features, places })
    }

    fn feature(&self, group: FeatureGroup) -> Option<&Permuted> {
        self.features.iter().find(|(own, _)| *own == group).map(|(_, permuted)| permuted)
    }
}

fn medians(posteriors: &[Posterior]) -> Vec<f64> {
    posteriors.iter().map(Posterior::median).collect()
}

/// Medians with each group of features permuted in each of some ways.
fn features(
    fitted: &dyn Predict,
    architectures: &[Architecture],
    permutations: &[Vec<usize>],
) -> Result<Vec<(FeatureGroup, Permuted)>, StudyError> {
    let mut features = Vec::new();
    for group in fitted.feature_groups() {
        let permuted = permutations.iter().map(|from| fitted.predict_exchanged(architectures, group, from));
        let permuted: Option<Vec<Vec<Posterior>>> = permuted.collect::<Result<_, _>>()?;
        features.extend(permuted.map(|all| (group, all.iter().map(|one| medians(one)).collect())));
    }
    Ok(features)
}

/// Medians where each architecture has the operation at a place that another one has there. One that cannot have it keeps its own.
fn at_place(values: &Values, medians: &[f64], place: Place, from: &[usize]) -> Vec<f64> {
    let with = |(i, &other): (usize, &usize)| {
        let own = values[i].get(&place)?;
        // An architecture's own operation stands first.
        let (op, _) = values[other].get(&place)?.first()?;
        own.iter().find(|(there, _)| there == op).map(|(_, median)| *median)
    };
    from.iter().enumerate().map(|one| with(one).unwrap_or(medians[one.0])).collect()
}

#[cfg(test)]
mod tests {
    use bonas_spaces::OpId;

    use super::*;
    use crate::explain::exchanges::options;

    /// Two cells, of which the first takes over what the second has, and the second what the first has, which it cannot have.
    #[test]
    fn operations_are_taken_over_where_they_can_be() {
        let space = bonas_spaces::catalogue::SPACES.get("nasbench201").unwrap().space();
        let cell = space.sample(&mut stream(1, &[]));
        let place = *options(&*space, &cell).unwrap().keys().next().unwrap();
        let op = OpId::from_index;
        let values: Values = vec![
            BTreeMap::from([(place, vec![(op(3), 0.1), (op(4), 0.2)])]),
            BTreeMap::from([(place, vec![(op(4), 0.3), (op(5), 0.4)])]),
            BTreeMap::new(),
        ];
        assert_eq!(at_place(&values, &[0.1, 0.3, 0.5], place, &[1, 0, 1]), [0.2, 0.3, 0.5]);
        assert_eq!(at_place(&values, &[0.1, 0.3, 0.5], place, &[0, 1, 2]), [0.1, 0.3, 0.5]);
    }

    #[test]
    fn groups_are_called_by_what_they_count_or_by_their_names() {
        let known = ["macs".to_owned()];
        assert_eq!(name(FeatureGroup::Known(0), &known), "macs");
        assert_eq!(name(FeatureGroup::Known(1), &known), "prior knowledge 2");
        let counts = FeatureGroup::Counts(bonas_surrogate::features::Family::Nodes);
        assert_eq!(name(counts, &known), "number of each operation");
    }
}
