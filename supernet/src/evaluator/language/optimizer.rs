//! Optimisers of language models, which move only what a step used.
//!
//! Shapes: P numbers of the model.

use tch::{Tensor, no_grad};

use super::net::{CellRoute, LanguageNet};
use super::{LanguageOptimizer, LanguageRecipe};
use crate::model::{Result, SupernetError};

/// Decays of Adam's means, and what keeps its denominator from 0 (Kingma and Ba 2015).
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// An optimiser and its state.
#[derive(Debug)]
pub(super) struct Optimizer {
    kind: LanguageOptimizer,
    weight_decay: f64,
    clip: f64,
    patience: usize,
    /// Adam's means, `[P]`; none of the others.
    moments: Option<[Tensor; 2]>,
    steps: i32,
    /// The mean of the weights since averaging began, `[P]`, and the steps in it.
    average: Option<(Tensor, i64)>,
    losses: Vec<f64>,
}

impl Optimizer {
    pub(super) fn new(recipe: &LanguageRecipe, net: &LanguageNet) -> Result<Self> {
        let zeros = || net.params().flat().f_zeros_like();
        let moments = match recipe.optimizer {
            LanguageOptimizer::Adam => Some([zeros()?, zeros()?]),
            LanguageOptimizer::Sgd | LanguageOptimizer::NtAsgd => None,
        };
        Ok(Self {
            kind: recipe.optimizer,
            weight_decay: recipe.weight_decay,
            clip: recipe.gradient_clip,
            patience: recipe.patience,
            moments,
            steps: 0,
            average: None,
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
            self.steps += 1;
            for (&id, gradient) in route.params().iter().zip(&gradients).filter(|(_, g)| g.defined()) {
                let mut weight = net.params().tensor(id).f_detach()?;
                let decay = weight.f_mul_scalar(self.weight_decay)?;
                let gradient = gradient.f_mul_scalar(scale)?.f_add(&decay)?;
                let _ = weight.f_sub_(&self.change(net, id, &gradient, rate)?)?;
            }
            self.add_to_average(net)?;
            Ok(true)
        })
    }

    /// What is taken off a parameter.
    fn change(&self, net: &LanguageNet, id: usize, gradient: &Tensor, rate: f64) -> Result<Tensor> {
        let Some(moments) = &self.moments else { return Ok(gradient.f_mul_scalar(rate)?) };
        let spec = net.params().spec(id);
        let part = |flat: &Tensor| -> Result<Tensor> {
            Ok(flat.f_narrow(0, spec.start, spec.len())?.f_view(spec.shape.as_slice())?)
        };
        let [mut m, mut v] = [part(&moments[0])?, part(&moments[1])?];
        let _ = m.f_mul_scalar_(BETAS[0])?.f_add_(&gradient.f_mul_scalar(1.0 - BETAS[0])?)?;
        let _ = v.f_mul_scalar_(BETAS[1])?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - BETAS[1])?)?;
        let [first, second] = BETAS.map(|beta| 1.0 - beta.powi(self.steps));
        let below = v.f_sqrt()?.f_div_scalar(second.sqrt())?.f_add_scalar(EPSILON)?;
        Ok(m.f_div(&below)?.f_mul_scalar(rate / first)?)
    }

    fn add_to_average(&mut self, net: &LanguageNet) -> Result<()> {
        if let Some((mean, steps)) = &mut self.average {
            *steps += 1;
            let change = net.params().flat().f_sub(mean)?.f_div_scalar(*steps)?;
            let _ = mean.f_add_(&change)?;
        }
        Ok(())
    }

    /// Notes the validation loss of an epoch: `nt-asgd` begins to average when it has not fallen below those of more than
    /// `patience` epochs ago.
    pub(super) fn epoch(&mut self, net: &LanguageNet, loss: f64) -> Result<()> {
        let before = self.losses.len().saturating_sub(self.patience);
        let least = self.losses[..before].iter().copied().fold(f64::INFINITY, f64::min);
        if self.kind == LanguageOptimizer::NtAsgd && self.average.is_none() && loss > least {
            self.average = Some((net.params().flat().f_zeros_like()?, 0));
        }
        self.losses.push(loss);
        Ok(())
    }

    /// Leaves the averaged weights in the model, where there are any.
    pub(super) fn keep_average(self, net: &LanguageNet) -> Result<()> {
        match self.average {
            Some((mean, 1..)) => {
                Ok(no_grad(|| net.params().flat().shallow_clone().f_copy_(&mean)).map(drop)?)
            }
            _ => Ok(()),
        }
    }

    /// Runs with the averaged weights in place of the model's, where there are any.
    pub(super) fn averaged<T>(
        &self,
        net: &LanguageNet,
        run: impl FnOnce() -> Result<T, bonas_study::StudyError>,
    ) -> Result<T, bonas_study::StudyError> {
        let Some((mean, 1..)) = &self.average else { return run() };
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
