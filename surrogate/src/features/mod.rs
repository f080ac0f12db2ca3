//! Structural features of labelled DAGs, which graph-gp, trees and other models read.
//!
//! Use [`FeatureCache`] to share features between surrogates, and [`Layout`] to compute the features of a
//! single architecture.
//!
//! Everything is counted on the pruned op-on-node graph of each cell, with counted edges: a result
//! that reaches a sum over two skips counts twice. Counts follow GRAF (Kadlecová et al., 2024) and
//! path encodings (White et al., 2019); Weisfeiler-Lehman labels follow NAS-BOWL (Ru et al., 2021).
//! Isomorphic cells have equal features, whatever the order of their nodes.
//!
//! Nothing here knows a search space. Operations are those of the vocabulary; where there are many, fewer
//! subsets of them are counted and the numbers in their names are read ([`Layout::attributes`]).
//!
//! ```
//! use bonas_surrogate::features::FeatureCache;
//! use bonas_surrogate::models::GraphGp;
//!
//! // Two surrogates that analyse each architecture once between them.
//! let features = FeatureCache::default();
//! let first = GraphGp::default().with_feature_cache(&features);
//! let second = GraphGp::default().with_feature_cache(&features);
//! # let _ = (first, second);
//! ```

mod cache;
mod columns;
mod counts;
mod family;
mod flow;
mod names;
mod paths;
mod sparse;
pub(crate) mod spelling;
mod store;
mod varying;

pub use cache::FeatureCache;
pub(crate) use columns::{Columns, Scale, exchange, families};
pub use counts::{Layout, Structure};
pub use family::Family;
pub(crate) use family::Kind;
pub(crate) use sparse::Sparse;
pub(crate) use store::{IdentityHasher, NameNumbers, Row, Store, Structures};
pub(crate) use varying::VaryingColumns;
