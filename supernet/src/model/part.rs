//! Parameters of which a layer uses a part.

use tch::Tensor;

use super::error::Result;
use super::params::{ParamId, Params};

/// A parameter, or its first channels and the middle of its kernels.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) id: ParamId,
    /// What is used of each dimension, if it is not all.
    shape: Option<Vec<i64>>,
}

impl Piece {
    /// All of a parameter.
    pub(super) fn whole(id: ParamId) -> Self {
        Self { id, shape: None }
    }

    /// This much of each dimension: channels come first, and sides of a kernel behind.
    pub(super) fn part(id: ParamId, shape: &[usize]) -> Self {
        Self { id, shape: Some(shape.iter().map(|&n| n as i64).collect()) }
    }

    /// The tensor, as a view.
    pub(super) fn of(&self, params: &Params) -> Result<Tensor> {
        let mut tensor = params.tensor(self.id).shallow_clone();
        for (dim, &wanted) in self.shape.iter().flatten().enumerate() {
            let all = tensor.size()[dim];
            let start = if dim < 2 { 0 } else { (all - wanted) / 2 };
            if wanted < all {
                tensor = tensor.f_narrow(dim as i64, start, wanted)?;
            }
        }
        Ok(tensor)
    }
}
