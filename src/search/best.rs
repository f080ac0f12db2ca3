//! The best architectures of a search, by score or by the strategy's model.

use std::cmp::Ordering;
use std::collections::HashMap;

use bonas_spaces::SearchSpace;
use bonas_study::Finished;
use bonas_study::history::{Evaluation, Fidelity, History};
use bonas_study::journal::write_json;

use super::Search;
use crate::StudyError;
use crate::config::BestBy;
use crate::report::BY_MODEL_FILE;

impl Search {
    /// What was evaluated with its scores, the best first: where there is no shortlist, by score only the first of the
    /// highest. What a model takes for the best is written to [`BY_MODEL_FILE`].
    pub(super) fn best<'a>(
        &self,
        space: &dyn SearchSpace,
        searched: &'a Finished,
    ) -> Result<Vec<(&'a Evaluation, f64)>, StudyError> {
        let (history, fidelity) = (&searched.history, searched.fidelity);
        match (self.config.shortlist.by, &searched.estimates) {
            (BestBy::Score, _) if self.config.shortlist.cells == 0 => {
                Ok(history.best(fidelity).into_iter().collect())
            }
            (BestBy::Score, _) => Ok(by_score(history, fidelity)),
            // Where nothing has a score there is nothing to estimate.
            (BestBy::Model, None) if history.best(fidelity).is_none() => Ok(Vec::new()),
            (BestBy::Model, None) => Err(no_estimates()),
            (BestBy::Model, Some(estimates)) => {
                let best = by_model(history, fidelity, estimates);
                if best.is_empty() && history.best(fidelity).is_some() {
                    return Err(no_estimates());
                }
                if let Some((first, _)) = best.first() {
                    let chosen = space.format(&first.architecture)?;
                    write_json(&self.directory.join(BY_MODEL_FILE), &chosen)?;
                }
                Ok(best)
            }
        }
    }
}

fn no_estimates() -> StudyError {
    let reason = "model, but the strategy's surrogate estimated nothing; take score";
    StudyError::Setting { name: "shortlist.by".into(), reason: reason.into() }
}

/// Evaluations with their scores, the highest estimate first, the earlier of equals first.
fn by_model<'a>(history: &'a History, fidelity: Fidelity, estimates: &[f64]) -> Vec<(&'a Evaluation, f64)> {
    let evaluations = history.evaluations().iter().zip(estimates);
    let scored = evaluations.filter_map(|(e, estimate)| {
        let score = e.outcome.score(fidelity).filter(|score| !score.infeasible)?;
        estimate.is_finite().then_some((*estimate, (e, score.value)))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, one)| one).collect()
}

/// Evaluations with their scores, the highest score first, the earlier of equals first. Scores with shared
/// weights compare inside a batch only: there the best of every batch come first, then the second
/// best of every batch, and so on.
fn by_score(history: &History, fidelity: Fidelity) -> Vec<(&Evaluation, f64)> {
    let mut scored: Vec<_> = history.scored(fidelity).collect();
    scored.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal));
    if fidelity == Fidelity::SharedWeights {
        let mut taken: HashMap<(usize, usize), usize> = HashMap::new();
        let mut ranked: Vec<_> = scored
            .into_iter()
            .map(|one| {
                let rank = taken.entry((one.0.round, one.0.batch)).or_default();
                *rank += 1;
                (*rank, one)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        scored = ranked.into_iter().map(|(_, one)| one).collect();
    }
    scored
}

#[cfg(test)]
mod tests {
    use super::*;
    use bonas_study::history::{Outcome, Score};
    use bonas_study::testing::Chain;

    fn history(fidelity: Fidelity, scores: &[(usize, f64)]) -> History {
        let space = Chain::new(6, 8).unwrap();
        let mut history = History::new();
        for (i, &(batch, value)) in scores.iter().enumerate() {
            let architecture = space.parse(&format!("{i:06}")).unwrap();
            let outcome = Outcome::Scored(Score::of(value, fidelity));
            history.push(Evaluation { architecture, round: 0, batch, predicted: None, outcome });
        }
        history
    }

    fn scores(fidelity: Fidelity, n: usize) -> Vec<f64> {
        let history = history(fidelity, &[(0, 0.9), (0, 0.8), (1, 0.5), (0, 0.7), (1, 0.6), (1, 0.9)]);
        by_score(&history, fidelity).into_iter().take(n).map(|(_, score)| score).collect()
    }

    #[test]
    fn shared_scores_are_ranked_batch_by_batch() {
        assert_eq!(scores(Fidelity::SharedWeights, 5), [0.9, 0.9, 0.8, 0.6, 0.7]);
        assert_eq!(scores(Fidelity::FromScratch, 5), [0.9, 0.9, 0.8, 0.7, 0.6]);
        assert_eq!(scores(Fidelity::FromScratch, 0), [0.0; 0]);
    }

    #[test]
    fn a_model_ranks_all_batches_together() {
        let fidelity = Fidelity::SharedWeights;
        let history = history(fidelity, &[(0, 0.9), (0, 0.8), (1, 0.5), (1, 0.6)]);
        let estimates = [0.7, f64::NEG_INFINITY, 0.75, 0.7];
        let scores: Vec<f64> = by_model(&history, fidelity, &estimates).into_iter().map(|(_, s)| s).collect();
        assert_eq!(scores, [0.5, 0.9, 0.6]);
    }
}
