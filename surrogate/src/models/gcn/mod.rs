//! Surrogates with a graph network, on libtorch (feature `torch`).
//!
//! `GcnBsr` is the surrogate of BONAS; `GcnEnsemble` is a cross-fitted ensemble that reads structural
//! counts too. Without the feature only their catalogue entries exist, which refuse to build.
//!
//! Invariant: libtorch's own random generator is never used. Initial weights and the order of the
//! training data are drawn from the generator that is passed, so a fit depends on nothing global.
//!
//! Shapes are checked before tensor operations, which can then fail only for lack of memory.

#[cfg(feature = "torch")]
mod directed;
mod gcn_bsr;
mod gcn_ensemble;
#[cfg(feature = "torch")]
mod graphs;
#[cfg(feature = "torch")]
mod network;
#[cfg(feature = "torch")]
mod tensors;
#[cfg(feature = "torch")]
mod train;

pub use gcn_bsr::{BONAS_PUBLISHED, GCN_BSR};
#[cfg(feature = "torch")]
pub use gcn_bsr::{GcnBsr, GcnSettings};
pub use gcn_ensemble::GCN_ENSEMBLE;
#[cfg(feature = "torch")]
pub use gcn_ensemble::GcnEnsemble;
#[cfg(feature = "torch")]
pub use graphs::{Graphs, Padding};
#[cfg(feature = "torch")]
pub use network::{Gcn, GcnShape};
#[cfg(feature = "torch")]
pub use train::{Loss, Training};

/// The constructor of a surrogate that needs libtorch; without feature `torch` it refuses.
macro_rules! build_with_torch {
    ($name:expr, $make:expr) => {
        |&()| -> Result<Box<dyn $crate::Surrogate>, $crate::SurrogateError> {
            #[cfg(feature = "torch")]
            {
                Ok(Box::new($make))
            }
            #[cfg(not(feature = "torch"))]
            {
                Err($crate::SurrogateError::NeedsTorch { surrogate: $name })
            }
        }
    };
}
use build_with_torch;
