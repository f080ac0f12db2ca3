//! Indicators as scores: a supernet trained once, then read for each architecture.

use std::path::PathBuf;
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_spaces::network::Norm;
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::rng::{StudyRng, stream};
use tch::Tensor;

use crate::evaluator::once::Once;
use crate::indicator::{Indicator, Probe, ProbeSettings, Reference, Subject};
use crate::model::{Placement, Supernet, SupernetError, Trainable};
use crate::recipe::SinglePathRecipe;
use crate::training::{Checkpoint, SinglePathRun, Task};

/// Streams of the supernet's weights and of the reference architectures.
const WEIGHTS: u64 = 1;
const REFERENCES: u64 = 5;

/// What is measured, and with what.
#[derive(Clone, Debug)]
pub struct IndicatorPlan {
    /// Space and networks.
    pub subject: Subject,
    /// The images.
    pub task: Arc<Task>,
    /// The indicator.
    pub indicator: Indicator,
    /// Which parameters of the supernet train.
    pub trainable: Trainable,
    /// How it is trained.
    pub recipe: SinglePathRecipe,
    /// Images and passes.
    pub probe: ProbeSettings,
    /// Random architectures that the composite ranks others among.
    pub references: usize,
    /// Position by expressivity that the composite asks for; 0: none.
    pub prefilter: f64,
    /// Seed of the supernet, its training and the images.
    pub seed: u64,
    /// Folder for the supernet's checkpoint; without it a training that is stopped starts again.
    pub folder: Option<PathBuf>,
}

impl IndicatorPlan {
    /// Normalisation of the supernet's operations, for a variant of training: none but the unbiased
    /// one has a BatchNorm after pools and skips.
    pub fn norm(unbiased: bool) -> Norm {
        if unbiased { Norm::UNBIASED } else { Norm::DISCRETE }
    }

    fn build(&self, placement: Placement) -> Result<Supernet, StudyError> {
        let network = self.subject.supernet.network(&self.subject.union, &self.subject.ops)?;
        let net = Supernet::build(&network, placement, &mut stream(self.seed, &[WEIGHTS]))?;
        Ok(net.train_only(self.trainable)?)
    }

    /// Trains a supernet, if the indicator reads one, and makes the probe that reads it.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a network, recipe or images that do not fit,
    /// [`StudyError::Interrupted`] when the user wants to stop, and what training may say.
    pub fn prepare(&self, placement: Placement, monitor: &dyn Monitor) -> Result<Probe, StudyError> {
        let net = self.build(placement)?;
        if self.indicator.reads_training() {
            self.train(&net, monitor)?;
        }
        self.probe(net)
    }

    /// A probe without a trained supernet, for indicators that read none.
    pub(super) fn fresh(&self, placement: Placement) -> Result<Probe, StudyError> {
        self.probe(self.build(placement)?)
    }

    fn probe(&self, net: Supernet) -> Result<Probe, StudyError> {
        Probe::new(self.subject.clone(), net, &self.task, self.probe, self.seed)
    }

    /// Trains the supernet, or goes on from its checkpoint.
    fn train(&self, net: &Supernet, monitor: &dyn Monitor) -> Result<(), StudyError> {
        let checkpoint = self.folder.as_deref().map(Checkpoint::of_supernet).transpose()?;
        let run = SinglePathRun {
            space: &*self.subject.space,
            union: &self.subject.union,
            net,
            task: &self.task,
            recipe: &self.recipe,
            seed: self.seed,
            checkpoint,
        };
        run.run(monitor).map(drop)
    }

    /// The terms of the composite, each for the same random architectures.
    fn rank(&self, probe: &Probe, monitor: &dyn Monitor) -> Result<Vec<Reference>, StudyError> {
        let mut rng = stream(self.seed, &[REFERENCES]);
        let mut values = vec![Vec::new(); Indicator::TERMS.len()];
        for i in 0..self.references {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            monitor.step(i as u64, self.references as u64, "references");
            let drawn = self.subject.space.sample(&mut rng);
            for (values, term) in values.iter_mut().zip(Indicator::TERMS) {
                values.push(probe.score(term, &drawn)?);
            }
        }
        let few =
            || StudyError::Setting { name: "references".into(), reason: "it must be at least 2".into() };
        values.iter().map(|values| Reference::of(values).ok_or_else(few)).collect()
    }
}

/// What is made once and shared by all workers.
#[derive(Debug)]
struct Prepared {
    /// Parameters `[P]` of the trained supernet.
    flat: Tensor,
    /// One a term of the composite.
    references: Vec<Reference>,
}

/// Scores architectures by an indicator (BN-NAS, BNNAS++ and baselines), [`Fidelity::Indicator`].
///
/// The supernet is trained by uniform single paths when the first job comes, once for all workers;
/// it is a function of the plan's seed alone, so that every job sees the same. The composite is
/// the mean position of its terms among a fixed sample of architectures ([`Reference`]), so that
/// scores of different batches compare.
#[derive(Debug)]
pub struct IndicatorEvaluator {
    plan: Arc<IndicatorPlan>,
    placement: Placement,
    threads: usize,
    prepared: Once<Prepared>,
    own: Option<(Probe, Vec<Reference>)>,
}

impl IndicatorEvaluator {
    /// An evaluator on one device.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a recipe out of its range.
    pub fn new(plan: IndicatorPlan, placement: Placement) -> Result<Self, StudyError> {
        plan.recipe.check()?;
        Ok(Self { plan: Arc::new(plan), placement, threads: 1, prepared: Once::default(), own: None })
    }

    /// Another worker on a device of its own, which waits for the supernet of the first.
    #[must_use]
    pub fn beside(&self, placement: Placement) -> Self {
        let (plan, prepared) = (self.plan.clone(), self.prepared.clone());
        Self { plan, placement, threads: self.threads, prepared, own: None }
    }

    /// Sets the threads that libtorch may use on the CPU; default 1.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The probe and the references, made if need be.
    fn ready(&mut self, monitor: &dyn Monitor) -> Result<&(Probe, Vec<Reference>), StudyError> {
        if self.own.is_none() {
            self.own = Some(self.prepare(monitor)?);
        }
        self.own.as_ref().ok_or_else(|| StudyError::Evaluator("no supernet was prepared".into()))
    }

    fn prepare(&self, monitor: &dyn Monitor) -> Result<(Probe, Vec<Reference>), StudyError> {
        let plan = &*self.plan;
        let copied = |Prepared { flat, references }: &Prepared| {
            let net = plan.build(self.placement)?;
            net.params().copy_from(flat)?;
            Ok((plan.probe(net)?, references.clone()))
        };
        let made = || {
            let probe = plan.prepare(self.placement, monitor)?;
            let flat = probe.net().params().flat().f_detach_copy().map_err(SupernetError::from)?;
            let composite = plan.indicator == Indicator::COMPOSITE;
            let references = if composite { plan.rank(&probe, monitor)? } else { Vec::new() };
            Ok((Prepared { flat, references: references.clone() }, (probe, references)))
        };
        self.prepared.read_or_make(monitor, copied, made)
    }
}

/// Position of each term; `Err` of a failure's reason where the pre-filter stops it.
fn positions(
    plan: &IndicatorPlan,
    (probe, references): &(Probe, Vec<Reference>),
    architecture: &Architecture,
) -> Result<Result<Vec<f64>, String>, StudyError> {
    let mut positions = Vec::with_capacity(references.len());
    for (term, reference) in Indicator::TERMS.into_iter().zip(references) {
        let position = reference.position(probe.score(term, architecture)?);
        if term == Indicator::EXPRESSIVITY && position < plan.prefilter {
            let least = plan.prefilter;
            return Ok(Err(format!("expressivity at {position:.3} of the references, prefilter = {least}")));
        }
        positions.push(position);
    }
    Ok(Ok(positions))
}

fn outcome(
    plan: &IndicatorPlan,
    ready: &(Probe, Vec<Reference>),
    architecture: &Architecture,
) -> Result<Outcome, StudyError> {
    let scored = if plan.indicator == Indicator::COMPOSITE {
        positions(plan, ready, architecture).map(|found| match found {
            Ok(positions) => Outcome::Scored(Score::mean_of(positions, Fidelity::Indicator)),
            Err(reason) => Outcome::Failed(reason),
        })
    } else {
        ready.0.score(plan.indicator, architecture).map(|value| {
            if value.is_finite() {
                Outcome::Scored(Score::of(value, Fidelity::Indicator))
            } else {
                Outcome::Failed(format!("{} is {value}, the worst there can be", plan.indicator.name()))
            }
        })
    };
    match scored {
        // A value that is no number: this architecture has no score, and the study goes on.
        Err(StudyError::Evaluator(reason)) => Ok(Outcome::Failed(reason)),
        other => other,
    }
}

impl Evaluator for IndicatorEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Indicator
    }

    fn evaluate(
        &mut self,
        job: &Job,
        _: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let plan = self.plan.clone();
        let ready = self.ready(monitor)?;
        let mut outcomes = Vec::with_capacity(job.architectures.len());
        for (i, architecture) in job.architectures.iter().enumerate() {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            monitor.step(i as u64, job.architectures.len() as u64, plan.indicator.name());
            outcomes.push(outcome(&plan, ready, architecture)?);
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench101::{NasBench1Shot1, NasBench101Skeleton, Part};
    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{OpTable, Shape};

    use super::*;
    use crate::data::digits;
    use crate::recipe::Sgd;
    use bonas_study::testing::check_evaluator;

    fn plan(indicator: Indicator, folder: Option<PathBuf>) -> IndicatorPlan {
        let space = NasBench201::new();
        let cifar = NasBench201Skeleton::cifar();
        let small = NasBench201Skeleton { channels: 2, cells: 1, image: Shape::square(1, 8), ..cifar };
        let task = Task::new(&digits().unwrap(), Some(100), 0.5, None, &mut stream(0, &[])).unwrap();
        let recipe = SinglePathRecipe::default();
        IndicatorPlan {
            subject: Subject {
                union: space.whole(),
                space: Arc::new(space),
                supernet: Arc::new(NasBench201Skeleton { norm: IndicatorPlan::norm(true), ..small.clone() }),
                discrete: Arc::new(small),
                ops: OpTable::nasbench201(),
            },
            task: Arc::new(task),
            indicator,
            trainable: Trainable::OperationNorms { classifier: false },
            recipe: SinglePathRecipe {
                epochs: 2,
                batch: 16,
                sgd: Sgd { learning_rate: 0.1, ..recipe.sgd },
                ..recipe
            },
            probe: ProbeSettings { images: 8, passes: 2 },
            references: 4,
            prefilter: 0.0,
            seed: 3,
            folder,
        }
    }

    fn evaluator(plan: IndicatorPlan) -> IndicatorEvaluator {
        IndicatorEvaluator::new(plan, Placement::on(tch::Device::Cpu)).unwrap()
    }

    struct Deaf;

    impl Monitor for Deaf {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            false
        }
    }

    fn job(count: usize) -> Job {
        let (space, mut rng) = (NasBench201::new(), stream(8, &[]));
        Job { architectures: (0..count).map(|_| space.sample(&mut rng)).collect(), round: 0, batch: 0 }
    }

    fn outcomes(evaluator: &mut IndicatorEvaluator) -> Vec<Outcome> {
        evaluator.evaluate(&job(4), &mut stream(1, &[]), &Deaf).unwrap()
    }

    #[test]
    fn it_keeps_the_contract_of_evaluators() {
        for indicator in [Indicator::COMPOSITE, Indicator::BN_GAMMA, Indicator::SYNFLOW] {
            check_evaluator(&|| Box::new(evaluator(plan(indicator, None))), &NasBench201::new());
        }
    }

    #[test]
    fn cells_with_operations_on_vertices_are_scored() {
        let (space, cifar) = (NasBench1Shot1::new(Part::One), NasBench101Skeleton::cifar());
        let small = NasBench101Skeleton { channels: 4, cells: 1, image: Shape::square(1, 8), ..cifar };
        let subject = Subject {
            union: space.whole(),
            supernet: Arc::new(NasBench101Skeleton { norm: Norm::UNBIASED, ..small.clone() }),
            discrete: Arc::new(small),
            ops: OpTable::nasbench101(),
            space: Arc::new(space.clone()),
        };
        for indicator in [Indicator::COMPOSITE, Indicator::BN_GAMMA, Indicator::SYNFLOW, Indicator::NTK] {
            let plan = || IndicatorPlan { subject: subject.clone(), ..plan(indicator, None) };
            check_evaluator(&|| Box::new(evaluator(plan())), &space);
        }
    }

    #[test]
    fn workers_and_checkpoints_give_the_same_scores() {
        let folder = tempfile::tempdir().unwrap();
        let kept = || plan(Indicator::COMPOSITE, Some(folder.path().to_owned()));
        let mut first = evaluator(kept());
        let expected = outcomes(&mut first);
        assert_eq!(outcomes(&mut first.beside(Placement::on(tch::Device::Cpu))), expected);
        assert!(folder.path().join("supernet.safetensors").is_file());
        assert_eq!(outcomes(&mut evaluator(kept())), expected);
        assert_eq!(outcomes(&mut evaluator(plan(Indicator::COMPOSITE, None))), expected);
        let runs = |o: &Outcome| matches!(o, Outcome::Scored(score) if score.runs.len() == 3);
        assert!(expected.iter().all(runs), "the positions of the three terms: {expected:?}");
    }

    #[test]
    fn the_pre_filter_gives_up_what_is_not_expressive() {
        let all = outcomes(&mut evaluator(plan(Indicator::COMPOSITE, None)));
        let some =
            outcomes(&mut evaluator(IndicatorPlan { prefilter: 0.5, ..plan(Indicator::COMPOSITE, None) }));
        let mut given_up = 0;
        for (one, filtered) in all.iter().zip(&some) {
            let Outcome::Scored(score) = one else { panic!("{one:?}") };
            match filtered {
                Outcome::Failed(reason) => {
                    given_up += 1;
                    assert!(score.runs[0] < 0.5 && reason.contains("prefilter = 0.5"), "{reason}");
                }
                Outcome::Scored(_) => assert!(score.runs[0] >= 0.5 && one == filtered),
            }
        }
        assert!(given_up > 0 && given_up < 4, "{given_up}");
    }
}
