//! `RMSProp` as in PyTorch and as in TensorFlow.
//!
//! Shapes: P numbers of the network.

#[cfg(feature = "torch")]
use tch::{Tensor, no_grad};

use super::OptimizerEntry;
#[cfg(feature = "torch")]
use super::{OptimizerRecipe, Sgd};
#[cfg(feature = "torch")]
use crate::model::{Decay, Gradients, Optimizer, Result, Run, Supernet};

const READS: &[&str] = &["momentum", "epsilon", "rms_decay"];

/// `torch.optim.RMSprop`: the mean of squares starts at 0, and ε is added to its root.
pub(super) const RMSPROP: OptimizerEntry = OptimizerEntry {
    name: "rmsprop",
    about: "RMSProp as in PyTorch: epsilon beside the root",
    reads: READS,
    tensors: 2,
    #[cfg(feature = "torch")]
    make: |sgd, recipe, net| Ok(Box::new(RmsProp::new(sgd, recipe, net, Style::PyTorch)?)),
};

/// `tf.train.RMSPropOptimizer`: the mean of squares starts at 1, ε is added inside the root, and the rate is part of the
/// velocity.
pub(super) const RMSPROP_TF: OptimizerEntry = OptimizerEntry {
    name: "rmsprop-tf",
    about: "RMSProp as in TensorFlow: epsilon inside the root (NAS-Bench-101)",
    reads: READS,
    tensors: 2,
    #[cfg(feature = "torch")]
    make: |sgd, recipe, net| Ok(Box::new(RmsProp::new(sgd, recipe, net, Style::TensorFlow)?)),
};

/// Whose `RMSProp`.
#[cfg(feature = "torch")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    PyTorch,
    TensorFlow,
}

#[cfg(feature = "torch")]
impl Style {
    /// The usual decay of the mean of squares.
    fn decay(self) -> f64 {
        if self == Self::PyTorch { 0.99 } else { 0.9 }
    }

    /// The usual ε.
    fn epsilon(self) -> f64 {
        if self == Self::PyTorch { 1e-8 } else { 1e-10 }
    }
}

/// `RMSProp` (Hinton 2012): with gradient g (clipped, `g ← g + λ·w`), weight w, rate η and momentum μ,
/// `s ← ρ·s + (1-ρ)·g²`; PyTorch: `v ← μ·v + g / (√s + ε)`, `w ← w - η·v`; TensorFlow: `v ← μ·v + η·g / √(s + ε)`,
/// `w ← w - v`.
#[cfg(feature = "torch")]
#[derive(Debug)]
struct RmsProp {
    style: Style,
    rms_decay: f64,
    epsilon: f64,
    momentum: f64,
    clip: Option<f64>,
    decay: Decay,
    /// `s`, `[P]`.
    squares: Tensor,
    /// `v`, `[P]`.
    velocity: Tensor,
}

#[cfg(feature = "torch")]
impl RmsProp {
    fn new(sgd: &Sgd, recipe: &OptimizerRecipe, net: &Supernet, style: Style) -> Result<Self> {
        let flat = net.params().flat();
        let squares = if style == Style::PyTorch { flat.f_zeros_like()? } else { flat.f_ones_like()? };
        Ok(Self {
            style,
            rms_decay: recipe.rms_decay.unwrap_or(style.decay()),
            epsilon: recipe.epsilon.unwrap_or(style.epsilon()),
            momentum: sgd.momentum,
            clip: sgd.clip(),
            decay: Decay::new(sgd.weight_decay, recipe.decay_vectors, net)?,
            squares,
            velocity: flat.f_zeros_like()?,
        })
    }

    /// Updates the weights of a run.
    fn update(&self, net: &Supernet, gradient: &Tensor, run: Run, rate: f64) -> Result<()> {
        let mut weight = run.of(net.params().flat())?; // [length]
        let (mut squares, mut velocity) = (run.of(&self.squares)?, run.of(&self.velocity)?); // [length]
        let square = gradient.f_square()?.f_mul_scalar(1.0 - self.rms_decay)?;
        let _ = squares.f_mul_scalar_(self.rms_decay)?.f_add_(&square)?;
        let below = match self.style {
            Style::PyTorch => squares.f_sqrt()?.f_add_scalar(self.epsilon)?,
            Style::TensorFlow => squares.f_add_scalar(self.epsilon)?.f_sqrt()?,
        };
        let (inside, outside) = if self.style == Style::PyTorch { (1.0, rate) } else { (rate, 1.0) };
        let mut change = gradient.f_div(&below)?.f_mul_scalar(inside)?;
        if self.style == Style::TensorFlow {
            change = run.by_layer(net, change)?;
        }
        let _ = velocity.f_mul_scalar_(self.momentum)?.f_add_(&change)?;
        let mut step = velocity.f_mul_scalar(outside)?;
        if self.style == Style::PyTorch {
            step = run.by_layer(net, step)?;
        }
        let _ = weight.f_sub_(&step)?;
        Ok(())
    }
}

#[cfg(feature = "torch")]
impl Optimizer for RmsProp {
    fn apply(&mut self, net: &Supernet, mut gradients: Gradients, rate: f64) -> Result<Tensor> {
        no_grad(|| {
            let norm = gradients.clipped(self.clip)?; // []
            for run in gradients.runs(net) {
                let (weight, mut gradient) = (run.of(net.params().flat())?, gradients.of_run(run)?);
                if let Some(decay) = self.decay.of(run)? {
                    let _ = gradient.f_addcmul_(&weight, &decay)?;
                }
                self.update(net, &gradient, run, rate)?;
            }
            Ok(norm)
        })
    }

    fn state(&self) -> Vec<(&'static str, Tensor)> {
        vec![("squares", self.squares.shallow_clone()), ("velocity", self.velocity.shallow_clone())] // [P]
    }
}
