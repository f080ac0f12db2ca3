//! What can be wrong with a configuration.

use std::fmt;

/// A configuration that cannot be used: where, what, and the nearest thing that would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or what stands for it.
    pub origin: String,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
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
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ConfigError {}

/// A value outside its range, as [`super::Settings::check`] reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The key inside its own section.
    pub key: &'static str,
    /// The value and the valid range.
    pub reason: String,
}

impl Invalid {
    /// Refuses `value`, saying what is expected instead.
    pub fn new(key: &'static str, value: impl fmt::Display, expected: &str) -> Self {
        Self { key, reason: format!("{value} is out of range; expected {expected}") }
    }
}

/// Refuses a setting unless a condition holds.
///
/// # Errors
/// [`Invalid`] with the value and what is expected.
pub fn ensure(
    holds: bool,
    key: &'static str,
    value: impl fmt::Display,
    expected: &str,
) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(Invalid::new(key, value, expected)) }
}

/// Refuses a setting of 0.
///
/// # Errors
/// [`Invalid`] with the key.
pub fn at_least_1(value: usize, key: &'static str) -> Result<(), Invalid> {
    ensure(value >= 1, key, value, "at least 1")
}
