//! Embeddings learnt by a graph network, on libtorch: the only folder of this crate that names it.
//!
//! Invariant: libtorch's own random generator is never used. Initial weights and the order of the
//! training data are drawn from the generator passed in, so that a fit depends on nothing global.
//!
//! Tensor operations here can only fail for want of memory; shapes are checked before.

#[cfg(feature = "torch")]
use ndarray::Array2;
#[cfg(feature = "torch")]
use tch::{Device, Kind, Tensor};

use crate::SurrogateEntry;
#[cfg(feature = "torch")]
use crate::SurrogateError;
use crate::entry::{Entry, build_with_torch};

#[cfg(feature = "torch")]
mod directed;
#[cfg(feature = "torch")]
mod gcn;
#[cfg(feature = "torch")]
mod gcn_bsr;
#[cfg(feature = "torch")]
mod gcn_ensemble;
#[cfg(feature = "torch")]
mod graphs;
#[cfg(feature = "torch")]
mod train;

#[cfg(feature = "torch")]
pub use gcn::{Gcn, GcnShape};
#[cfg(feature = "torch")]
pub use gcn_bsr::{GcnBsr, GcnSettings};
#[cfg(feature = "torch")]
pub use gcn_ensemble::GcnEnsemble;
#[cfg(feature = "torch")]
pub use graphs::{Graphs, Padding};
#[cfg(feature = "torch")]
pub use train::{Loss, Training};

/// "gcn-bsr" in the catalogue.
pub const GCN_BSR: SurrogateEntry = Entry::new(
    "gcn-bsr",
    "Graph network and Bayesian sigmoid regression, as in BONAS",
    build_with_torch!("gcn-bsr", GcnBsr::default()),
)
.with_torch();

/// "bonas-published" in the catalogue.
pub const BONAS_PUBLISHED: SurrogateEntry = Entry::new(
    "bonas-published",
    "gcn-bsr exactly as in the published code of BONAS, its approximations included",
    build_with_torch!("bonas-published", GcnBsr::published(Kind::Float, Device::Cpu)),
)
.with_torch();

/// "gcn-ensemble" in the catalogue.
pub const GCN_ENSEMBLE: SurrogateEntry = Entry::new(
    "gcn-ensemble",
    "Ensemble of bidirectional graph networks that read structural counts too, on normal scores",
    build_with_torch!("gcn-ensemble", GcnEnsemble::default()),
)
.with_torch();

/// The last digits of a sum depend on the number of threads, and what is fitted must depend
/// neither on the machine nor on what ran before on this thread. One is also the quickest for
/// networks of this size.
#[cfg(feature = "torch")]
fn pin_threads(device: Device) {
    if device == Device::Cpu {
        tch::set_num_threads(1);
    }
}

/// A matrix, wherever it is, as `f64` on this side.
#[cfg(feature = "torch")]
fn to_array(matrix: &Tensor) -> Result<Array2<f64>, SurrogateError> {
    let (rows, columns) = matrix.size2().map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    let mut values = vec![0.0f64; (rows * columns) as usize];
    let flat = matrix.to_device(Device::Cpu).to_kind(Kind::Double).contiguous();
    let count = values.len();
    flat.f_copy_data(&mut values, count).map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    Array2::from_shape_vec((rows as usize, columns as usize), values)
        .map_err(|e| SurrogateError::numeric("gcn", e.to_string()))
}
