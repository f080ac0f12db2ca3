//! What a declared space is made of, before rules and a network.

use std::fmt;
use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::graph::{Architecture, OpId, Vocabulary};
use crate::network::Union;
use crate::space::Choices;

use super::expression::{Type, Value};

/// Most points of a space that is listed.
pub(super) const MOST_LISTED: u128 = 2_000_000;

/// Whether an architecture is wanted.
pub(super) type Accept<'a> = &'a dyn Fn(&Architecture) -> bool;

/// A stage of a chain whose layers are one operation each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Always so many layers.
    Fixed(usize),
    /// An operation that says how many layers follow.
    Said(Vec<(OpId, usize)>),
}

impl Layout {
    /// The operations that say how many layers follow.
    pub(super) fn said(&self) -> &[(OpId, usize)] {
        match self {
            Self::Fixed(_) => &[],
            Self::Said(depths) => depths,
        }
    }
}

/// The structure of a declared space.
///
/// Methods that read an architecture fail with [`SpaceError::Cell`] for one that is not of the structure.
pub(super) trait Body: Send + Sync + fmt::Debug {
    fn vocabulary(&self) -> &Arc<Vocabulary>;

    /// Names of the cells; empty where an architecture is one cell.
    fn cell_names(&self) -> &[&'static str];

    /// Draws an architecture uniformly over the points of the structure.
    fn sample(&self, rng: &mut dyn Rng) -> Architecture;

    /// A random neighbour that `accept` takes; the architecture itself if there is none.
    fn mutate(
        &self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        accept: Accept<'_>,
    ) -> Result<Architecture, SpaceError>;

    /// All architectures one element away, each key once.
    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError>;

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError>;

    /// Number of points; `u128::MAX` where it is larger.
    fn points(&self) -> u128;

    /// Whether different points are different architectures.
    fn is_exact(&self) -> bool;

    /// Every point, if there are at most [`MOST_LISTED`].
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>>;

    fn choices(&self) -> &dyn Choices;

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError>;

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError>;

    /// The union of all architectures.
    fn whole(&self) -> Union;

    /// The stages of a chain whose operations are layers, one for each.
    ///
    /// # Errors
    /// Why the structure is none.
    fn layouts(&self) -> Result<Vec<Layout>, String> {
        Err("it wants a chain of stages".into())
    }

    /// The variable of rules with this name, and its type; cells have none.
    ///
    /// # Errors
    /// What is wrong with the name.
    fn variable(&self, name: &str) -> Result<(usize, Type), String> {
        Err(format!("unknown name `{name}`; rules over cells have depth, params, macs and count(operation)"))
    }

    /// Whether `depth` in a rule is that of the graph; else it is a [`variable`](Self::variable).
    fn has_depth(&self) -> bool {
        true
    }

    /// Values of the variables of an architecture; none for a choice that does not exist in it.
    fn values(&self, _architecture: &Architecture) -> Result<Vec<Option<Value<'_>>>, SpaceError> {
        Ok(Vec::new())
    }
}
