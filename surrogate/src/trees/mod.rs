//! Gradient-boosted regression trees.
mod boost;
mod tree;
pub use boost::{BoostParams, Boosted};
