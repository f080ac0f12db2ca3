//! What can go wrong in fitting or predicting.

use thiserror::Error;

/// A surrogate that cannot be fitted or asked; each variant names the value and the remedy.
#[derive(Debug, Error)]
pub enum SurrogateError {
    /// Observations that no model can be fitted to.
    #[error("cannot fit {surrogate}: {reason}")]
    Data {
        /// Name of the surrogate.
        surrogate: &'static str,
        /// The value at fault and what is needed.
        reason: String,
    },
    /// A setting out of its range.
    #[error("bad setting {name} = {value}: {reason}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// The valid range.
        reason: &'static str,
    },
    /// Arithmetic that failed (a matrix not positive definite, a loss that is not finite).
    #[error("{surrogate} failed numerically: {reason}")]
    Numeric {
        /// Name of the surrogate.
        surrogate: &'static str,
        /// What happened, where.
        reason: String,
    },
}
