//! Optimisers that move only what a step used, and stochastic gradient descent.
//!
//! Shapes: P numbers of the network, T of them in the step's parameters.

use std::fmt::Debug;

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
    /// Whether parameters of one dimension (BatchNorm, biases) decay, too.
    pub decay_vectors: bool,
}

impl Default for SgdSettings {
    /// What DARTS and BONAS train with: momentum 0.9, decay 3e-4, norm clipped at 5.
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 3e-4, nesterov: false, clip: Some(5.0), decay_vectors: true }
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

/// An optimiser of the parameters of a network, which moves only those that a loss depends on.
///
/// To write one, keep its state in tensors `[P]`, update it in [`apply`](Self::apply) run by run, and name it in
/// [`state`](Self::state), so that a training that was stopped goes on to the same bits.
pub trait Optimizer: Debug {
    /// Takes a step along a gradient at learning rate `rate`, and returns its norm `[]` before clipping.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    fn apply(&mut self, net: &Supernet, gradients: Gradients, rate: f64) -> Result<Tensor>;

    /// The state by name; the tensors share its memory, and writing to them changes the optimiser.
    fn state(&self) -> Vec<(&'static str, Tensor)>;

    /// Takes a step down a loss `[]` in some parameters (ascending; usually [`super::Path::params`]), and returns the
    /// norm `[]` of the gradient before clipping.
    ///
    /// # Errors
    /// Those of [`Gradients::of`].
    fn step(&mut self, net: &Supernet, params: &[ParamId], loss: &Tensor, rate: f64) -> Result<Tensor> {
        self.apply(net, Gradients::of(loss, net, params)?, rate)
    }
}

/// Neighbouring parameters that a step moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where they start in the network's flat block.
    pub(crate) start: i64,
    /// Where they start in the gradient.
    pub(crate) at: i64,
    /// Numbers in them.
    pub(crate) length: i64,
}

impl Run {
    /// Their part of a tensor laid out as the network, `[length]`.
    pub(crate) fn of(self, flat: &Tensor) -> Result<Tensor> {
        Ok(flat.f_narrow(0, self.start, self.length)?)
    }

    /// A step `[1]` or `[length]` of these parameters, by the learning rates of their layers.
    pub(crate) fn by_layer(self, net: &Supernet, step: Tensor) -> Result<Tensor> {
        match &net.factors {
            None => Ok(step),
            Some(factors) => Ok(step.f_mul(&self.of(factors)?)?), // [length]
        }
    }
}

/// Weight decay λ, on the device from the start, so that no step makes a tensor for it.
#[derive(Debug)]
pub(crate) enum Decay {
    /// Nothing decays.
    Nothing,
    /// All parameters decay by λ, `[1]`.
    All(Tensor),
    /// Each number decays by its own rate, `[P]`: λ, or 0 in parameters of one dimension.
    Each(Tensor),
}

impl Decay {
    /// Decay at `rate`; `vectors` says whether parameters of one dimension decay.
    pub(crate) fn new(rate: f64, vectors: bool, net: &Supernet) -> Result<Self> {
        if rate == 0.0 {
            return Ok(Self::Nothing);
        }
        if vectors {
            let like = (net.placement().kind, net.placement().device);
            return Ok(Self::All(Tensor::f_full([1], rate, like)?));
        }
        let mask = net.params().flat().f_ones_like()?; // [P]
        for id in 0..net.params().len() {
            let spec = net.params().spec(id);
            if spec.shape.len() <= 1 {
                let _ = mask.f_narrow(0, spec.start, spec.len())?.f_fill_(0.0)?;
            }
        }
        Ok(Self::Each(mask.f_mul_scalar(rate)?))
    }

    /// λ of a run, `[1]` or `[length]`; none where nothing decays.
    pub(crate) fn of(&self, run: Run) -> Result<Option<Tensor>> {
        Ok(match self {
            Self::Nothing => None,
            Self::All(rate) => Some(rate.shallow_clone()),
            Self::Each(rates) => Some(run.of(rates)?),
        })
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

    /// Clips the gradient at `largest`, if there is such a bound, and returns its norm `[]` before.
    pub(crate) fn clipped(&mut self, largest: Option<f64>) -> Result<Tensor> {
        let norm = self.norm()?; // []
        if let Some(largest) = largest {
            self.clip(&norm, largest)?;
        }
        Ok(norm)
    }

    /// The gradient of a run, `[length]`.
    pub(crate) fn of_run(&self, run: Run) -> Result<Tensor> {
        Ok(self.flat.f_narrow(0, run.at, run.length)?)
    }

    /// Scales the gradient so that its norm is at most `largest`, as PyTorch does:
    /// `g · min(1, largest / (‖g‖ + 1e-6))`. Nothing waits for the device.
    fn clip(&mut self, norm: &Tensor, largest: f64) -> Result<()> {
        let scale = norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(largest)?.f_clamp_max(1.0)?; // []
        let _ = self.flat.f_mul_(&scale)?; // [T]
        Ok(())
    }

    /// Runs of neighbouring parameters.
    pub(crate) fn runs(&self, net: &Supernet) -> Vec<Run> {
        let (mut runs, mut at) = (Vec::<Run>::new(), 0);
        for &id in &self.ids {
            let spec = net.params().spec(id);
            match runs.last_mut() {
                Some(run) if run.start + run.length == spec.start => run.length += spec.len(),
                _ => runs.push(Run { start: spec.start, at, length: spec.len() }),
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
    decay: Decay,
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
        let decay = Decay::new(settings.weight_decay, settings.decay_vectors, net)?;
        Ok(Self { settings, decay, velocity: net.params().flat().f_zeros_like()? })
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

    /// [`Optimizer::step`], for callers that have no other optimiser.
    ///
    /// # Errors
    /// Those of [`Gradients::of`].
    pub fn step(&mut self, net: &Supernet, params: &[ParamId], loss: &Tensor, rate: f64) -> Result<Tensor> {
        Optimizer::step(self, net, params, loss, rate)
    }

    /// Updates one run; `decay` `[1]` or `[length]`, `momentum` `[1]` and minus the rate `[1]` or `[length]` are on the
    /// device, so that each line is one kernel.
    fn update(
        &self,
        mut weight: Tensor,
        mut gradient: Tensor,
        run: Run,
        decay: Option<Tensor>,
        [momentum, rate]: &[Tensor; 2],
    ) -> Result<()> {
        let mut velocity = run.of(&self.velocity)?; // [length]
        if let Some(decay) = decay {
            let _ = gradient.f_addcmul_(&weight, &decay)?;
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

impl Optimizer for Sgd {
    fn apply(&mut self, net: &Supernet, mut gradients: Gradients, rate: f64) -> Result<Tensor> {
        no_grad(|| {
            let norm = gradients.clipped(self.settings.clip)?; // []
            let like = (net.placement().kind, net.placement().device);
            let number = |x: f64| Tensor::f_full([1], x, like);
            let scalars = [number(self.settings.momentum)?, number(-rate)?];
            for run in gradients.runs(net) {
                let decay = self.decay.of(run)?;
                let scalars = [scalars[0].shallow_clone(), run.by_layer(net, scalars[1].shallow_clone())?];
                self.update(run.of(net.params().flat())?, gradients.of_run(run)?, run, decay, &scalars)?;
            }
            Ok(norm)
        })
    }

    fn state(&self) -> Vec<(&'static str, Tensor)> {
        vec![("velocity", self.velocity.shallow_clone())] // [P]
    }
}
