//! A supernet of the whole space, trained once by single paths, in which architectures are scored.

use std::path::PathBuf;
use std::sync::Arc;

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::rng::{StudyRng, stream};
use tch::Tensor;

use crate::evaluator::SCORING;
use crate::evaluator::once::Once;
use crate::model::{Mode, Pass, Placement, Supernet, SupernetError};
use crate::recipe::{Metric, SinglePathRecipe};
use crate::training::{Checkpoint, Part, Scored, SinglePathRun, Task, estimate, score};

/// Streams of the supernet's weights, and of the images that BatchNorm statistics are estimated from.
const WEIGHTS: u64 = 1;
const STATISTICS: u64 = 6;

/// What is trained, and how architectures are scored in it.
#[derive(Clone, Debug)]
pub struct OneShotPlan {
    /// The space that paths are drawn from.
    pub space: Arc<dyn SearchSpace>,
    /// Every operation that may be chosen.
    pub union: Union,
    /// The network around the cells.
    pub skeleton: Arc<dyn Skeleton>,
    /// What the operations are.
    pub ops: OpTable,
    /// The images.
    pub task: Arc<Task>,
    /// How the supernet is trained.
    pub recipe: SinglePathRecipe,
    /// Training images from which BatchNorm statistics are estimated for each architecture.
    pub statistics_images: usize,
    /// What an architecture is scored by.
    pub metric: Metric,
    /// Seed of the supernet, its training and the images of the statistics.
    pub seed: u64,
    /// Folder for the supernet's checkpoint; without it a training that is stopped starts again.
    pub folder: Option<PathBuf>,
}

impl OneShotPlan {
    fn build(&self, placement: Placement) -> Result<Supernet, StudyError> {
        let network = self.skeleton.network(&self.union, &self.ops)?;
        Ok(Supernet::build(&network, placement, &mut stream(self.seed, &[WEIGHTS]))?)
    }

    /// Trains the supernet, or goes on from its checkpoint.
    fn trained(&self, placement: Placement, monitor: &dyn Monitor) -> Result<Supernet, StudyError> {
        let net = self.build(placement)?;
        let checkpoint = self.folder.as_deref().map(Checkpoint::of_supernet).transpose()?;
        let run = SinglePathRun {
            space: &*self.space,
            union: &self.union,
            net: &net,
            task: &self.task,
            recipe: &self.recipe,
            seed: self.seed,
            checkpoint,
        };
        run.run(monitor)?;
        Ok(net)
    }

    /// The score of an architecture; a function of the supernet and the architecture alone.
    fn score(&self, net: &Supernet, architecture: &Architecture) -> Result<Scored, StudyError> {
        let path = net.path(&self.union.route(architecture)?)?;
        let rng = &mut stream(self.seed, &[STATISTICS]);
        let sample = self.task.sample(Part::Validation, self.statistics_images, rng);
        let statistics = estimate(net, &path, self.task.training(), &sample)?;
        let (loader, held_out) = self.task.scoring(Part::Validation);
        score(net, &path, loader, &held_out, self.metric, || Pass::new(Mode::EvalWith(&statistics)))
    }
}

/// Scores architectures in a one-shot supernet (SPOS, Guo et al. 2020), [`Fidelity::OneShot`].
///
/// The supernet holds every operation of the space. It is trained when the first job comes, once for all workers, by
/// uniform single paths: each step draws an architecture uniformly from the space and trains the weights on its path. An
/// architecture is scored on held-out training images with the weights that it finds there and BatchNorm statistics
/// re-estimated on its own path. The score is a function of the plan's seed and the architecture, so that scores compare
/// over the whole study. An architecture whose logits are not finite fails alone.
#[derive(Debug)]
pub struct OneShotEvaluator {
    plan: Arc<OneShotPlan>,
    placement: Placement,
    threads: usize,
    /// Parameters `[P]` of the trained supernet.
    trained: Once<Tensor>,
    own: Option<Supernet>,
}

impl OneShotEvaluator {
    /// An evaluator on one device.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a recipe out of its range.
    pub fn new(plan: OneShotPlan, placement: Placement) -> Result<Self, StudyError> {
        plan.recipe.check()?;
        Ok(Self { plan: Arc::new(plan), placement, threads: 1, trained: Once::default(), own: None })
    }

    /// Another worker on a device of its own, which waits for the supernet of the first.
    #[must_use]
    pub fn beside(&self, placement: Placement) -> Self {
        let (plan, trained) = (self.plan.clone(), self.trained.clone());
        Self { plan, placement, threads: self.threads, trained, own: None }
    }

    /// Sets the threads that libtorch may use on the CPU; default 1.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The trained supernet on this worker's device.
    fn prepare(&self, monitor: &dyn Monitor) -> Result<Supernet, StudyError> {
        let copied = |flat: &Tensor| {
            let net = self.plan.build(self.placement)?;
            net.params().copy_from(flat)?;
            Ok(net)
        };
        let trained = || {
            let net = self.plan.trained(self.placement, monitor)?;
            Ok((net.params().flat().f_detach_copy().map_err(SupernetError::from)?, net))
        };
        self.trained.read_or_make(monitor, copied, trained)
    }
}

impl Evaluator for OneShotEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::OneShot
    }

    fn evaluate(
        &mut self,
        job: &Job,
        _: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let net = match self.own.take() {
            Some(net) => net,
            None => self.prepare(monitor)?,
        };
        let net = self.own.insert(net);
        let mut outcomes = Vec::with_capacity(job.architectures.len());
        for (i, architecture) in job.architectures.iter().enumerate() {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            monitor.step(i as u64, job.architectures.len() as u64, SCORING);
            outcomes.push(match self.plan.score(net, architecture) {
                Ok(Scored { value, beside }) => {
                    Outcome::Scored(Score { beside, ..Score::of(value, Fidelity::OneShot) })
                }
                Err(StudyError::Evaluator(reason)) => Outcome::Failed(reason),
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{Norm, Shape};
    use bonas_study::testing::check_evaluator;
    use tch::Device;

    use super::*;
    use crate::data::digits;
    use crate::recipe::Sgd;

    struct Deaf;

    impl Monitor for Deaf {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            false
        }
    }

    fn plan(folder: Option<PathBuf>) -> OneShotPlan {
        let space = NasBench201::new();
        let skeleton = NasBench201Skeleton {
            channels: 2,
            cells: 1,
            image: Shape::square(1, 8),
            norm: Norm::SEARCH,
            ..NasBench201Skeleton::cifar()
        };
        let task = Task::new(&digits().unwrap(), Some(100), 0.5, None, &mut stream(0, &[])).unwrap();
        OneShotPlan {
            union: space.whole(),
            space: Arc::new(space),
            skeleton: Arc::new(skeleton),
            ops: OpTable::nasbench201(),
            task: Arc::new(task),
            recipe: SinglePathRecipe {
                epochs: 4,
                batch: 10,
                label_smoothing: 0.0,
                sgd: Sgd { learning_rate: 0.1, ..Sgd::default() },
            },
            statistics_images: 20,
            metric: Metric::Accuracy,
            seed: 3,
            folder,
        }
    }

    fn evaluator(plan: OneShotPlan) -> OneShotEvaluator {
        OneShotEvaluator::new(plan, Placement::on(Device::Cpu)).unwrap()
    }

    fn job(count: usize) -> Job {
        let (space, mut rng) = (NasBench201::new(), stream(8, &[]));
        Job { architectures: (0..count).map(|_| space.sample(&mut rng)).collect(), round: 0, batch: 0 }
    }

    fn values(evaluator: &mut OneShotEvaluator, job: &Job) -> Vec<f64> {
        let outcomes = evaluator.evaluate(job, &mut stream(1, &[]), &Deaf).unwrap();
        outcomes.iter().map(|outcome| outcome.value(Fidelity::OneShot).unwrap()).collect()
    }

    #[test]
    fn it_keeps_the_contract_of_evaluators() {
        check_evaluator(&|| Box::new(evaluator(plan(None))), &NasBench201::new());
    }

    /// Neither who else is scored, nor which worker scores, nor a checkpoint changes a score.
    #[test]
    fn a_score_is_a_function_of_seed_and_architecture() {
        let folder = tempfile::tempdir().unwrap();
        let kept = || plan(Some(folder.path().to_owned()));
        let (all, two) = (job(5), job(2));
        let mut first = evaluator(kept());
        let expected = values(&mut first, &all);
        assert_eq!(values(&mut first, &two), expected[..2]);
        assert_eq!(values(&mut first.beside(Placement::on(Device::Cpu)), &all), expected);
        assert_eq!(values(&mut evaluator(kept()), &all), expected, "from the checkpoint");
        assert_eq!(values(&mut evaluator(plan(None)), &all), expected);
        let other = values(&mut evaluator(OneShotPlan { seed: 4, ..plan(None) }), &all);
        assert_ne!(other, expected);
    }

    /// Weights of convolutions are trained, not BatchNorm alone.
    #[test]
    fn all_weights_of_the_supernet_are_trained() {
        let plan = plan(None);
        let placement = Placement::on(Device::Cpu);
        let (before, after) = (plan.build(placement).unwrap(), plan.trained(placement, &Deaf).unwrap());
        let path = after.path(&plan.union.full_route()).unwrap();
        let same = |id: &_| after.params().tensor(*id).equal(before.params().tensor(*id));
        let unmoved = path.params().iter().filter(|id| same(id)).count();
        assert_eq!(unmoved, 0, "of {}", path.params().len());
    }

    /// Weights of one operation are not finite: who uses it fails, and no one else.
    #[test]
    fn what_has_no_finite_logits_fails_alone() {
        let mut evaluator = evaluator(plan(None));
        let space = NasBench201::new();
        let cell = |ops: &str| space.parse(ops).unwrap();
        let skips =
            "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|";
        let one =
            "|nor_conv_3x3~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|";
        let both = Job { architectures: vec![cell(skips), cell(one)], round: 0, batch: 0 };
        let whole = values(&mut evaluator, &both);
        let net = evaluator.own.as_ref().unwrap();
        let path = |arch| net.path(&evaluator.plan.union.route(arch).unwrap()).unwrap();
        let (skips, one) = (path(&both.architectures[0]), path(&both.architectures[1]));
        tch::no_grad(|| {
            one.params().iter().filter(|id| !skips.params().contains(id)).for_each(|&id| {
                let _ = net.params().tensor(id).shallow_clone().fill_(f64::NAN);
            });
        });
        let outcomes = evaluator.evaluate(&both, &mut stream(1, &[]), &Deaf).unwrap();
        assert_eq!(outcomes[0].value(Fidelity::OneShot), Some(whole[0]));
        assert!(
            matches!(&outcomes[1], Outcome::Failed(reason) if reason.contains("not finite")),
            "{outcomes:?}"
        );
    }
}
