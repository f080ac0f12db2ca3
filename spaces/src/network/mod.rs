//! Networks as values: layers, shapes, parameters and multiply-adds, without a tensor library.
//!
//! Use this module to count the network of an architecture, to plan a supernet, or to give a space of
//! your own a network. A [`Union`] holds the operations of one or more architectures; a [`Skeleton`]
//! arranges its cells in a [`Network`], a list of [`Unit`]s (stem, cells, joins, head). The union of
//! one architecture gives its discrete network, that of several the supernet that they share. The
//! counts and the network that is trained come from this one description.
//!
//! A space says through [`SpaceNetwork`] what its operations are in layers and which skeletons it has.
//!
//! ```
//! use bonas_spaces::families::darts::{Darts, DartsSkeleton};
//! use bonas_spaces::network::{OpTable, Skeleton, Union};
//! use bonas_spaces::SearchSpace;
//!
//! let architecture = Darts::new().parse("DARTS_V2")?;
//! let network = DartsSkeleton::cifar().network(&Union::of(&[architecture])?, &OpTable::darts())?;
//! assert_eq!(network.params(), 3_349_342);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod cell_net;
mod kernels;
mod layer;
mod ops;
mod part;
mod plan;
mod profile;
mod recurrent;
mod skeleton;
mod union;

pub use cell_net::{CellNet, CellSpec, Choice, EdgeNet, NodeNet, Partial, Zeros};
pub use kernels::Kernels;
pub use layer::{Conv, Join, Layer, Shape};
pub use ops::{
    Norm, OpTable, Port, conv_bn_relu, dil_conv, factorized_reduce, inverted_residual, mb_conv, pooled,
    relu_conv_bn, sep_conv, shortcut, skip,
};
pub(crate) use part::{parts, shared};
pub use plan::{Body, Counted, Network, NetworkBuilder, Row, Unit, UnitId};
pub use profile::Profile;
pub use recurrent::{
    LanguageModel, ModelRow, RecurrentCell, RecurrentNode, RecurrentOp, Source, SpaceRecurrent,
};
pub use skeleton::{MakeSkeleton, NetworkSize, Skeleton, SkeletonEntry, SkeletonSize, SpaceNetwork};
pub(crate) use union::Places;
pub use union::{CellRoute, CellUnion, EdgeUnion, Route, Union};
