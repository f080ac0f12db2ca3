//! In how many bits products of matrices are computed.

use tch::{Kind, Tensor};

use crate::model::Result;

/// The kind of numbers that matrices are multiplied in. Parameters, states, sums and all other operations are in the kind of
/// the parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Arithmetic {
    /// That of the parameters.
    #[default]
    Full,
    /// bfloat16, as in `torch.autocast`.
    Mixed,
}

impl Arithmetic {
    /// A factor of later products, converted once.
    pub(super) fn factor(self, matrix: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Full => matrix.shallow_clone(),
            Self::Mixed => matrix.f_to_kind(Kind::BFloat16)?,
        })
    }

    /// `a · b` in the kind of `a`; `b` may be a [`factor`](Self::factor).
    pub(super) fn product(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Full => a.f_matmul(b)?,
            Self::Mixed => self.factor(a)?.f_matmul(&self.factor(b)?)?.f_to_kind(a.kind())?,
        })
    }

    /// `sum + a · b` in the kind of `a`; `b` is a [`factor`](Self::factor).
    pub(super) fn added(self, sum: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Full => sum.f_addmm(a, b)?,
            Self::Mixed => self.product(a, b)?.f_add(sum)?,
        })
    }
}
