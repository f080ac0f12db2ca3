//! Adam, with weight decay in the gradient or beside it.
//!
//! Shapes: P numbers of the network.

#[cfg(feature = "torch")]
use tch::{Kind, Tensor, no_grad};

use super::OptimizerEntry;
#[cfg(feature = "torch")]
use super::{OptimizerRecipe, Sgd};
#[cfg(feature = "torch")]
use crate::model::{Decay, Gradients, Optimizer, Result, Supernet};

const READS: &[&str] = &["beta1", "beta2", "epsilon"];

/// Adam (Kingma and Ba 2015), `torch.optim.Adam`.
pub(super) const ADAM: OptimizerEntry = OptimizerEntry {
    name: "adam",
    about: "Adam, weight decay in the gradient (Kingma and Ba 2015)",
    reads: READS,
    tensors: 2,
    #[cfg(feature = "torch")]
    make: |sgd, recipe, net| Ok(Box::new(Adam::new(sgd, recipe, net, false)?)),
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), `torch.optim.AdamW`.
pub(super) const ADAMW: OptimizerEntry = OptimizerEntry {
    name: "adamw",
    about: "Adam, weight decay beside the gradient (Loshchilov and Hutter 2019)",
    reads: READS,
    tensors: 2,
    #[cfg(feature = "torch")]
    make: |sgd, recipe, net| Ok(Box::new(Adam::new(sgd, recipe, net, true)?)),
};

/// What keeps the denominator from 0, as in PyTorch.
#[cfg(feature = "torch")]
const EPSILON: f64 = 1e-8;

/// Adam: with gradient g (clipped), weight w and rate η,
/// `g ← g + λ·w` (decoupled: `w ← w - η·λ·w`), `m ← β₁·m + (1-β₁)·g`, `v ← β₂·v + (1-β₂)·g²`,
/// `w ← w - η·m̂ / (√v̂ + ε)` with `m̂ = m / (1-β₁ᵗ)` and `v̂ = v / (1-β₂ᵗ)`.
///
/// The steps t are those of the optimiser, not of each parameter.
#[cfg(feature = "torch")]
#[derive(Debug)]
struct Adam {
    betas: [f64; 2],
    epsilon: f64,
    clip: Option<f64>,
    decay: Decay,
    decoupled: bool,
    /// `m` and `v`, `[P]`.
    moments: [Tensor; 2],
    /// Steps taken, `[1]`, so that they are saved with the moments.
    steps: Tensor,
}

#[cfg(feature = "torch")]
impl Adam {
    fn new(sgd: &Sgd, recipe: &OptimizerRecipe, net: &Supernet, decoupled: bool) -> Result<Self> {
        let zeros = || net.params().flat().f_zeros_like();
        Ok(Self {
            betas: [recipe.beta1, recipe.beta2],
            epsilon: recipe.epsilon.unwrap_or(EPSILON),
            clip: sgd.clip(),
            decay: Decay::new(sgd.weight_decay, recipe.decay_vectors, net)?,
            decoupled,
            moments: [zeros()?, zeros()?],
            steps: Tensor::f_zeros([1], (Kind::Int64, tch::Device::Cpu))?,
        })
    }

    /// Takes the decay of a run's weights into the gradient, or off the weights.
    fn decayed(&self, weight: &mut Tensor, gradient: &mut Tensor, decay: &Tensor, rate: f64) -> Result<()> {
        if self.decoupled {
            let kept = decay.f_mul_scalar(-rate)?.f_add_scalar(1.0)?; // [1] or [length]
            let _ = weight.f_mul_(&kept)?;
        } else {
            let _ = gradient.f_addcmul_(weight, decay)?;
        }
        Ok(())
    }
}

#[cfg(feature = "torch")]
impl Optimizer for Adam {
    fn apply(&mut self, net: &Supernet, mut gradients: Gradients, rate: f64) -> Result<Tensor> {
        no_grad(|| {
            let norm = gradients.clipped(self.clip)?; // []
            let _ = self.steps.f_add_scalar_(1)?;
            let steps = self.steps.int64_value(&[0]) as f64;
            let [first, second] = self.betas;
            let (rate_now, root) = (rate / (1.0 - first.powf(steps)), (1.0 - second.powf(steps)).sqrt());
            for run in gradients.runs(net) {
                let (mut weight, mut gradient) = (run.of(net.params().flat())?, gradients.of_run(run)?);
                if let Some(decay) = self.decay.of(run)? {
                    let decay = if self.decoupled { run.by_layer(net, decay)? } else { decay };
                    self.decayed(&mut weight, &mut gradient, &decay, rate)?;
                }
                let [mut m, mut v] = [run.of(&self.moments[0])?, run.of(&self.moments[1])?]; // [length]
                let _ = m.f_mul_scalar_(first)?.f_add_(&gradient.f_mul_scalar(1.0 - first)?)?;
                let _ = v.f_mul_scalar_(second)?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - second)?)?;
                let below = v.f_sqrt()?.f_div_scalar(root)?.f_add_scalar(self.epsilon)?;
                let step = m.f_div(&below)?.f_mul_scalar(rate_now)?; // [length]
                let _ = weight.f_sub_(&run.by_layer(net, step)?)?;
            }
            Ok(norm)
        })
    }

    fn state(&self) -> Vec<(&'static str, Tensor)> {
        let [m, v] = &self.moments;
        vec![
            ("mean", m.shallow_clone()),           // [P]
            ("square", v.shallow_clone()),         // [P]
            ("steps", self.steps.shallow_clone()), // [1]
        ]
    }
}
