//! Conversions between tensors and arrays, and the number of libtorch's threads.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
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

/// The values of a tensor in double precision, which holds single precision exactly, with its shape.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedTensor {
    shape: Vec<i64>,
    is_double: bool,
    values: Vec<f64>,
}

impl SavedTensor {
    /// Copies a tensor from any device.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if libtorch cannot copy it.
    pub(super) fn of(tensor: &Tensor) -> Result<Self, SurrogateError> {
        let flat = tensor.to_device(Device::Cpu).to_kind(Kind::Double).contiguous();
        let mut values = vec![0.0f64; flat.numel()];
        let count = values.len();
        flat.f_copy_data(&mut values, count).map_err(|e| SurrogateError::numeric("gcn", e.to_string()))?;
        Ok(Self { shape: tensor.size(), is_double: tensor.kind() == Kind::Double, values })
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        if self.is_double { Kind::Double } else { Kind::Float }
    }

    /// The tensor on the CPU, where it has this shape.
    ///
    /// # Errors
    /// [`SurrogateError::File`] for another shape.
    pub(super) fn tensor(&self, shape: &[i64]) -> Result<Tensor, SurrogateError> {
        let count: i64 = shape.iter().product();
        if self.shape != shape || self.values.len() as i64 != count {
            let reason =
                format!("weights of shape {:?}, expected {shape:?}; save the model again", self.shape);
            return Err(SurrogateError::file(reason));
        }
        Ok(Tensor::from_slice(&self.values).view(shape).to_kind(self.kind()))
    }
}
