//! Tensors that come from elsewhere.

use std::collections::BTreeMap;

use tch::Tensor;

use super::checkpoint::weights;
use super::error::{Result, SupernetError};
use super::net::Supernet;
use super::transfer::copy_all;

/// A parameter or a running statistic of a network, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Its name in the network.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub numbers: Vec<f32>,
}

impl Supernet {
    /// Replaces tensors of the network; on an error it stays as it was.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] naming a tensor that the network has not, or has in another shape.
    pub fn assign(&self, values: &[Values]) -> Result<()> {
        let mut own: BTreeMap<String, Tensor> = weights(self).into_iter().collect();
        let mut pairs = Vec::with_capacity(values.len());
        for Values { name, shape, numbers } in values {
            let foreign = |reason: String| SupernetError::mismatch("list of tensors", reason);
            let target = own.remove(name).ok_or_else(|| foreign(format!("it has no {name}")))?;
            let shape: Vec<i64> = shape.iter().map(|&side| side as i64).collect();
            if target.size() != shape || numbers.len() != target.numel() {
                return Err(foreign(format!("{name} is {shape:?}, the network's {:?}", target.size())));
            }
            pairs.push((target, Tensor::f_from_slice(numbers)?.f_view(shape.as_slice())?));
        }
        copy_all(pairs)
    }
}
