//! The size space of NATS-Bench (Dong et al., "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and
//! Size", TPAMI 2021).
//!
//! Use [`NatsSize`] to search its widths, and [`NatsSizeSkeleton`] to change images or scale all widths. The cell is
//! fixed; an architecture is a width from 8 to 64 for each of five places. A text has them with colons, the first place
//! first.
//!
//! ```
//! use bonas_spaces::{NatsSize, SearchSpace};
//!
//! let network = NatsSize::new().parse("8:8:16:40:40")?;
//! assert_eq!(NatsSize::new().format_as(&network, "index")?, "100");
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod notations;
mod skeleton;

use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::draw;
use crate::graph::{Architecture, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Notation};
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};

use notations::FORMS;
pub use skeleton::NatsSizeSkeleton;

/// Number of places with a width.
pub const PLACES: usize = 5;

/// The widths of each place, in channels.
pub const WIDTHS: [usize; 8] = [8, 16, 24, 32, 40, 48, 56, 64];

/// The operations of a network's graph: one for each of [`WIDTHS`].
const OPS: [&str; WIDTHS.len()] = ["c8", "c16", "c24", "c32", "c40", "c48", "c56", "c64"];

/// A position in [`WIDTHS`] for each place.
type Places = [u8; PLACES];

/// The catalogue's entry of [`NatsSize`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "nats-size",
    about: "NATS-Bench size: five widths from 8 to 64 around one cell",
    make: || Arc::new(NatsSize::new()),
    make_raw: Some(|| Arc::new(NatsSize::new())),
};

/// The size space of NATS-Bench: 8⁵ = 32,768 networks, all different.
///
/// The graph of a network is the chain of its widths. Samples are uniform; neighbours change one width.
#[derive(Clone, Debug)]
pub struct NatsSize {
    chains: Chains,
}

impl Default for NatsSize {
    fn default() -> Self {
        Self::new()
    }
}

impl NatsSize {
    /// The space.
    pub fn new() -> Self {
        Self { chains: Chains::of(&OPS, "a NATS-Bench size network") }
    }

    fn built(&self, places: Places) -> Architecture {
        self.chains.build(&places.map(|width| Chains::op(usize::from(width))))
    }

    fn places(&self, architecture: &Architecture) -> Result<Places, SpaceError> {
        let ops = self.chains.read(architecture)?;
        let places: Vec<u8> = ops.into_iter().map(|op| Chains::position(op) as u8).collect();
        let found = places.len();
        places.try_into().map_err(|_| SpaceError::cell(format!("{found} widths given, expected {PLACES}")))
    }

    /// The network of an official index, of which the last place is the lowest digit.
    fn indexed(&self, index: usize) -> Architecture {
        let base = WIDTHS.len();
        self.built(std::array::from_fn(|place| (index / base.pow((PLACES - 1 - place) as u32) % base) as u8))
    }
}

/// Number of networks.
const COUNT: usize = WIDTHS.len().pow(PLACES as u32);

impl SearchSpace for NatsSize {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.indexed(draw::below(rng, COUNT))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = draw::steps(self.places(architecture)?, WIDTHS.len() as u8);
        Ok(draw::changed(architecture, [edits], rng, |places| self.built(*places)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = draw::steps(self.places(architecture)?, WIDTHS.len() as u8);
        Ok(draw::distinct(architecture, edits.into_iter().map(|places| self.built(places))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.places(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(COUNT as u128)
    }

    /// In the order of the official indices.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        Some(Box::new((0..COUNT).map(|index| self.indexed(index))))
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(notations::colons(self.places(architecture)?))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl Choices for NatsSize {
    fn counts(&self) -> Vec<usize> {
        vec![WIDTHS.len(); PLACES]
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        Ok(self.places(architecture)?.map(usize::from).to_vec())
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        Ok(Some(self.built(std::array::from_fn(|place| choices[place] as u8))))
    }
}

impl SpaceNetwork for NatsSize {
    fn ops(&self) -> OpTable {
        OpTable::nats_size()
    }

    fn whole(&self) -> Union {
        self.chains.whole(PLACES..=PLACES)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&NatsSizeSkeleton::CIFAR]
    }
}

#[cfg(test)]
mod tests;
