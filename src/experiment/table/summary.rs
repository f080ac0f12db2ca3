//! `summary.json` of an experiment on a table, for programs.

use bonas_study::table::Skipped;
use serde::{Deserialize, Serialize};

use crate::experiment::Pair;

/// What `summary.json` holds. Values are in the table's unit. It is a function of the configuration
/// and the table: times are in [`Timings`](crate::experiment::Timings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_FORMAT`](crate::experiment::SUMMARY_FORMAT).
    pub format: u32,
    /// Name of the search space.
    pub space: String,
    /// BLAKE3 of the table's text.
    pub fingerprint: String,
    /// Different architectures of the table.
    pub architectures: usize,
    /// Rows of the table that were left out, by reason; absent if none was.
    #[serde(default, skip_serializing_if = "Skipped::is_empty")]
    pub skipped: Skipped,
    /// The column that strategies saw.
    pub search: String,
    /// The column that is reported.
    pub report: String,
    /// Whether both are the same: an experiment with an oracle.
    pub oracle: bool,
    /// Unique architectures a run.
    pub budget: usize,
    /// Seeds of each strategy.
    pub seeds: usize,
    /// The first seed.
    pub first_seed: u64,
    /// Level of the tests.
    pub alpha: f64,
    /// The best of the table.
    pub optimum: Optimum,
    /// Limits that what is found must keep; absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<ConstraintSummary>,
    /// The second objective; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<ObjectiveSummary>,
    /// One entry a strategy, in the order of the configuration.
    pub strategies: Vec<StrategySummary>,
    /// Whether the strategies differ, by each measure.
    pub tests: Vec<TestSummary>,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstraintSummary {
    /// As it was given.
    pub limit: String,
    /// Whether strategies knew what keeps it before a query.
    pub known: bool,
    /// Architectures of the table that keep it.
    pub feasible: usize,
    /// Architectures that do not.
    pub infeasible: usize,
}

/// The second objective; higher is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveSummary {
    /// The column that strategies saw.
    pub search: String,
    /// The column that is reported.
    pub report: String,
    /// What hypervolumes are measured from, of both report columns.
    pub reference: [f64; 2],
    /// Hypervolume of the table's front: the highest there is.
    pub hypervolume: f64,
    /// The table's front by both report columns, the highest first objective first.
    pub front: Vec<FrontPoint>,
}

/// An architecture on a front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// The architecture.
    pub arch: String,
    /// Report value of the first objective.
    pub report: f64,
    /// Report value of the second.
    pub second: f64,
}

/// The fronts that a strategy found, over its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoSummary {
    /// One point a query, up to the budget.
    pub curve: Vec<ParetoPoint>,
    /// The end of the curve.
    pub last: ParetoLast,
    /// The front that the run of the first seed found, the highest first objective first.
    pub front: Vec<FrontPoint>,
}

/// After so many queries, over the runs of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoPoint {
    /// Unique architectures queried.
    pub queries: usize,
    /// Hypervolume of the front found so far: mean.
    pub hypervolume_mean: f64,
    /// Its standard deviation (divisor n - 1).
    pub hypervolume_sd: f64,
    /// Hypervolume of everything queried: mean.
    pub oracle_mean: f64,
}

/// Hypervolumes after the last query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoLast {
    /// Of the front found: mean.
    pub hypervolume_mean: f64,
    /// Its standard deviation (divisor n - 1).
    pub hypervolume_sd: f64,
    /// Lower end of the bootstrap interval of the mean.
    pub hypervolume_low: f64,
    /// Upper end.
    pub hypervolume_high: f64,
    /// Of everything queried: mean.
    pub oracle_mean: f64,
}

/// The best architectures of a table, of those that keep all limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    /// The best report value.
    pub report: f64,
    /// The architectures that have it.
    pub archs: Vec<String>,
    /// Report value of the architecture with the best search value: where a search that sees
    /// nothing but the search column must end.
    pub report_of_best_search: f64,
    /// Kendall's tau-b between the two columns over the table; null where it is not defined.
    pub tau: Option<f64>,
}

/// One strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategySummary {
    /// What it is called.
    pub label: String,
    /// Which strategy it is.
    pub strategy: String,
    /// Rows left out of the table that it starts from, by reason; absent if none was.
    #[serde(default, skip_serializing_if = "Skipped::is_empty")]
    pub transfer_skipped: Skipped,
    /// Studies.
    pub seeds: usize,
    /// One point a query, up to the budget.
    pub curve: Vec<Point>,
    /// The end of the curves.
    pub last: Last,
    /// Queries until an architecture with the best report value was queried.
    pub to_optimum: ToOptimum,
    /// Queries of what breaks a limit, mean; absent without limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infeasible_mean: Option<f64>,
    /// Fronts; absent without a second objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pareto: Option<ParetoSummary>,
}

/// After so many queries, over the runs of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Unique architectures queried.
    pub queries: usize,
    /// Report value of the architecture with the best search value so far: mean.
    pub report_mean: f64,
    /// Its standard deviation (divisor n - 1).
    pub report_sd: f64,
    /// Its lower quartile.
    pub report_q25: f64,
    /// Its median.
    pub report_median: f64,
    /// Its upper quartile.
    pub report_q75: f64,
    /// Report value of the architecture that the strategy's model takes for the best, at the end of the last round: mean;
    /// absent for strategies without a model, and before the first fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_mean: Option<f64>,
    /// Best report value among all queried: mean.
    pub oracle_mean: f64,
    /// Share of the runs that have queried an architecture with the table's best report value.
    pub optimum_share: f64,
}

/// After the last query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// Report value of the architecture with the best search value: mean.
    pub report_mean: f64,
    /// Its standard deviation (divisor n - 1).
    pub report_sd: f64,
    /// Lower end of the bootstrap interval of the mean.
    pub report_low: f64,
    /// Upper end.
    pub report_high: f64,
    /// Report value of the architecture that the strategy's model takes for the best, mean;
    /// absent for strategies without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_mean: Option<f64>,
    /// Its standard deviation (divisor n - 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_sd: Option<f64>,
    /// Best report value among all queried: mean.
    pub oracle_mean: f64,
}

/// Queries to the optimum. A run that did not find it counts with the cap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToOptimum {
    /// Mean; a lower bound where some runs did not find it.
    pub mean: f64,
    /// Standard deviation (divisor n - 1).
    pub sd: f64,
    /// Lower end of the bootstrap interval of the mean.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Lower quartile.
    pub q25: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub q75: f64,
    /// Share of the runs that found it.
    pub found: f64,
    /// What a run that did not find it counts with: the budget.
    pub cap: usize,
}

/// What strategies are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Report value found after the last query; higher is better.
    Report,
    /// Queries to the optimum; lower is better.
    Queries,
    /// Hypervolume of the front found after the last query; higher is better.
    Hypervolume,
}

/// Whether the strategies differ by a measure, seeds as blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestSummary {
    /// The measure.
    pub measure: Measure,
    /// Mean rank of every strategy over seeds, 1 the best, in their order.
    pub mean_ranks: Vec<f64>,
    /// Friedman's chi-square, corrected for ties.
    pub friedman: f64,
    /// Its probability if all strategies were equal.
    pub p: f64,
    /// Mean ranks further apart than this differ (Nemenyi).
    pub critical_difference: f64,
    /// Every two strategies.
    pub pairs: Vec<Pair>,
}
