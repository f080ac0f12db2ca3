//! What can be wrong with an architecture, a notation or a network plan.

use thiserror::Error;

/// An architecture or a notation that a space refuses; each variant names the value and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// The set of operations itself is inconsistent.
    #[error("bad vocabulary: {reason}")]
    Vocabulary {
        /// What is wrong.
        reason: String,
    },
    /// An operation that the space does not have.
    #[error("unknown operation {name:?}; this space has {}", known.join(", "))]
    UnknownOp {
        /// The name as given.
        name: String,
        /// The names the space has.
        known: Vec<String>,
    },
    /// A text that is not in the space's notation.
    #[error("cannot read {text:?} as {notation}: {reason}")]
    Notation {
        /// The text as given.
        text: String,
        /// The notation expected, for example "a NAS-Bench-201 string".
        notation: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// A graph that is no valid cell, or a cell outside the space.
    #[error("invalid cell: {reason}")]
    Cell {
        /// The rule that is broken.
        reason: String,
    },
    /// A space whose own parameters are out of range.
    #[error("bad {parameter} for this space: {reason}")]
    Parameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// The value and the valid range.
        reason: String,
    },
    /// A space that does not say what its architectures are in layers.
    #[error("{space} has no network here, so nothing of it can be trained or counted")]
    NoNetwork {
        /// Name of the space.
        space: String,
    },
    /// A network that cannot be built from these cells at this size.
    #[error("cannot plan the network: {reason}")]
    Network {
        /// The value and the valid range.
        reason: String,
    },
}

impl SpaceError {
    /// A [`SpaceError::Cell`] from anything that prints.
    pub fn cell(reason: impl Into<String>) -> Self {
        Self::Cell { reason: reason.into() }
    }

    /// A [`SpaceError::Network`] from anything that prints.
    pub fn network(reason: impl Into<String>) -> Self {
        Self::Network { reason: reason.into() }
    }
}
