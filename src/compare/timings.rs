//! `timings.json` and `timings.html`: how long the strategies of a comparison took.

use bonas_study::statistics::{mean, quantile};
use serde::{Deserialize, Serialize};

use super::{Run, Summary};
use crate::drawing::escape;
use crate::report::markup::{foot, head, note, section, table};
use crate::report::{REPORT_FILE, TIMINGS_FORMAT};

/// What `timings.json` of a comparison holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// [`TIMINGS_FORMAT`].
    pub format: u32,
    /// One entry a strategy, in the order of the configuration.
    pub strategies: Vec<StrategyTimings>,
}

/// Times of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyTimings {
    /// Its label.
    pub name: String,
    /// Milliseconds of an ask, over all asks of all studies.
    pub ask_ms: AskMs,
    /// Seconds of one study, mean.
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
    /// The times of a strategy's studies.
    pub(super) fn of(name: &str, runs: &[&Run]) -> Self {
        let asks: Vec<f64> = runs.iter().flat_map(|run| run.ask_ms.iter().copied()).collect();
        let walls: Vec<f64> = runs.iter().map(|run| run.wall_s).collect();
        let ask_ms = AskMs { mean: mean(&asks), p95: quantile(&asks, 0.95) };
        Self { name: name.to_owned(), ask_ms, wall_s: mean(&walls) }
    }
}

impl Timings {
    /// The timings of all strategies.
    pub(super) fn of(strategies: Vec<StrategyTimings>) -> Self {
        Self { format: TIMINGS_FORMAT, strategies }
    }

    /// The page.
    pub(super) fn page(&self, summary: &Summary) -> String {
        let lead = format!(
            "Comparison on {}, {} studies a strategy, {} queries each. All times are wall-clock times of this run; its \
             results are in <code>{REPORT_FILE}</code>.",
            escape(&summary.space),
            summary.seeds,
            summary.budget
        );
        let heads = ["strategy", "ask, mean (ms)", "ask, 95 % quantile (ms)", "study, mean (s)"];
        let row = |s: &StrategyTimings| {
            vec![
                s.name.clone(),
                format!("{:.2}", s.ask_ms.mean),
                format!("{:.2}", s.ask_ms.p95),
                format!("{:.4}", s.wall_s),
            ]
        };
        let table = table("timings", "Times of strategies", &heads, self.strategies.iter().map(row));
        let remark = "Studies that ran at the same time shared the processor, so that fewer threads give shorter times.";
        head("Timings", &lead) + &section("Strategies", &(table + &note(remark))) + &foot()
    }
}
