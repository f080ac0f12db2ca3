//! The files of a report in a study's folder.

use std::path::Path;

use bonas_study::StudyError;
use bonas_study::journal::{write_json, write_whole};

use super::{
    REPORT_FILE, Report, SUMMARY_FILE, Summary, TIMINGS_JSON, TIMINGS_PAGE, Timings, WINNER_FILE, page,
    timings,
};

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
