//! Networks trained on real images: the same history on any number of workers, runs that go on
//! exactly where they stopped, and scores above chance.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bonas::data::digits;
use bonas::evaluator::{Job, Monitor, ScratchEvaluator, SharedEvaluator};
use bonas::recipe::{ScratchRecipe, Sgd, SharedRecipe};
use bonas::rng::stream;
use bonas::spaces::darts::{DARTS_V1, DARTS_V2, Darts};
use bonas::spaces::network::{DartsSkeleton, Norm, OpTable, Shape};
use bonas::strategy::{Batches, RandomSearch};
use bonas::study::Budget;
use bonas::supernet::Placement;
use bonas::testing::check_evaluator;
use bonas::training::{Part, Task};
use bonas::{Evaluator, Fidelity, Outcome, Study, StudyError};

/// Goes on for so many steps, then wants to stop.
struct Patience(AtomicUsize);

impl Monitor for Patience {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

fn patient() -> Patience {
    Patience(AtomicUsize::new(usize::MAX))
}

fn task(images: usize) -> Arc<Task> {
    let data = digits().unwrap();
    Arc::new(Task::new(&data, Some(images), 0.5, None, &mut stream(1, &[])).unwrap())
}

fn skeleton(norm: Norm) -> Arc<DartsSkeleton> {
    let image = Shape::square(1, 8);
    Arc::new(DartsSkeleton { channels: 4, layers: 2, image, norm, ..DartsSkeleton::cifar() })
}

fn shared() -> Box<dyn Evaluator> {
    let recipe = SharedRecipe {
        epochs: 2,
        warmup_epochs: 1,
        warmup_batch: 16,
        batch: 8,
        statistics_images: 32,
        sgd: Sgd::default(),
    };
    let placement = Placement::on(tch::Device::Cpu);
    Box::new(
        SharedEvaluator::new(task(80), skeleton(Norm::SEARCH), OpTable::darts(), recipe, placement).unwrap(),
    )
}

fn scratch(images: usize, epochs: usize, folder: Option<&Path>) -> ScratchEvaluator {
    let sgd = Sgd { learning_rate: 0.05, ..Sgd::default() };
    let recipe = ScratchRecipe {
        epochs,
        batch: 16,
        drop_path: 0.1,
        auxiliary_weight: 0.0,
        sgd,
        ..ScratchRecipe::default()
    };
    ScratchEvaluator {
        task: task(images),
        part: Part::Validation,
        skeleton: skeleton(Norm::DISCRETE),
        ops: OpTable::darts(),
        recipe,
        seeds: 1,
        placement: Placement::on(tch::Device::Cpu),
        threads: 1,
        folder: folder.map(Path::to_owned),
        checkpoint_every: 1,
    }
}

#[test]
fn shared_weights_keep_the_contract_of_evaluators() {
    check_evaluator(&shared, &Darts::new());
}

#[test]
fn a_trained_study_is_the_same_on_one_and_on_four_workers() {
    let journal = |workers: usize| {
        let folder = tempfile::tempdir().unwrap();
        let strategy = RandomSearch { batches: Batches { count: 4, size: 2 } };
        let evaluators = (0..workers).map(|_| shared()).collect();
        Study::new(Arc::new(Darts::new()), Box::new(strategy), evaluators)
            .seed(7)
            .budget(Budget::architectures(8))
            .directory(folder.path())
            .run()
            .unwrap();
        std::fs::read(folder.path().join("journal.jsonl")).unwrap()
    };
    assert_eq!(journal(1), journal(4));
}

#[test]
fn a_run_from_scratch_goes_on_exactly_where_it_stopped() {
    let space = Darts::new();
    let job = Job { architectures: vec![space.architecture(&DARTS_V1).unwrap()], round: 0, batch: 0 };
    let run = |folder: &Path, patience: &Patience| {
        scratch(80, 3, Some(folder)).evaluate(&job, &mut stream(3, &[]), patience)
    };
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path(), &patient()).unwrap();
    let error = run(stopped.path(), &Patience(AtomicUsize::new(2))).unwrap_err();
    assert!(matches!(error, StudyError::Interrupted), "{error}");
    assert_eq!(run(stopped.path(), &patient()).unwrap(), expected);
    let weights = |folder: &Path| {
        let name = format!("{}-0.safetensors", job.architectures[0].key());
        std::fs::read(folder.join(name)).unwrap()
    };
    assert_eq!(weights(whole.path()), weights(stopped.path()));
}

#[test]
fn training_from_scratch_learns() {
    let space = Darts::new();
    let architectures = vec![space.architecture(&DARTS_V2).unwrap()];
    let job = Job { architectures, round: 0, batch: 0 };
    let outcomes = scratch(600, 8, None).evaluate(&job, &mut stream(5, &[]), &patient()).unwrap();
    let Outcome::Scored(score) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((score.fidelity, score.runs.len()), (Fidelity::FromScratch, 1));
    // Chance is 0.1.
    assert!(score.value > 0.5, "{}", score.value);
}
