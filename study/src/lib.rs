//! The loop of an architecture search, its strategies, and tabular benchmarks.
//!
//! Use [`Study`] to run a [`Strategy`] with an [`Evaluator`] under a [`Budget`]. With a directory it keeps a journal, from
//! which the same study continues after a kill. [`strategy`] has the strategies, [`table`] reads benchmarks, and
//! [`testing`] has contract suites for strategies and evaluators of your own.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bonas_spaces::NasBench201;
//! use bonas_study::evaluator::{Synthetic, toy_score};
//! use bonas_study::strategy::RandomSearch;
//! use bonas_study::{Budget, Fidelity, Study};
//!
//! let evaluator = Synthetic::new(Fidelity::Table, |cell| Ok(toy_score(cell)));
//! let study = Study::new(Arc::new(NasBench201::new()), Box::<RandomSearch>::default(), vec![Box::new(evaluator)]);
//! let finished = study.seed(1).budget(Budget::architectures(20)).run()?;
//! assert_eq!(finished.history.len(), 20);
//! # Ok::<(), bonas_study::StudyError>(())
//! ```
//!
//! The strategy is asked for batches of architectures, those that were measured before are dropped, the evaluator turns
//! each batch into outcomes, and every step is in the journal before an [`Observer`] sees its [`Event`].
//!
//! Invariant: this crate names no tensor library and no configuration format.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp))]

mod ask;
mod engine;
mod error;
mod evaluate;
pub mod evaluator;
pub mod history;
pub mod journal;
pub mod rng;
pub mod settings;
pub mod statistics;
pub mod strategy;
pub mod table;
pub mod testing;
mod threads;

pub use ask::{Ask, Candidate, Proposal, ScoreModel, Strategy};
pub use engine::{
    Budget, FailurePolicy, Finished, Journalled, MAX_DRY_ROUNDS, Recommendation, Session, Study, Trial,
};
pub use error::StudyError;
pub use evaluate::{Evaluator, Job, Monitor};
pub use history::{Event, Fidelity, History, Observer, Outcome, Score};
pub use threads::{cores, parallel};
