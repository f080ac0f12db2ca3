//! Stochastic gradient descent that moves only what a step used.
//!
//! Shapes: P numbers of the network, T of them in the step's parameters.

use tch::{Tensor, no_grad};

use super::error::{Result, SupernetError};
use super::net::Supernet;
use super::params::ParamId;

/// Settings of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// Momentum μ, in `[0, 1)`.
    pub momentum: f64,
    /// Weight decay λ, at least 0.
    pub weight_decay: f64,
    /// Whether to look ahead (Nesterov).
    pub nesterov: bool,
    /// Largest norm of the gradient over all parameters of a step; none does not clip.
    pub clip: Option<f64>,
}

impl Default for SgdSettings {
    /// What DARTS and BONAS train with: momentum 0.9, decay 3e-4, norm clipped at 5.
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 3e-4, nesterov: false, clip: Some(5.0) }
    }
}

impl SgdSettings {
    fn check(self) -> Result<()> {
        let bad = |name, value: f64, range| {
            Err(SupernetError::setting(name, format!("{value}; it must be {range}")))
        };
        if !(0.0..1.0).contains(&self.momentum) {
            return bad("momentum", self.momentum, "in [0, 1)");
        }
        if !(0.0..f64::INFINITY).contains(&self.weight_decay) {
            return bad("weight decay", self.weight_decay, "at least 0");
        }
        match self.clip {
            Some(clip) if clip.is_nan() || clip <= 0.0 => bad("gradient clip", clip, "above 0"),
            _ => Ok(()),
        }
    }
}

/// The gradient of a loss with respect to some parameters of a network.
#[derive(Debug)]
pub struct Gradients {
    /// The parameters that the loss depends on, ascending.
    ids: Vec<ParamId>,
    /// Their gradients one after the other, `[T]`.
    flat: Tensor,
}

impl Gradients {
    /// Computes the gradient of a loss `[]` with respect to `params` (ascending, each once); those
    /// that the loss does not depend on are left out. The loss's graph is freed.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out or the loss records no gradient.
    pub fn of(loss: &Tensor, net: &Supernet, params: &[ParamId]) -> Result<Self> {
        debug_assert!(params.is_sorted(), "parameters in ascending order");
        let leaves: Vec<&Tensor> = params.iter().map(|&id| net.params().tensor(id)).collect();
        let found = Tensor::f_run_backward(&[loss], &leaves, false, false)?;
        let (mut ids, mut parts) = (Vec::new(), Vec::new());
        for (&id, gradient) in params.iter().zip(found).filter(|(_, g)| g.defined()) {
            ids.push(id);
            parts.push(gradient.f_reshape([-1])?); // [len]
        }
        let flat = match parts[..] {
            [] => Tensor::f_zeros([0], (net.placement().kind, net.placement().device))?,
            _ => no_grad(|| Tensor::f_cat(&parts, 0))?, // [T]
        };
        Ok(Self { ids, flat })
    }

    /// The parameters that the loss depends on, ascending.
    pub fn params(&self) -> &[ParamId] {
        &self.ids
    }

    /// Their gradients one after the other, row-major, `[T]`.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Euclidean norm `[]` over all of them.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn norm(&self) -> Result<Tensor> {
        Ok(self.flat.f_norm()?)
    }

    /// Scales the gradient so that its norm is at most `largest`, as PyTorch does:
    /// `g · min(1, largest / (‖g‖ + 1e-6))`. Nothing waits for the device.
    fn clip(&mut self, norm: &Tensor, largest: f64) -> Result<()> {
        let scale = norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(largest)?.f_clamp_max(1.0)?; // []
        let _ = self.flat.f_mul_(&scale)?; // [T]
        Ok(())
    }

    /// Runs of neighbouring parameters: start in the network, start in the gradient, length.
    fn runs(&self, net: &Supernet) -> Vec<(i64, i64, i64)> {
        let (mut runs, mut at) = (Vec::<(i64, i64, i64)>::new(), 0);
        for &id in &self.ids {
            let spec = net.params().spec(id);
            match runs.last_mut() {
                Some((start, _, length)) if *start + *length == spec.start => *length += spec.len(),
                _ => runs.push((spec.start, at, spec.len())),
            }
            at += spec.len();
        }
        runs
    }
}

/// Stochastic gradient descent with momentum and weight decay.
///
/// With gradient g (clipped), weight w, velocity v and rate η:
/// `g ← g + λ·w`, `v ← μ·v + g`, `w ← w - η·v` (Nesterov: `w ← w - η·(g + μ·v)`), which is
/// `torch.optim.SGD` without dampening. Parameters that the loss does not depend on keep weight
/// and velocity: neither decay nor old momentum moves an operation that a sampled path left out.
#[derive(Debug)]
pub struct Sgd {
    settings: SgdSettings,
    /// `[P]`, laid out as [`super::Params::flat`].
    velocity: Tensor,
}

impl Sgd {
    /// An optimiser at rest.
    ///
    /// # Errors
    /// [`SupernetError::Setting`] for a setting out of its range; [`SupernetError::Torch`] when
    /// memory runs out.
    pub fn new(settings: SgdSettings, net: &Supernet) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings, velocity: net.params().flat().f_zeros_like()? })
    }

    /// The settings.
    pub fn settings(&self) -> SgdSettings {
        self.settings
    }

    /// Velocities `[P]` in the order of [`super::Params::flat`]; writing to them changes the
    /// optimiser.
    pub fn velocity(&self) -> &Tensor {
        &self.velocity
    }

    /// Takes a step down a loss `[]` in some parameters (ascending; usually
    /// [`super::Path::params`]) at learning rate `rate`, and returns the norm `[]` of the gradient
    /// before clipping.
    ///
    /// # Errors
    /// Those of [`Gradients::of`].
    pub fn step(&mut self, net: &Supernet, params: &[ParamId], loss: &Tensor, rate: f64) -> Result<Tensor> {
        self.apply(net, Gradients::of(loss, net, params)?, rate)
    }

    /// Takes a step along a gradient and returns its norm `[]` before clipping.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn apply(&mut self, net: &Supernet, mut gradients: Gradients, rate: f64) -> Result<Tensor> {
        no_grad(|| {
            let norm = gradients.norm()?; // []
            if let Some(largest) = self.settings.clip {
                gradients.clip(&norm, largest)?;
            }
            let like = (net.placement().kind, net.placement().device);
            let number = |x: f64| Tensor::f_full([1], x, like);
            let scalars =
                [number(self.settings.weight_decay)?, number(self.settings.momentum)?, number(-rate)?];
            for (start, at, length) in gradients.runs(net) {
                let weight = net.params().flat().f_narrow(0, start, length)?; // [length]
                let gradient = gradients.flat.f_narrow(0, at, length)?; // [length]
                self.update(weight, gradient, start, length, &scalars)?;
            }
            Ok(norm)
        })
    }

    /// Updates one run; `decay`, `momentum` and minus the rate are `[1]` on the device, so that
    /// each line is one kernel.
    fn update(
        &self,
        mut weight: Tensor,
        mut gradient: Tensor,
        start: i64,
        length: i64,
        [decay, momentum, rate]: &[Tensor; 3],
    ) -> Result<()> {
        let mut velocity = self.velocity.f_narrow(0, start, length)?; // [length]
        if self.settings.weight_decay != 0.0 {
            let _ = gradient.f_addcmul_(&weight, decay)?;
        }
        let _ = velocity.f_mul_(momentum)?;
        let _ = velocity.f_add_(&gradient)?;
        if self.settings.nesterov {
            let _ = gradient.f_addcmul_(&velocity, momentum)?;
            let _ = weight.f_addcmul_(&gradient, rate)?;
        } else {
            let _ = weight.f_addcmul_(&velocity, rate)?;
        }
        Ok(())
    }
}
