//! The study: one loop from proposals to outcomes, kept in a journal.
//!
//! space -> candidates -> posteriors -> utilities -> batch of related cells -> outcomes -> history -> next round.
//!
//! [`Study`] owns the loop, the clock, the budget and the journal. A [`Strategy`] is asked for proposals, an
//! [`Evaluator`] turns a batch of architectures into outcomes, and an [`Observer`] sees every [`Event`] and can change
//! nothing.
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

pub use ask::{Ask, Candidate, Proposal, Strategy};
pub use engine::{Budget, Finished, Journalled, MAX_DRY_ROUNDS, Study};
pub use error::StudyError;
pub use evaluate::{Evaluator, Job, Monitor};
pub use history::{Event, Fidelity, History, Observer, Outcome, Score};
pub use threads::{cores, parallel};
