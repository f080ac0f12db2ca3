//! Training networks on images: what the evaluators share.
//!
//! Invariant: a run is a function of its seed. Each epoch has streams of its own, so that a run
//! resumed from a checkpoint goes on exactly as it would have gone.

mod order;
mod scratch;
mod single_path;
mod task;
mod tensors;

pub use order::BalancedOrder;
pub(crate) use scratch::finite_mean;
pub use scratch::{Checkpoint, ScratchRun, Trained};
pub use single_path::SinglePathRun;
pub use task::{Part, Task};
pub use tensors::{estimate, images_and_labels, score};
