//! Bayesian-optimisation surrogates for neural architecture search.
//!
//! space -> candidates -> posteriors -> utilities -> batch of related cells -> outcomes ->
//! history -> next round.
//!
//! [`Study`] owns the loop, the clock, the budget and the journal. A [`Strategy`] is asked for
//! proposals, an [`Evaluator`] turns a batch of architectures into outcomes, and an [`Observer`]
//! sees every [`Event`] and can change nothing.

pub mod build;
pub mod config;
pub mod drawing;
pub mod experiment;
pub mod observer;
pub mod predict;
pub mod report;
pub mod search;

pub use bonas_spaces as spaces;
pub use bonas_study as study;
pub use bonas_study::{
    Evaluator, Event, Fidelity, History, Observer, Outcome, Proposal, Score, Strategy, Study, StudyError,
};
pub use bonas_supernet as supernet;
pub use bonas_surrogate as surrogate;

// Crates whose types stand in public signatures, in the versions used here.
pub use petgraph;
pub use rand;
#[cfg(feature = "torch")]
pub use tch;

/// The examples of the README and of the pages under `docs/`, compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/own-space.md")]
    struct OwnSpace;
    #[doc = include_str!("../docs/own-strategy.md")]
    struct OwnStrategy;
}
