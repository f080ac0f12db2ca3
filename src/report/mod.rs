//! Writes what a search found: `report.html`, `summary.json` and `winner.txt`.
//!
//! A [`Digest`] adds up a study's events. A [`Report`] sets beside it what the journal does not
//! hold (embedding, shortlist, final training, times, environment), and [`Report::write`] writes the
//! files.
//!
//! Invariant: a report only reads. It runs nothing, and the pages it writes load nothing.
//!
//! Invariant: `report.html` and `summary.json` are functions of configuration, seed and data. Times
//! and facts about the machine are in `timings.json` and `timings.html`.

mod digest;
mod drift;
mod evaluation;
mod files;
mod finals;
mod html;
pub(crate) mod markup;
mod model;
mod names;
mod pca;
pub(crate) mod plots;
mod shown;
mod summary;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod timings;
mod training;

use bonas_spaces::{Architecture, SearchSpace, SpaceError};

use bonas_study::history::Event;
use bonas_study::journal::Seconds;
use bonas_supernet::differentiable::Epoch;
use bonas_supernet::evaluator::Unit;

pub use digest::{Digest, Query, Range, RoundRow};
pub use drift::{Drift, DriftRank, Usual, drifted};
pub(crate) use drift::{WINDOW, share_of_skips};
pub use evaluation::{EVALUATION_FORMAT, Evaluation, Latency, Mistake, Origin};
pub use finals::{FinalResult, FinalTraining, Shortlisted};
pub use html::page;
pub use model::{Measured, ModelReport};
pub use names::{
    BY_MODEL_FILE, EMBEDDING_FILE, ENVIRONMENT_FILE, EVALUATION_FILE, FINAL_FILE, ORIGIN_FILE, REPORT_FILE,
    SHORTLIST_FILE, SUMMARY_FILE, TIMINGS_JSON, TIMINGS_PAGE, WINNER_FILE,
};
pub use pca::{Plane, project};
pub(crate) use shown::Shown;
pub use summary::{Best, FinalSummary, Relaxed, Round, SUMMARY_FORMAT, Summary, Trained};
pub use timings::{RoundTimings, TIMINGS_FORMAT, Timings, TrainedTimings};
pub use training::{RunCurves, Start, TrainingReport};

/// The contents of a search's report: events, final training, times, environment.
#[derive(Clone, Debug, Default)]
pub struct Report<'a> {
    /// The study's events, added up.
    pub digest: Digest,
    /// How long its rounds took.
    pub seconds: Seconds,
    /// Who won: the best score, or the best of the shortlist. [`Report::of`] fills it in; where the strategy's model
    /// chooses, it is what that said ([`BY_MODEL_FILE`]).
    pub winner: Option<Winner>,
    /// Names of an architecture's cells, in the space's order; may be empty.
    pub cell_names: &'a [&'a str],
    /// The surrogate's embedding of the evaluated architectures in their order, in a plane.
    pub embedding: Option<Plane>,
    /// Training of the best architectures from scratch, in the order of their scores.
    pub shortlist: Vec<Shortlisted>,
    /// Epochs of a differentiable search; empty for other strategies.
    pub trajectory: Vec<Epoch>,
    /// How proposals stand among random architectures, by round; none where nothing was trained to score them.
    pub drift: Option<Drift>,
    /// Final training; none if there is to be none.
    pub finals: Option<FinalTraining>,
    /// The configuration of the search and of what follows it; without it that of the study's journal is shown.
    pub config: Option<String>,
    /// What the values of shortlist and final training are; none: what they usually are after scores of this fidelity.
    pub unit: Option<Unit>,
    /// Facts about machine and program, in the order in which they are shown.
    pub environment: Vec<(String, String)>,
}

/// The architecture that a search is about.
#[derive(Clone, Debug)]
pub struct Winner {
    /// In the space's notation.
    pub arch: String,
    /// Its key in hexadecimal.
    pub key: String,
    /// To be drawn; none where the space cannot read it.
    pub architecture: Option<Architecture>,
    /// The measure by which it won.
    pub best_by: WinnerBy,
}

/// The measure by which an architecture won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WinnerBy {
    /// The score.
    Score,
    /// The estimate of the strategy's model.
    Model,
    /// Training from scratch, among the shortlist.
    Shortlist,
}

impl Winner {
    fn new(arch: &str, key: &str, best_by: WinnerBy, space: &dyn SearchSpace) -> Self {
        Self { arch: arch.to_owned(), key: key.to_owned(), architecture: space.parse(arch).ok(), best_by }
    }
}

impl Report<'_> {
    /// A report of a study's events and of the shortlist drawn up after it, which may be empty;
    /// the other fields are empty, and public.
    pub fn of(events: &[Event], shortlist: Vec<Shortlisted>, space: &dyn SearchSpace) -> Self {
        let digest = Digest::of(events);
        let best = digest.best().map(|(i, _)| &digest.queries[i]);
        let best = best.map(|query| Winner::new(&query.arch, &query.key, WinnerBy::Score, space));
        let first = Shortlisted::best(&shortlist);
        let first = first.map(|one| Winner::new(&one.arch, &one.key, WinnerBy::Shortlist, space));
        let winner = first.or(best);
        Self { digest, winner, shortlist, ..Self::default() }
    }

    /// How the values of shortlist and final training are shown.
    pub(crate) fn shown(&self) -> Shown {
        self.unit.map_or_else(|| Shown::after(self.digest.fidelity()), Shown::of)
    }

    /// This report where the strategy's model chooses the best of the search, which a shortlist may overrule.
    ///
    /// # Errors
    /// [`SpaceError`] for text that the space cannot read.
    pub fn chosen_by_model(&mut self, arch: &str, space: &dyn SearchSpace) -> Result<(), SpaceError> {
        if self.winner.as_ref().is_none_or(|winner| winner.best_by == WinnerBy::Score) {
            let key = space.parse(arch)?.key().to_string();
            self.winner = Some(Winner::new(arch, &key, WinnerBy::Model, space));
        }
        Ok(())
    }
}
