//! `results.csv`: every query, for programs.

use super::Results;

/// Every query of every study: `strategy,seed,query,arch,search,report,found,oracle`, where
/// `found` is the report value of the best by search so far and `oracle` the best report value so
/// far; `search` is empty where a query failed. With limits a column `feasible` (1 or 0) follows, with a second objective `second_search`,
/// `second_report`, `hypervolume` (of the front found so far) and `hypervolume_oracle`. A function of the
/// configuration and the table.
pub const RESULTS_FILE: &str = "results.csv";

impl Results {
    /// The text of [`RESULTS_FILE`].
    pub(super) fn csv(&self) -> Result<Vec<u8>, csv::Error> {
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
                let numbers = [query.report, query.found, query.oracle];
                let text = |value: f64| value.to_string();
                let mut record = vec![trace.label.clone(), seed.clone(), place, query.arch.clone()];
                record.push(query.search.map_or_else(String::new, text));
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
