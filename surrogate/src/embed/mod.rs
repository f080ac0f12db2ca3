//! Embeddings learnt by a graph network, on libtorch: the only folder of this crate that names it.
//!
//! Invariant: libtorch's own random generator is never used. Initial weights and the order of the
//! training data are drawn from the generator passed in, so that a fit depends on nothing global.
//!
//! Tensor operations here can only fail for want of memory; shapes are checked before.

mod gcn;
mod gcn_bsr;
mod graphs;
mod train;

pub use gcn::{Gcn, GcnShape};
pub use gcn_bsr::{GcnBsr, GcnSettings};
pub use graphs::{Graphs, Padding};
pub use train::{Loss, Training};
