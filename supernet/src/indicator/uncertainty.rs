//! Predictive uncertainty under Monte-Carlo BatchNorm.
//!
//! Shapes: B images, K classes, T passes.

use tch::{Kind, Tensor};

use crate::model::{Mode, Pass, Path, Result, Statistics, Supernet, SupernetError};

/// Mean entropies in nats over images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainty {
    /// Entropy of the mean prediction, `H(p̄)`: all of the uncertainty.
    pub total: f64,
    /// `H(p̄) - mean_t H(p_t)`: what comes of the passes' disagreement (BALD).
    pub epistemic: f64,
}

impl Uncertainty {
    /// That of class probabilities `[T, B, K]`.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] for another shape.
    pub fn of(probabilities: &Tensor) -> Result<Self> {
        let p = probabilities.f_to_kind(Kind::Double)?; // [T, B, K]
        let mean = p.f_mean_dim([0].as_slice(), false, Kind::Double)?; // [B, K]
        let (total, expected) = (mean_entropy(&mean)?, mean_entropy(&p)?);
        Ok(Self { total, epistemic: total - expected })
    }
}

/// Mean over all leading axes of `-Σ_k p_k ln p_k` over the last one, `[.., K]`.
fn mean_entropy(p: &Tensor) -> Result<f64> {
    let entropies = p.f_xlogy(p)?.f_sum_dim_intlist([-1].as_slice(), false, Kind::Double)?.f_neg()?; // [..]
    Ok(entropies.f_mean(Kind::Double)?.double_value(&[]))
}

/// Uncertainty of a path about `images` `[B, C, H, W]` when each of T passes normalises with the
/// statistics of another mini-batch `[B', C, H, W]` (Teye, Azizpour and Smith 2018).
///
/// # Errors
/// [`SupernetError::Setting`] for fewer than two mini-batches or one of fewer than two images,
/// [`SupernetError::Torch`].
pub fn uncertainty(net: &Supernet, path: &Path, images: &Tensor, batches: &[Tensor]) -> Result<Uncertainty> {
    let bad = |name, reason: String| Err(SupernetError::Setting { name, reason });
    if batches.len() < 2 {
        return bad("passes", format!("{}; uncertainty needs at least 2", batches.len()));
    }
    if let Some(batch) = batches.iter().find(|batch| batch.size()[0] < 2) {
        return bad("batch", format!("{} images; statistics need at least 2", batch.size()[0]));
    }
    let mut passes = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut statistics = Statistics::new();
        net.forward(batch, path, &mut Pass::new(Mode::Estimate(&mut statistics)))?;
        let logits = net.forward(images, path, &mut Pass::new(Mode::EvalWith(&statistics)))?.logits; // [B, K]
        passes.push(logits.f_softmax(-1, Kind::Double)?);
    }
    Uncertainty::of(&Tensor::f_stack(&passes, 0)?)
}
