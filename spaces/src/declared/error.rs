//! The error of a description.

use std::fmt;

/// A description that makes no space: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptionError {
    /// The key at fault as a dotted path, for example `cells[0].nodes`; empty for the whole description.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl DescriptionError {
    /// An error about the value at a path.
    pub fn new(path: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { path: path.into(), reason: reason.to_string() }
    }
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for DescriptionError {}
