//! What several test modules need.

use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::evaluator::Synthetic;
use bonas::study::history::{Event, Observer, Progress};
use bonas::study::strategy::{Ask, Batches, Candidate, Proposal, RegularizedEvolution};
use bonas::study::testing::Chain;
use bonas::study::{Budget, Study};
use bonas::surrogate::{Observation, Posterior, Predict, Surrogate, SurrogateError};
use bonas::{Evaluator, Fidelity, Strategy, StudyError};
use rand::Rng;

pub(crate) fn chain(length: usize, ops: usize) -> Arc<dyn SearchSpace> {
    Arc::new(Chain::new(length, ops).unwrap())
}

pub(crate) fn zeros() -> Synthetic {
    Synthetic::new(Fidelity::Table, Chain::share_of_zeros)
}

/// Some of its evaluations fail, its scores are noisy, and it has rounds of several batches.
pub(crate) fn eventful_study(workers: usize, evaluator: &Synthetic) -> Study {
    let strategy = RegularizedEvolution {
        population: 24,
        sample: 5,
        batches: Batches { count: 6, size: 2 },
        ..RegularizedEvolution::default()
    };
    let evaluators = (0..workers).map(|_| Box::new(evaluator.clone()) as Box<dyn Evaluator>).collect();
    Study::new(chain(10, 4), Box::new(strategy), evaluators)
        .seed(5)
        .config("evolution on a chain\n")
        .budget(Budget::architectures(250))
}

pub(crate) fn eventful_evaluator() -> Synthetic {
    let function = |architecture: &Architecture| match Chain::share_of_zeros(architecture)? {
        value if value < 0.15 => Err("diverged".to_owned()),
        value => Ok(value),
    };
    Synthetic::new(Fidelity::SharedWeights, function).noise(0.03)
}

/// The journal of a study.
pub(crate) fn journal_of(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join(bonas::study::journal::JOURNAL_FILE)).unwrap()
}

/// The journal of the eventful study when nothing disturbs it.
pub(crate) fn undisturbed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    eventful_study(1, &eventful_evaluator()).directory(folder.path()).run().unwrap();
    journal_of(folder.path())
}

/// Whether a process ended well within its life; else it is killed.
pub(crate) fn ends_within(mut child: Child, life: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < life {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return true;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

/// A strategy from a closure.
pub(crate) struct Asks<F>(pub(crate) F);

impl<F: FnMut(&Ask<'_>) -> Vec<Vec<Architecture>> + Send> Strategy for Asks<F> {
    fn name(&self) -> &'static str {
        "asks"
    }

    fn ask(&mut self, ask: &Ask<'_>, _: &mut bonas::study::rng::StudyRng) -> Result<Proposal, StudyError> {
        let batches = (self.0)(ask);
        let candidates = |batch: Vec<Architecture>| batch.into_iter().map(Candidate::from).collect();
        Ok(Proposal { batches: batches.into_iter().map(candidates).collect() })
    }
}

/// Writes down what it sees.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    pub(crate) events: Arc<Mutex<Vec<(Event, bool)>>>,
    pub(crate) progress: Arc<Mutex<Vec<String>>>,
}

impl Observer for Recorder {
    fn event(&mut self, event: &Event, replayed: bool) {
        self.events.lock().unwrap().push((event.clone(), replayed));
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        self.progress.lock().unwrap().push(format!("{progress:?}"));
    }
}

/// A surrogate for chains: an average of the scores, weighted by `exp(-difference)`, where the
/// difference is that of the operation counts.
#[derive(Debug)]
pub(crate) struct Near;

struct NearFitted(Vec<(Vec<f64>, f64)>);

fn counts(architecture: &Architecture) -> Vec<f64> {
    let mut counts = vec![0.0; 10];
    for digit in Chain::digits(architecture) {
        counts[digit] += 1.0;
    }
    counts
}

impl Surrogate for Near {
    fn name(&self) -> &'static str {
        "near"
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        Ok(Box::new(NearFitted(observations.iter().map(|o| (counts(&o.architecture), o.score)).collect())))
    }
}

impl Predict for NearFitted {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        candidates.iter().map(|architecture| self.posterior(&counts(architecture))).collect()
    }
}

impl NearFitted {
    fn posterior(&self, at: &[f64]) -> Result<Posterior, SurrogateError> {
        let (mut weights, mut sum) = (1e-9, 0.0);
        for (counts, score) in &self.0 {
            let difference: f64 = counts.iter().zip(at).map(|(a, b)| (a - b).abs()).sum();
            weights += (-difference).exp();
            sum += (-difference).exp() * score;
        }
        Posterior::gaussian(sum / weights, 0.01 / (1.0 + weights))
    }
}

/// Waits until a process handles SIGINT itself; before, the signal would end it.
pub(crate) fn wait_until_interrupts_are_caught(process: u32) {
    let caught = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 0b10 != 0
    };
    let begun = std::time::Instant::now();
    while !caught() {
        assert!(begun.elapsed().as_secs() < 60, "process {process} never listened");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
