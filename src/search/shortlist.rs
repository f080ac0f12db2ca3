//! The shortlist: the best of a search, trained from scratch to choose the winner.

use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::Finished;
use bonas_study::history::{Evaluation, Outcome};
use bonas_study::journal::write_json;
use bonas_study::rng::FINAL;

use super::training::Listing;
use super::{Observe, SHORTLIST_FOLDER, Search, Stage};
use crate::StudyError;
use crate::build::FollowUps;
use crate::config::plain;
use crate::report::{SHORTLIST_FILE, Shortlisted};

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
        let mut best = self.best(&**space, searched)?;
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
            evaluators: FollowUps::new(&self.config)?.shortlist(&folder)?,
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

fn shortlisted(space: &dyn SearchSpace, score: f64, trained: &Evaluation) -> Result<Shortlisted, StudyError> {
    let (validation, beside) = match &trained.outcome {
        Outcome::Scored(score) => (score.runs.clone(), score.beside),
        Outcome::Failed(_) => (Vec::new(), None),
    };
    let arch = space.format(&trained.architecture)?;
    let key = trained.architecture.key().to_string();
    Ok(Shortlisted { arch, key, score: Some(score), validation, beside })
}
