//! What a study found: `report.html`, `summary.json` and `winner.txt`.
//!
//! A [`Digest`] adds up a study's events; a [`Report`] sets beside it what the journal does not
//! hold (seconds, embedding, final training, environment), and [`Report::write`] writes the files.
//!
//! Invariant: a report only reads. It runs nothing, and the page it writes loads nothing.

mod digest;
mod files;
mod finals;
pub(crate) mod html;
mod pca;
pub(crate) mod plots;
mod summary;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use bonas_spaces::{Architecture, SearchSpace};
use ndarray::Array2;

use crate::event::Event;
use crate::journal::Seconds;

pub use digest::{Digest, Query, Range, RoundRow};
pub use files::{
    EMBEDDING_FILE, ENVIRONMENT_FILE, FINAL_FILE, REPORT_FILE, SUMMARY_FILE, WINNER_FILE, read_json,
    write_json, write_whole,
};
pub use finals::FinalResult;
pub use html::page;
pub use pca::{Plane, project};
pub use plots::{Plot, calibration, embedding, score_by_query, tau_by_round};
pub use summary::{Best, Round, SUMMARY_FORMAT, Summary, Trained};

/// Everything that goes into a report.
#[derive(Clone, Debug, Default)]
pub struct Report<'a> {
    /// The study's events, added up.
    pub digest: Digest,
    /// How long its rounds took.
    pub seconds: Seconds,
    /// The best architecture, to be drawn; [`Report::of`] fills it in.
    pub winner: Option<Architecture>,
    /// Names of an architecture's cells, in the space's order; may be empty.
    pub cell_names: &'a [&'a str],
    /// The surrogate's embedding of the evaluated architectures in their order, `[queries, d]`.
    pub embedding: Option<Array2<f64>>,
    /// Final training, the winner first.
    pub finals: Vec<FinalResult>,
    /// Facts about machine and program, in the order in which they are shown.
    pub environment: Vec<(String, String)>,
}

impl Report<'_> {
    /// A report of a study's events; the other fields are empty, and public.
    ///
    /// A winner that `space` cannot read is shown as text only.
    pub fn of(events: &[Event], space: &dyn SearchSpace) -> Self {
        let digest = Digest::of(events);
        let winner = digest.best().and_then(|(i, _)| space.parse(&digest.queries[i].arch).ok());
        Self { digest, winner, ..Self::default() }
    }
}
