//! The files that every experiment has.

use std::path::Path;

use bonas_study::journal::{write_json, write_whole};
use serde::Serialize;

use crate::StudyError;
use crate::report::{REPORT_FILE, SUMMARY_FILE, TIMINGS_JSON, TIMINGS_PAGE};

/// The plan in the folder of an experiment on images.
pub const PLAN_FILE: &str = "plan.json";

/// Goes up with every change of a strategy or surrogate that changes what a search finds, so that runs
/// of before are not taken for runs of now.
pub(super) const RESULTS: u32 = 10;

/// Version of the keys of `summary.json`, of a table and of images; they are only ever added to under one
/// version.
pub const SUMMARY_FORMAT: u32 = 3;

/// What [`SUMMARY_FILE`], [`REPORT_FILE`], [`TIMINGS_JSON`] and [`TIMINGS_PAGE`] hold.
pub(super) struct Files<'a, S, T> {
    pub(super) summary: &'a S,
    pub(super) report: String,
    pub(super) timings: &'a T,
    pub(super) timings_page: String,
}

impl<S: Serialize, T: Serialize> Files<'_, S, T> {
    /// Writes all four, each as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StudyError> {
        write_json(&folder.join(SUMMARY_FILE), self.summary)?;
        write_whole(&folder.join(REPORT_FILE), self.report.as_bytes())?;
        write_json(&folder.join(TIMINGS_JSON), self.timings)?;
        write_whole(&folder.join(TIMINGS_PAGE), self.timings_page.as_bytes())
    }
}
