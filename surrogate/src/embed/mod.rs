//! Embeddings learnt by a graph network, on libtorch: the only folder of this crate that names it.
//!
//! Invariant: libtorch's own random generator is never used. Initial weights and the order of the
//! training data are drawn from the generator passed in, so that a fit depends on nothing global.
//!
//! Tensor operations here can only fail for want of memory; shapes are checked before.

use ndarray::Array2;
use tch::{Device, Kind, Tensor};

use crate::SurrogateError;

mod directed;
mod gcn;
mod gcn_bsr;
mod gcn_ensemble;
mod graphs;
mod train;

pub use gcn::{Gcn, GcnShape};
pub use gcn_bsr::{GcnBsr, GcnSettings};
pub use gcn_ensemble::GcnEnsemble;
pub use graphs::{Graphs, Padding};
pub use train::{Loss, Training};

/// The last digits of a sum depend on the number of threads, and what is fitted must depend
/// neither on the machine nor on what ran before on this thread. One is also the quickest for
/// networks of this size.
fn pin_threads(device: Device) {
    if device == Device::Cpu {
        tch::set_num_threads(1);
    }
}

/// A matrix, wherever it is, as `f64` on this side.
fn to_array(matrix: &Tensor) -> Result<Array2<f64>, SurrogateError> {
    let (rows, columns) = matrix.size2().map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    let mut values = vec![0.0f64; (rows * columns) as usize];
    let flat = matrix.to_device(Device::Cpu).to_kind(Kind::Double).contiguous();
    let count = values.len();
    flat.f_copy_data(&mut values, count).map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    Array2::from_shape_vec((rows as usize, columns as usize), values)
        .map_err(|e| SurrogateError::numeric("gcn", e.to_string()))
}
