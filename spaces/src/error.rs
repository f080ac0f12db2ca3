//! The error of this crate.
//!
//! [`SpaceError`] covers architectures and texts that a space refuses, and networks that cannot be
//! built. Each variant names the value that is wrong and what is expected. Unknown names of spaces and
//! skeletons are [`crate::catalogue::UnknownName`].
//!
//! ```
//! use bonas_spaces::families::nasbench101::NasBench101;
//! use bonas_spaces::{SearchSpace, SpaceError};
//!
//! let error = NasBench101::new().parse("11|maxpool3x3").err();
//! assert!(matches!(error, Some(SpaceError::Notation { .. })));
//! ```

use thiserror::Error;

/// An architecture, a text or a network that is refused, with the value and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// A set of operations that is inconsistent.
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
    /// A text that does not follow the space's notation.
    #[error("cannot read {text:?} as {notation}: {reason}")]
    Notation {
        /// The text as given.
        text: String,
        /// The notation expected, for example "a NAS-Bench-201 string".
        notation: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// A text that means different architectures in different notations.
    #[error("{text:?} has {} readings: {}; say which with the name of the notation in front, {}:{text}",
        readings.len(), either(readings), readings.first().map_or("", |(name, _)| name))]
    Ambiguous {
        /// The text as given.
        text: String,
        /// The name of each notation, and the architecture that the text is in it, in the space's own notation.
        readings: Vec<(&'static str, String)>,
    },
    /// A hash, which says which architecture is meant only beside a table that has it.
    #[error(
        "{text:?} is a {notation}, which cannot be read by itself; give a table that has the architecture"
    )]
    Digest {
        /// The text as given.
        text: String,
        /// The name of the notation.
        notation: &'static str,
    },
    /// An architecture that a notation has no words for.
    #[error("notation {notation} cannot say it: {reason}")]
    CannotSay {
        /// The name of the notation.
        notation: &'static str,
        /// What it has no words for.
        reason: String,
    },
    /// A notation that the space does not have.
    #[error(transparent)]
    UnknownNotation(#[from] crate::lookup::UnknownName),
    /// A graph that is not a valid cell, or a cell outside the space.
    #[error("invalid cell: {reason}")]
    Cell {
        /// The rule that is broken.
        reason: String,
    },
    /// An architecture of the kind that the space is made of, which is not left of it.
    #[error("{text:?} is not of this space: {exclusion}")]
    Excluded {
        /// The architecture in the space's notation, shortened where it is long.
        text: String,
        /// What leaves it out.
        exclusion: Exclusion,
    },
    /// A space whose own parameters are out of range.
    #[error("bad {parameter} for this space: {reason}")]
    Parameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// The value and the valid range.
        reason: String,
    },
    /// A space without a network, where one is needed.
    #[error("{space} has no network here, so nothing of it can be trained or counted")]
    NoNetwork {
        /// Name of the space.
        space: String,
    },
    /// A space whose architectures are no recurrent cells, where they must be.
    #[error("{space} has no recurrent cells, so no language model of it can be trained or counted")]
    NoRecurrentCells {
        /// Name of the space.
        space: String,
    },
    /// A skeleton whose networks are counted only, where one is to be trained.
    #[error(
        "skeleton {skeleton} is counted only, since its head is for another task than classification; {}",
        instead(trainable)
    )]
    CountedOnly {
        /// Name of the skeleton.
        skeleton: &'static str,
        /// Names of the space's skeletons that can be trained.
        trainable: Vec<&'static str>,
    },
    /// A network that cannot be built from these cells in this size.
    #[error("cannot plan the network: {reason}")]
    Network {
        /// The value and the valid range.
        reason: String,
    },
}

/// What leaves an architecture out of a space.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Exclusion {
    /// It has an operation that the space is restricted from ([`Restricted`](crate::Restricted)).
    #[error("operation {0} is not among those that it is restricted to")]
    Operation(String),
    /// It breaks a rule of a declared space.
    #[error("it breaks the rule {0:?}")]
    Rule(String),
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

/// The skeletons to train with, for a message.
fn instead(trainable: &[&str]) -> String {
    match trainable {
        [] => "this space has no skeleton that can be trained".to_owned(),
        names => format!("train with {}", names.join(" or ")),
    }
}

/// Readings for a message: "NAME (architecture) and NAME (architecture)".
fn either(readings: &[(&'static str, String)]) -> String {
    let shown: Vec<String> = readings.iter().map(|(name, text)| format!("{name} ({text})")).collect();
    shown.join(" and ")
}
