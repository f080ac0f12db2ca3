//! What is missing in a table, and the rows that were left out.

use std::fmt;

use bonas_spaces::Exclusion;
use serde::{Deserialize, Serialize};

/// What stands for a number or an architecture that is not there, in any case of letters and with blanks around it: what
/// pandas takes for missing, and `-` and `?`.
///
/// It holds for every file: CSV, where nothing between two commas is the first of them; the nulls and
/// not-a-numbers of a Parquet file and of an official file of NAS-Bench-101; lists of candidates. Infinities are
/// not missing: they are an error, since a run that diverged needs a number (or a row without one).
pub const MISSING: [&str; 17] = [
    "", "-", "?", "na", "n/a", "#na", "#n/a", "#n/a n/a", "<na>", "nan", "-nan", "1.#ind", "-1.#ind",
    "1.#qnan", "-1.#qnan", "null", "none",
];

/// Whether a text of a table is one of [`MISSING`].
///
/// ```
/// use bonas_study::table::is_missing;
///
/// assert!(is_missing(" NaN ") && is_missing("") && is_missing("None"));
/// assert!(!is_missing("0") && !is_missing("inf"));
/// ```
pub fn is_missing(text: &str) -> bool {
    let text = text.trim();
    MISSING.iter().any(|missing| missing.eq_ignore_ascii_case(text))
}

/// How a message calls a text that is missing: "empty", or "missing" with the text.
pub fn missing_text(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("missing ({text:?})") }
}

/// Why a row of a table was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", content = "of", rename_all = "snake_case")]
pub enum SkipReason {
    /// It has no architecture.
    NoArchitecture,
    /// It has no number in a column: the column.
    Missing(String),
    /// It is beyond a limit: the limit, for example `params <= 2.5`.
    Beyond(String),
    /// It has an operation that the space leaves out: the operation.
    Operation(String),
    /// It breaks a rule of the space: the rule.
    Rule(String),
    /// The same architecture with the same numbers stands in an earlier row.
    Repeated,
}

impl From<Exclusion> for SkipReason {
    fn from(exclusion: Exclusion) -> Self {
        match exclusion {
            Exclusion::Operation(name) => Self::Operation(name),
            Exclusion::Rule(rule) => Self::Rule(rule),
        }
    }
}

/// How a message says it of a number of rows.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArchitecture => f.write_str("without an architecture"),
            Self::Missing(column) => write!(f, "without `{column}`"),
            Self::Beyond(limit) => write!(f, "beyond {limit}"),
            Self::Operation(name) => write!(f, "with {name}, which the space leaves out"),
            Self::Rule(rule) => write!(f, "against the rule {rule:?} of the space"),
            Self::Repeated => f.write_str("repeated"),
        }
    }
}

/// How many rows were left out for one reason; in JSON `{"reason": "missing", "of": "val", "rows": 3}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRows {
    /// Why.
    #[serde(flatten)]
    pub reason: SkipReason,
    /// Number of rows.
    pub rows: usize,
}

/// The rows of a table that were left out, counted by reason in the order in which the file has the reasons. Each
/// row counts once, for the first reason found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skipped {
    /// One entry a reason.
    pub reasons: Vec<SkippedRows>,
}

impl Skipped {
    /// Counts a row.
    pub(super) fn add(&mut self, reason: SkipReason) {
        match self.reasons.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.rows += 1,
            None => self.reasons.push(SkippedRows { reason, rows: 1 }),
        }
    }

    /// Number of rows.
    pub fn total(&self) -> usize {
        self.reasons.iter().map(|skipped| skipped.rows).sum()
    }

    /// Whether no row was left out.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The line of a command about them, with its end; empty if no row was left out.
    pub fn line(&self) -> String {
        if self.is_empty() { String::new() } else { format!("{self}\n") }
    }
}

/// As a line of a command: "12 rows left out: 10 without `val`, 2 beyond params <= 2.5".
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let reasons: Vec<String> =
            self.reasons.iter().map(|skipped| format!("{} {}", skipped.rows, skipped.reason)).collect();
        write!(f, "{total} {} left out: {}", if total == 1 { "row" } else { "rows" }, reasons.join(", "))
    }
}
