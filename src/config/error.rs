//! What can be wrong with a configuration.

use std::fmt;

/// A configuration that cannot be used: where, what, and the nearest thing that would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or what stands for it.
    pub origin: String,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
    /// Column, from 1, in characters; for space files only.
    pub column: Option<usize>,
    /// The key at fault as a dotted path, for example `training.epochs`; empty for the whole file.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, " column {column}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ConfigError {}
