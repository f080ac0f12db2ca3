//! What a pass can note besides its logits: active units, and scales and shifts of each image.
//!
//! Shapes: B images, C channels, H×W pixels, U ReLU units, P scales and shifts.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::error::{Result, SupernetError};

/// For each pair of images the number of ReLU units that are both active or both not.
#[derive(Debug, Default)]
pub struct Agreement {
    counts: Option<Tensor>,
    units: i64,
}

impl Agreement {
    /// Of no unit yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pairs `[B, B]` of kind Double; none if there was no ReLU.
    pub fn counts(&self) -> Option<&Tensor> {
        self.counts.as_ref()
    }

    /// Units U of one image.
    pub fn units(&self) -> i64 {
        self.units
    }

    /// Adds the units of one ReLU, `[B, ..]`: those above 0 are active.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] for another number of images than before.
    pub fn add(&mut self, x: &Tensor) -> Result<()> {
        let active = x.f_detach()?.f_gt(0.0)?.f_flatten(1, -1)?; // [B, U]
        let units = active.size()[1];
        // ±1, so that a product is the agreements less the disagreements; exact up to 2²⁴ units.
        let signs = active.f_to_kind(Kind::Float)?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?; // [B, U]
        let counts = signs.f_matmul(&signs.f_transpose(0, 1)?)?.f_to_kind(Kind::Double)?; // [B, B]
        let counts = counts.f_add_scalar(units as f64)?.f_mul_scalar(0.5)?;
        self.counts = Some(match self.counts.take() {
            Some(sum) => sum.f_add(&counts)?,
            None => counts,
        });
        self.units += units;
        Ok(())
    }
}

/// Scale and shift of some batch normalisations, once for each image, so that one backward pass of
/// a sum over images gives the gradient of each.
///
/// Only with statistics that do not depend on the batch ([`super::Mode::Eval`],
/// [`super::Mode::EvalWith`]) is an image's gradient its own.
#[derive(Debug)]
pub struct ImageAffine {
    /// By position in [`super::Supernet::norms`]; scale and shift `[B, C]` once they were used.
    leaves: BTreeMap<usize, Option<(Tensor, Tensor)>>,
}

impl ImageAffine {
    /// For these normalisations, as positions in [`super::Supernet::norms`].
    pub fn of(norms: impl IntoIterator<Item = usize>) -> Self {
        Self { leaves: norms.into_iter().map(|norm| (norm, None)).collect() }
    }

    pub(super) fn wants(&self, norm: usize) -> bool {
        self.leaves.contains_key(&norm)
    }

    /// Scales and shifts normalised maps `[B, C, H, W]`.
    pub(super) fn apply(
        &mut self,
        x: &Tensor,
        norm: usize,
        scale: &Tensor,
        shift: &Tensor,
    ) -> Result<Tensor> {
        let images = x.size()[0];
        let leaf = |values: &Tensor| -> Result<Tensor> {
            let each = values.f_detach()?.f_unsqueeze(0)?.f_repeat([images, 1])?; // [B, C]
            Ok(each.f_set_requires_grad(true)?)
        };
        let (scale, shift) = (leaf(scale)?, leaf(shift)?); // [B, C]
        let wide = |leaf: &Tensor| leaf.f_unsqueeze(-1).and_then(|l| l.f_unsqueeze(-1)); // [B, C, 1, 1]
        let y = x.f_mul(&wide(&scale)?)?.f_add(&wide(&shift)?)?; // [B, C, H, W]
        self.leaves.insert(norm, Some((scale, shift)));
        Ok(y)
    }

    /// Gradient of a sum over images `[]` by each image's scales and shifts, `[B, P]`: the columns
    /// are scale, then shift, of each normalisation in ascending order.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] if the pass met none of the normalisations,
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn gradients(&self, sum: &Tensor) -> Result<Tensor> {
        let leaves: Vec<&Tensor> = self.leaves.values().flatten().flat_map(|(a, b)| [a, b]).collect();
        if leaves.is_empty() {
            return Err(SupernetError::mismatch("pass", "it met no BatchNorm whose gradient is wanted"));
        }
        let found = Tensor::f_run_backward(&[sum], &leaves, false, false)?;
        let parts: Vec<Tensor> = found.into_iter().filter(Tensor::defined).collect();
        Ok(Tensor::f_cat(&parts, 1)?) // [B, P]
    }
}
