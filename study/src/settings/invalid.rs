//! Values out of their range.

use std::fmt;

/// A value outside its range, as [`Settings::check`](super::Settings::check) reports it.
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
