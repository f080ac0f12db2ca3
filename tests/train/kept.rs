//! What a training keeps in files: its checkpoint, from which it goes on to the same bits, and its curves.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bonas::StudyError;
use bonas::spaces::SearchSpace;
use bonas::spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
use bonas::spaces::network::{OpTable, Shape, Skeleton, Union};
use bonas::study::Monitor;
use bonas::study::rng::stream;
use bonas::supernet::data::digits;
use bonas::supernet::model::Placement;
use bonas::supernet::recipe::{
    OPTIMIZERS, OptimizerName, OptimizerRecipe, RateBy, ScheduleRecipe, ScratchRecipe, Sgd,
};
use bonas::supernet::training::{Checkpoint, Part, ScratchRun, Task, Trained};

use super::CELL;

/// Wants to stop after so many epochs.
struct Patience(AtomicUsize);

impl Monitor for Patience {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

/// Trains a recipe in a folder for so many epochs of this process.
fn run(recipe: &ScratchRecipe, folder: &Path, epochs: usize) -> Result<Trained, StudyError> {
    run_keeping(recipe, folder, &Patience(AtomicUsize::new(epochs)), [true, true])
}

/// The same, keeping a checkpoint, and curves, or not.
fn run_keeping(
    recipe: &ScratchRecipe,
    folder: &Path,
    monitor: &dyn Monitor,
    [checkpoint, curves]: [bool; 2],
) -> Result<Trained, StudyError> {
    tch::set_num_threads(1);
    let task = Task::new(&digits().unwrap(), Some(80), 0.5, None, &mut stream(1, &[])).unwrap();
    let (space, image) = (NasBench201::new(), Shape::square(1, 8));
    let skeleton = NasBench201Skeleton { channels: 2, cells: 1, image, ..NasBench201Skeleton::cifar() };
    let union = Union::of(&[space.parse(CELL).unwrap()]).unwrap();
    let run = ScratchRun {
        network: &skeleton.network(&union, &OpTable::nasbench201()).unwrap(),
        route: &union.full_route(),
        task: &task,
        part: Part::Validation,
        also: None,
        recipe,
        init: &[],
        placement: Placement::on(tch::Device::Cpu),
        seed: 7,
        checkpoint: checkpoint.then(|| Checkpoint { file: folder.join("c.safetensors"), every: 2 }),
        curves: curves.then(|| folder.join("curves.csv")),
    };
    run.run(monitor)
}

#[test]
fn a_stopped_training_goes_on_to_the_same_bits_with_every_optimizer() {
    for name in OPTIMIZERS.names() {
        let optimizer =
            OptimizerRecipe { name: OptimizerName::named(name).unwrap(), ..OptimizerRecipe::default() };
        let schedule = ScheduleRecipe { by: RateBy::Step, warmup_epochs: 1, ..ScheduleRecipe::default() };
        let plain = ScratchRecipe::plain(4, 16, Sgd { learning_rate: 0.01, ..Sgd::default() });
        let recipe = ScratchRecipe { optimizer, schedule, averaging: 0.9, mixup: 0.4, cutmix: 1.0, ..plain };
        let [whole, stopped] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let expected = run(&recipe, whole.path(), usize::MAX).unwrap();
        for epochs in [1, 2] {
            let early = run(&recipe, stopped.path(), epochs);
            assert!(matches!(early, Err(StudyError::Interrupted)), "{name}: {early:?}");
        }
        let resumed = run(&recipe, stopped.path(), usize::MAX).unwrap();
        assert!(resumed.net.params().flat().equal(expected.net.params().flat()), "{name}");
        assert_eq!((resumed.epochs, resumed.score), (expected.epochs, expected.score), "{name}");
        for file in ["c.safetensors", "curves.csv"] {
            let [one, other] = [&whole, &stopped].map(|at| fs::read(at.path().join(file)).unwrap());
            assert!(one == other, "{name}: {file}");
        }
        // Each of them bears on the result.
        let last = ScratchRecipe { averaging: 0.0, ..recipe.clone() };
        let unmixed = ScratchRecipe { mixup: 0.0, cutmix: 0.0, ..recipe };
        for other in [last, unmixed] {
            let folder = tempfile::tempdir().unwrap();
            let net = run(&other, folder.path(), usize::MAX).unwrap().net;
            assert!(!net.params().flat().equal(expected.net.params().flat()), "{name}");
        }
    }
}

#[test]
fn accuracies_are_measured_where_something_keeps_them() {
    let recipe = ScratchRecipe::plain(2, 16, Sgd { learning_rate: 0.01, ..Sgd::default() });
    let trained = |keeps| {
        let folder = tempfile::tempdir().unwrap();
        run_keeping(&recipe, folder.path(), &Patience(AtomicUsize::new(usize::MAX)), keeps).unwrap()
    };
    let all = trained([true, true]);
    for keeps in [[false, false], [true, false], [false, true]] {
        let some = trained(keeps);
        assert!(some.net.params().flat().equal(all.net.params().flat()), "{keeps:?}");
        for (one, other) in some.epochs.iter().zip(&all.epochs) {
            let accuracy = if keeps == [false, false] { f64::NAN } else { other.accuracy };
            let expected = [other.loss, accuracy].map(f64::to_bits);
            assert_eq!([one.loss, one.accuracy].map(f64::to_bits), expected, "{keeps:?}");
        }
        assert_eq!(some.epochs.len(), 2);
    }
}

/// Keeps what the curves are at the begin of each epoch; gives them a second name in the third, and removes them in the
/// sixth.
struct Watch(PathBuf, Mutex<Vec<String>>);

impl Monitor for Watch {
    fn step(&self, epoch: u64, _: u64, _: &str) {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        self.1.lock().unwrap().push(read(&self.0));
        let second = self.0.with_extension("second");
        match epoch {
            2 => fs::hard_link(&self.0, second).unwrap(),
            5 => {
                assert_eq!(read(&second), read(&self.0), "rows are appended");
                fs::remove_file(&self.0).unwrap();
            }
            _ => (),
        }
    }

    fn cancelled(&self) -> bool {
        false
    }
}

#[test]
fn curves_grow_by_a_row_an_epoch_and_lose_what_is_after_the_checkpoint() {
    let recipe = ScratchRecipe::plain(8, 16, Sgd { learning_rate: 0.01, ..Sgd::default() });
    let folder = tempfile::tempdir().unwrap();
    let curves = folder.path().join("curves.csv");
    let watch = Watch(curves.clone(), Mutex::default());
    run_keeping(&recipe, folder.path(), &watch, [true, true]).unwrap();
    let whole = fs::read_to_string(&curves).unwrap();
    let rows = |n: usize| whole.split_inclusive('\n').take(n + 1).collect::<String>();
    assert_eq!(whole.lines().count(), 9);
    for (epoch, seen) in watch.1.into_inner().unwrap().iter().enumerate().skip(1) {
        assert_eq!(*seen, rows(epoch), "{epoch}");
    }
    // Killed in epoch 5, with a row that is cut off, and once with none: the checkpoint has 3 epochs.
    for left in [rows(5) + "5,0.0", String::new()] {
        let folder = tempfile::tempdir().unwrap();
        let early = run(&recipe, folder.path(), 3);
        assert!(matches!(early, Err(StudyError::Interrupted)), "{early:?}");
        let curves = folder.path().join("curves.csv");
        assert_eq!(fs::read_to_string(&curves).unwrap(), rows(3));
        fs::write(&curves, left).unwrap();
        let early = run(&recipe, folder.path(), 2);
        assert!(matches!(early, Err(StudyError::Interrupted)), "{early:?}");
        assert_eq!(fs::read_to_string(&curves).unwrap(), rows(5));
        run(&recipe, folder.path(), usize::MAX).unwrap();
        assert_eq!(fs::read_to_string(&curves).unwrap(), whole);
    }
}
