//! Maps joined to one.
//!
//! Shapes: `n` maps of B images, C channels, H×W pixels.

use bonas_spaces::network::Join;
use tch::Tensor;

use super::error::{Result, SupernetError};

/// Joins maps: `n` of `[B, C, H, W]` to one of `[B, C, H, W]` or `[B, n·C, H, W]`.
pub(super) fn joined(join: Join, parts: &[Tensor]) -> Result<Tensor> {
    match join {
        Join::Concat => Ok(Tensor::f_cat(parts, 1)?),
        Join::Sum => summed(parts.iter().map(Tensor::shallow_clone)),
    }
}

/// Sum of equal shapes that others may read too.
fn summed(parts: impl IntoIterator<Item = Tensor>) -> Result<Tensor> {
    let mut sum = Sum::default();
    parts.into_iter().try_for_each(|part| sum.add(part, false))?;
    let (total, _) = sum.finish().ok_or_else(|| SupernetError::mismatch("join", "nothing to sum"))?;
    Ok(total)
}

/// A running sum of equal shapes that writes in place where nobody else reads.
#[derive(Debug, Default)]
pub(super) struct Sum(Option<(Tensor, bool)>);

impl Sum {
    /// Adds a tensor; `owned` if it may be written to.
    pub(super) fn add(&mut self, mut x: Tensor, owned: bool) -> Result<()> {
        self.0 = Some(match self.0.take() {
            None => (x, owned),
            Some((mut total, true)) => (total.f_add_(&x)?, true),
            Some((total, false)) if owned => (x.f_add_(&total)?, true),
            Some((total, false)) => (total.f_add(&x)?, true),
        });
        Ok(())
    }

    /// The sum, and whether it may be written to; none of nothing.
    pub(super) fn finish(self) -> Option<(Tensor, bool)> {
        self.0
    }
}
