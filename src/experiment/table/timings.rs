//! How long the strategies of an experiment on a table took.

use serde::{Deserialize, Serialize};

use super::{Run, Summary};
use crate::drawing::escape;
use crate::experiment::timings::Times;
use bonas_study::statistics::{mean, quantile};

/// Times of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyTimings {
    /// What it is called.
    pub label: String,
    /// Milliseconds of an ask, over all asks of all runs.
    pub ask_ms: AskMs,
    /// Seconds of one run, mean.
    pub wall_s: f64,
}

/// Milliseconds of an ask.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskMs {
    /// Mean.
    pub mean: f64,
    /// The value that 95 % do not exceed.
    pub p95: f64,
}

impl StrategyTimings {
    /// The times of a strategy's runs.
    pub(super) fn of(label: &str, runs: &[Run]) -> Self {
        let asks: Vec<f64> = runs.iter().flat_map(|run| run.ask_ms.iter().copied()).collect();
        let walls: Vec<f64> = runs.iter().map(|run| run.wall_s).collect();
        let ask_ms = AskMs { mean: mean(&asks), p95: quantile(&asks, 0.95) };
        Self { label: label.to_owned(), ask_ms, wall_s: mean(&walls) }
    }
}

/// What experiment the times are of, as HTML.
pub(super) fn lead(summary: &Summary) -> String {
    format!(
        "Experiment on the table of {}, {} seeds of each strategy, {} queries each.",
        escape(&summary.space),
        summary.seeds,
        summary.budget
    )
}

impl Times for StrategyTimings {
    const HEADS: &'static [&'static str] =
        &["strategy", "ask, mean (ms)", "ask, 95 % quantile (ms)", "run, mean (s)"];
    const REMARK: &'static str = "Times are wall-clock times. Runs at the same time shared the processor, so that fewer \
                                  threads give shorter times.";

    fn row(&self) -> Vec<String> {
        vec![
            self.label.clone(),
            format!("{:.2}", self.ask_ms.mean),
            format!("{:.2}", self.ask_ms.p95),
            format!("{:.4}", self.wall_s),
        ]
    }
}
