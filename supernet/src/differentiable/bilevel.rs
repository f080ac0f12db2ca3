//! One bilevel step: architecture parameters on one batch, weights on another.
//!
//! Shapes: P numbers of the network.

use tch::{Kind, Tensor, no_grad};

use super::relaxation::{Relaxation, Weights};
use crate::model::{Gradients, Loss, Pass, Path, Sgd, Supernet, SupernetError};

type Result<T> = std::result::Result<T, SupernetError>;

/// Images `[B, C, H, W]` and labels `[B]`.
pub(super) type Batch = (Tensor, Tensor);

/// A relaxed network and the path through all of it.
#[derive(Debug)]
pub(super) struct Relaxed {
    pub(super) net: Supernet,
    pub(super) path: Path,
    pub(super) relaxation: Relaxation,
}

/// What the weights are moved by before the gradient by α is taken (Liu et al. 2019, equation 7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrolling {
    /// Rate ξ of the virtual step.
    pub(super) rate: f64,
    pub(super) momentum: f64,
    pub(super) weight_decay: f64,
    /// Distance that the weights are moved to each side for the finite difference. Published: 0.01.
    pub(super) distance: f64,
}

impl Relaxed {
    /// Mean cross-entropy `[]` on a batch, BatchNorm with the batch's own statistics; gradients
    /// reach the weights and α.
    pub(super) fn loss(&self, batch: &Batch) -> Result<Tensor> {
        self.weighted(batch, &self.relaxation.weights()?)
    }

    /// The same for a step of the weights: nothing is kept for a gradient by α.
    pub(super) fn loss_of_weights(&self, batch: &Batch) -> Result<Tensor> {
        self.weighted(batch, &no_grad(|| self.relaxation.weights())?)
    }

    fn weighted(&self, (images, labels): &Batch, weights: &Weights) -> Result<Tensor> {
        let mut pass = Pass::train().with_mixture(weights.mixture());
        Loss::default().of(&self.net.forward(images, &self.path, &mut pass)?, labels)
    }

    /// First order: the gradient of the loss on `validation` by α (and β).
    pub(super) fn gradient(&self, validation: &Batch) -> Result<Vec<Tensor>> {
        self.by_alpha(&self.loss(validation)?)
    }

    /// Second order: the same at the weights after one step on `train`,
    /// `∇α L_val(w', α) - ξ·(∇α L_train(w⁺, α) - ∇α L_train(w⁻, α)) / 2ε` with `w' = w - ξ·step`,
    /// `w± = w ± ε·∇w' L_val(w', α)` and `ε = distance / ‖∇w' L_val(w', α)‖` (Liu et al. 2019,
    /// equations 7 and 8). The weights are what they were afterwards.
    pub(super) fn unrolled_gradient(
        &self,
        train: &Batch,
        validation: &Batch,
        sgd: &Sgd,
        unrolling: Unrolling,
    ) -> Result<Vec<Tensor>> {
        let before = self.net.params().flat().f_detach_copy()?; // [P]
        let step = no_grad(|| -> Result<Tensor> {
            let decayed = before.f_mul_scalar(unrolling.weight_decay)?;
            Ok(sgd.velocity().f_mul_scalar(unrolling.momentum)?.f_add(&decayed)?)
        })?
        .f_add(&self.by_weights(&self.loss_of_weights(train)?)?)?; // [P]
        self.put(&before.f_sub(&step.f_mul_scalar(unrolling.rate)?)?)?;
        let loss = self.loss(validation)?;
        let mut leaves: Vec<&Tensor> = self.relaxation.leaves().into_iter().map(|(_, leaf)| leaf).collect();
        let alphas = leaves.len();
        leaves.extend(self.path.params().iter().map(|&id| self.net.params().tensor(id)));
        let mut found = Tensor::f_run_backward(&[&loss], &leaves, false, false)?;
        let direction = laid_out(&found.split_off(alphas))?; // [P]
        let norm = direction.f_norm()?.f_to_kind(Kind::Double)?.f_clamp_min(f64::MIN_POSITIVE)?;
        let epsilon = quotient(unrolling.distance, &norm)?; // []
        let mut sides = Vec::with_capacity(2);
        for side in [epsilon.f_to_kind(before.kind())?, epsilon.f_neg()?.f_to_kind(before.kind())?] {
            self.put(&before.f_add(&direction.f_mul(&side)?)?)?;
            sides.push(self.by_alpha(&self.loss(train)?)?);
        }
        self.put(&before)?;
        let scale = quotient(unrolling.rate, &epsilon.f_mul_scalar(2.0)?)?.f_to_kind(before.kind())?; // []
        let sides = sides[0].iter().zip(&sides[1]);
        let pairs = found.iter().zip(sides);
        pairs.map(|(g, (plus, minus))| Ok(g.f_sub(&plus.f_sub(minus)?.f_mul(&scale)?)?)).collect()
    }

    fn by_alpha(&self, loss: &Tensor) -> Result<Vec<Tensor>> {
        let leaves: Vec<&Tensor> = self.relaxation.leaves().into_iter().map(|(_, leaf)| leaf).collect();
        Ok(Tensor::f_run_backward(&[loss], &leaves, false, false)?)
    }

    /// The gradient of a loss by all weights, `[P]`.
    fn by_weights(&self, loss: &Tensor) -> Result<Tensor> {
        let gradients = Gradients::of(loss, &self.net, self.path.params())?;
        if gradients.flat().size() == self.net.params().flat().size() {
            return Ok(gradients.flat().shallow_clone());
        }
        Err(SupernetError::mismatch("path", "a relaxed network trains all of its weights"))
    }

    fn put(&self, weights: &Tensor) -> Result<()> {
        no_grad(|| self.net.params().flat().shallow_clone().f_copy_(weights)).map(drop)?;
        Ok(())
    }
}

/// `number` / x, where x `[]` is; nothing waits for it.
fn quotient(number: f64, x: &Tensor) -> Result<Tensor> {
    Ok(x.f_full_like(number)?.f_div(x)?)
}

/// Gradients of all weights, one after the other, `[P]`.
fn laid_out(gradients: &[Tensor]) -> Result<Tensor> {
    let parts = gradients.iter().map(|g| g.f_reshape([-1])).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Tensor::f_cat(&parts, 0)?)
}
