//! The contract of an evaluator.

use std::cell::Cell;

use bonas_spaces::{Architecture, SearchSpace};

use crate::evaluator::{Job, Monitor};
use crate::history::Outcome;
use crate::rng::{self, EVALUATE};
use crate::{Evaluator, StudyError};

const SEED: u64 = 11;

/// Checks that an evaluator keeps its contract on a space:
///
/// - one outcome an architecture; every score finite and of the fidelity it announces;
/// - outcomes are a function of settings, job and generator: neither earlier jobs nor another
///   instance change them;
/// - when it is cancelled it ends with [`StudyError::Interrupted`] or with outcomes, and works
///   after that as before;
/// - it reports no more steps done than there are.
///
/// # Panics
/// With what is wrong.
pub fn check_evaluator(make: &dyn Fn() -> Box<dyn Evaluator>, space: &dyn SearchSpace) {
    let jobs = [job(space, 0, 3), job(space, 1, 1)];
    let mut used = make();
    let first = jobs.each_ref().map(|job| outcomes(used.as_mut(), job));
    for (job, expected) in jobs.iter().zip(&first) {
        assert_eq!(&outcomes(used.as_mut(), job), expected, "the same job again gives other outcomes");
    }
    let mut fresh = make();
    assert_eq!(fresh.fidelity(), used.fidelity(), "two instances announce different fidelities");
    let reversed = [&jobs[1], &jobs[0]].map(|job| outcomes(fresh.as_mut(), job));
    assert_eq!([&reversed[1], &reversed[0]], [&first[0], &first[1]], "earlier jobs change outcomes");
    check_cancelling(used.as_mut(), &jobs[0], &first[0]);
}

fn check_cancelling(evaluator: &mut dyn Evaluator, job: &Job, expected: &[Outcome]) {
    let monitor = Watch { cancelled: true, ..Watch::default() };
    match evaluator.evaluate(job, &mut stream(job), &monitor) {
        Ok(outcomes) => assert_eq!(outcomes, expected, "a cancelled job gives other outcomes"),
        Err(StudyError::Interrupted) => {}
        Err(error) => panic!("a cancelled job must end as interrupted, not with: {error}"),
    }
    assert_eq!(outcomes(evaluator, job), expected, "a job after a cancelled one gives other outcomes");
}

fn job(space: &dyn SearchSpace, batch: usize, size: usize) -> Job {
    let mut rng = rng::stream(SEED, &[batch as u64]);
    let mut architectures: Vec<Architecture> = Vec::new();
    for _ in 0..1000 {
        let drawn = space.sample(&mut rng);
        if architectures.len() < size && !architectures.contains(&drawn) {
            architectures.push(drawn);
        }
    }
    Job { architectures, round: 0, batch }
}

fn stream(job: &Job) -> rng::StudyRng {
    rng::stream(SEED, &[EVALUATE, job.round as u64, job.batch as u64])
}

fn outcomes(evaluator: &mut dyn Evaluator, job: &Job) -> Vec<Outcome> {
    let monitor = Watch::default();
    let outcomes = match evaluator.evaluate(job, &mut stream(job), &monitor) {
        Ok(outcomes) => outcomes,
        Err(error) => panic!("a valid job failed as a whole: {error}"),
    };
    assert!(!monitor.too_many.get(), "it reports more steps done than there are");
    assert_eq!(outcomes.len(), job.architectures.len(), "not one outcome an architecture");
    for outcome in &outcomes {
        if let Outcome::Scored(score) = outcome {
            assert!(score.value.is_finite(), "a score is {}", score.value);
            assert_eq!(score.fidelity, evaluator.fidelity(), "a score has another fidelity than announced");
        }
    }
    outcomes
}

#[derive(Default)]
struct Watch {
    cancelled: bool,
    too_many: Cell<bool>,
}

impl Monitor for Watch {
    fn step(&self, done: u64, total: u64, _stage: &str) {
        self.too_many.set(self.too_many.get() || done > total);
    }

    fn cancelled(&self) -> bool {
        self.cancelled
    }
}
