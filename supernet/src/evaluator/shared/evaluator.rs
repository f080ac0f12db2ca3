//! Joint training of a batch of related architectures in their sub-supernet.

use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::rng::StudyRng;

use crate::data::BatchOptions;
use crate::evaluator::SCORING;
use crate::model::{Loss, Mode, ParamId, Pass, Path, Placement, Sgd, Supernet};
use crate::recipe::{SharedRecipe, cosine};
use crate::training::{BalancedOrder, Part, Scored, Task, estimate, images_and_labels, made_for, score};

use super::diverged::{Steps, Stop, without_diverged};
use super::exposure::{Exposure, Turns};

/// The weight-sharing query phase of BONAS (Shi et al. 2020, section 3.3).
///
/// The union of the batch's operations, and nothing else, becomes one network. It is warmed up as
/// a whole, then trained one architecture a step in a balanced order; weights that a step does not
/// use do not move. Each architecture is scored on held-out training images with BatchNorm
/// statistics re-estimated on its own path. Scores compare inside one batch only. An architecture whose
/// step gives a loss or a gradient that is not finite, or whose logits are not, fails alone: the others
/// are trained again from the start, as if it had not been in the batch, until half of the batch has
/// diverged, which fails the rest untrained. What diverges in the warm-up, or on a [`pool`](Self::pool),
/// fails the whole batch; with a pool, logits that are not finite fail their architecture and no other.
#[derive(Clone, Debug)]
pub struct SharedEvaluator {
    task: Arc<Task>,
    skeleton: Arc<dyn Skeleton>,
    ops: OpTable,
    recipe: SharedRecipe,
    placement: Placement,
    threads: usize,
    exposure: Exposure,
    pool: Arc<[Architecture]>,
}

impl SharedEvaluator {
    /// An evaluator on one device.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a recipe out of its range.
    pub fn new(
        task: Arc<Task>,
        skeleton: Arc<dyn Skeleton>,
        ops: OpTable,
        recipe: SharedRecipe,
        placement: Placement,
    ) -> Result<Self, StudyError> {
        recipe.check()?;
        Ok(Self {
            task,
            skeleton,
            ops,
            recipe,
            placement,
            threads: 1,
            exposure: Exposure::default(),
            pool: Arc::default(),
        })
    }

    /// Sets the threads that libtorch may use on the CPU for one batch; default 1.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Sets how often a weight is trained that several architectures share; by default in the steps of all.
    #[must_use]
    pub fn exposure(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }

    /// Sets the architectures that take the training steps; default, and if there is none, the
    /// batch itself. The network is the union of `pool` and the batch; the batch is only scored.
    ///
    /// A pool of many architectures drawn uniformly, whose union is that of the whole space, makes
    /// this the one-shot supernet trained by uniform single paths (Guo et al. 2020).
    #[must_use]
    pub fn pool(self, pool: Vec<Architecture>) -> Self {
        Self { pool: pool.into(), ..self }
    }

    /// Trains the union and returns the scores on the validation part, in order; with a pool, a
    /// failure for each architecture that has none.
    fn train_and_score(
        &self,
        architectures: &[Architecture],
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, Stop> {
        let pool = if self.pool.is_empty() { architectures } else { &*self.pool };
        let union = Union::of(&[pool, architectures].concat())?;
        let network = self.skeleton.network(&union, &self.ops)?;
        let net = Supernet::build(&network, self.placement, rng)?;
        let whole = net.path(&union.full_route())?;
        let paths = |architectures: &[Architecture]| {
            let path = |a| Ok(net.path(&union.route(a)?)?);
            architectures.iter().map(path).collect::<Result<Vec<_>, StudyError>>()
        };
        self.train(&net, &whole, &paths(pool)?, rng, monitor)?;
        self.score_all(&net, &paths(architectures)?, rng, monitor)
    }

    fn train(
        &self,
        net: &Supernet,
        whole: &Path,
        paths: &[Path],
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<(), Stop> {
        let mut sgd = Sgd::new(self.recipe.sgd.settings(), net)?;
        let mut order = BalancedOrder::new(paths.len());
        let turns = Turns::of(self.exposure, paths, net.params().len());
        let (epochs, mut drawn) = (self.recipe.epochs, 0);
        for epoch in 0..epochs {
            let warm_up = epoch < self.recipe.warmup_epochs;
            monitor.step(epoch as u64, epochs as u64, if warm_up { "warm-up" } else { "single paths" });
            let mut next = |rng: &mut StudyRng| match if warm_up { None } else { order.draw(rng) } {
                Some(i) => {
                    let moves = turns.moved(&paths[i], i, drawn / paths.len());
                    drawn += 1;
                    Step { architecture: Some(i).filter(|_| self.pool.is_empty()), path: &paths[i], moves }
                }
                None => Step { architecture: None, path: whole, moves: whole.params().to_vec() },
            };
            self.epoch(net, &mut sgd, epoch, &mut next, rng, monitor)?;
        }
        Ok(())
    }

    fn epoch<'p>(
        &self,
        net: &Supernet,
        sgd: &mut Sgd,
        epoch: usize,
        next: &mut dyn FnMut(&mut StudyRng) -> Step<'p>,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<(), Stop> {
        let recipe = &self.recipe;
        let (first, last) = (recipe.sgd.learning_rate, recipe.sgd.final_learning_rate);
        let rate = cosine(first, last, epoch, recipe.epochs);
        let size = if epoch < recipe.warmup_epochs { recipe.warmup_batch } else { recipe.batch };
        let indices = self.task.training_indices(Part::Validation);
        let options = BatchOptions::new(size).drop_last();
        let mut batches = made_for(self.task.training().shuffled(indices, options, rng)?, net.placement());
        let mut steps = Steps::default();
        while let Some(batch) = batches.next_batch() {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted.into());
            }
            let Step { architecture, path, moves } = next(rng);
            let (images, labels) = images_and_labels(batch, net.placement())?;
            let loss = Loss::default().of(&net.forward(&images, path, &mut Pass::train())?, &labels)?; // []
            let norm = sgd.step(net, &moves, &loss, rate)?; // []
            steps.push(architecture, loss.detach(), norm);
        }
        steps.check(epoch)
    }

    fn score_all(
        &self,
        net: &Supernet,
        paths: &[Path],
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, Stop> {
        let sample = self.task.sample(Part::Validation, self.recipe.statistics_images, rng);
        let (loader, held_out) = self.task.scoring(Part::Validation);
        let mut outcomes = Vec::with_capacity(paths.len());
        for (i, path) in paths.iter().enumerate() {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted.into());
            }
            monitor.step(i as u64, paths.len() as u64, SCORING);
            let statistics = estimate(net, path, self.task.training(), &sample)?;
            outcomes.push(
                match score(net, path, loader, &held_out, self.recipe.metric, || {
                    Pass::new(Mode::EvalWith(&statistics))
                }) {
                    Ok(Scored { value, beside }) => {
                        Outcome::Scored(Score { beside, ..Score::of(value, Fidelity::SharedWeights) })
                    }
                    // It took no step, so that the others are what they would be without it.
                    Err(StudyError::Evaluator(reason)) if !self.pool.is_empty() => Outcome::Failed(reason),
                    Err(StudyError::Evaluator(reason)) => {
                        return Err(Stop::Diverged { architecture: Some(i), reason });
                    }
                    Err(error) => return Err(error.into()),
                },
            );
        }
        Ok(outcomes)
    }
}

/// A step of joint training.
struct Step<'p> {
    /// Position of the architecture in the batch; none of the warm-up and of a pool.
    architecture: Option<usize>,
    path: &'p Path,
    /// The parameters that it moves, ascending.
    moves: Vec<ParamId>,
}

impl Evaluator for SharedEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::SharedWeights
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let start = rng.clone();
        let train = |left: &[usize]| {
            *rng = start.clone();
            let left: Vec<Architecture> = left.iter().map(|&i| job.architectures[i].clone()).collect();
            self.train_and_score(&left, rng, monitor)
        };
        let warn = |text: &str| monitor.warning(&format!("round {} batch {}: {text}", job.round, job.batch));
        without_diverged(job.architectures.len(), train, warn)
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::darts::{Darts, DartsSkeleton};
    use bonas_spaces::network::{Norm, Shape};

    use super::*;
    use crate::data::digits;
    use bonas_study::rng::stream;

    struct Deaf;

    impl Monitor for Deaf {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            false
        }
    }

    fn evaluator() -> SharedEvaluator {
        let task = Task::new(&digits().unwrap(), Some(60), 0.5, None, &mut stream(0, &[])).unwrap();
        let image = Shape { channels: 1, height: 8, width: 8 };
        let cifar = DartsSkeleton::cifar();
        let skeleton = DartsSkeleton { channels: 2, layers: 3, image, norm: Norm::SEARCH, ..cifar };
        let recipe = SharedRecipe {
            epochs: 3,
            warmup_epochs: 0,
            batch: 10,
            statistics_images: 30,
            ..Default::default()
        };
        let placement = Placement::on(tch::Device::Cpu);
        SharedEvaluator::new(Arc::new(task), Arc::new(skeleton), OpTable::darts(), recipe, placement).unwrap()
    }

    fn values(mut evaluator: SharedEvaluator, architectures: &[Architecture]) -> Vec<f64> {
        let job = Job { architectures: architectures.to_vec(), round: 0, batch: 0 };
        let outcomes = evaluator.evaluate(&job, &mut stream(1, &[]), &Deaf).unwrap();
        outcomes.iter().map(|o| o.value(Fidelity::SharedWeights).unwrap()).collect()
    }

    /// Weights beyond single precision: the second takes the first step and diverges, which is half of the batch.
    #[test]
    fn what_diverges_fails_with_its_reason() {
        let mut evaluator = evaluator();
        evaluator.recipe.sgd.learning_rate = 1e38;
        evaluator.recipe.sgd.gradient_clip = 1e38;
        let (space, mut rng) = (Darts::new(), stream(3, &[]));
        let job =
            Job { architectures: vec![space.sample(&mut rng), space.sample(&mut rng)], round: 0, batch: 0 };
        let outcomes = evaluator.evaluate(&job, &mut stream(1, &[]), &Deaf).unwrap();
        let [Outcome::Failed(rest), Outcome::Failed(first)] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert!(first.starts_with("the ") && first.contains("in epoch 0"), "{first}");
        assert_eq!(*rest, format!("half of its batch diverged: {first}"));
    }

    /// Weights that only the second architecture has are not finite.
    #[test]
    fn logits_that_are_not_finite_fail_alone_with_a_pool_and_stop_without() {
        let (space, mut rng) = (Darts::new(), stream(3, &[]));
        let both = [space.sample(&mut rng), space.sample(&mut rng)];
        let evaluator = evaluator();
        let union = Union::of(&both).unwrap();
        let network = evaluator.skeleton.network(&union, &evaluator.ops).unwrap();
        let net = Supernet::build(&network, evaluator.placement, &mut stream(4, &[])).unwrap();
        let paths = both.each_ref().map(|a| net.path(&union.route(a).unwrap()).unwrap());
        let scored =
            |evaluator: &SharedEvaluator| evaluator.score_all(&net, &paths, &mut stream(5, &[]), &Deaf);
        let pooled = evaluator.clone().pool(both.to_vec());
        let whole = scored(&evaluator).unwrap();
        assert_eq!(scored(&pooled).unwrap(), whole);
        let own = paths[1].params().iter().filter(|id| !paths[0].params().contains(id));
        tch::no_grad(|| {
            own.for_each(|&id| {
                let _ = net.params().tensor(id).shallow_clone().fill_(f64::NAN);
            });
        });
        let outcomes = scored(&pooled).unwrap();
        assert_eq!(outcomes[0], whole[0], "the other keeps its score");
        assert!(
            matches!(&outcomes[1], Outcome::Failed(reason) if reason.contains("not finite")),
            "{outcomes:?}"
        );
        match scored(&evaluator) {
            Err(Stop::Diverged { architecture: Some(1), reason }) => assert!(reason.contains("not finite")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_pool_is_what_is_trained() {
        let (space, mut rng) = (Darts::new(), stream(2, &[]));
        let cells: Vec<_> = (0..5).map(|_| space.sample(&mut rng)).collect();
        let (batch, pool) = cells.split_at(3);
        let own = values(evaluator(), batch);
        assert_eq!(own, values(evaluator().pool(batch.to_vec()), batch));
        let other = values(evaluator().pool(pool.to_vec()), batch);
        assert_eq!(other.len(), batch.len());
        assert_ne!(own, other);
        // An architecture's score does not depend on which others are scored, if the pool has all.
        let whole = evaluator().pool(cells.clone());
        assert_eq!(values(whole.clone(), batch), values(whole, &cells)[..3]);
    }
}
