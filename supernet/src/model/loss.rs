//! Losses and scores of logits.
//!
//! Shapes: B images, K classes.

use tch::{Kind, Reduction, Tensor};

use super::error::{Result, SupernetError};
use super::net::Output;

/// Cross-entropy, averaged over the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Weight ε of the uniform distribution in the target: `(1 - ε)·onehot + ε/K`. 0 for none.
    pub smoothing: f64,
    /// Weight of the auxiliary head's loss (DARTS: 0.4).
    pub auxiliary: f64,
}

impl Loss {
    /// Loss `[]` of a batch with labels `[B]` of kind Int64.
    ///
    /// # Errors
    /// [`SupernetError::Setting`] for a smoothing outside `[0, 1)`;
    /// [`SupernetError::Torch`] for labels outside the classes or of another length.
    pub fn of(&self, output: &Output, labels: &Tensor) -> Result<Tensor> {
        if !(0.0..1.0).contains(&self.smoothing) {
            let reason = format!("{}; it must be in [0, 1)", self.smoothing);
            return Err(SupernetError::setting("label smoothing", reason));
        }
        let main = self.cross_entropy(&output.logits, labels)?; // []
        match &output.auxiliary {
            Some(logits) if self.auxiliary != 0.0 => {
                let side = self.cross_entropy(logits, labels)?; // []
                Ok(main.f_add(&side.f_mul_scalar(self.auxiliary)?)?)
            }
            _ => Ok(main),
        }
    }

    fn cross_entropy(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let none: Option<Tensor> = None;
        // [B, K], [B] -> []
        Ok(logits.f_cross_entropy_loss(labels, none, Reduction::Mean, -100, self.smoothing)?)
    }
}

/// Number of images `[]` whose largest logit `[B, K]` is that of their label `[B]`.
///
/// # Errors
/// [`SupernetError::Torch`] for labels of another length.
pub fn accuracy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let hits = logits.f_argmax(-1, false)?.f_eq_tensor(labels)?; // [B]
    Ok(hits.f_sum(Kind::Int64)?)
}
