//! Training networks on images: from scratch, and a supernet along single paths.
//!
//! Use it to write an evaluator that trains; the evaluators of this crate share it. A [`Task`] holds split images, a
//! [`ScratchRun`] trains one network, a [`SinglePathRun`] trains a supernet by uniformly sampled paths.
//!
//! Invariant: a run is a function of its seed. Each epoch has streams of its own, so that a run
//! resumed from a checkpoint goes on exactly as it would have gone.

mod averaging;
mod curves;
mod mixing;
mod order;
mod scoring;
mod scratch;
mod single_path;
mod task;
mod tensors;

pub use curves::EpochOutcome;
pub use order::BalancedOrder;
pub use scoring::{Scored, score};
pub(crate) use scratch::finite_mean;
pub use scratch::{Checkpoint, ScratchRun, Trained};
pub use single_path::SinglePathRun;
pub use task::{Part, Task};
pub(crate) use tensors::made_for;
pub use tensors::{estimate, images_and_labels};
