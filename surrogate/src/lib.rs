//! Surrogates for architecture search.
//!
//! observations -> [`Surrogate::fit`] -> [`Predict::predict`] -> [`Posterior`]s ->
//! [`Acquisition::utilities`] -> [`Selection::select`] -> batches of candidates.
//!
//! Each arrow is a trait of one or two methods, so that any surrogate works with any acquisition
//! and any batch selection. Nothing here knows a search space: surrogates read labelled graphs.
//!
//! Invariant: libtorch stays behind feature `torch`, in `embed`; no other module names it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::float_cmp))]

pub mod acquisition;
pub mod bsr;
pub mod catalogue;
pub mod counts;
pub mod embed;
pub mod ensemble;
mod entry;
mod error;
mod features;
pub mod gp;
pub mod graph_gp;
mod joint;
mod known;
pub mod metrics;
pub mod mlp;
mod normal;
pub mod pareto;
mod posterior;
pub mod prior_mean;
pub mod quadrature;
mod ranks;
mod roll;
pub mod select;
pub mod structure;
mod surrogate;
pub mod testing;
pub mod trees;
pub mod wl_gp;

pub use acquisition::Acquisition;
pub use error::SurrogateError;
pub use features::Extractor;
pub use joint::Joint;
pub use known::{Known, ValueOf};
pub use posterior::{Law, Moments, Posterior};
pub use ranks::Warp;
pub use select::{Batches, Candidates, Selection};
pub use surrogate::{Observation, Predict, Surrogate, SurrogateEntry};
