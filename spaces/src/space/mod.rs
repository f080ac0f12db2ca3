//! The [`SearchSpace`] trait: what a set of architectures must be able to do to be searched.
//!
//! Implement it to search a space of your own; [`crate::testing::check_space`] tests an
//! implementation. Three parts are optional: [`Choices`] (which some evolutionary strategies need),
//! [`SearchSpace::enumerate`] (for spaces small enough to list), and [`SearchSpace::network`] (for
//! whatever trains or counts networks). [`CostTable`] gives the multiply-adds of an architecture as a
//! sum over its choices.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::nasbench201::NasBench201;
//! use bonas_spaces::rand::SeedableRng;
//! use rand_chacha::ChaCha8Rng;
//!
//! let space = NasBench201::new();
//! let cell = space.sample(&mut ChaCha8Rng::seed_from_u64(1));
//! assert_eq!(space.parse(&space.format(&cell)?)?, cell);
//! assert!(space.neighbours(&cell)?.len() <= 24);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod cost;
pub(crate) mod left;
mod restricted;

use std::fmt;
use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::graph::{Architecture, Vocabulary};
use crate::lookup::{Entry, UnknownName};
use crate::network::{SpaceNetwork, SpaceRecurrent};
use crate::notation::Notation;

pub use cost::CostTable;
pub use restricted::Restricted;

/// How many architectures a space holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceSize {
    /// Exactly this many distinct keys.
    Unique(u128),
    /// At most this many: the points of the space's parametrisation, isomorphic ones included; `u128::MAX` for more than
    /// can be counted.
    AtMost(u128),
}

impl fmt::Display for SpaceSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(n) => write!(f, "{n} unique"),
            // A count that does not fit is given as the largest number.
            Self::AtMost(u128::MAX) => write!(f, "more than 10^38"),
            Self::AtMost(n) => write!(f, "at most {n}"),
        }
    }
}

/// A set of architectures to search.
///
/// Every method that returns an architecture returns a valid one (`check` accepts it), and what
/// `format` prints `parse` reads back to an equal key. [`crate::testing::check_space`] tests both.
pub trait SearchSpace: Send + Sync + fmt::Debug {
    /// Short name, used in messages and files.
    fn name(&self) -> &str;

    /// The operations of the space.
    fn vocabulary(&self) -> &Arc<Vocabulary>;

    /// Names of the cells of an architecture, in order; empty if an architecture is one cell.
    fn cell_names(&self) -> &[&str] {
        &[]
    }

    /// The text that declares the space, from which it can be built again; `None` for a space in code.
    fn source(&self) -> Option<&str> {
        None
    }

    /// The space to share, where the catalogue has none of its name; of a part of a space the whole one. `None` for a space
    /// of the catalogue. Scores on another task are read in it.
    fn shared(&self) -> Option<Arc<dyn SearchSpace>> {
        None
    }

    /// Draws an architecture uniformly over the space's parametrisation, which each space documents.
    fn sample(&self, rng: &mut dyn Rng) -> Architecture;

    /// Changes one element (an operation, an edge) at random.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError>;

    /// All architectures that differ in one element, each key once and without `architecture`
    /// itself. The order depends on `architecture` only.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError>;

    /// Checks that an architecture belongs to this space.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] naming the rule it breaks.
    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError>;

    /// Number of architectures.
    fn size(&self) -> SpaceSize;

    /// Every architecture of the parametrisation, isomorphic ones included; `None` if there are too
    /// many to list (more than a few million).
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        None
    }

    /// The space as independent choices, which lets evolution cross architectures; `None` if it is not
    /// one.
    fn choices(&self) -> Option<&dyn Choices> {
        None
    }

    /// The space's networks; `None` if the space does not say what its operations are in layers. A
    /// space that wraps another returns that space's networks.
    fn network(&self) -> Option<&dyn SpaceNetwork> {
        None
    }

    /// The space's networks, for a caller that cannot work without them.
    ///
    /// # Errors
    /// [`SpaceError::NoNetwork`] naming the space.
    fn require_network(&self) -> Result<&dyn SpaceNetwork, SpaceError> {
        self.network().ok_or_else(|| SpaceError::NoNetwork { space: self.name().to_owned() })
    }

    /// The recurrent cells of the space; `None` for a space of image networks.
    fn recurrent(&self) -> Option<&dyn SpaceRecurrent> {
        None
    }

    /// The recurrent cells of the space, for a caller that cannot work without them.
    ///
    /// # Errors
    /// [`SpaceError::NoRecurrentCells`] naming the space.
    fn require_recurrent(&self) -> Result<&dyn SpaceRecurrent, SpaceError> {
        self.recurrent().ok_or_else(|| SpaceError::NoRecurrentCells { space: self.name().to_owned() })
    }

    /// Prints an architecture in the space's published notation.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError>;

    /// Reads an architecture in any of the space's [`Self::notations`], which may be named in front:
    /// `NOTATION:text`.
    ///
    /// # Errors
    /// [`SpaceError::Notation`] or [`SpaceError::UnknownOp`] naming the text and what is wrong;
    /// [`SpaceError::Ambiguous`] with the readings of a text that has several.
    fn parse(&self, text: &str) -> Result<Architecture, SpaceError>;

    /// The notations that [`Self::parse`] reads, first the one that [`Self::format`] prints; empty for a
    /// space that has only that one.
    fn notations(&self) -> Vec<Notation> {
        Vec::new()
    }

    /// Prints an architecture in the notation of a name.
    ///
    /// # Errors
    /// [`SpaceError::UnknownNotation`]; [`SpaceError::CannotSay`] for an architecture that the notation has
    /// no words for; [`SpaceError::Cell`] if `architecture` is not of this space.
    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        let known = self.notations();
        match known.first() {
            Some(own) if own.name == notation => self.format(architecture),
            _ => Err(UnknownName::new("notation", notation, known.iter().map(|known| known.name)).into()),
        }
    }
}

/// A space whose architectures are independent choices: one option for each position.
///
/// Most combinations must be architectures, so that a caller who draws again after an invalid one
/// soon finds a valid one.
pub trait Choices {
    /// Number of options at each position, at least 1.
    fn counts(&self) -> Vec<usize>;

    /// The option that an architecture takes at each position.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError>;

    /// The architecture with these options; `None` if they do not make a valid one together.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for a wrong number of options, or an option out of range.
    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError>;
}

/// A search space under the name that configurations and commands use.
///
/// It is defined in the space's own file and listed in [`crate::catalogue::SPACES`].
#[derive(Debug)]
pub struct SpaceEntry {
    /// The name, that of [`SearchSpace::name`].
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Builds the space.
    pub make: fn() -> Arc<dyn SearchSpace>,
    /// Builds the variant in which isomorphic architectures count as different; `None` if there is no
    /// such variant.
    pub make_raw: Option<fn() -> Arc<dyn SearchSpace>>,
}

impl SpaceEntry {
    /// The space.
    pub fn space(&self) -> Arc<dyn SearchSpace> {
        (self.make)()
    }

    /// The variant in which isomorphic architectures count as different, if there is one.
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

/// Checks that there is one choice for each position, and that it is in range.
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
