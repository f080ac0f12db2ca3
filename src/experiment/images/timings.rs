//! How long the searches of an experiment on images took.

use serde::{Deserialize, Serialize};

use super::summary::Summary;
use super::{ImagesTask, Run};
use crate::drawing::escape;
use crate::experiment::Timings;
use crate::experiment::timings::Times;
use crate::report::markup::dash;
use bonas_study::statistics::mean;

/// Times of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyTimings {
    /// What it is called.
    pub label: String,
    /// Seconds of the whole search by the pilot; null without one.
    pub pilot_s: Option<f64>,
    /// Seconds of search of each run, by seed.
    pub search_s: Vec<f64>,
}

/// What experiment the times are of, as HTML.
pub(super) fn lead(summary: &Summary) -> String {
    format!("Experiment on {}, {} seeds of each strategy.", escape(&summary.data), summary.seeds)
}

impl Times for StrategyTimings {
    const HEADS: &'static [&'static str] =
        &["strategy", "expected by the pilot (s)", "search, mean (s)", "search by seed (s)"];
    const REMARK: &'static str = "The pilot counts seconds of processors, or of the device's wall clock. Searches are measured by the wall \
         clock, whatever else the machine did.";

    fn row(&self) -> Vec<String> {
        let by_seed: Vec<String> = self.search_s.iter().map(|s| format!("{s:.1}")).collect();
        vec![
            self.label.clone(),
            self.pilot_s.map_or_else(dash, |s| format!("{s:.1}")),
            format!("{:.1}", mean(&self.search_s)),
            by_seed.join(", "),
        ]
    }
}

impl ImagesTask<'_> {
    /// The times of all strategies; random cells have none.
    pub(super) fn timings(&self, runs: &[Vec<Run>]) -> Timings<StrategyTimings> {
        let of = |(budget, runs): (&super::Budget, &Vec<Run>)| StrategyTimings {
            label: budget.label.clone(),
            pilot_s: budget.seconds(),
            search_s: runs.iter().filter_map(|run| run.seconds).collect(),
        };
        Timings::of(self.plan.budgets.iter().zip(runs).map(of).collect())
    }
}
