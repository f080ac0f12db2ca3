//! Errors of fitting and predicting.

use thiserror::Error;

/// An error of a surrogate, an acquisition or a selection; it names the value at fault and the remedy.
#[derive(Debug, Error)]
pub enum SurrogateError {
    /// Architectures of another space than the observations.
    #[error("{surrogate} is fitted to architectures of another space, {expected}; it is given {found}")]
    Space {
        /// Name of the surrogate.
        surrogate: &'static str,
        /// Cells and operations of the first observation.
        expected: String,
        /// Those of the architecture at fault.
        found: String,
    },
    /// Observations, candidates or prior knowledge that cannot be used.
    #[error("{surrogate} cannot use this data: {reason}")]
    Data {
        /// Name of the surrogate, or of what else refuses them.
        surrogate: &'static str,
        /// The value at fault and what is needed.
        reason: String,
    },
    /// A setting outside its range.
    #[error("bad setting {name} = {value}: it must be {reason}")]
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
    /// Members of an ensemble that failed, each with its reason; the ensemble has no fit without them.
    #[error("cannot fit {surrogate}: {}", failures(members))]
    Members {
        /// Name of the ensemble.
        surrogate: &'static str,
        /// Names of the members that failed, and their errors.
        members: Vec<(&'static str, SurrogateError)>,
    },
    /// A predictor that has no form to be saved in.
    #[error(
        "{surrogate} cannot be saved; take another surrogate, ensemble for example (in a program: implement Predict::save)"
    )]
    NotSaved {
        /// Name of the surrogate.
        surrogate: &'static str,
    },
    /// Bytes that are no saved surrogate, or a damaged one.
    #[error("cannot load the saved surrogate: {reason}")]
    File {
        /// What is wrong and what to do.
        reason: String,
    },
    /// A saved surrogate of another version of this program.
    #[error(
        "cannot load the saved surrogate: it has version {found}, and this program reads version {expected}; fit and save the model again"
    )]
    Version {
        /// Version of the bytes.
        found: u32,
        /// The version that this program writes and reads.
        expected: u32,
    },
    /// Prior knowledge that a saved surrogate was fitted with and cannot hold, since it is a function.
    #[error("cannot load the saved surrogate: {reason}")]
    Knowledge {
        /// What is missing or differs, and what to do.
        reason: String,
    },
    /// A surrogate that needs libtorch, in a build without it.
    #[error(
        "{surrogate} needs libtorch, and this program was built without it (feature torch); use a surrogate that needs none, graph-gp for example"
    )]
    NeedsTorch {
        /// Name of the surrogate.
        surrogate: &'static str,
    },
}

/// "member A failed (reason); member B failed (reason)".
fn failures(members: &[(&'static str, SurrogateError)]) -> String {
    let failure = |(name, error): &(&str, SurrogateError)| format!("member {name} failed ({error})");
    members.iter().map(failure).collect::<Vec<_>>().join("; ")
}

impl SurrogateError {
    /// A [`SurrogateError::Setting`] from any value that prints.
    pub fn setting(name: &'static str, value: impl std::fmt::Display, reason: &'static str) -> Self {
        Self::Setting { name, value: value.to_string(), reason }
    }

    /// A [`SurrogateError::Data`] from anything that prints.
    pub fn data(surrogate: &'static str, reason: impl Into<String>) -> Self {
        Self::Data { surrogate, reason: reason.into() }
    }

    /// A [`SurrogateError::File`] from anything that prints.
    pub fn file(reason: impl Into<String>) -> Self {
        Self::File { reason: reason.into() }
    }

    /// A [`SurrogateError::Numeric`] from anything that prints.
    pub fn numeric(surrogate: &'static str, reason: impl Into<String>) -> Self {
        Self::Numeric { surrogate, reason: reason.into() }
    }
}

/// linfa's traits need this conversion; it keeps the text.
impl From<linfa::error::Error> for SurrogateError {
    fn from(error: linfa::error::Error) -> Self {
        Self::numeric("linfa", error.to_string())
    }
}
