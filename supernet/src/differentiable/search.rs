//! The strategy: an epoch a round.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bonas_spaces::families::darts::Primitive;
use bonas_spaces::network::{Body, Network};
use bonas_study::StudyError;
use bonas_study::rng::{StudyRng, stream};
use bonas_study::strategy::{Ask, Candidate, Proposal, Strategy};

use super::adam::Adam;
use super::bilevel::{Batch, Relaxed, Unrolling};
use super::proposes::Proposes;
use super::relaxation::Relaxation;
use super::trajectory::Epoch;
use crate::data::{BatchOptions, Batches};
use crate::model::{Placement, Sgd, Supernet};
use crate::recipe::{Sgd as SgdRecipe, cosine};
use crate::training::{Part, Task, finite_mean, images_and_labels, made_for};

/// Random streams: first weights, first architecture parameters, images of an epoch.
const WEIGHTS: u64 = 0;
const ALPHAS: u64 = 1;
const IMAGES: u64 = 2;

/// How architecture parameters are learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Relaxing {
    /// Epochs E of the search.
    pub epochs: usize,
    /// Images a step.
    pub batch: usize,
    /// How the weights are trained; the schedule spans `epochs`.
    pub sgd: SgdRecipe,
    /// Learning rate η of Adam on α and β, momenta 0.5 and 0.999.
    pub alpha_learning_rate: f64,
    /// L2 penalty on α and β.
    pub alpha_weight_decay: f64,
    /// First epoch, from 0, in which α and β move.
    pub alpha_start: usize,
    /// Power p of the confident learning rate: in epoch e, η is multiplied by `((e+1)/E)^p`
    /// (Ding et al. 2022). 0: not at all.
    pub confidence_power: f64,
    /// Whether the gradient by α looks one step of the weights ahead.
    pub second_order: bool,
    /// Whether edges are weighted too (edge normalisation, Xu et al. 2020).
    pub edge_normalisation: bool,
    /// Stops after so many epochs with the same cells, once α moves (DARTS+, Liang et al. 2019).
    pub stop_stable: Option<usize>,
    /// Stops once the first cell has so many skips (DARTS+).
    pub stop_skips: Option<usize>,
    /// Which cells are proposed.
    pub proposes: Proposes,
}

impl Relaxing {
    /// The confident learning rate of α in epoch `e`: `η·((e+1)/E)^p`.
    pub fn alpha_rate(&self, epoch: usize) -> f64 {
        let confidence = (epoch + 1) as f64 / self.epochs.max(1) as f64;
        self.alpha_learning_rate * confidence.powf(self.confidence_power)
    }

    /// Refuses settings out of their range.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the value and the valid range.
    pub fn check(&self) -> Result<(), StudyError> {
        let bad = |name: &str, reason: String| {
            Err(StudyError::Setting { name: format!("strategy.{name}"), reason })
        };
        self.sgd.check()?;
        if self.epochs == 0 {
            return bad("epochs", "0; it must be at least 1".into());
        }
        if self.alpha_start >= self.epochs {
            let last = self.epochs - 1;
            return bad("alpha_start", format!("{}; valid: 0 to {last}, the last epoch", self.alpha_start));
        }
        if !(self.alpha_learning_rate > 0.0 && self.alpha_learning_rate.is_finite()) {
            return bad("alpha_learning_rate", format!("{}; it must be above 0", self.alpha_learning_rate));
        }
        if !(0.0..=100.0).contains(&self.confidence_power) {
            return bad("confidence_power", format!("{}; valid: 0 to 100", self.confidence_power));
        }
        Ok(())
    }
}

/// Differentiable search on the cells of DARTS, in whatever network they stand.
#[derive(Debug)]
pub struct Differentiable {
    /// The relaxed network: every operation on every edge ([`bonas_spaces::families::darts::Darts::whole`]).
    pub network: Network,
    /// The images; the training part of the split is cut in halves, one for the weights and one for
    /// α, and the validation part is left to score cells on.
    pub task: Arc<Task>,
    /// How it learns.
    pub relaxing: Relaxing,
    /// Device and precision.
    pub placement: Placement,
    /// Threads that libtorch may use on the CPU.
    pub threads: usize,
    /// Seed of weights, α and the order of images.
    pub seed: u64,
    /// Folder of checkpoints and of the trajectory; without it a resumed search trains from the
    /// start again.
    pub folder: Option<PathBuf>,
    /// Becomes true when the user wants to stop: the epoch under way is given up.
    pub cancel: Arc<AtomicBool>,
    state: Option<State>,
}

/// Everything that training changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) relaxed: Relaxed,
    pub(super) sgd: Sgd,
    pub(super) adam: Adam,
    /// Epochs done.
    pub(super) trajectory: Vec<Epoch>,
}

impl Differentiable {
    /// A search at its start.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings out of their range.
    pub fn new(
        network: Network,
        task: Arc<Task>,
        relaxing: Relaxing,
        placement: Placement,
        seed: u64,
    ) -> Result<Self, StudyError> {
        relaxing.check()?;
        let has = |wanted| {
            network.units.iter().any(|u| matches!(u.body, Body::Cell { role, .. } if role == wanted))
        };
        if let Some(missing) = (0..2).find(|&role| !has(role)) {
            return Err(StudyError::Setting {
                name: "strategy.layers".to_owned(),
                reason: format!("the network has no cell of kind {missing} to search; give it more layers"),
            });
        }
        let half = task.training_indices(Part::Validation).len() / 2;
        if relaxing.batch > half {
            return Err(StudyError::Setting {
                name: "strategy.batch".to_owned(),
                reason: format!("{}; half of the training images are {half}", relaxing.batch),
            });
        }
        let (threads, folder, cancel, state) = (1, None, Arc::default(), None);
        Ok(Self { network, task, relaxing, placement, threads, seed, folder, cancel, state })
    }

    /// Sets the folder of checkpoints and of the trajectory.
    #[must_use]
    pub fn folder(self, folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Sets the flag that stops an epoch with [`StudyError::Interrupted`] when it becomes true.
    #[must_use]
    pub fn cancel(self, cancel: Arc<AtomicBool>) -> Self {
        Self { cancel, ..self }
    }

    /// Sets the threads that libtorch may use on the CPU.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The epochs trained so far.
    pub fn trajectory(&self) -> &[Epoch] {
        self.state.as_ref().map_or(&[], |state| &state.trajectory)
    }

    pub(super) fn fresh(&self) -> Result<State, StudyError> {
        let net = Supernet::build(&self.network, self.placement, &mut stream(self.seed, &[WEIGHTS]))?;
        let path = net.path(&self.network.full_route())?;
        let Placement { kind, device, .. } = self.placement;
        let rng = &mut stream(self.seed, &[ALPHAS]);
        let relaxation = Relaxation::new(self.relaxing.edge_normalisation, kind, device, rng)?;
        let recipe = &self.relaxing.sgd;
        let sgd = Sgd::new(recipe.settings(), &net)?;
        let adam = Adam::new(self.relaxing.alpha_weight_decay, &relaxation.leaves())?;
        Ok(State { relaxed: Relaxed { net, path, relaxation }, sgd, adam, trajectory: Vec::new() })
    }

    /// The state after `done` epochs: the one at hand, that of a checkpoint, or trained again.
    fn state_after(&mut self, done: usize) -> Result<State, StudyError> {
        let at_hand = self.state.take().filter(|state| state.trajectory.len() == done);
        let mut state = match at_hand {
            Some(state) => state,
            None => self.read(done)?,
        };
        while state.trajectory.len() < done {
            self.train_epoch(&mut state)?;
        }
        Ok(state)
    }

    /// Trains one epoch, saves the state and appends to the trajectory.
    fn train_epoch(&self, state: &mut State) -> Result<(), StudyError> {
        let epoch = state.trajectory.len();
        let loss = self.epoch(state, epoch)?;
        let genotype = state.relaxed.relaxation.genotype()?;
        let cells = [&genotype.normal, &genotype.reduce];
        let count = |of: fn(Primitive) -> bool| cells.map(|c| c.iter().filter(|(op, _)| of(*op)).count());
        state.trajectory.push(Epoch {
            epoch,
            loss,
            genotype: genotype.to_string(),
            weight_free: count(weight_free),
            skips: count(|op| op == Primitive::SkipConnect),
            weights: state.relaxed.relaxation.tables()?,
        });
        self.write(state)
    }

    /// One pass over the weights' half of the images; mean training loss.
    fn epoch(&self, state: &mut State, epoch: usize) -> Result<f64, StudyError> {
        let relaxing = &self.relaxing;
        let (first, last) = (relaxing.sgd.learning_rate, relaxing.sgd.final_learning_rate);
        let rate = cosine(first, last, epoch, relaxing.epochs);
        let unrolling = Unrolling {
            rate,
            momentum: relaxing.sgd.momentum,
            weight_decay: relaxing.sgd.weight_decay,
            distance: 0.01,
        };
        let [mut training, mut validation] = self.batches(epoch)?;
        let mut losses = Vec::with_capacity(training.remaining());
        while let Some(train) = self.next(&mut training)? {
            if self.cancel.load(Ordering::SeqCst) {
                return Err(StudyError::Interrupted);
            }
            if epoch >= relaxing.alpha_start
                && let Some(held_out) = self.next(&mut validation)?
            {
                let gradients = if relaxing.second_order {
                    state.relaxed.unrolled_gradient(&train, &held_out, &state.sgd, unrolling)?
                } else {
                    state.relaxed.gradient(&held_out)?
                };
                let leaves = state.relaxed.relaxation.leaves();
                state.adam.step(&leaves, &gradients, relaxing.alpha_rate(epoch))?;
            }
            let loss = state.relaxed.loss_of_weights(&train)?; // []
            let Relaxed { net, path, .. } = &state.relaxed;
            let _norm = state.sgd.step(net, path.params(), &loss, rate)?;
            losses.push(loss.detach());
        }
        finite_mean(&losses, epoch)
    }

    /// The next of some batches, on the device.
    fn next(&self, batches: &mut Batches) -> Result<Option<Batch>, StudyError> {
        let next = batches.next_batch().map(|batch| images_and_labels(batch, self.placement));
        Ok(next.transpose()?)
    }

    /// The batches of an epoch, for the weights and for α: as many of each, the halves shuffled.
    fn batches(&self, epoch: usize) -> Result<[Batches; 2], StudyError> {
        let indices = self.task.training_indices(Part::Validation);
        let half = indices.len() / 2;
        let mut rng = stream(self.seed, &[IMAGES, epoch as u64]);
        let mut draw = |part: &[usize]| {
            let options = BatchOptions::new(self.relaxing.batch).drop_last();
            // The last first, in which order they always were.
            let batches = self.task.training().shuffled(part, options, &mut rng)?.reversed();
            Ok::<_, StudyError>(made_for(batches, self.placement))
        };
        // Every other image, so that both halves have all classes.
        let of = |parity: usize| -> Vec<usize> {
            indices.iter().skip(parity).step_by(2).take(half).copied().collect()
        };
        Ok([draw(&of(0))?, draw(&of(1))?])
    }

    /// Whether the search is over after the epochs so far.
    fn is_over(&self, trajectory: &[Epoch]) -> bool {
        let relaxing = &self.relaxing;
        let Some(last) = trajectory.last() else { return false };
        let moving = &trajectory[relaxing.alpha_start.min(trajectory.len())..];
        let most = |skips: usize| moving.last().is_some_and(|last| last.skips[0] >= skips);
        let skips = relaxing.stop_skips.is_some_and(most);
        let stable = relaxing.stop_stable.is_some_and(|epochs| {
            moving.len() > epochs
                && moving[moving.len() - 1 - epochs..].iter().all(|e| e.genotype == last.genotype)
        });
        trajectory.len() >= relaxing.epochs || skips || stable
    }
}

/// Whether an operation has no weights where it keeps the map's size.
fn weight_free(op: Primitive) -> bool {
    matches!(op, Primitive::SkipConnect | Primitive::MaxPool3x3 | Primitive::AvgPool3x3)
}

impl Strategy for Differentiable {
    fn name(&self) -> &'static str {
        "differentiable"
    }

    /// A round is an epoch, and cells may stay the same for any number of them.
    fn repeats(&self) -> bool {
        true
    }

    fn ask(&mut self, ask: &Ask<'_>, _: &mut StudyRng) -> Result<Proposal, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let mut state = self.state_after(ask.round)?;
        let over = self.is_over(&state.trajectory);
        if !over {
            self.train_epoch(&mut state)?;
        }
        let found = state.trajectory.last().filter(|_| !over).map(|last| ask.space.parse(&last.genotype));
        let waits = self.relaxing.proposes == Proposes::LastEpoch && !self.is_over(&state.trajectory);
        self.state = Some(state);
        let Some(architecture) = found.transpose()? else { return Ok(Proposal::default()) };
        if waits {
            return Ok(Proposal { batches: vec![Vec::new()] });
        }
        Ok(Proposal { batches: vec![vec![Candidate::from(architecture)]] })
    }
}
