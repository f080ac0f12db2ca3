//! The published families of search spaces.
//!
//! Use a family's module to build its space with options, to read its published architectures, or to
//! change its skeleton; use [`crate::catalogue`] to get a space by name. Each family has one folder or
//! file with its space, its notation, its published architectures and its skeleton. Every space of the catalogue brings
//! its networks ([`SpaceNetwork`](crate::network::SpaceNetwork), of recurrent cells
//! [`SpaceRecurrent`](crate::network::SpaceRecurrent)), so that they can be counted and trained.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::darts::{DARTS_V2, Darts, Genotype};
//!
//! let space = Darts::new();
//! let architecture = space.architecture(&DARTS_V2)?;
//! let text = space.format(&architecture)?;
//! assert_eq!(text.parse::<Genotype>()?, DARTS_V2);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```
//!
//! To add a family, write its file here and add its module and its line to [`SPACES`] below.

pub(crate) mod chain;
pub mod darts;
pub(crate) mod draw;
pub(crate) mod links;
pub mod mnasnet;
pub mod mobilenet;
pub mod nasbench101;
pub mod nasbench201;
pub mod nasbench_macro;
pub mod nasbench_nlp;
pub mod nats_size;
pub mod once_for_all;
pub(crate) mod shuffle;
mod six;
pub mod transnas;
pub(crate) mod trellis;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use crate::lookup::Catalogue;
use crate::space::SpaceEntry;

/// The search spaces, one line each.
pub static SPACES: Catalogue<SpaceEntry> = Catalogue::new(
    "space",
    &[
        &darts::DARTS,
        &darts::BCNN,
        &nasbench201::ENTRY,
        &nats_size::ENTRY,
        &nasbench101::ENTRY,
        &nasbench101::PART_1,
        &nasbench101::PART_2,
        &nasbench101::PART_3,
        &nasbench_macro::ENTRY,
        &nasbench_nlp::ENTRY,
        &mnasnet::ENTRY,
        &mobilenet::ENTRY,
        &mobilenet::FIXED_DEPTH,
        &once_for_all::ENTRY,
        &once_for_all::FIXED_RESOLUTION,
        &transnas::MICRO,
        &transnas::MACRO,
    ],
);
