//! Networks as values: what is built from cells, without a tensor in sight.
//!
//! A [`Network`] is a list of [`Unit`]s (stem, cells, joins, head), each a list of [`Layer`]s or a
//! [`CellNet`]. Counting parameters and multiply-adds reads it; the supernet in the root crate
//! builds it. What is described and what is trained are therefore one and the same.
//!
//! A [`Skeleton`] arranges the cells of a [`Union`] in a network: a union of one architecture
//! gives its discrete network, a union of several the supernet they share.

mod cell_net;
mod layer;
mod ops;
mod plan;
mod skeleton;
mod union;

pub use cell_net::{CellNet, CellSpec, Choice, EdgeNet, NodeNet, Partial};
pub use layer::{Conv, Join, Layer, Shape};
pub use ops::{
    Norm, OpTable, Port, conv_bn_relu, dil_conv, factorized_reduce, mb_conv, pooled, relu_conv_bn, sep_conv,
    skip,
};
pub use plan::{Body, Network, NetworkBuilder, Row, Unit, UnitId};
pub use skeleton::{Skeleton, SkeletonEntry, SkeletonSize, SpaceNetwork};
pub(crate) use union::Places;
pub use union::{CellRoute, CellUnion, EdgeUnion, Route, Union};
