//! The cell space of DARTS (Liu et al. 2019), the broad networks of BNAS-v2 (Ding et al. 2022), and the
//! one-cell space of BONAS.
//!
//! Use [`Darts`] to search cells, [`DartsSkeleton`] or [`BcnnSkeleton`] to change the network around
//! them, and [`Genotype`] to read and print the published notation.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::darts::{Darts, PUBLISHED};
//!
//! for (name, genotype) in PUBLISHED {
//!     assert_eq!(Darts::new().parse(name)?, Darts::new().architecture(&genotype)?);
//! }
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```
//!
//! A cell has two inputs and four intermediate nodes, each of which sums two operations on earlier
//! nodes; the output concatenates the four. Network builders rely on the node indices: 0 and 1 are the
//! inputs, 2 to 5 the intermediate nodes ([`OpId::PLAIN`](crate::OpId::PLAIN)), 6 the output. The edges
//! into 2 to 5 carry operations; the edges from there to 6 are plain.
//!
//! `skip_connect` has the role `Identity`, although it is a factorised reduction on the input edges of a
//! reduction cell: graph simplification does not know strides.

mod bcnn;
mod form;
mod genotype;
mod notations;
mod published;
mod skeleton;
mod space;
mod stack;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use bcnn::BcnnSkeleton;
pub use genotype::{CellGenotype, Genotype, PRIMITIVES, Primitive, WeightTable};
pub use published::{
    BNASV2_CLR_V1, BNASV2_CLR_V2, BNASV2_PC_CIFAR_V1, BNASV2_PC_CIFAR_V2, BNASV2_PC_IMAGE, DARTS_V1,
    DARTS_V2, PC_DARTS_CIFAR, PC_DARTS_IMAGE, PUBLISHED,
};
pub use skeleton::DartsSkeleton;
pub use space::Darts;
pub use stack::Stem;

use crate::space::SpaceEntry;

/// Number of intermediate nodes.
pub const STEPS: usize = 4;

/// The catalogue's entry of [`Darts::new`].
pub const DARTS: SpaceEntry = SpaceEntry {
    name: "darts",
    about: "normal and reduction cell of DARTS, seven operations on edges",
    make: || Arc::new(Darts::new()),
    make_raw: None,
};

/// The catalogue's entry of [`Darts::broad`].
pub const BCNN: SpaceEntry = SpaceEntry {
    name: "bcnn",
    about: "convolution and enhancement cell of BNAS-v2, seven operations on edges",
    make: || Arc::new(Darts::broad()),
    make_raw: None,
};
