//! Training a supernet by uniform single paths.

use bonas_spaces::SearchSpace;
use bonas_spaces::network::Union;
use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;
use bonas_study::rng::stream;

use super::scratch::{Checkpoint, finite_mean};
use super::task::{Part, Task};
use super::tensors::{images_and_labels, made_for};
use crate::data::BatchOptions;
use crate::model::{Loss, Pass, Progress, Sgd, Supernet, load, save};
use crate::recipe::{SinglePathRecipe, linear};

/// Streams of a run: the images and the paths of each epoch.
const IMAGES: u64 = 2;
const PATHS: u64 = 4;

/// One training of a supernet: each step takes one architecture, drawn uniformly from the space
/// (Guo et al. 2020), and moves what trains on its path.
#[derive(Debug)]
pub struct SinglePathRun<'a> {
    /// The space that paths are drawn from.
    pub space: &'a dyn SearchSpace,
    /// What the network was made of.
    pub union: &'a Union,
    /// The network; what trains in it is its own property.
    pub net: &'a Supernet,
    /// The images; those held out for scores are not trained on.
    pub task: &'a Task,
    /// Hyper-parameters.
    pub recipe: &'a SinglePathRecipe,
    /// Seed of paths, order and augmentation.
    pub seed: u64,
    /// Where to keep the state, if anywhere; a run whose file is there goes on from it.
    pub checkpoint: Option<Checkpoint>,
}

impl SinglePathRun<'_> {
    /// Trains to the end; mean loss of the steps of the last epoch that were run, NaN if none was left to
    /// run.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a bad recipe, [`StudyError::Evaluator`] when the loss is no longer
    /// a number or no drawn path has anything to train, [`StudyError::Interrupted`] after the step in which
    /// the user wants to stop and a checkpoint, [`StudyError::Failed`] when libtorch fails, [`StudyError::Training`] when a checkpoint does.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<f64, StudyError> {
        self.recipe.check()?;
        let rates = &self.recipe.sgd;
        let mut sgd = Sgd::new(rates.settings(), self.net)?;
        let (epochs, mut loss) = (self.recipe.epochs as u64, f64::NAN);
        let mut at = self.resume(&sgd)?;
        while at.epoch < epochs {
            monitor.step(at.epoch, epochs, "supernet");
            let next;
            (next, loss) = self.epoch(&mut sgd, at, monitor)?;
            let stop = next.epoch == at.epoch || monitor.cancelled();
            self.keep(&sgd, next, stop)?;
            if stop {
                return Err(StudyError::Interrupted);
            }
            at = next;
        }
        Ok(loss)
    }

    /// The steps of an epoch from `at` on, to its end or until the user wants to stop: where that is, and
    /// the mean loss. Images and paths of the steps before are drawn again and passed over.
    fn epoch(
        &self,
        sgd: &mut Sgd,
        at: Progress,
        monitor: &dyn Monitor,
    ) -> Result<(Progress, f64), StudyError> {
        let (recipe, net, epoch) = (self.recipe, self.net, at.epoch as usize);
        let (first, last) = (recipe.sgd.learning_rate, recipe.sgd.final_learning_rate);
        let rate = linear(first, last, epoch, recipe.epochs);
        let loss = Loss { smoothing: recipe.label_smoothing, auxiliary: 0.0 };
        let mut paths = stream(self.seed, &[PATHS, at.epoch]);
        let mut images = stream(self.seed, &[IMAGES, at.epoch]);
        let indices = self.task.training_indices(Part::Validation);
        let options = BatchOptions::new(recipe.batch).drop_last();
        let batches = self.task.training().shuffled(indices, options, &mut images)?;
        let mut batches = made_for(batches, net.placement());
        let mut losses = Vec::with_capacity(batches.remaining());
        let (mut step, mut any_trains) = (0, false);
        while let Some(batch) = batches.next_batch() {
            let drawn = self.space.sample(&mut paths);
            let path = net.path(&self.union.route(&drawn)?)?;
            // Pools and skips alone, in a net where they have no BatchNorm: nothing to learn.
            let trains = !path.params().is_empty();
            any_trains |= trains;
            step += 1;
            if step <= at.step {
                continue;
            }
            if trains {
                let (images, labels) = images_and_labels(batch, net.placement())?;
                let value = loss.of(&net.forward(&images, &path, &mut Pass::train())?, &labels)?; // []
                let _norm = sgd.step(net, path.params(), &value, rate)?;
                losses.push(value.detach());
            }
            if monitor.cancelled() && batches.remaining() > 0 {
                return Ok((Progress { step, ..at }, f64::NAN));
            }
        }
        if !any_trains {
            return Err(StudyError::Evaluator(format!(
                "no path drawn in epoch {epoch} has a parameter that trains; \
                 use unbiased BatchNorm, smaller batches or more images"
            )));
        }
        let mean = if losses.is_empty() { f64::NAN } else { finite_mean(&losses, epoch)? };
        Ok((Progress { epoch: at.epoch + 1, step: 0 }, mean))
    }

    /// Where to start: the first step, or that of the checkpoint.
    fn resume(&self, sgd: &Sgd) -> Result<Progress, StudyError> {
        match &self.checkpoint {
            Some(Checkpoint { file, .. }) if file.exists() => Ok(load(file, self.net, sgd, &[])?),
            _ => Ok(Progress::default()),
        }
    }

    /// Saves the state if it is time to, or if the run must stop now.
    fn keep(&self, sgd: &Sgd, at: Progress, stop: bool) -> Result<(), StudyError> {
        let Some(Checkpoint { file, every }) = &self.checkpoint else { return Ok(()) };
        let every = (*every).max(1) as u64;
        if stop || at.epoch.is_multiple_of(every) || at.epoch == self.recipe.epochs as u64 {
            save(file, self.net, sgd, at, &[])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton};
    use tch::Device;

    use super::*;
    use crate::data::digits;
    use crate::model::{Placement, Trainable};
    use crate::recipe::Sgd as Rates;

    /// Cancels when it has been asked so many times, which it is after each step and each epoch.
    struct Patience(Cell<i64>);

    impl Monitor for Patience {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            self.0.set(self.0.get() - 1);
            self.0.get() <= 0
        }
    }

    fn recipe() -> SinglePathRecipe {
        let sgd = Rates { learning_rate: 0.1, ..SinglePathRecipe::default().sgd };
        SinglePathRecipe { epochs: 3, batch: 16, sgd, ..SinglePathRecipe::default() }
    }

    fn net() -> Supernet {
        let cifar = NasBench201Skeleton::cifar();
        let skeleton = NasBench201Skeleton {
            channels: 2,
            cells: 1,
            image: Shape::square(1, 8),
            norm: Norm::UNBIASED,
            ..cifar
        };
        let network = skeleton.network(&NasBench201::new().whole(), &OpTable::nasbench201()).unwrap();
        let net = Supernet::build(&network, Placement::on(Device::Cpu), &mut stream(3, &[])).unwrap();
        net.train_only(Trainable::OperationNorms { classifier: false }).unwrap()
    }

    fn trained(checkpoint: Option<Checkpoint>, patience: i64) -> (Result<f64, StudyError>, Supernet) {
        tch::set_num_threads(1);
        let task = Task::new(&digits().unwrap(), Some(200), 0.5, None, &mut stream(0, &[])).unwrap();
        let (space, net, recipe) = (NasBench201::new(), net(), recipe());
        let union = space.whole();
        let run = SinglePathRun {
            space: &space,
            union: &union,
            net: &net,
            task: &task,
            recipe: &recipe,
            seed: 7,
            checkpoint,
        };
        let outcome = run.run(&Patience(Cell::new(patience)));
        (outcome, net)
    }

    /// Six steps an epoch: stopped inside the first, at its end, and inside the second.
    #[test]
    fn a_run_that_was_stopped_at_any_step_ends_in_the_same_weights() {
        let (whole, expected) = trained(None, 100);
        assert!(whole.unwrap().is_finite());
        for patience in [2, 6, 7, 10] {
            let folder = tempfile::tempdir().unwrap();
            let checkpoint = || Some(Checkpoint { file: folder.path().join("net.safetensors"), every: 1 });
            let (stopped, early) = trained(checkpoint(), patience);
            assert!(matches!(stopped, Err(StudyError::Interrupted)), "{patience}");
            assert!(!early.params().flat().equal(net().params().flat()), "{patience}: some steps were made");
            let (_, resumed) = trained(checkpoint(), 100);
            assert!(resumed.params().flat().equal(expected.params().flat()), "{patience}");
        }
        assert!(!expected.params().flat().equal(net().params().flat()));
    }

    #[test]
    fn a_batch_of_one_is_refused() {
        let recipe = SinglePathRecipe { batch: 1, ..SinglePathRecipe::default() };
        let message = recipe.check().unwrap_err().to_string();
        assert!(message.contains("batch") && message.contains("1; it must be at least 2"), "{message}");
    }
}
