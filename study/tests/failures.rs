//! Failed evaluations inform a search.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bonas_spaces::{Architecture, Key};
use bonas_study::evaluator::{Job, Monitor, Synthetic};
use bonas_study::history::{Outcome, Score};
use bonas_study::journal::JOURNAL_FILE;
use bonas_study::rng::StudyRng;
use bonas_study::strategy::{Batches, Bonas, RandomSearch};
use bonas_study::testing::Chain;
use bonas_study::{Budget, Evaluator, FailurePolicy, Fidelity, Strategy, Study, StudyError};
use rand::RngExt;

/// Zeros score best, and chains with three or more of them cannot be trained: a search that learns from failures
/// stays below.
#[test]
fn what_fails_for_a_reason_is_avoided() {
    let zeros = |a: &Architecture| Chain::digits(a).iter().filter(|&&digit| digit == 0).count();
    let function = move |a: &Architecture| match zeros(a) {
        3.. => Err("out of memory".to_owned()),
        few => Ok(few as f64 / 6.0),
    };
    let failures = |strategy: Box<dyn Strategy>| {
        let space = Arc::new(Chain::new(6, 3).unwrap());
        let evaluator = Synthetic::new(Fidelity::Table, function);
        let study = Study::new(space, strategy, vec![Box::new(evaluator)]);
        let history = study.seed(3).budget(Budget::architectures(60)).run().unwrap().history;
        let failed = history.evaluations().iter().skip(20);
        failed.filter(|e| matches!(e.outcome, Outcome::Failed(_))).count()
    };
    let learnt = failures(Box::<Bonas>::default());
    let random = failures(Box::<RandomSearch>::default());
    assert!(learnt < 8 && random > 10, "{learnt} {random}");
}

/// Scores by digits; fails for architectures with no zero, `times` times each.
#[derive(Clone)]
struct Flaky {
    times: usize,
    done: Arc<Mutex<HashMap<Key, usize>>>,
    panics: bool,
}

impl Flaky {
    fn new(times: usize, panics: bool) -> Self {
        Self { times, done: Arc::default(), panics }
    }

    /// Whether this is one of the first evaluations of it, which fail.
    fn fails(&self, one: &Architecture) -> bool {
        let mut done = self.done.lock().unwrap();
        let done = done.entry(one.key()).or_insert(0);
        *done += 1;
        *done <= self.times
    }
}

impl Evaluator for Flaky {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Table
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        _: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        let noise: f64 = rng.random();
        for one in job.architectures.iter().filter(|a| !Chain::digits(a).contains(&0)) {
            if self.fails(one) {
                assert!(!self.panics, "out of cheese");
                return Err(StudyError::Failed("libtorch: out of memory".into()));
            }
        }
        let score = |a: &Architecture| Chain::digits(a).iter().filter(|&&d| d == 1).count() as f64 + noise;
        Ok(job.architectures.iter().map(|a| Outcome::Scored(Score::of(score(a), Fidelity::Table))).collect())
    }
}

fn flaky(evaluator: &Flaky, workers: usize, failures: FailurePolicy) -> Study {
    flaky_by((0..workers).map(|_| Box::new(evaluator.clone()) as Box<dyn Evaluator>).collect(), failures)
}

fn flaky_by(evaluators: Vec<Box<dyn Evaluator>>, failures: FailurePolicy) -> Study {
    let strategy = RandomSearch { batches: Batches { count: 4, size: 2 } };
    let study = Study::new(Arc::new(Chain::new(6, 3).unwrap()), Box::new(strategy), evaluators);
    study.seed(5).budget(Budget::architectures(48)).failures(failures)
}

fn outcomes(study: Study) -> Vec<Outcome> {
    study.run().unwrap().history.evaluations().iter().map(|one| one.outcome.clone()).collect()
}

#[test]
fn what_goes_well_another_time_leaves_no_trace() {
    let expected = outcomes(flaky(&Flaky::new(0, false), 1, FailurePolicy::default()));
    let policy = FailurePolicy { retries: 2, max_failed_share: 0.0 };
    for workers in [1, 3] {
        assert_eq!(outcomes(flaky(&Flaky::new(1, false), workers, policy)), expected, "{workers} workers");
    }
}

#[test]
fn what_always_fails_is_recorded_with_its_reason_whatever_the_workers() {
    let policy = FailurePolicy { retries: 1, max_failed_share: 0.9 };
    let all = [1, 3].map(|workers| outcomes(flaky(&Flaky::new(usize::MAX, true), workers, policy)));
    assert_eq!(all[0], all[1]);
    let failed: Vec<&Outcome> = all[0].iter().filter(|one| matches!(one, Outcome::Failed(_))).collect();
    assert!(!failed.is_empty() && failed.len() < 40, "{}", failed.len());
    let reason = "the evaluator panicked: out of cheese (attempt 2 of 2)";
    assert!(failed.iter().all(|one| **one == Outcome::Failed(reason.into())), "{failed:?}");
}

#[test]
fn where_too_much_fails_the_study_stops_and_goes_on_when_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (never, policy) =
        (Flaky::new(usize::MAX, false), FailurePolicy { retries: 0, max_failed_share: 0.0 });
    let error = flaky(&never, 1, policy).directory(folder.path()).run().unwrap_err().to_string();
    assert!(error.contains("libtorch: out of memory; mend the cause"), "{error}");
    let mended = flaky(&Flaky::new(0, false), 1, policy).directory(folder.path());
    assert_eq!(outcomes(mended), outcomes(flaky(&Flaky::new(0, false), 1, policy)));
    let bad = FailurePolicy { retries: 0, max_failed_share: f64::NAN };
    assert!(flaky(&never, 1, bad).run().unwrap_err().to_string().contains("NaN; it must be in [0, 1]"));
}

/// The share is looked at when a batch's turn comes in the journal, so that the same batch stops the study at any number of
/// workers; what was recorded before stays. With seed 49 eight of 24 have failed before.
#[test]
fn a_study_stops_at_the_same_batch_whatever_the_workers_and_goes_on_from_there() {
    let policy = FailurePolicy { retries: 0, max_failed_share: 0.34 };
    let stopped = [1, 3].map(|workers| {
        let folder = tempfile::tempdir().unwrap();
        let never = Flaky::new(usize::MAX, false);
        let error =
            flaky(&never, workers, policy).seed(49).directory(folder.path()).run().unwrap_err().to_string();
        assert!(
            error.contains("10 of 26 architectures have failed, and study.max_failed_share is 0.34"),
            "{error}"
        );
        let journal = std::fs::read_to_string(folder.path().join(JOURNAL_FILE)).unwrap();
        let mended = flaky(&Flaky::new(0, false), workers, policy).seed(49);
        let mended = outcomes(mended.directory(folder.path()));
        assert_eq!(mended.len(), 48);
        (error, journal, mended)
    });
    assert_eq!(stopped[0], stopped[1]);
    assert!(stopped[0].1.contains("out of memory"), "something was recorded before");
}

/// Fails, and has the study stopped meanwhile.
struct Stops(Flaky, Arc<AtomicBool>);

impl Evaluator for Stops {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Table
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        let outcomes = self.0.evaluate(job, rng, monitor);
        self.1.store(outcomes.is_err(), Ordering::Relaxed);
        outcomes
    }
}

/// A failure while the user stops the study is none: its attempts are left.
#[test]
fn what_fails_when_the_study_is_stopped_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let policy = FailurePolicy { retries: 1, max_failed_share: 1.0 };
    let cancel = Arc::new(AtomicBool::new(false));
    let stops = Stops(Flaky::new(usize::MAX, false), cancel.clone());
    let study = flaky_by(vec![Box::new(stops)], policy).cancel(cancel);
    assert!(matches!(study.directory(folder.path()).run(), Err(StudyError::Interrupted)));
    let mended = flaky(&Flaky::new(0, false), 1, policy).directory(folder.path());
    assert_eq!(outcomes(mended), outcomes(flaky(&Flaky::new(0, false), 1, policy)));
}
