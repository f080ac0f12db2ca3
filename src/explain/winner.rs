//! The winner: what its operations are worth, and what was measured near it.

use bonas_spaces::Architecture;
use bonas_study::statistics::{mean, sd};
use bonas_surrogate::Predict;

use super::apart::apart;
use super::effects::{half_of, values};
use super::exchanges::{Options, options};
use super::facts::{Explanation, Interval, Neighbour, Replacement, Winner};
use super::{Asked, FEWEST_HALVED, HALVES};
use crate::StudyError;
use crate::search::summary;

/// Adds the winner to an explanation.
pub(super) fn answer(
    asked: &Asked<'_>,
    facts: &mut Explanation,
    fitted: &dyn Predict,
) -> Result<(), StudyError> {
    let summary = summary(asked.directory(), &asked.search.config)?;
    let Some(text) = summary.winner else {
        facts.remarks.push("No architecture keeps the limits, so that there is no winner.".to_owned());
        return Ok(());
    };
    let architecture = asked.space.parse(&text)?;
    let options = options(&*asked.space, &architecture)?;
    let median = fitted.predict(std::slice::from_ref(&architecture))?[0].median();
    let all = asked.study.history.evaluations().iter();
    let score = all
        .filter(|e| e.architecture.key() == architecture.key())
        .find_map(|e| e.outcome.score(facts.fidelity));
    facts.winner = Some(Winner {
        score: score.map(|score| score.value),
        key: architecture.key().to_string(),
        arch: text,
        median,
        operations: operations(asked, &architecture, &options, fitted)?,
        neighbours: neighbours(asked, &architecture)?,
    });
    Ok(())
}

/// Changes of the predicted score by what an operation is replaced by, its place in the order of `options`.
fn changes(fitted: &dyn Predict, options: &Options) -> Result<Vec<Vec<f64>>, StudyError> {
    let values = values(fitted, std::slice::from_ref(options))?;
    let blocks = values.iter().flat_map(std::collections::BTreeMap::values);
    Ok(blocks.map(|block| block[1..].iter().map(|(_, value)| value - block[0].1).collect()).collect())
}

fn operations(
    asked: &Asked<'_>,
    winner: &Architecture,
    options: &Options,
    fitted: &dyn Predict,
) -> Result<Vec<Replacement>, StudyError> {
    if options.is_empty() {
        return Ok(Vec::new());
    }
    let halves = if asked.observations.len() < FEWEST_HALVED {
        Vec::new()
    } else {
        asked.on_threads(asked.explain.halves.max(2), |half| {
            changes(&*asked.fit(&half_of(asked, half), &[HALVES, half as u64])?, options)
        })?
    };
    let vocabulary = asked.space.vocabulary();
    let each = options.iter().zip(changes(fitted, options)?).enumerate();
    let mut replaced: Vec<Replacement> = each
        .filter_map(|(i, ((place, there), changes))| {
            let best = (0..changes.len()).reduce(|a, b| if changes[b] > changes[a] { b } else { a })?;
            let drawn: Vec<f64> = halves.iter().map(|half| mean(&half[i])).collect();
            Some(Replacement {
                place: place.name(winner, asked.space.cell_names()),
                operation: vocabulary.name(there[0].0).to_owned(),
                change: Interval::of(mean(&changes), (drawn.len() > 1).then(|| sd(&drawn))),
                best: vocabulary.name(there[best + 1].0).to_owned(),
                best_change: changes[best],
            })
        })
        .collect();
    replaced.sort_by(|a, b| a.change.value.total_cmp(&b.change.value));
    Ok(replaced)
}

/// The measured architectures that differ least from the winner, of equals those with the better score.
fn neighbours(asked: &Asked<'_>, winner: &Architecture) -> Result<Vec<Neighbour>, StudyError> {
    let others = asked.observations.iter().filter(|other| other.architecture.key() != winner.key());
    let mut near: Vec<_> =
        others.map(|other| (apart(winner, &other.architecture, asked.space.cell_names()), other)).collect();
    near.sort_by(|(a, one), (b, other)| a.0.cmp(&b.0).then(other.score.total_cmp(&one.score)));
    near.truncate(asked.explain.shown);
    let neighbour =
        |((distance, differences), other): ((usize, Vec<String>), &bonas_surrogate::Observation)| {
            let arch = asked.space.format(&other.architecture)?;
            Ok(Neighbour { arch, score: other.score, distance, differences })
        };
    near.into_iter().map(neighbour).collect()
}
