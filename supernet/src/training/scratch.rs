//! Training one network from scratch.

use std::path::{Path as FilePath, PathBuf};

use bonas_spaces::network::{Network, Route};
use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;
use bonas_study::rng::stream;
use tch::{Device, Kind, Tensor};

use super::task::{Part, Task};
use super::tensors::{estimate, images_and_labels, score};
use crate::data::BatchOptions;
use crate::model::{
    Loss, Pass, Path, Placement, Progress, Schedule, Sgd, SgdSettings, Supernet, SupernetError, load, save,
};
use crate::recipe::ScratchRecipe;

/// Streams of a run: its weights, the images and drops of each epoch, and the images of its final
/// statistics.
const WEIGHTS: u64 = 1;
const IMAGES: u64 = 2;
const DROPS: u64 = 3;
const STATISTICS: u64 = 4;

/// What the losses are called in a checkpoint.
const LOSSES: &str = "losses";

/// Where a run keeps its state, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file; replaced atomically.
    pub file: PathBuf,
    /// Epochs between two checkpoints, at least 1.
    pub every: usize,
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
    /// Device and precision.
    pub placement: Placement,
    /// Seed of weights, order, augmentation and drop-path.
    pub seed: u64,
    /// Where to keep the state, if anywhere; a run whose file is there goes on from it.
    pub checkpoint: Option<Checkpoint>,
}

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// The network.
    pub net: Supernet,
    /// Its share of right answers on the part it is scored on, in `[0, 1]`.
    pub accuracy: f64,
    /// The same on [`ScratchRun::also`].
    pub also: Option<f64>,
    /// The learning curve: mean training loss of each epoch.
    pub losses: Vec<f64>,
}

impl ScratchRun<'_> {
    /// Trains to the end and scores.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a bad recipe or a second part that is trained for on other images,
    /// [`StudyError::Evaluator`] when the loss is no
    /// longer a number, [`StudyError::Interrupted`] after a checkpoint when the user wants to stop,
    /// [`StudyError::Training`] when libtorch or a checkpoint fails.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<Trained, StudyError> {
        self.recipe.check()?;
        if let Some(also) = self.also.filter(|part| !part.trains_as(self.part)) {
            let reason = format!("{also:?} beside {:?}, which is trained for on other images", self.part);
            return Err(StudyError::Setting { name: "also".into(), reason });
        }
        let net = Supernet::build(self.network, self.placement, &mut stream(self.seed, &[WEIGHTS]))?;
        let path = net.path(self.route)?;
        let rates = &self.recipe.sgd;
        let settings = SgdSettings {
            momentum: rates.momentum,
            weight_decay: rates.weight_decay,
            nesterov: false,
            clip: Some(rates.gradient_clip),
        };
        let mut sgd = Sgd::new(settings, &net)?;
        let epochs = self.recipe.epochs;
        let losses =
            Tensor::f_zeros([epochs as i64], (Kind::Double, Device::Cpu)).map_err(SupernetError::from)?; // [E]
        for epoch in self.resume(&net, &sgd, &losses)?..epochs {
            monitor.step(epoch as u64, epochs as u64, "from scratch");
            let loss = self.epoch(&net, &path, &mut sgd, epoch)?;
            let mut of_epoch = losses.f_get(epoch as i64).map_err(SupernetError::from)?; // []
            let _ = of_epoch.f_fill_(loss).map_err(SupernetError::from)?;
            let stop = monitor.cancelled();
            self.keep(&net, &sgd, &losses, epoch + 1, stop)?;
            if stop {
                return Err(StudyError::Interrupted);
            }
        }
        self.settle(&net, &path)?;
        let accuracy_on = |part| {
            let (loader, indices) = self.task.scoring(part);
            score(&net, &path, loader, &indices, Pass::eval)
        };
        let (accuracy, also) = (accuracy_on(self.part)?, self.also.map(accuracy_on).transpose()?);
        let losses = Vec::try_from(&losses).map_err(SupernetError::from)?;
        Ok(Trained { net, accuracy, also, losses })
    }

    /// One pass over the training images; mean loss.
    fn epoch(&self, net: &Supernet, path: &Path, sgd: &mut Sgd, epoch: usize) -> Result<f64, StudyError> {
        let recipe = self.recipe;
        let schedule = Schedule::Cosine { floor: recipe.sgd.final_learning_rate };
        let rate = schedule.rate(recipe.sgd.learning_rate, epoch, recipe.epochs);
        let drop_path = recipe.drop_path * epoch as f64 / recipe.epochs as f64;
        let loss = Loss { smoothing: recipe.label_smoothing, auxiliary: recipe.auxiliary_weight };
        let mut drops = stream(self.seed, &[DROPS, epoch as u64]);
        let mut images = stream(self.seed, &[IMAGES, epoch as u64]);
        let indices = self.task.training_indices(self.part);
        let options = BatchOptions::new(recipe.batch).drop_last();
        let mut batches = self.task.training().shuffled(indices, options, &mut images)?;
        let mut losses = Vec::with_capacity(batches.remaining());
        while let Some(batch) = batches.next_batch() {
            let (images, labels) = images_and_labels(batch, net.placement())?;
            let mut pass = Pass::train().with_drop_path(drop_path, &mut drops);
            let value = loss.of(&net.forward(&images, path, &mut pass)?, &labels)?; // []
            let _norm = sgd.step(net, path.params(), &value, rate)?;
            losses.push(value.detach());
        }
        finite_mean(&losses, epoch)
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
    fn resume(&self, net: &Supernet, sgd: &Sgd, losses: &Tensor) -> Result<usize, StudyError> {
        match &self.checkpoint {
            Some(Checkpoint { file, .. }) if FilePath::exists(file) => {
                Ok(load(file, net, sgd, &[(LOSSES.to_owned(), losses.shallow_clone())])?.epoch as usize)
            }
            _ => Ok(0),
        }
    }

    /// Saves the state after `done` epochs if it is time to, or if the run must stop now.
    fn keep(
        &self,
        net: &Supernet,
        sgd: &Sgd,
        losses: &Tensor,
        done: usize,
        stop: bool,
    ) -> Result<(), StudyError> {
        let Some(Checkpoint { file, every }) = &self.checkpoint else { return Ok(()) };
        if stop || done.is_multiple_of((*every).max(1)) || done == self.recipe.epochs {
            let progress = Progress { epoch: done as u64, step: 0 };
            save(file, net, sgd, progress, &[(LOSSES.to_owned(), losses.shallow_clone())])?;
        }
        Ok(())
    }
}

/// Mean of losses `[]`, waiting for the device once.
///
/// # Errors
/// [`StudyError::Evaluator`] if it is not finite.
pub(crate) fn finite_mean(losses: &[Tensor], epoch: usize) -> Result<f64, StudyError> {
    let mean =
        Tensor::f_stack(losses, 0).and_then(|l| l.f_mean(Kind::Double)).map_err(SupernetError::from)?; // []
    let mean = mean.double_value(&[]);
    if mean.is_finite() {
        return Ok(mean);
    }
    Err(StudyError::Evaluator(format!(
        "the training loss is {mean} in epoch {epoch}; lower the learning rate or the gradient clip"
    )))
}
