//! Networks as values: what is built from cells, without a tensor in sight.
//!
//! A [`Network`] is a list of [`Unit`]s (stem, cells, joins, head), each a list of [`Layer`]s or a
//! [`CellNet`]. Counting parameters and multiply-adds reads it; the supernet in the root crate
//! builds it. What is described and what is trained are therefore one and the same.
//!
//! A [`Skeleton`] arranges the cells of a [`Union`] in a network: a union of one architecture
//! gives its discrete network, a union of several the supernet they share.

mod bcnn;
mod cell_net;
mod cost;
mod darts;
mod layer;
mod mobilenet;
mod nasbench101;
mod nasbench201;
mod ops;
mod plan;
mod skeleton;
mod stack;
mod union;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use bcnn::BcnnSkeleton;
pub use cell_net::{CellNet, Choice, EdgeNet, NodeNet, Partial};
pub use cost::CostTable;
pub use darts::DartsSkeleton;
pub use layer::{Conv, Join, Layer, Shape};
pub use mobilenet::MobileNetSkeleton;
pub use nasbench101::NasBench101Skeleton;
pub use nasbench201::NasBench201Skeleton;
pub use ops::{Norm, OpTable, Port, conv_bn_relu, factorized_reduce, mb_conv, relu_conv_bn};
pub use plan::{Body, Network, NetworkBuilder, Unit, UnitId};
pub use skeleton::{Skeleton, SkeletonEntry, SkeletonSize, SpaceNetwork};
pub use stack::Stem;
pub use union::{CellRoute, CellUnion, EdgeUnion, Route, Union};
