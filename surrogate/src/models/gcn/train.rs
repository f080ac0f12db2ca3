//! Training a [`Gcn`]: weighted square losses, Adam, shuffled batches.

use rand::Rng;
use rand::seq::SliceRandom;
use tch::Tensor;

use super::graphs::Graphs;
use super::network::Gcn;
use crate::SurrogateError;

/// Weight `w(y)` of an example with target `y` in the loss `mean w(y) (ŷ - y)²`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// `w = 1`.
    Square,
    /// `w = ln(1 + y)`.
    Log,
    /// `w = y`.
    Linear,
    /// `w = exp(y - 1)`, as in the published code.
    #[default]
    Exponential,
}

impl Loss {
    /// Weights `[A]` of targets `[A]`.
    fn weights(self, target: &Tensor) -> Tensor {
        match self {
            Self::Square => target.ones_like(),
            Self::Log => target.log1p(),
            Self::Linear => target.shallow_clone(),
            Self::Exponential => (target - 1.0).exp(),
        }
    }

    /// The loss of predictions `[A]` against targets `[A]`.
    pub fn value(self, prediction: &Tensor, target: &Tensor) -> f64 {
        let error = prediction - target; // [A]
        (self.weights(target) * error.square()).mean(None).double_value(&[])
    }

    /// Derivative by the predictions, `[A]`: `2 w (ŷ - y) / A`.
    fn slope(self, prediction: &Tensor, target: &Tensor) -> Tensor {
        (prediction - target) * self.weights(target) * (2.0 / target.size()[0] as f64)
    }
}

/// Training settings of a network. The default is the published recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Weighting of the square loss.
    pub loss: Loss,
    /// Adam's step size (β 0.9 and 0.999, ε 1e-8, no decay); above 0.
    pub learning_rate: f64,
    /// Passes over the data, at least 1.
    pub epochs: usize,
    /// Architectures per step, at least 1. The last batch of an epoch may be smaller.
    pub batch: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self { loss: Loss::default(), learning_rate: 1e-3, epochs: 100, batch: 128 }
    }
}

impl Training {
    pub(super) fn check(&self) -> Result<(), SurrogateError> {
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(SurrogateError::setting(
                "learning_rate",
                self.learning_rate,
                "a finite number above 0",
            ));
        }
        if self.epochs == 0 {
            return Err(SurrogateError::setting("epochs", 0, "an integer from 1 up"));
        }
        match self.batch {
            0 => Err(SurrogateError::setting("batch", 0, "an integer from 1 up")),
            _ => Ok(()),
        }
    }

    /// Trains on graphs with one target in `[0, 1]` per architecture; `rng` shuffles the data each epoch. Returns the
    /// mean loss of the last epoch.
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] for settings out of range, [`SurrogateError::Data`] for graphs
    /// of other sizes or another number of targets, [`SurrogateError::Numeric`] if the weights do
    /// not stay finite.
    pub fn run(
        &self,
        gcn: &Gcn,
        graphs: &Graphs,
        targets: &[f64],
        rng: &mut dyn Rng,
    ) -> Result<f64, SurrogateError> {
        self.check()?;
        gcn.check(graphs)?;
        if targets.len() != graphs.len() {
            let reason = format!("{} targets for {} architectures", targets.len(), graphs.len());
            return Err(SurrogateError::data("gcn", reason));
        }
        let (kind, device) = gcn.place();
        let targets = Tensor::from_slice(targets).to_kind(kind).to_device(device); // [A]
        let mut adam = Adam::new(gcn.flat(), self.learning_rate);
        let mut order: Vec<usize> = (0..graphs.len()).collect();
        let mut loss = f64::NAN;
        for epoch in 1..=self.epochs {
            order.shuffle(rng);
            let step = self.epoch(
                gcn,
                &graphs.select(&order),
                &shuffled(&targets, &order),
                &mut adam,
                epoch == self.epochs,
            );
            loss = step.unwrap_or(loss);
        }
        match bool::try_from(gcn.flat().isfinite().all()) {
            Ok(true) => Ok(loss),
            _ => Err(SurrogateError::numeric(
                "gcn",
                format!("weights not finite after {} epochs", self.epochs),
            )),
        }
    }

    /// One pass over data in the given order; returns the mean loss if asked for, which waits for the device.
    fn epoch(
        &self,
        gcn: &Gcn,
        graphs: &Graphs,
        targets: &Tensor,
        adam: &mut Adam,
        report: bool,
    ) -> Option<f64> {
        let mut total = report.then_some(0.0);
        for start in (0..graphs.len()).step_by(self.batch) {
            let count = self.batch.min(graphs.len() - start);
            let batch = graphs.narrow(start, count);
            let target = targets.narrow(0, start as i64, count as i64); // [a]
            let trace = gcn.forward(&batch);
            if let Some(total) = &mut total {
                *total += self.loss.value(&trace.prediction, &target) * count as f64 / graphs.len() as f64;
            }
            gcn.backward(&batch, &trace, &self.loss.slope(&trace.prediction, &target), &adam.gradient);
            adam.step();
        }
        total
    }
}

fn shuffled(targets: &Tensor, order: &[usize]) -> Tensor {
    let index: Vec<i64> = order.iter().map(|&i| i as i64).collect();
    targets.index_select(0, &Tensor::from_slice(&index).to_device(targets.device()))
}

/// Adam on one flat parameter tensor (Kingma and Ba, 2015).
pub(super) struct Adam {
    parameters: Tensor, // [p], shared with the network
    /// `[p]`, filled in before a step.
    pub(super) gradient: Tensor,
    first: Tensor,  // [p]
    second: Tensor, // [p]
    pub(super) learning_rate: f64,
    steps: i32,
}

impl Adam {
    const BETA: (f64, f64) = (0.9, 0.999);
    const EPS: f64 = 1e-8;

    pub(super) fn new(parameters: Tensor, learning_rate: f64) -> Self {
        let zeros = || parameters.zeros_like();
        Self { gradient: zeros(), first: zeros(), second: zeros(), parameters, learning_rate, steps: 0 }
    }

    pub(super) fn step(&mut self) {
        self.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powi(self.steps);
        let _ = self.first.lerp_(&self.gradient, 1.0 - Self::BETA.0);
        let _ = self.second.lerp_(&self.gradient.square(), 1.0 - Self::BETA.1);
        // `√(v / c₂) + ε` times `c₁ / -η`, so that one fused division adds the step.
        let size = -correction(Self::BETA.0) / self.learning_rate;
        let mut divisor = self.second.sqrt();
        let _ = divisor.g_mul_scalar_(size / correction(Self::BETA.1).sqrt());
        let _ = divisor.g_add_scalar_(Self::EPS * size);
        let _ = self.parameters.addcdiv_(&self.first, &divisor);
    }
}

#[cfg(test)]
mod tests;
