//! `timings.json` and `timings.html`: how long the strategies of an experiment took.

use serde::{Deserialize, Serialize};

use super::page::markdown_table;
use crate::report::REPORT_FILE;
use crate::report::markup::{foot, head, note, section, table};

/// Version of the keys of [`Timings`].
pub const TIMINGS_FORMAT: u32 = 2;

/// What `timings.json` of an experiment holds; `T` is [`super::table::StrategyTimings`], or that of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings<T> {
    /// [`TIMINGS_FORMAT`].
    pub format: u32,
    /// One entry a strategy, in the order of the configuration.
    pub strategies: Vec<T>,
}

/// Times of one strategy, as a row of a table.
pub(super) trait Times {
    /// The columns.
    const HEADS: &'static [&'static str];
    /// What must be known to read them.
    const REMARK: &'static str;

    /// The row.
    fn row(&self) -> Vec<String>;
}

impl<T> Timings<T> {
    /// The times of all strategies.
    pub(super) fn of(strategies: Vec<T>) -> Self {
        Self { format: TIMINGS_FORMAT, strategies }
    }
}

/// The page of times. `lead` says as HTML which experiment it is.
pub(super) fn page<T: Times>(timings: &Timings<T>, lead: &str) -> String {
    let lead =
        format!("{lead} All times are of this experiment; its results are in <code>{REPORT_FILE}</code>.");
    let rows = timings.strategies.iter().map(Times::row);
    let table = table("timings", "Times of strategies", T::HEADS, rows);
    head("Timings", &lead) + &section("Strategies", &(table + &note(T::REMARK))) + &foot()
}

/// The times as text, in Markdown.
pub(super) fn markdown<T: Times>(timings: &Timings<T>) -> String {
    markdown_table(T::HEADS, &timings.strategies.iter().map(Times::row).collect::<Vec<_>>())
}
