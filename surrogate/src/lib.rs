//! Surrogates for neural architecture search: models that predict the score of an architecture with its
//! uncertainty, and the choice of the next architectures to measure.
//!
//! observations -> [`Surrogate::fit`] -> [`Predict::predict`] -> [`Posterior`]s ->
//! [`Acquisition::utilities`] -> [`Selection::select`] -> batches of candidates.
//!
//! ```
//! use bonas_surrogate::acquisition::ExpectedImprovement;
//! use bonas_surrogate::models::Ensemble;
//! use bonas_surrogate::selection::TopK;
//! use bonas_surrogate::testing::{toy_architectures, toy_observations};
//! use bonas_surrogate::{Acquisition, Batches, Candidates, Predict, Selection, Surrogate};
//! use rand::SeedableRng;
//!
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let observations = toy_observations(30, 1); // measured architectures and their scores
//! let candidates = toy_architectures(100, 2);
//!
//! let fitted = Ensemble::default().fit(&observations, &mut rng)?;
//! let posteriors = fitted.predict(&candidates)?;
//! let best = observations.iter().map(|o| o.score).reduce(f64::max);
//! let utilities = ExpectedImprovement::default().utilities(&posteriors, best, &mut rng);
//! let batches = TopK.select(&Candidates::of(&utilities), Batches { count: 1, size: 4 }, &mut rng)?;
//! assert_eq!(batches[0].len(), 4); // indices of the candidates to measure next
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```
//!
//! Each arrow is a trait with one or two required methods, so any surrogate works with any acquisition
//! and any selection. [`catalogue`] builds them by name. Nothing here knows a search space: surrogates read
//! labelled graphs.
//!
//! Invariant: libtorch stays behind feature `torch`, in `models::gcn`; no other module names it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::float_cmp))]

pub mod acquisition;
pub mod catalogue;
mod chunks;
mod entry;
mod error;
mod fantasy;
pub mod features;
mod guard;
mod linalg;
pub mod metrics;
pub mod models;
mod observation;
pub mod pareto;
pub mod posterior;
mod prior;
mod ridge;
mod saved;
pub mod selection;
mod surrogate;
pub mod testing;

pub use acquisition::Acquisition;
pub use error::SurrogateError;
pub use fantasy::{believed, fantasies};
pub use guard::{in_one_space, in_saved_space};
pub use observation::Observation;
pub use posterior::Posterior;
pub use prior::PriorKnowledge;
pub use ridge::Ridge;
pub use saved::Saved;
pub use selection::{Batches, Candidates, Selection};
pub use surrogate::{FeatureGroup, Predict, Surrogate};
