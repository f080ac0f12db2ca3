//! The shortlist: the best of a search, trained from scratch to choose the winner.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::Finished;
use bonas_study::history::{Evaluation, Fidelity, History, Outcome};
use bonas_study::journal::write_json;
use bonas_study::rng::FINAL;

use super::training::Listing;
use super::{Observe, SHORTLIST_FOLDER, Search, Stage};
use crate::StudyError;
use crate::build::Trainings;
use crate::config::{BestBy, plain};
use crate::report::{BY_MODEL_FILE, SHORTLIST_FILE, Shortlisted};

impl Search {
    /// The best of the shortlist, which is written to [`SHORTLIST_FILE`]; without a shortlist, or
    /// where all of its trainings failed, the architecture with the best score; none without a
    /// score.
    pub(super) fn winner(
        &self,
        space: &Arc<dyn SearchSpace>,
        searched: &Finished,
        observe: &mut Observe<'_>,
    ) -> Result<Option<Architecture>, StudyError> {
        let cells = self.config.shortlist.cells;
        let mut best = match (self.config.shortlist.by, &searched.estimates) {
            (BestBy::Model, Some(estimates)) => by_model(&searched.history, searched.fidelity, estimates),
            (BestBy::Model, None) => return Err(no_estimates()),
            (BestBy::Score, _) if cells == 0 => {
                searched.history.best(searched.fidelity).into_iter().collect()
            }
            (BestBy::Score, _) => by_score(&searched.history, searched.fidelity),
        };
        if let (BestBy::Model, Some((first, _))) = (self.config.shortlist.by, best.first()) {
            write_json(&self.directory.join(BY_MODEL_FILE), &space.format(&first.architecture)?)?;
        }
        if cells == 0 {
            return Ok(best.first().map(|(e, _)| e.architecture.clone()));
        }
        best.truncate(cells);
        if best.is_empty() {
            return Ok(None);
        }
        let architectures: Vec<_> = best.iter().map(|(e, _)| e.architecture.clone()).collect();
        let folder = self.directory.join(SHORTLIST_FOLDER);
        let listing = Listing {
            stage: Stage::Shortlist,
            folder: &folder,
            settings: plain("shortlist", &self.config.shortlist),
            stream: [FINAL, 2],
            evaluators: Trainings::new(&self.config)?.shortlist(&folder)?,
        };
        let trained = self.train_listed(space, &architectures, listing, observe)?;
        let listed = best.iter().zip(trained.history.evaluations());
        let listed = listed.map(|((_, score), trained)| shortlisted(&**space, *score, trained));
        let listed = listed.collect::<Result<Vec<_>, _>>()?;
        write_json(&self.directory.join(SHORTLIST_FILE), &listed)?;
        let first = Shortlisted::best(&listed).map(|one| space.parse(&one.arch)).transpose()?;
        Ok(first.or_else(|| architectures.into_iter().next()))
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

fn shortlisted(space: &dyn SearchSpace, score: f64, trained: &Evaluation) -> Result<Shortlisted, StudyError> {
    let validation = match &trained.outcome {
        Outcome::Scored(score) => score.runs.clone(),
        Outcome::Failed(_) => Vec::new(),
    };
    let arch = space.format(&trained.architecture)?;
    Ok(Shortlisted { arch, key: trained.architecture.key().to_string(), score: Some(score), validation })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bonas_study::history::Score;
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
