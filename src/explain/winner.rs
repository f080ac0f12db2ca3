//! The winner: what its operations are worth, and what was measured near it.

use bonas_spaces::Architecture;
use bonas_study::history::{Evaluation, Fidelity, Score};
use bonas_study::statistics::{mean, sd};
use bonas_surrogate::Predict;

use super::Asked;
use super::apart::apart;
use super::effects::values;
use super::exchanges::{Options, options};
use super::facts::{Explanation, Interval, Neighbour, Replacement, Winner};
use crate::StudyError;
use crate::search::summary;

/// The winner with what can be exchanged in it.
pub(super) struct Won {
    text: String,
    architecture: Architecture,
    pub(super) options: Options,
}

impl Won {
    /// That of a search; none where no architecture keeps the limits.
    pub(super) fn of(asked: &Asked<'_>) -> Result<Option<Self>, StudyError> {
        let Some(text) = summary(asked.directory(), &asked.search.config)?.winner else { return Ok(None) };
        let architecture = asked.space.parse(&text)?;
        let options = options(&*asked.space, &architecture)?;
        Ok(Some(Self { text, architecture, options }))
    }
}

/// Adds the winner to an explanation.
pub(super) fn answer(
    asked: &Asked<'_>,
    facts: &mut Explanation,
    won: Option<Won>,
    (fitted, halves): (&dyn Predict, &[Changes]),
) -> Result<(), StudyError> {
    let Some(Won { text, architecture, options }) = won else {
        facts.remarks.push("No architecture keeps the limits, so that there is no winner.".to_owned());
        return Ok(());
    };
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
        operations: operations(asked, (&architecture, &options), fitted, halves)?,
        neighbours: neighbours(asked, &architecture, facts.fidelity)?,
    });
    Ok(())
}

/// Changes of the predicted score: for each place the one by each of the other operations there.
pub(super) type Changes = Vec<Vec<f64>>;

/// Changes of the predicted score by what an operation is replaced by, its place in the order of `options`.
pub(super) fn changes(fitted: &dyn Predict, options: &Options) -> Result<Changes, StudyError> {
    if options.is_empty() {
        return Ok(Vec::new());
    }
    let values = values(fitted, std::slice::from_ref(options))?;
    let blocks = values.iter().flat_map(std::collections::BTreeMap::values);
    Ok(blocks.map(|block| block[1..].iter().map(|(_, value)| value - block[0].1).collect()).collect())
}

fn operations(
    asked: &Asked<'_>,
    (winner, options): (&Architecture, &Options),
    fitted: &dyn Predict,
    halves: &[Changes],
) -> Result<Vec<Replacement>, StudyError> {
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

/// The measured architectures that differ least from the winner, of equals those with the better score. Scores are those of the
/// history: what the surrogate is fitted to can be centred.
fn neighbours(
    asked: &Asked<'_>,
    winner: &Architecture,
    fidelity: Fidelity,
) -> Result<Vec<Neighbour>, StudyError> {
    let evaluations = asked.study.history.evaluations();
    let fitted = asked.positions.iter().map(|&position| &evaluations[position]);
    let others = fitted.filter(|other| other.architecture.key() != winner.key());
    let mut near: Vec<_> = others
        .filter_map(|other| {
            let score = other.outcome.score(fidelity)?;
            Some((apart(winner, &other.architecture, asked.space.cell_names()), other, score))
        })
        .collect();
    near.sort_by(|(a, _, one), (b, _, other)| a.0.cmp(&b.0).then(other.value.total_cmp(&one.value)));
    near.truncate(asked.explain.shown);
    let neighbour = |((distance, differences), other, score): ((usize, Vec<String>), &Evaluation, &Score)| {
        let arch = asked.space.format(&other.architecture)?;
        Ok(Neighbour { arch, score: score.value, breaks_limit: score.infeasible, distance, differences })
    };
    near.into_iter().map(neighbour).collect()
}
