//! The figures of `bonas predict` for programs and people.

use std::fmt::Write;

use bonas_study::statistics;
use bonas_study::table::Skipped;
use serde::{Deserialize, Serialize};

use super::Split;

/// Version of the keys of [`Rows`]; they are only ever added to under one version.
pub const FORMAT: u32 = 1;

/// What `bonas predict --json` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the search space.
    pub space: String,
    /// The table.
    pub table: String,
    /// BLAKE3 of the table's text.
    pub fingerprint: String,
    /// The column that surrogates were trained on; calibration is against it too.
    pub train_on: String,
    /// The column that ranks were compared with.
    pub rank: String,
    /// Architectures in the table.
    pub architectures: usize,
    /// Rows of the table that were left out, by reason; absent if none was.
    #[serde(default, skip_serializing_if = "Skipped::is_empty")]
    pub skipped: Skipped,
    /// Rows left out of the table that surrogates started from; absent if none was.
    #[serde(default, skip_serializing_if = "Skipped::is_empty")]
    pub transfer_skipped: Skipped,
    /// Seed of the splits.
    pub seed: u64,
    /// Share of the training rows that were replaced by diverged runs.
    #[serde(default)]
    pub diverged: f64,
    /// Value of these in the unit of the column; null: the lowest of the table.
    #[serde(default)]
    pub diverged_value: Option<f64>,
    /// What surrogates that take a prior knew beforehand: auto, none, macs or params.
    #[serde(default)]
    pub prior: String,
    /// Columns that were features beside the graph.
    #[serde(default)]
    pub features: Vec<String>,
    /// Where scores on another task were from that they started from; none: they did not.
    #[serde(default)]
    pub transfer: String,
    /// Digest of these.
    #[serde(default)]
    pub transfer_digest: Option<String>,
    /// One entry a surrogate and training size.
    pub rows: Vec<Row>,
}

/// Figures of one surrogate at one training size over all splits. A figure that is not defined is
/// null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the surrogate.
    pub surrogate: String,
    /// Architectures trained on.
    pub train: usize,
    /// Architectures predicted: all others.
    pub test: usize,
    /// Random splits.
    pub splits: usize,
    /// Kendall's tau-b: mean over splits.
    pub tau_mean: f64,
    /// Its standard deviation (divisor n - 1; 0 for one split).
    pub tau_sd: f64,
    /// Spearman's correlation: mean.
    pub spearman_mean: f64,
    /// Its standard deviation.
    pub spearman_sd: f64,
    /// N@10, the best true rank among the ten predicted best (1 is the best): mean.
    pub n10_mean: f64,
    /// Its standard deviation.
    pub n10_sd: f64,
    /// Share of the truly best 1 % among the predicted best 1 %: mean.
    pub precision1_mean: f64,
    /// Its standard deviation.
    pub precision1_sd: f64,
    /// The same of 5 %: mean.
    pub precision5_mean: f64,
    /// Its standard deviation.
    pub precision5_sd: f64,
    /// Share of the values inside their central 50 % posterior intervals: mean.
    pub coverage50: f64,
    /// The same of 80 %.
    pub coverage80: f64,
    /// The same of 95 %.
    pub coverage95: f64,
    /// Negative log likelihood a value, in nats, in the unit of the column; null where a posterior
    /// excludes a value.
    pub nll: Option<f64>,
    /// Seconds of fitting: mean.
    pub fit_s: f64,
    /// Seconds of predicting all others: mean.
    pub predict_s: f64,
}

impl Row {
    /// The row of some splits, at least one.
    pub(super) fn of(surrogate: &str, train: usize, test: usize, splits: &[Split]) -> Self {
        let all = |figure: &dyn Fn(&Split) -> f64| splits.iter().map(figure).collect::<Vec<f64>>();
        let mean = |figure: &dyn Fn(&Split) -> f64| statistics::mean(&all(figure));
        let sd = |figure: &dyn Fn(&Split) -> f64| statistics::sd(&all(figure));
        let nll = mean(&|s| s.nll);
        Self {
            surrogate: surrogate.to_owned(),
            train,
            test,
            splits: splits.len(),
            tau_mean: mean(&|s| s.tau),
            tau_sd: sd(&|s| s.tau),
            spearman_mean: mean(&|s| s.spearman),
            spearman_sd: sd(&|s| s.spearman),
            n10_mean: mean(&|s| s.n10),
            n10_sd: sd(&|s| s.n10),
            precision1_mean: mean(&|s| s.precision1),
            precision1_sd: sd(&|s| s.precision1),
            precision5_mean: mean(&|s| s.precision5),
            precision5_sd: sd(&|s| s.precision5),
            coverage50: mean(&|s| s.coverage[0]),
            coverage80: mean(&|s| s.coverage[1]),
            coverage95: mean(&|s| s.coverage[2]),
            nll: nll.is_finite().then_some(nll),
            fit_s: mean(&|s| s.fit_s),
            predict_s: mean(&|s| s.predict_s),
        }
    }
}

impl Rows {
    /// The rows as a table for a terminal.
    pub fn text(&self) -> String {
        let start = match &self.transfer_digest {
            Some(_) => format!(", starting from {}", self.transfer),
            None => String::new(),
        };
        let own = match self.features.as_slice() {
            [] => String::new(),
            own => format!(", with {}", own.join(", ")),
        };
        let mut text = format!(
            "{}: {} architectures of {}; trained on {}{own}{start}, ranks of {}\n{}{}\n",
            self.table,
            self.architectures,
            self.space,
            self.train_on,
            self.rank,
            self.skipped.line(),
            if self.transfer_skipped.is_empty() {
                String::new()
            } else {
                format!("{}: {}", self.transfer, self.transfer_skipped.line())
            }
        );
        text.push_str("surrogate         train   tau          spearman     N@10          P@1%  P@5%  ");
        text.push_str("cov50 cov80 cov95    nll    fit s predict s\n");
        for r in &self.rows {
            let nll = r.nll.map_or_else(|| "-".to_owned(), |nll| format!("{nll:.2}"));
            let _ = writeln!(
                text,
                "{:16} {:6}  {:.3} ±{:.3}  {:.3} ±{:.3}  {:5.1} ±{:<5.1}  {:.2}  {:.2}  {:.2}  {:.2}  {:.2}  {nll:>6} {:8.4} {:8.4}",
                r.surrogate,
                r.train,
                r.tau_mean,
                r.tau_sd,
                r.spearman_mean,
                r.spearman_sd,
                r.n10_mean,
                r.n10_sd,
                r.precision1_mean,
                r.precision5_mean,
                r.coverage50,
                r.coverage80,
                r.coverage95,
                r.fit_s,
                r.predict_s,
            );
        }
        text
    }
}
