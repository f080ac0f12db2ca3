//! The shortlist: the best of a search, trained from scratch to choose the winner.

use std::cmp::Ordering;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};

use super::networks::Networks;
use super::training::Listing;
use super::{Observe, SHORTLIST_FOLDER, Search, Stage};
use crate::StudyError;
use crate::config::plain;
use crate::history::{Evaluation, Fidelity, History, Outcome};
use crate::report::{SHORTLIST_FILE, Shortlisted, write_json};
use crate::rng::FINAL;
use crate::study::Finished;

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
        let best = best_scores(&searched.history, searched.fidelity, self.config.shortlist.cells);
        if best.is_empty() {
            return Ok(searched.history.best(searched.fidelity).map(|(e, _)| e.architecture.clone()));
        }
        let architectures: Vec<_> = best.iter().map(|(e, _)| e.architecture.clone()).collect();
        let folder = self.directory.join(SHORTLIST_FOLDER);
        let listing = Listing {
            stage: Stage::Shortlist,
            folder: &folder,
            settings: plain("shortlist", &self.config.shortlist),
            stream: [FINAL, 2],
            evaluators: Networks::new(&self.config)?.shortlist(&folder)?,
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

/// The `n` highest scores, the highest first, the earlier of equals first.
fn best_scores(history: &History, fidelity: Fidelity, n: usize) -> Vec<(&Evaluation, f64)> {
    let mut scored: Vec<_> = history.scored(fidelity).collect();
    scored.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal));
    scored.truncate(n);
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
