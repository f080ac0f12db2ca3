//! What a search space can do.

mod cost;

use std::fmt;
use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::graph::{Architecture, Vocabulary};
use crate::lookup::Entry;
use crate::network::SpaceNetwork;

pub use cost::CostTable;

/// How many architectures a space holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceSize {
    /// Exactly this many distinct keys.
    Unique(u128),
    /// This many points of the space's own parametrisation; isomorphic ones counted apart.
    AtMost(u128),
}

impl fmt::Display for SpaceSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(n) => write!(f, "{n} unique"),
            Self::AtMost(n) => write!(f, "at most {n}"),
        }
    }
}

/// A set of architectures that can be drawn from, moved about in, printed and parsed.
///
/// Every method that returns an architecture returns a valid one (`check` accepts it), and what
/// `format` prints `parse` reads back to an equal key. [`crate::testing::check_space`] tests both,
/// and authors of their own spaces can run it.
pub trait SearchSpace: Send + Sync + fmt::Debug {
    /// Short name, used in messages and files only.
    fn name(&self) -> &str;

    /// The operations of the space.
    fn vocabulary(&self) -> &Arc<Vocabulary>;

    /// Names of the cells of an architecture, in order; empty where an architecture is one cell.
    fn cell_names(&self) -> &[&str] {
        &[]
    }

    /// Draws an architecture, uniformly over the space's own parametrisation (each space says
    /// which).
    fn sample(&self, rng: &mut dyn Rng) -> Architecture;

    /// Changes one element (an operation, an edge) at random.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError>;

    /// All architectures one element away, each key once, `architecture` itself left out, in an
    /// order that depends on nothing but `architecture`.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError>;

    /// Whether an architecture is of this space.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] naming the rule it breaks.
    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError>;

    /// How many architectures there are.
    fn size(&self) -> SpaceSize;

    /// Every architecture of the parametrisation, isomorphic ones too, where going through all
    /// of them is practical (up to a few million).
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        None
    }

    /// The space as choices, where it is one; evolution crosses architectures so.
    fn choices(&self) -> Option<&dyn Choices> {
        None
    }

    /// The space's networks; none for a space that describes architectures without saying what
    /// they are in layers. A space that wraps another one returns that one's.
    fn network(&self) -> Option<&dyn SpaceNetwork> {
        None
    }

    /// The space's networks, for a caller that cannot do without.
    ///
    /// # Errors
    /// [`SpaceError::NoNetwork`] naming the space.
    fn require_network(&self) -> Result<&dyn SpaceNetwork, SpaceError> {
        self.network().ok_or_else(|| SpaceError::NoNetwork { space: self.name().to_owned() })
    }

    /// Prints an architecture in the space's published notation.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError>;

    /// Reads the space's published notation.
    ///
    /// # Errors
    /// [`SpaceError::Notation`] or [`SpaceError::UnknownOp`] naming the text and what is wrong.
    fn parse(&self, text: &str) -> Result<Architecture, SpaceError>;
}

/// A space whose architectures are choices, one option a position: any combination of them is one, or few
/// enough are none that drawing again finds one.
pub trait Choices {
    /// Options at each position, at least 1 everywhere.
    fn counts(&self) -> Vec<usize>;

    /// The option taken at each position.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError>;

    /// The architecture of one option a position; none if these do not make one together.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for another number of positions, or an option that is not there.
    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError>;
}

/// A search space under the name that configurations and commands use.
///
/// It stands in the space's own file; [`crate::catalogue::SPACES`] lists it.
#[derive(Debug)]
pub struct SpaceEntry {
    /// The name, that of [`SearchSpace::name`].
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Builds the space.
    pub make: fn() -> Arc<dyn SearchSpace>,
    /// Builds the space in which every text is an architecture of its own, isomorphic ones too;
    /// none where there is no such space.
    pub make_raw: Option<fn() -> Arc<dyn SearchSpace>>,
}

impl SpaceEntry {
    /// The space.
    pub fn space(&self) -> Arc<dyn SearchSpace> {
        (self.make)()
    }

    /// The space in which every text is an architecture of its own, if there is one.
    pub fn raw_space(&self) -> Option<Arc<dyn SearchSpace>> {
        self.make_raw.map(|make| make())
    }
}

impl Entry for SpaceEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

/// Whether there is one choice a position, below its count.
///
/// # Errors
/// [`SpaceError::Cell`] naming the position.
pub(crate) fn check_choices(choices: &[usize], counts: &[usize]) -> Result<(), SpaceError> {
    if choices.len() != counts.len() {
        return Err(SpaceError::cell(format!("{} choices given, expected {}", choices.len(), counts.len())));
    }
    match (0..counts.len()).find(|&at| choices[at] >= counts[at]) {
        Some(at) => {
            let reason = format!("choice {} at position {at}, expected 0 to {}", choices[at], counts[at] - 1);
            Err(SpaceError::cell(reason))
        }
        None => Ok(()),
    }
}
