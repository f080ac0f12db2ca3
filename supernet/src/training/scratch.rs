//! Training one network from scratch.

use std::path::{Path as FilePath, PathBuf};

use bonas_spaces::network::{Network, Route};
use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;
use bonas_study::rng::{StudyRng, stream};
use tch::{Kind, Tensor};

use super::averaging::Average;
use super::curves::{ACCURACIES, Curves, EpochOutcome, append_csv, write_csv};
use super::mixing::{Mixing, Targets};
use super::scoring::{Scored, score};
use super::task::{Part, Task};
use super::tensors::{Sent, estimate, made_for, sent};
use crate::data::{Batch, BatchOptions};
use crate::model::{
    Loss, Optimizer, Pass, Path, Placement, Progress, Supernet, SupernetError, Values, load_older, save,
};
use crate::recipe::ScratchRecipe;

/// Streams of a run: its weights, the images and drops of each epoch, the images of its final
/// statistics, and how batches of each epoch are mixed.
const WEIGHTS: u64 = 1;
const IMAGES: u64 = 2;
const DROPS: u64 = 3;
const STATISTICS: u64 = 4;
const MIXES: u64 = 5;

/// Where a run keeps its state, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file; replaced atomically.
    pub file: PathBuf,
    /// Epochs between two checkpoints, at least 1.
    pub every: usize,
}

impl Checkpoint {
    /// That of a supernet which is trained once for all architectures, after every epoch, in a folder that is made if need be.
    ///
    /// # Errors
    /// [`StudyError::Io`] for a folder that cannot be made.
    pub fn of_supernet(folder: &FilePath) -> Result<Self, StudyError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| StudyError::Io { path: folder.to_owned(), source })?;
        Ok(Self { file: folder.join("supernet.safetensors"), every: 1 })
    }
}

/// One run of one network.
#[derive(Debug)]
pub struct ScratchRun<'a> {
    /// The network.
    pub network: &'a Network,
    /// The route through it; for a discrete network the full route of its union.
    pub route: &'a Route,
    /// The images.
    pub task: &'a Task,
    /// What is scored, and thus what is trained on.
    pub part: Part,
    /// What is scored besides, of what is trained on the same images.
    pub also: Option<Part>,
    /// Hyper-parameters.
    pub recipe: &'a ScratchRecipe,
    /// Tensors to start from, in place of those that are drawn.
    pub init: &'a [Values],
    /// Device and precision.
    pub placement: Placement,
    /// Seed of weights, order, augmentation and drop-path.
    pub seed: u64,
    /// Where to keep the state, if anywhere; a run whose file is there goes on from it.
    pub checkpoint: Option<Checkpoint>,
    /// Where to write the learning curves, a row after each epoch, if anywhere.
    pub curves: Option<PathBuf>,
}

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// The network.
    pub net: Supernet,
    /// Its metric on the part it is scored on: by default the share of right answers, in `[0, 1]`.
    pub score: Scored,
    /// The metric on [`ScratchRun::also`].
    pub also: Option<f64>,
    /// The learning curves: what each epoch came to.
    pub epochs: Vec<EpochOutcome>,
}

/// What a run changes from step to step.
#[derive(Debug)]
struct State {
    net: Supernet,
    path: Path,
    optimizer: Box<dyn Optimizer>,
    average: Option<Average>,
    curves: Curves,
}

impl State {
    /// What a checkpoint holds beside weights and the optimiser's state.
    fn others(&self) -> Vec<(String, Tensor)> {
        let average = self.average.iter().flat_map(Average::state);
        self.curves.state().into_iter().chain(average).collect()
    }
}

impl ScratchRun<'_> {
    /// Trains to the end and scores.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a bad recipe or a second part that is trained for on other images,
    /// [`StudyError::Evaluator`] when the loss is no
    /// longer a number, [`StudyError::Interrupted`] after a checkpoint when the user wants to stop,
    /// [`StudyError::Failed`] when libtorch fails, [`StudyError::Training`] when a checkpoint does.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<Trained, StudyError> {
        self.recipe.check()?;
        if let Some(also) = self.also.filter(|part| !part.trains_as(self.part)) {
            let reason = format!("{also:?} beside {:?}, which is trained for on other images", self.part);
            return Err(StudyError::Setting { name: "also".into(), reason });
        }
        let mut state = self.start()?;
        let (begin, epochs) = (self.resume(&state)?, self.recipe.epochs);
        for epoch in begin..epochs {
            monitor.step(epoch as u64, epochs as u64, "from scratch");
            let outcome = self.epoch(&mut state, epoch)?;
            state.curves.set(epoch, outcome)?;
            let stop = monitor.cancelled();
            // What is not of this process may be in the file; what is last must be on disk.
            self.write_curves(&state, epoch, stop || epoch == begin || epoch + 1 == epochs)?;
            self.keep(&state, epoch + 1, stop)?;
            if stop {
                return Err(StudyError::Interrupted);
            }
        }
        self.finish(state)
    }

    /// The state before the first step.
    fn start(&self) -> Result<State, StudyError> {
        let recipe = self.recipe;
        let net = Supernet::build(self.network, self.placement, &mut stream(self.seed, &[WEIGHTS]))?;
        net.assign(self.init)?;
        let net = net.train_only(recipe.freeze.trainable())?.with_layer_decay(recipe.layer_decay)?;
        Ok(State {
            path: net.path(self.route)?,
            optimizer: recipe.optimizer.build(&recipe.sgd, &net)?,
            average: Average::new(recipe.averaging, &net)?,
            curves: Curves::new(recipe.epochs)?,
            net,
        })
    }

    /// Scores the network of the last step, or the average.
    fn finish(&self, state: State) -> Result<Trained, StudyError> {
        let State { net, path, average, curves, .. } = state;
        if let Some(average) = average {
            average.adopt(&net)?;
        }
        self.settle(&net, &path)?;
        let score_on = |part| {
            let (loader, indices) = self.task.scoring(part);
            score(&net, &path, loader, &indices, self.recipe.metric, Pass::eval)
        };
        let (score, also) =
            (score_on(self.part)?, self.also.map(score_on).transpose()?.map(|also| also.value));
        Ok(Trained { net, score, also, epochs: curves.outcomes(self.recipe.epochs)? })
    }

    /// One pass over the training images.
    fn epoch(&self, state: &mut State, epoch: usize) -> Result<EpochOutcome, StudyError> {
        let recipe = self.recipe;
        let mut drops = stream(self.seed, &[DROPS, epoch as u64]);
        let mut mixes = stream(self.seed, &[MIXES, epoch as u64]);
        let mut images = stream(self.seed, &[IMAGES, epoch as u64]);
        let drop_path = recipe.drop_path * epoch as f64 / recipe.epochs as f64;
        let indices = self.task.training_indices(self.part);
        let options = BatchOptions::new(recipe.batch).drop_last();
        let batches = self.task.training().shuffled(indices, options, &mut images)?;
        let mut batches = made_for(batches, self.placement);
        let steps = batches.remaining();
        let (mut losses, mut hits) = (Vec::with_capacity(steps), Vec::new());
        while let Some(batch) = batches.next_batch() {
            let rate = recipe.schedule.rate(&recipe.sgd, [epoch, recipe.epochs], [losses.len(), steps]);
            let (images, targets) = self.mixed(batch, &mut mixes)?;
            let mut pass = Pass::train().with_drop_path(drop_path, &mut drops);
            let (loss, hit) = self.step(state, &images, &targets, &mut pass, rate)?;
            if let Some(average) = &mut state.average {
                average.update(&state.net, epoch * steps + losses.len())?;
            }
            losses.push(loss);
            hits.extend(hit);
        }
        let loss = finite_mean(&losses, epoch)?;
        let accuracy = if hits.is_empty() { f64::NAN } else { mean(&hits)? / recipe.batch as f64 };
        Ok(EpochOutcome { loss, accuracy })
    }

    /// Images `[B, C, H, W]` of a batch on the device and what is learnt from them, mixed if the recipe says so.
    fn mixed(&self, batch: &Batch, rng: &mut StudyRng) -> Result<(Tensor, Targets), StudyError> {
        let draw = Mixing::of(self.recipe).map(|mixing| mixing.draw(batch.n, rng)).transpose()?;
        let order = draw.as_ref().map_or(&[][..], |draw| &draw.order);
        let Sent { images, labels, others } = sent(batch, order, self.placement)?;
        match draw {
            Some(draw) => Ok(draw.mixed(&images, labels, &others, rng)?),
            None => Ok((images, Targets::plain(labels))),
        }
    }

    /// One step; its loss `[]`, and its hits `[]` where something keeps them.
    fn step(
        &self,
        state: &mut State,
        images: &Tensor,
        targets: &Targets,
        pass: &mut Pass<'_>,
        rate: f64,
    ) -> Result<(Tensor, Option<Tensor>), StudyError> {
        let State { net, path, optimizer, .. } = state;
        let loss = Loss { smoothing: self.recipe.label_smoothing, auxiliary: self.recipe.auxiliary_weight };
        let output = net.forward(images, path, pass)?;
        let value = targets.loss(&loss, &output)?; // []
        let kept = self.curves.is_some() || self.checkpoint.is_some();
        let hits = kept.then(|| targets.hits(&output)).transpose()?; // []
        let _norm = optimizer.step(net, path.params(), &value, rate)?;
        Ok((value.detach(), hits))
    }

    /// Re-estimates the BatchNorm statistics, if the recipe says so.
    fn settle(&self, net: &Supernet, path: &Path) -> Result<(), StudyError> {
        if self.recipe.statistics_images == 0 {
            return Ok(());
        }
        let mut rng = stream(self.seed, &[STATISTICS]);
        let sample = self.task.sample(self.part, self.recipe.statistics_images, &mut rng);
        Ok(net.adopt(&estimate(net, path, self.task.training(), &sample)?)?)
    }

    /// The epoch to start at: 0, or that of the checkpoint.
    fn resume(&self, state: &State) -> Result<usize, StudyError> {
        let Some(Checkpoint { file, .. }) = &self.checkpoint else { return Ok(0) };
        if !FilePath::exists(file) {
            return Ok(0);
        }
        let progress = load_older(file, &state.net, &*state.optimizer, &state.others(), &[ACCURACIES])?;
        Ok(progress.epoch as usize)
    }

    /// Saves the state after `done` epochs if it is time to, or if the run must stop now.
    fn keep(&self, state: &State, done: usize, stop: bool) -> Result<(), StudyError> {
        let Some(Checkpoint { file, every }) = &self.checkpoint else { return Ok(()) };
        if stop || done.is_multiple_of((*every).max(1)) || done == self.recipe.epochs {
            let progress = Progress { epoch: done as u64, step: 0 };
            save(file, &state.net, &*state.optimizer, progress, &state.others())?;
        }
        Ok(())
    }

    /// Adds an epoch to the file of the curves; or writes it as a whole, which takes away what is there of epochs
    /// after a checkpoint.
    fn write_curves(&self, state: &State, epoch: usize, whole: bool) -> Result<(), StudyError> {
        let Some(file) = &self.curves else { return Ok(()) };
        let recipe = self.recipe;
        let steps = self.task.training_indices(self.part).len() / recipe.batch;
        let rate = |epoch| recipe.schedule.rate(&recipe.sgd, [epoch, recipe.epochs], [0, steps]);
        if whole || !file.exists() {
            return write_csv(file, &state.curves.outcomes(epoch + 1)?, rate);
        }
        append_csv(file, epoch, rate(epoch), state.curves.get(epoch)?)
    }
}

/// Mean of losses `[]`, waiting for the device once.
///
/// # Errors
/// [`StudyError::Evaluator`] if it is not finite.
pub(crate) fn finite_mean(losses: &[Tensor], epoch: usize) -> Result<f64, StudyError> {
    let mean = mean(losses)?;
    if mean.is_finite() {
        return Ok(mean);
    }
    Err(StudyError::Evaluator(format!(
        "the training loss is {mean} in epoch {epoch}; lower the learning rate or the gradient clip"
    )))
}

/// Mean of numbers `[]`, waiting for the device once.
fn mean(values: &[Tensor]) -> Result<f64, SupernetError> {
    let mean = Tensor::f_stack(values, 0)?.f_mean(Kind::Double)?; // []
    Ok(mean.double_value(&[]))
}
