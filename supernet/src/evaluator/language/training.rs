//! Training language models by truncated back-propagation through time.

use std::path::Path;

use bonas_spaces::network::RecurrentCell;
use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;
use bonas_study::rng::{StudyRng, stream};
use rand::RngExt;
use rand::seq::SliceRandom;
use tch::{Device, Kind, Tensor, no_grad};

use super::checkpoint;
use super::dropout::Dropout;
use super::net::{CellRoute, LanguageNet};
use super::optimizer::Optimizer;
use super::state::{Curve, State};
use super::{LanguageRecipe, Text};
use crate::model::SupernetError;

#[cfg(test)]
mod tests;

/// Streams of a training: its weights, the order of cells and lengths of steps, what is dropped.
const WEIGHTS: u64 = 1;
const ORDER: u64 = 2;
const DROPS: u64 = 3;

/// Steps of one cell in a row, through which its states go on; they begin with zeros.
const STRETCH: usize = 5;

/// How far the length of a step may be from the mean: a quarter.
const SPREAD: usize = 4;

/// Sequences side by side when a loss is measured.
const MEASURED: usize = 10;

/// A training of the language model of one or more cells.
///
/// Several cells share weights and take turns: each is trained on five steps of the text in a row, in an order drawn anew for
/// every turn, so that all together make [`LanguageRecipe::epochs`] passes over it.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The text.
    pub text: &'a Text,
    /// Sizes and hyper-parameters.
    pub recipe: &'a LanguageRecipe,
    /// Where it runs.
    pub device: Device,
    /// Seed of weights, order and dropout.
    pub seed: u64,
}

/// A trained model.
#[derive(Debug)]
pub struct Trained {
    /// The model, with averaged weights where they were averaged.
    pub net: LanguageNet,
    /// Where each cell finds its weights.
    pub routes: Vec<CellRoute>,
    /// For each cell its validation loss in nats a word, or why there is none.
    pub valid: Vec<Result<f64, String>>,
    /// The learning curve.
    pub epochs: Vec<Curve>,
}

impl Trained {
    /// Loss of a cell on a part of a text, nats a word.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for fewer than two words, [`StudyError::Failed`] when memory runs out.
    pub fn loss(&self, cell: usize, words: &[u32]) -> Result<f64, StudyError> {
        loss_of(&self.net, &self.routes[cell], words, &|| false)
    }
}

impl Training<'_> {
    /// Trains the model of some cells. Cells whose loss or gradient is not finite take no further step, and the others go on
    /// without them.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a recipe out of range or too many sequences for the text; [`StudyError::Interrupted`];
    /// [`StudyError::Failed`] when memory runs out.
    pub fn run(&self, cells: &[RecurrentCell], monitor: &dyn Monitor) -> Result<Trained, StudyError> {
        self.trained(cells, None, monitor)
    }

    /// The same, with the state after each epoch in a file: a training whose file is there goes on from it, and ends with the
    /// same weights as one that was never stopped. One whose file is of another text or seed begins anew.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`StudyError::Training`] for a file that cannot be written, is damaged, or is of another training.
    pub fn resume(
        &self,
        cells: &[RecurrentCell],
        file: &Path,
        monitor: &dyn Monitor,
    ) -> Result<Trained, StudyError> {
        self.trained(cells, Some(file), monitor)
    }

    fn trained(
        &self,
        cells: &[RecurrentCell],
        file: Option<&Path>,
        monitor: &dyn Monitor,
    ) -> Result<Trained, StudyError> {
        self.recipe.check()?;
        let (words, epochs) = (self.columns()?, self.recipe.epochs);
        let sizes = self.recipe.sizes(self.text.words());
        let mut weights = stream(self.seed, &[WEIGHTS]);
        let net = LanguageNet::build(cells, sizes, Kind::Float, self.device, &mut weights)?
            .precision(self.recipe.precision);
        let routes = cells.iter().map(|cell| net.route(cell)).collect::<Result<Vec<_>, _>>()?;
        let mut state = State {
            net: &net,
            optimizer: Optimizer::new(self.recipe, &net)?,
            order: self.stream(ORDER, 0),
            drops: self.stream(DROPS, 0),
            failed: vec![false; cells.len()],
            epochs: Vec::with_capacity(epochs),
        };
        let identity = checkpoint::identity(self.text, self.seed)?;
        if let Some(file) = file.filter(|file| file.exists()) {
            checkpoint::load(file, &mut state, epochs, &identity)?;
        }
        for epoch in state.epochs.len()..epochs {
            monitor.step(epoch as u64, epochs as u64, "epochs");
            (state.order, state.drops) = (self.stream(ORDER, epoch), self.stream(DROPS, epoch));
            let train = self.epoch(&mut state, &routes, &words, monitor)?;
            let valid = self.valid(&state, &routes, epoch + 1 == epochs, monitor)?;
            if let [one] = valid[..] {
                state.optimizer.epoch(one)?;
            }
            state.epochs.push(Curve { train, valid });
            if state.failed.iter().all(|failed| *failed) {
                break;
            }
            if let Some(file) = file {
                checkpoint::save(file, &state, epochs, &identity)?;
            }
        }
        let valid = state.valid(self.text.words());
        let State { optimizer, epochs, .. } = state;
        optimizer.keep_average(&net)?;
        Ok(Trained { net, routes, valid, epochs })
    }

    /// A stream of an epoch, so that a training that goes on draws what it would have drawn.
    fn stream(&self, purpose: u64, epoch: usize) -> StudyRng {
        stream(self.seed, &[purpose, epoch as u64])
    }

    /// Validation losses after an epoch: of a cell alone, and of several after the last one.
    fn valid(
        &self,
        state: &State<'_>,
        routes: &[CellRoute],
        is_last: bool,
        monitor: &dyn Monitor,
    ) -> Result<Vec<f64>, StudyError> {
        if routes.len() > 1 && !is_last {
            return Ok(Vec::new());
        }
        routes.iter().map(|route| self.measure(state, route, monitor)).collect()
    }

    fn measure(
        &self,
        state: &State<'_>,
        route: &CellRoute,
        monitor: &dyn Monitor,
    ) -> Result<f64, StudyError> {
        let loss = || loss_of(state.net, route, &self.text.valid, &|| monitor.cancelled());
        state.optimizer.averaged(state.net, loss)
    }

    /// The training text in columns, `[words, B]`.
    fn columns(&self) -> Result<Tensor, StudyError> {
        self.recipe.fits(self.text)?;
        columns(&self.text.train, self.recipe.batch, self.device).map_err(StudyError::from)
    }

    /// One pass over the text; returns the mean loss.
    fn epoch(
        &self,
        state: &mut State<'_>,
        routes: &[CellRoute],
        words: &Tensor,
        monitor: &dyn Monitor,
    ) -> Result<f64, StudyError> {
        let (mut at, mut sum, mut seen) = (0, 0.0, 0.0);
        let last = words.size()[0] - 1;
        let mut turn: Vec<usize> = Vec::new();
        while at < last {
            if turn.is_empty() {
                turn = (0..routes.len()).filter(|&cell| !state.failed[cell]).collect();
                turn.shuffle(&mut state.order);
            }
            let Some(cell) = turn.pop() else { break };
            let mut states = state.net.start(&routes[cell], self.recipe.batch as i64)?;
            // A cell alone goes on through the whole text.
            let steps = if routes.len() == 1 { usize::MAX } else { STRETCH };
            for _ in 0..steps {
                if at >= last {
                    break;
                }
                if monitor.cancelled() {
                    return Err(StudyError::Interrupted);
                }
                let length = self.length(&mut state.order).min(last - at);
                let Some(loss) = self.step(state, &routes[cell], words, [at, length], &mut states)? else {
                    state.failed[cell] = true;
                    break;
                };
                sum += loss * length as f64;
                seen += length as f64;
                at += length;
            }
        }
        Ok(sum / seen)
    }

    /// Words of a step: around the mean, so that ends of steps fall elsewhere in every epoch.
    fn length(&self, rng: &mut StudyRng) -> i64 {
        let (mean, spread) = (self.recipe.bptt, self.recipe.bptt / SPREAD);
        (mean - spread + rng.random_range(0..=2 * spread as u32) as usize).max(1) as i64
    }

    /// One step on words from `at` on; none where loss or gradient is not finite.
    fn step(
        &self,
        state: &mut State<'_>,
        route: &CellRoute,
        words: &Tensor,
        [at, length]: [i64; 2],
        states: &mut [Vec<Tensor>],
    ) -> Result<Option<f64>, StudyError> {
        let (net, recipe) = (state.net, self.recipe);
        let loss = (|| -> Result<_, SupernetError> {
            let inputs = words.f_narrow(0, at, length)?; // [T, B]
            let following = words.f_narrow(0, at + 1, length)?; // [T, B]
            let mut dropout = Dropout::new(recipe, &mut state.drops, Kind::Float, self.device);
            let pass = net.forward(route, &inputs, states, Some(&mut dropout))?;
            let loss = net.loss(&pass.dropped, &following)?; // []
            for (state, new) in states.iter_mut().flatten().zip(pass.states.iter().flatten()) {
                *state = new.f_detach()?;
            }
            let value = loss.f_double_value(&[])?;
            Ok((self.penalised(loss, &pass.raw, &pass.dropped)?, value))
        })();
        let (loss, value) = loss?;
        if !value.is_finite() {
            return Ok(None);
        }
        let rate = recipe.learning_rate * length as f64 / recipe.bptt as f64;
        Ok(state.optimizer.step(net, route, &loss, rate)?.then_some(value))
    }

    /// The loss with penalties of activations and their change (Merity, `McCann` and Socher 2017, arXiv:1708.01009).
    fn penalised(&self, loss: Tensor, raw: &Tensor, dropped: &Tensor) -> Result<Tensor, SupernetError> {
        let (alpha, beta) = (self.recipe.activation_penalty, self.recipe.slowness_penalty);
        let mut loss = loss;
        if alpha > 0.0 {
            loss = loss.f_add(&mean_square(dropped)?.f_mul_scalar(alpha)?)?;
        }
        let words = raw.size()[0];
        if beta > 0.0 && words > 1 {
            let change = raw.f_narrow(0, 1, words - 1)?.f_sub(&raw.f_narrow(0, 0, words - 1)?)?;
            loss = loss.f_add(&mean_square(&change)?.f_mul_scalar(beta)?)?;
        }
        Ok(loss)
    }
}

fn mean_square(tensor: &Tensor) -> Result<Tensor, SupernetError> {
    Ok(tensor.f_square()?.f_mean(None)?)
}

/// Words in columns of equal length, `[words, B]`; what does not fit is left out at the end.
fn columns(words: &[u32], batch: usize, device: Device) -> Result<Tensor, SupernetError> {
    let length = words.len() / batch;
    let numbers: Vec<i64> = words[..length * batch].iter().map(|&word| i64::from(word)).collect();
    let rows = Tensor::f_from_slice(&numbers)?.f_view([batch as i64, length as i64])?; // [B, words]
    Ok(rows.f_transpose(0, 1)?.f_contiguous()?.f_to_device(device)?)
}

/// Words of a pass when a loss is measured.
const PASS: i64 = 70;

/// Mean loss of a cell on words, nats a word; they are read in ten columns, or one where there are few.
///
/// # Errors
/// [`StudyError::Setting`] for fewer than two words, [`StudyError::Interrupted`] where `cancelled` says so,
/// [`StudyError::Failed`] when memory runs out.
pub(super) fn loss_of(
    net: &LanguageNet,
    route: &CellRoute,
    words: &[u32],
    cancelled: &dyn Fn() -> bool,
) -> Result<f64, StudyError> {
    let batch = if words.len() < 2 * MEASURED { 1 } else { MEASURED };
    if words.len() < 2 {
        let reason = format!("{} words; at least two are needed", words.len());
        return Err(StudyError::Setting { name: "text".into(), reason });
    }
    let columns = columns(words, batch, net.options().1)?;
    let (last, mut at, mut sum) = (columns.size()[0] - 1, 0, 0.0);
    let mut states = net.start(route, batch as i64)?;
    while at < last {
        if cancelled() {
            return Err(StudyError::Interrupted);
        }
        let length = PASS.min(last - at);
        let pass = no_grad(|| -> Result<_, SupernetError> {
            let pass = net.forward(route, &columns.f_narrow(0, at, length)?, &states, None)?;
            let loss = net.loss(&pass.dropped, &columns.f_narrow(0, at + 1, length)?)?;
            Ok((pass.states, loss.f_double_value(&[])?))
        });
        let (after, loss) = pass?;
        states = after;
        sum += loss * length as f64;
        at += length;
    }
    Ok(sum / last as f64)
}
