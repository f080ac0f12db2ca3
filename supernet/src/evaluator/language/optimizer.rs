//! Optimisers of language models, which move only what a step used.
//!
//! Shapes: P numbers of the model, N parameters (tensors) of the model.

use tch::{Device, Kind, Tensor, no_grad};

use super::net::{CellRoute, LanguageNet};
use super::{LanguageOptimizer, LanguageRecipe};
use crate::model::{ParamId, Result, SupernetError};

#[cfg(test)]
mod tests;

/// Decays of Adam's means, and what keeps its denominator from 0 (Kingma and Ba 2015).
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// An optimiser and its state.
#[derive(Debug)]
pub(super) struct Optimizer {
    weight_decay: f64,
    clip: f64,
    patience: usize,
    adam: Option<Adam>,
    average: Option<Average>,
    losses: Vec<f64>,
}

/// State of Adam. Each parameter has its own number of steps, by which its means are corrected: in a model of several cells a
/// parameter is first trained when the turn comes to a cell that uses it.
#[derive(Debug)]
struct Adam {
    /// Means of gradients and of their squares, `[P]`.
    moments: [Tensor; 2],
    /// Steps of each parameter, `[N]`, on the CPU.
    steps: Tensor,
}

/// State of `nt-asgd`.
#[derive(Debug)]
struct Average {
    /// The mean of the weights since averaging began, `[P]`.
    mean: Tensor,
    /// The steps in it, `[1]`, on the CPU; -1 while it has not begun.
    steps: Tensor,
}

impl Adam {
    fn new(net: &LanguageNet) -> Result<Self> {
        let zeros = || net.params().flat().f_zeros_like();
        let steps = Tensor::f_zeros([net.params().len() as i64], (Kind::Int64, Device::Cpu))?;
        Ok(Self { moments: [zeros()?, zeros()?], steps })
    }

    /// What is taken off a parameter.
    fn change(&self, net: &LanguageNet, id: ParamId, gradient: &Tensor, rate: f64) -> Result<Tensor> {
        let spec = net.params().spec(id);
        let part = |flat: &Tensor| -> Result<Tensor> {
            Ok(flat.f_narrow(0, spec.start, spec.len())?.f_view(spec.shape.as_slice())?)
        };
        let mut steps = self.steps.f_get(id as i64)?; // []
        let taken = steps.f_add_scalar_(1)?.f_int64_value(&[])? as i32;
        let [mut m, mut v] = [part(&self.moments[0])?, part(&self.moments[1])?];
        let _ = m.f_mul_scalar_(BETAS[0])?.f_add_(&gradient.f_mul_scalar(1.0 - BETAS[0])?)?;
        let _ = v.f_mul_scalar_(BETAS[1])?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - BETAS[1])?)?;
        let [first, second] = BETAS.map(|beta| 1.0 - beta.powi(taken));
        let below = v.f_sqrt()?.f_div_scalar(second.sqrt())?.f_add_scalar(EPSILON)?;
        Ok(m.f_div(&below)?.f_mul_scalar(rate / first)?)
    }
}

impl Average {
    fn new(net: &LanguageNet) -> Result<Self> {
        let steps = Tensor::f_full([1], -1, (Kind::Int64, Device::Cpu))?;
        Ok(Self { mean: net.params().flat().f_zeros_like()?, steps })
    }

    fn taken(&self) -> Result<i64> {
        Ok(self.steps.f_int64_value(&[0])?)
    }

    /// The mean, where there is one.
    fn mean(&self) -> Result<Option<&Tensor>> {
        Ok((self.taken()? > 0).then_some(&self.mean))
    }

    fn begin(&self) -> Result<()> {
        if self.taken()? < 0 {
            let _ = self.steps.shallow_clone().f_zero_()?;
        }
        Ok(())
    }

    /// Takes the weights in, once it has begun.
    fn add(&self, net: &LanguageNet) -> Result<()> {
        let taken = self.taken()?;
        if taken >= 0 {
            let change = net.params().flat().f_sub(&self.mean)?.f_div_scalar(taken + 1)?;
            let _ = self.mean.shallow_clone().f_add_(&change)?;
            let _ = self.steps.shallow_clone().f_add_scalar_(1)?;
        }
        Ok(())
    }
}

impl Optimizer {
    pub(super) fn new(recipe: &LanguageRecipe, net: &LanguageNet) -> Result<Self> {
        let adam = matches!(recipe.optimizer, LanguageOptimizer::Adam).then(|| Adam::new(net));
        let average = matches!(recipe.optimizer, LanguageOptimizer::NtAsgd).then(|| Average::new(net));
        Ok(Self {
            weight_decay: recipe.weight_decay,
            clip: recipe.gradient_clip,
            patience: recipe.patience,
            adam: adam.transpose()?,
            average: average.transpose()?,
            losses: Vec::new(),
        })
    }

    /// Takes a step down a loss `[]`; false, and no step, where the gradient is not finite.
    pub(super) fn step(
        &mut self,
        net: &LanguageNet,
        route: &CellRoute,
        loss: &Tensor,
        rate: f64,
    ) -> Result<bool> {
        let leaves: Vec<&Tensor> = route.params().iter().map(|&id| net.params().tensor(id)).collect();
        let gradients = Tensor::f_run_backward(&[loss], &leaves, false, false)?;
        no_grad(|| {
            let mut square = 0.0;
            for gradient in gradients.iter().filter(|gradient| gradient.defined()) {
                square += gradient.f_norm()?.f_double_value(&[])?.powi(2);
            }
            if !square.is_finite() {
                return Ok(false);
            }
            let norm = square.sqrt();
            let scale = if self.clip > 0.0 { (self.clip / (norm + 1e-6)).min(1.0) } else { 1.0 };
            for (&id, gradient) in route.params().iter().zip(&gradients).filter(|(_, g)| g.defined()) {
                let mut weight = net.params().tensor(id).f_detach()?;
                let decay = weight.f_mul_scalar(self.weight_decay)?;
                let gradient = gradient.f_mul_scalar(scale)?.f_add(&decay)?;
                let change = match &self.adam {
                    Some(adam) => adam.change(net, id, &gradient, rate)?,
                    None => gradient.f_mul_scalar(rate)?,
                };
                let _ = weight.f_sub_(&change)?;
            }
            self.average.iter().try_for_each(|average| average.add(net))?;
            Ok(true)
        })
    }

    /// Notes the validation loss of an epoch: `nt-asgd` begins to average when it has not fallen below those of more than
    /// `patience` epochs ago.
    pub(super) fn epoch(&mut self, loss: f64) -> Result<()> {
        let before = self.losses.len().saturating_sub(self.patience);
        let least = self.losses[..before].iter().copied().fold(f64::INFINITY, f64::min);
        self.losses.push(loss);
        match &self.average {
            Some(average) if loss > least => average.begin(),
            _ => Ok(()),
        }
    }

    /// Takes the validation losses of earlier epochs for its own; its tensors ([`state`](Self::state)) are as they were then.
    pub(super) fn resume(&mut self, losses: Vec<f64>) {
        self.losses = losses;
    }

    /// Its tensors by name; they share its memory.
    pub(super) fn state(&self) -> Vec<(String, Tensor)> {
        let adam = self.adam.iter().flat_map(|Adam { moments: [mean, square], steps }| {
            [("mean", mean), ("square", square), ("steps", steps)]
        });
        let average =
            self.average.iter().flat_map(|Average { mean, steps }| [("average", mean), ("averaged", steps)]);
        let named = |(name, tensor): (&str, &Tensor)| (format!("optimizer.{name}"), tensor.shallow_clone());
        adam.chain(average).map(named).collect()
    }

    fn mean(&self) -> Result<Option<&Tensor>> {
        self.average.as_ref().map_or(Ok(None), Average::mean)
    }

    /// Leaves the averaged weights in the model, where there are any.
    pub(super) fn keep_average(&self, net: &LanguageNet) -> Result<()> {
        match self.mean()? {
            Some(mean) => Ok(no_grad(|| net.params().flat().shallow_clone().f_copy_(mean)).map(drop)?),
            None => Ok(()),
        }
    }

    /// Runs with the averaged weights in place of the model's, where there are any.
    pub(super) fn averaged<T>(
        &self,
        net: &LanguageNet,
        run: impl FnOnce() -> Result<T, bonas_study::StudyError>,
    ) -> Result<T, bonas_study::StudyError> {
        let Some(mean) = self.mean()? else { return run() };
        let torch = |error: tch::TchError| bonas_study::StudyError::from(SupernetError::from(error));
        let own = no_grad(|| net.params().flat().f_add_scalar(0.0)).map_err(torch)?;
        let put = |from: &Tensor| {
            no_grad(|| net.params().flat().shallow_clone().f_copy_(from).map(drop)).map_err(torch)
        };
        put(mean)?;
        let result = run();
        put(&own)?;
        result
    }
}
