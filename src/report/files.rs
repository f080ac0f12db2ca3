//! The files of a report in a study's folder.

use std::path::Path;

use bonas_study::StudyError;
use bonas_study::journal::{write_json, write_whole};

use super::{Report, Summary, Timings, page, timings};

/// The page for people.
pub const REPORT_FILE: &str = "report.html";
/// The figures for programs: [`Summary`].
pub const SUMMARY_FILE: &str = "summary.json";
/// How long it took, for programs; beside a summary.
pub const TIMINGS_JSON: &str = "timings.json";
/// The same for people.
pub const TIMINGS_PAGE: &str = "timings.html";
/// The winner in its space's notation, one line.
pub const WINNER_FILE: &str = "winner.txt";
/// The shortlist: a list of [`super::Shortlisted`].
pub const SHORTLIST_FILE: &str = "shortlist.json";
/// Final training: a list of [`super::FinalResult`].
pub const FINAL_FILE: &str = "final.json";
/// Environment: a list of pairs of texts.
pub const ENVIRONMENT_FILE: &str = "environment.json";
/// Embedding: a [`super::Plane`], a point an evaluated architecture, in their order.
pub const EMBEDDING_FILE: &str = "embedding.json";

impl Report<'_> {
    /// Writes [`REPORT_FILE`], [`SUMMARY_FILE`], [`TIMINGS_JSON`], [`TIMINGS_PAGE`] and, once there is
    /// a score, [`WINNER_FILE`], each as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        write_json(&folder.join(SUMMARY_FILE), &Summary::of(self))?;
        write_whole(&folder.join(REPORT_FILE), page(self).as_bytes())?;
        write_json(&folder.join(TIMINGS_JSON), &Timings::of(self))?;
        write_whole(&folder.join(TIMINGS_PAGE), timings::page(self).as_bytes())?;
        match &self.winner {
            Some(winner) => write_whole(&folder.join(WINNER_FILE), format!("{}\n", winner.arch).as_bytes()),
            None => Ok(()),
        }
    }
}
