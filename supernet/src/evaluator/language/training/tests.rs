use std::cell::Cell;
use std::sync::Arc;

use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
use bonas_spaces::network::SpaceRecurrent;
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::{Evaluator, Job};

use rand::Rng;

use super::super::{LanguageEvaluator, LanguageOptimizer, TextPart};
use super::*;
use crate::evaluator::RunFiles;

/// Stops a training in the middle of its epoch number `at`.
struct StopIn {
    at: u64,
    epoch: Cell<u64>,
    asked: Cell<usize>,
}

impl StopIn {
    fn new(at: u64) -> Self {
        Self { at, epoch: Cell::new(0), asked: Cell::new(0) }
    }
}

impl Monitor for StopIn {
    fn step(&self, epoch: u64, _: u64, _: &str) {
        self.epoch.set(epoch);
        self.asked.set(0);
    }

    fn cancelled(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.epoch.get() == self.at && self.asked.get() > 2
    }
}

/// A text of five words in turn.
fn text(folder: &Path) -> Text {
    for (part, times) in [("train", 60), ("valid", 10), ("test", 12)] {
        std::fs::write(folder.join(part), "a b c d e\n".repeat(times)).unwrap();
    }
    Text::load(&format!("text:{}", folder.display()), 1).unwrap()
}

fn recipe(optimizer: LanguageOptimizer) -> LanguageRecipe {
    let small =
        LanguageRecipe { embedding: 8, hidden: 8, epochs: 5, batch: 4, bptt: 8, ..LanguageRecipe::default() };
    // So fast that plain steps go up and down, after which `nt-asgd` averages.
    let learning_rate = if optimizer == LanguageOptimizer::NtAsgd { 100.0 } else { 0.02 };
    LanguageRecipe { optimizer, patience: 1, learning_rate, ..small }
}

fn architecture(name: &str) -> (NasBenchNlp, Architecture) {
    let space = NasBenchNlp::new();
    let architecture = space.parse(name).unwrap();
    (space, architecture)
}

fn cells(names: &[&str]) -> Vec<RecurrentCell> {
    let cell = |name: &&str| {
        let (space, architecture) = architecture(name);
        space.cell(&architecture).unwrap()
    };
    names.iter().map(cell).collect()
}

#[test]
fn a_training_that_was_stopped_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path());
    for (optimizer, names) in [
        (LanguageOptimizer::Adam, &["gru"][..]),
        (LanguageOptimizer::NtAsgd, &["rnn"]),
        (LanguageOptimizer::Adam, &["rnn", "gru"]),
    ] {
        let (recipe, cells) = (recipe(optimizer), cells(names));
        let training = Training { text: &text, recipe: &recipe, device: Device::Cpu, seed: 3 };
        let whole = training.run(&cells, &StopIn::new(9)).unwrap();
        if optimizer == LanguageOptimizer::NtAsgd {
            // Averaging begins when a validation loss is above the least of those before the last one.
            let valid: Vec<f64> = whole.epochs.iter().map(|epoch| epoch.valid[0]).collect();
            let least = |at: usize| valid[..at - 1].iter().copied().fold(f64::INFINITY, f64::min);
            assert!((2..valid.len() - 1).any(|at| valid[at] > least(at)), "it never averages: {valid:?}");
        }
        let file = folder.path().join(format!("{optimizer:?}{}", names.len()));
        for at in [1, 3] {
            let stopped = training.resume(&cells, &file, &StopIn::new(at));
            assert!(matches!(stopped, Err(StudyError::Interrupted)));
        }
        // The second time everything is there.
        for _ in 0..2 {
            let resumed = training.resume(&cells, &file, &StopIn::new(9)).unwrap();
            assert_eq!((&resumed.epochs, &resumed.valid), (&whole.epochs, &whole.valid));
            assert!(resumed.net.params().flat().equal(whole.net.params().flat()));
        }
    }
}

#[test]
fn a_file_of_another_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (text, recipe) = (text(folder.path()), recipe(LanguageOptimizer::Adam));
    let training = Training { text: &text, recipe: &recipe, device: Device::Cpu, seed: 3 };
    let file = folder.path().join("state");
    training.resume(&cells(&["rnn"]), &file, &StopIn::new(9)).unwrap();
    let error =
        |cell: &str| training.resume(&cells(&[cell]), &file, &StopIn::new(9)).unwrap_err().to_string();
    assert!(error("gru").contains("state: it has no layer0."), "{}", error("gru"));
    std::fs::write(&file, "no tensors").unwrap();
    assert!(error("rnn").contains("not a whole safetensors file"), "{}", error("rnn"));
}

#[test]
fn a_training_begins_anew_where_text_or_seed_are_others() {
    let folder = tempfile::tempdir().unwrap();
    let (text, recipe, cells) = (text(folder.path()), recipe(LanguageOptimizer::Adam), cells(&["rnn"]));
    // The same number of words and the same vocabulary, in another order.
    let mut other = text.clone();
    other.train.reverse();
    let first = Training { text: &text, recipe: &recipe, device: Device::Cpu, seed: 3 };
    let file = folder.path().join("state");
    for training in [Training { text: &other, ..first }, Training { seed: 4, ..first }] {
        assert!(first.resume(&cells, &file, &StopIn::new(3)).is_err() && file.exists());
        let whole = training.run(&cells, &StopIn::new(9)).unwrap();
        let resumed = training.resume(&cells, &file, &StopIn::new(9)).unwrap();
        assert_eq!((&resumed.epochs, &resumed.valid), (&whole.epochs, &whole.valid));
        std::fs::remove_file(&file).unwrap();
    }
}

/// Of what is scored on the validation part only the learning curve stays; states are there until the batch is scored.
#[test]
fn states_of_a_search_go_once_their_batch_is_scored() {
    let folder = tempfile::tempdir().unwrap();
    let (space, architecture) = architecture("rnn");
    let other = space.parse("gru").unwrap();
    let mut evaluator = LanguageEvaluator {
        space: Arc::new(space),
        text: Arc::new(text(folder.path())),
        part: TextPart::Valid,
        recipe: LanguageRecipe { epochs: 2, ..recipe(LanguageOptimizer::Adam) },
        seeds: 1,
        paired: Some(5),
        device: Device::Cpu,
        threads: 1,
        folder: Some(folder.path().join("checkpoints")),
    };
    let files = RunFiles::new(&folder.path().join("checkpoints"), architecture.key(), 0);
    evaluator.scores(&architecture, &mut stream(1, &[]), &StopIn::new(9)).unwrap().unwrap();
    assert!(files.checkpoint().is_file());
    let job = Job { round: 0, batch: 0, architectures: vec![architecture, other] };
    let outcomes = evaluator.evaluate(&job, &mut stream(1, &[]), &StopIn::new(9)).unwrap();
    assert_eq!(outcomes.len(), 2);
    let left = std::fs::read_dir(folder.path().join("checkpoints")).unwrap();
    let states = left.filter(|file| file.as_ref().unwrap().path().to_string_lossy().contains(".checkpoint."));
    assert!(states.count() == 0 && files.curves().is_file());
}

#[test]
fn runs_are_scored_on_their_part_and_leave_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let text = Arc::new(text(folder.path()));
    let (space, architecture) = architecture("gru");
    let evaluator = LanguageEvaluator {
        space: Arc::new(space),
        text: text.clone(),
        part: TextPart::Test,
        recipe: recipe(LanguageOptimizer::Adam),
        seeds: 2,
        paired: Some(5),
        device: Device::Cpu,
        threads: 1,
        folder: Some(folder.path().join("final")),
    };
    let scores = |evaluator: &LanguageEvaluator, seed| {
        let mut rng = stream(seed, &[]);
        evaluator.scores(&architecture, &mut rng, &StopIn::new(9)).unwrap().unwrap()
    };
    let test = scores(&evaluator, 1);
    assert_eq!((test.len(), scores(&evaluator, 2)), (2, test.clone()), "seeds are paired");
    let mut seeds = stream(5, &[]);
    let training =
        Training { text: &text, recipe: &evaluator.recipe, device: Device::Cpu, seed: seeds.next_u64() };
    let alone = training.run(&cells(&["gru"]), &StopIn::new(9)).unwrap();
    assert_eq!(test[0], (-alone.loss(0, &text.test).unwrap()).exp());
    let files = RunFiles::new(&folder.path().join("final"), architecture.key(), 1);
    let curves = std::fs::read_to_string(files.curves()).unwrap();
    assert!(curves.starts_with("epoch,loss,validation_loss\n0,") && curves.lines().count() == 6, "{curves}");
    assert!(files.weights().is_file() && files.losses().is_file());
    let held_out = LanguageEvaluator { part: TextPart::Valid, folder: None, seeds: 1, ..evaluator };
    assert_eq!(scores(&held_out, 1)[0], (-alone.valid[0].clone().unwrap()).exp());
}
