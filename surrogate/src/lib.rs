//! Surrogates for architecture search.
//!
//! observations -> [`Surrogate::fit`] -> [`Predict::predict`] -> [`Posterior`]s ->
//! [`Acquisition::utilities`] -> [`Selection::select`] -> batches of candidates.
//!
//! Each arrow is a trait of one or two methods, so that any surrogate works with any acquisition
//! and any batch selection. Nothing here knows a search space: surrogates read labelled graphs.
//!
//! Invariant: libtorch stays behind feature `torch`, in `models::gcn`; no other module names it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::float_cmp))]

pub mod acquisition;
pub mod catalogue;
mod entry;
mod error;
pub mod features;
mod linalg;
pub mod metrics;
pub mod models;
mod observation;
pub mod pareto;
pub mod posterior;
mod prior;
pub mod selection;
mod surrogate;
pub mod testing;

pub use acquisition::Acquisition;
pub use error::SurrogateError;
pub use observation::Observation;
pub use posterior::Posterior;
pub use prior::PriorKnowledge;
pub use selection::{Batches, Candidates, Selection};
pub use surrogate::{Predict, Surrogate};
