//! Structural features of labelled DAGs: what the graph Gaussian process and the trees read.
//!
//! Everything is counted on the pruned op-on-node graph of each cell, with counted edges: a result
//! that reaches a sum over two skips counts twice. Counts after GRAF (Kadlecová et al., 2024) and
//! path encodings (White et al., 2019); Weisfeiler-Lehman labels after NAS-BOWL (Ru et al., 2021).
//! Isomorphic cells have equal features, whatever their nodes' order.
//!
//! No line here knows a space: operations are the vocabulary's, subsets of them are limited where
//! they are many, and the numbers in their names ([`Layout::attributes`]) are read as numbers.

mod cache;
mod columns;
mod counts;
mod family;
mod flow;
mod live;
mod names;
mod paths;
mod sparse;
pub(crate) mod spelling;
mod store;

pub use cache::FeatureCache;
pub(crate) use columns::{AsIs, Columns, Scale};
pub(crate) use counts::Sparse;
pub use counts::{Layout, Structure};
pub(crate) use family::Family;
pub(crate) use live::Live;
pub(crate) use store::{Names, Row, Store, Structures};
