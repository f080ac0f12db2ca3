//! The files of a comparison.

use std::path::Path;

use bonas_study::journal::{write_json, write_whole};

use super::{Results, page};
use crate::StudyError;
use crate::report::{REPORT_FILE, SUMMARY_FILE, TIMINGS_JSON, TIMINGS_PAGE};

/// Every query of every study: `strategy,seed,query,arch,search,report,found,oracle`, where
/// `found` is the report value of the best by search so far and `oracle` the best report value so
/// far. With limits a column `feasible` (1 or 0) follows, with a second objective `second_search`,
/// `second_report`, `hypervolume` (of the front found so far) and `hypervolume_oracle`. A function of the
/// configuration and the table.
pub const RESULTS_FILE: &str = "results.csv";

impl Results {
    /// Writes [`RESULTS_FILE`], [`SUMMARY_FILE`], [`REPORT_FILE`], [`TIMINGS_JSON`] and
    /// [`TIMINGS_PAGE`], each as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`] naming the file.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        let path = folder.join(RESULTS_FILE);
        let csv =
            self.csv().map_err(|source| StudyError::Io { path: path.clone(), source: source.into() })?;
        write_whole(&path, &csv)?;
        write_json(&folder.join(SUMMARY_FILE), &self.summary)?;
        write_whole(&folder.join(REPORT_FILE), page::page(&self.summary).as_bytes())?;
        write_json(&folder.join(TIMINGS_JSON), &self.timings)?;
        write_whole(&folder.join(TIMINGS_PAGE), self.timings.page(&self.summary).as_bytes())
    }

    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let limits = !self.summary.constraints.is_empty();
        let mut head = vec!["strategy", "seed", "query", "arch", "search", "report", "found", "oracle"];
        head.extend(limits.then_some("feasible"));
        if self.summary.objective.is_some() {
            head.extend(["second_search", "second_report", "hypervolume", "hypervolume_oracle"]);
        }
        writer.write_record(head)?;
        for trace in &self.traces {
            let seed = trace.seed.to_string();
            for (i, query) in trace.steps.iter().enumerate() {
                let place = (i + 1).to_string();
                let numbers = [query.search, query.report, query.found, query.oracle];
                let text = |value: f64| value.to_string();
                let mut record = vec![trace.label.clone(), seed.clone(), place, query.arch.clone()];
                record.extend(numbers.map(text));
                record.extend(limits.then(|| u8::from(query.feasible).to_string()));
                if let Some(two) = &query.two {
                    record.extend([two.search, two.report, two.found, two.oracle].map(text));
                }
                writer.write_record(record)?;
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}
