//! Columns of numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::history::Bound;

/// What to take as a number of an architecture: `name`, the mean of several (`test1,test2`), or
/// `-name` where lower is better (the numbers change sign). In a CSV file, `name[3]` and `name[last]` are one of the
/// numbers that `;` joins, where no column has that name itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnName {
    /// The columns of the file; several are repeats of one measurement.
    pub parts: Vec<String>,
    /// Whether the numbers change sign.
    pub negated: bool,
}

impl ColumnName {
    /// Names with commas between.
    pub(crate) fn list(names: &[Self]) -> String {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for ColumnName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (negated, rest) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let parts: Vec<String> = rest.split(',').map(|part| part.trim().to_owned()).collect();
        if parts.iter().any(String::is_empty) {
            return Err(format!(
                "{text:?} is no column; give a name, or several with commas between: test1,test2"
            ));
        }
        Ok(Self { parts, negated })
    }
}

impl TryFrom<String> for ColumnName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ColumnName> for String {
    fn from(name: ColumnName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.negated { "-" } else { "" }, self.parts.join(","))
    }
}

/// The measurements of every arm; several where there are seeds, several columns, or merged rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    name: ColumnName,
    /// The measurements of arm `i` are `runs[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    runs: Vec<f64>,
}

impl Column {
    /// A column of no arm yet.
    pub(super) fn new(name: ColumnName) -> Self {
        Self { name, starts: vec![0], runs: Vec::new() }
    }

    /// Adds an arm with these measurements, at least one.
    pub(super) fn push(&mut self, runs: impl IntoIterator<Item = f64>) {
        self.runs.extend(runs);
        self.starts.push(self.runs.len() as u32);
    }

    /// What was asked for.
    pub fn name(&self) -> &ColumnName {
        &self.name
    }

    /// Number of arms.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no arm.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The measurements of an arm, at least one.
    pub fn runs(&self, arm: usize) -> &[f64] {
        &self.runs[self.starts[arm] as usize..self.starts[arm + 1] as usize]
    }

    /// Mean of the measurements of an arm.
    pub fn mean(&self, arm: usize) -> f64 {
        let runs = self.runs(arm);
        runs.iter().sum::<f64>() / runs.len() as f64
    }

    /// The mean of every arm.
    pub fn means(&self) -> Vec<f64> {
        (0..self.len()).map(|arm| self.mean(arm)).collect()
    }

    /// What to multiply the numbers by so that accuracies are fractions: 0.01 where every one lies
    /// in `[0, 100]` and one lies above 1, else 1.
    pub fn scale(&self) -> f64 {
        let percent =
            self.runs.iter().all(|run| (0.0..=100.0).contains(run)) && self.runs.iter().any(|&run| run > 1.0);
        if percent { 0.01 } else { 1.0 }
    }
}

/// A limit on a column: `params <= 2.5` or `params >= 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The column.
    pub column: ColumnName,
    /// What its values must keep.
    pub bound: Bound,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no limit; expected `column <= number` or `column >= number`");
        let at_most = text.contains("<=");
        let (column, bound) = text.split_once(if at_most { "<=" } else { ">=" }).ok_or_else(bad)?;
        let value: f64 = bound.trim().parse().map_err(|_| bad())?;
        if !value.is_finite() {
            return Err(bad());
        }
        Ok(Self { column: column.parse()?, bound: Bound { at_most, value } })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bound { at_most, value } = self.bound;
        write!(f, "{} {} {value}", self.column, if at_most { "<=" } else { ">=" })
    }
}
