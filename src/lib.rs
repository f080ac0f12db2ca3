//! Neural architecture search with Bayesian surrogates: a library, and the command `bonas`.
//!
//! Use [`Study`] to search a space with a measurement of your own. Use [`search`] for whole searches from a
//! configuration (shared weights, final training, a report), [`experiment`] to compare strategies, [`predict`] to
//! compare surrogates on a table, and [`rank`] to keep a fitted one and rank long lists with it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bonas::spaces::NasBench201;
//! use bonas::study::evaluator::Synthetic;
//! use bonas::study::strategy::RegularizedEvolution;
//! use bonas::{Budget, Fidelity, Study};
//!
//! // Your own measurement goes here; higher is better.
//! let score = Synthetic::new(Fidelity::Table, |cell| Ok(cell.op_graphs()[0].len() as f64));
//! let strategy = Box::<RegularizedEvolution>::default();
//! let study = Study::new(Arc::new(NasBench201::new()), strategy, vec![Box::new(score)]);
//! let finished = study.seed(1).budget(Budget::architectures(100)).run()?;
//! assert!(finished.history.best(Fidelity::Table).is_some());
//! # Ok::<(), bonas::StudyError>(())
//! ```
//!
//! A study goes round this loop: space -> candidates -> posteriors -> utilities -> batch of related architectures ->
//! outcomes -> history. A [`Strategy`] is asked for batches, an [`Evaluator`] turns a batch into outcomes, and an
//! [`Observer`] sees every [`Event`] and can change nothing. The crates below are [`spaces`], [`surrogate`], [`study`] and
//! [`supernet`].

pub mod build;
pub mod config;
pub mod drawing;
pub mod experiment;
mod explain;
mod folder;
pub mod observer;
pub mod predict;
pub mod rank;
pub mod report;
pub mod search;
mod shell;

pub use bonas_deploy as deploy;
pub use bonas_spaces as spaces;
pub use bonas_study as study;
pub use bonas_study::{
    Budget, Evaluator, Event, Fidelity, History, Observer, Outcome, Proposal, Score, Session, Strategy,
    Study, StudyError,
};
pub use bonas_supernet as supernet;
pub use bonas_surrogate as surrogate;

pub use explain::{
    Counts, Effect, Explain, Explanation, First, Importance, ImportanceKind, Interval, Neighbour,
    PlaceEffects, Replacement, Rival, Winner,
};
pub use folder::Folder;

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
    #[doc = include_str!("../docs/ask-tell.md")]
    mod ask_tell {}
    #[doc = include_str!("../docs/own-space.md")]
    struct OwnSpace;
    #[doc = include_str!("../docs/own-strategy.md")]
    struct OwnStrategy;
}
