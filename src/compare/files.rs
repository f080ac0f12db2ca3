//! The files of a comparison.

use std::path::Path;

use super::{Results, page};
use crate::StudyError;
use crate::report::{REPORT_FILE, SUMMARY_FILE, write_json, write_whole};

/// Every query of every study: `strategy,seed,query,arch,search,report,found,oracle`, where
/// `found` is the report value of the best by search so far and `oracle` the best report value so
/// far. A function of the configuration and the table.
pub const RESULTS_FILE: &str = "results.csv";

impl Results {
    /// Writes [`RESULTS_FILE`], [`SUMMARY_FILE`] and [`REPORT_FILE`], each as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        let path = folder.join(RESULTS_FILE);
        let csv =
            self.csv().map_err(|source| StudyError::Io { path: path.clone(), source: source.into() })?;
        write_whole(&path, &csv)?;
        write_json(&folder.join(SUMMARY_FILE), &self.summary)?;
        write_whole(&folder.join(REPORT_FILE), page::page(&self.summary).as_bytes())
    }

    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["strategy", "seed", "query", "arch", "search", "report", "found", "oracle"])?;
        for trace in &self.traces {
            let seed = trace.seed.to_string();
            for (i, query) in trace.steps.iter().enumerate() {
                let place = (i + 1).to_string();
                let [search, report, found, oracle] =
                    [query.search, query.report, query.found, query.oracle].map(|value| value.to_string());
                writer.write_record([
                    &trace.label,
                    &seed,
                    &place,
                    &query.arch,
                    &search,
                    &report,
                    &found,
                    &oracle,
                ])?;
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}
