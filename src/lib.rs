//! Bayesian-optimisation surrogates for neural architecture search.
//!
//! space -> candidates -> posteriors -> utilities -> batch of related cells -> outcomes ->
//! history -> next round.
//!
//! [`Study`] owns the loop, the clock, the budget and the journal. A [`Strategy`] is asked for
//! proposals, an [`Evaluator`] turns a batch of architectures into outcomes, and an [`Observer`]
//! sees every [`Event`] and can change nothing.

pub mod assemble;
pub mod compare;
pub mod config;
pub mod drawing;
pub mod error;
pub mod evaluator;
pub mod event;
pub mod history;
pub mod indicator;
pub mod journal;
pub mod observer;
pub mod pool;
pub mod predict;
pub mod recipe;
pub mod registry;
pub mod report;
pub mod rng;
pub mod search;
pub mod statistics;
pub mod strategy;
pub mod study;
pub mod table;
pub mod testing;

#[cfg(feature = "torch")]
pub mod contest;
pub mod data;
#[cfg(feature = "torch")]
pub mod supernet;
#[cfg(feature = "torch")]
pub mod torch_runtime;
#[cfg(feature = "torch")]
pub mod training;

pub use bonas_spaces as spaces;
pub use bonas_surrogate as surrogate;
pub use error::StudyError;
pub use evaluator::Evaluator;
pub use event::{Event, Observer};
pub use history::{Fidelity, History, Outcome, Score};
pub use strategy::{Proposal, Strategy};
pub use study::Study;

// Crates whose types stand in public signatures, in the versions used here.
pub use petgraph;
pub use rand;
#[cfg(feature = "torch")]
pub use tch;

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
