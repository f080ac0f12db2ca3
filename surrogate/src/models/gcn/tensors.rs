//! Conversions between tensors and arrays, and the number of libtorch's threads.

use ndarray::Array2;
use tch::{Device, Kind, Tensor};

use crate::SurrogateError;

/// Sets one thread on the CPU.
///
/// The last digits of a sum depend on the number of threads, and a fit must depend neither on the machine nor on
/// earlier work of this thread. One thread is also the fastest for networks of this size.
pub(super) fn pin_threads(device: Device) {
    if device == Device::Cpu {
        tch::set_num_threads(1);
    }
}

/// Copies a matrix from any device to an `f64` array.
pub(super) fn to_array(matrix: &Tensor) -> Result<Array2<f64>, SurrogateError> {
    let (rows, columns) = matrix.size2().map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    let mut values = vec![0.0f64; (rows * columns) as usize];
    let flat = matrix.to_device(Device::Cpu).to_kind(Kind::Double).contiguous();
    let count = values.len();
    flat.f_copy_data(&mut values, count).map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
    Array2::from_shape_vec((rows as usize, columns as usize), values)
        .map_err(|e| SurrogateError::numeric("gcn", e.to_string()))
}
