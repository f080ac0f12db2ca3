//! What the loop does with strategies, evaluators, budgets and observers of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::evaluator::{Job, Monitor, Synthetic};
use bonas::study::history::{EndReason, Event, Observer};
use bonas::study::rng::StudyRng;
use bonas::study::strategy::{Ask, Batches, Proposal, RandomSearch};
use bonas::study::testing::Chain;
use bonas::study::{Budget, Finished, MAX_DRY_ROUNDS, Study};
use bonas::{Evaluator, Fidelity, Outcome, Score, StudyError};

use crate::support::{Asks, Recorder, chain, eventful_evaluator, eventful_study, zeros};

fn random(n: usize) -> Study {
    let strategy = RandomSearch { batches: Batches { count: 3, size: 2 } };
    Study::new(chain(10, 3), Box::new(strategy), vec![Box::new(zeros())]).budget(Budget::architectures(n))
}

fn asking(asks: impl FnMut(&Ask<'_>) -> Vec<Vec<Architecture>> + Send + 'static) -> Study {
    Study::new(chain(6, 3), Box::new(Asks(asks)), vec![Box::new(zeros())]).budget(Budget::architectures(50))
}

fn texts(finished: &Finished, space: &dyn SearchSpace) -> Vec<String> {
    finished.history.evaluations().iter().map(|e| space.format(&e.architecture).unwrap()).collect()
}

#[test]
fn the_history_is_the_same_for_any_number_of_workers() {
    let evaluator = eventful_evaluator().delay_up_to(Duration::from_millis(2));
    let outcome = |workers| {
        let finished = eventful_study(workers, &evaluator).run().unwrap();
        format!("{:?}", finished.history.evaluations().iter().map(|e| &e.outcome).collect::<Vec<_>>())
    };
    let one = outcome(1);
    assert!(one.contains("diverged"));
    assert_eq!(outcome(4), one);
    assert_eq!(outcome(3), one);
}

#[test]
fn the_budget_cuts_the_last_round() {
    let finished = random(10).run().unwrap();
    assert_eq!((finished.history.len(), finished.reason), (10, EndReason::Budget));
    assert_eq!(finished.ask_seconds.len(), 2);
    let finished = random(10).budget(Budget::rounds(1)).run().unwrap();
    assert_eq!(finished.history.len(), 6);
}

#[test]
fn seconds_count_asking_and_evaluating() {
    let slow = zeros().delay_up_to(Duration::from_millis(40));
    let strategy = RandomSearch { batches: Batches { count: 1, size: 1 } };
    let budget = Budget { seconds: Some(0.2), ..Budget::default() };
    let study = Study::new(chain(10, 3), Box::new(strategy), vec![Box::new(slow)]).budget(budget);
    let finished = study.run().unwrap();
    let spent = finished.ask_seconds.iter().sum::<f64>() + finished.evaluate_seconds;
    assert_eq!(finished.reason, EndReason::Budget);
    assert!((0.2..0.6).contains(&spent), "{spent}");
}

#[test]
fn copies_are_dropped_isomorphic_ones_too() {
    let recorder = Recorder::default();
    let finished = asking(|ask| {
        if ask.round > 1 {
            return Vec::new();
        }
        let parse = |text: &str| ask.space.parse(text).unwrap();
        vec![vec![parse("000012"), parse("210000")], vec![parse("000012")], vec![parse("111111")]]
    })
    .observer(Box::new(recorder.clone()))
    .run()
    .unwrap();
    assert_eq!(texts(&finished, chain(6, 3).as_ref()), ["000012", "111111"]);
    assert_eq!(finished.reason, EndReason::Exhausted);
    let events = recorder.events.lock().unwrap();
    let asked = events.iter().filter_map(|(event, _)| match event {
        Event::Asked { dropped, batches, .. } => Some((*dropped, batches.len())),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [(2, 2), (4, 0)]);
}

#[test]
fn a_strategy_that_only_repeats_itself_ends_as_exhausted() {
    let finished = asking(|ask| vec![vec![ask.space.parse("000000").unwrap()]]).run().unwrap();
    assert_eq!((finished.history.len(), finished.reason), (1, EndReason::Exhausted));
    assert_eq!(finished.ask_seconds.len(), 1 + MAX_DRY_ROUNDS);
}

/// As a network of a strategy's own, whose cells stay the same for a while: 150 rounds propose one cell, the next none, and then another.
#[test]
fn a_strategy_that_may_repeat_itself_goes_on() {
    struct Patient;

    impl bonas::Strategy for Patient {
        fn name(&self) -> &'static str {
            "patient"
        }

        fn repeats(&self) -> bool {
            true
        }

        fn ask(&mut self, ask: &Ask<'_>, _: &mut StudyRng) -> Result<Proposal, StudyError> {
            let text = match ask.round {
                0..150 => "000000",
                150 => return Ok(Proposal { batches: vec![Vec::new()] }),
                151 => "111111",
                _ => return Ok(Proposal::default()),
            };
            let candidate = ask.space.parse(text)?.into();
            Ok(Proposal { batches: vec![vec![candidate]] })
        }
    }

    let study = Study::new(chain(6, 3), Box::new(Patient), vec![Box::new(zeros())]);
    let finished = study.budget(Budget::architectures(50)).run().unwrap();
    assert_eq!(texts(&finished, chain(6, 3).as_ref()), ["000000", "111111"]);
    assert_eq!((finished.reason, finished.ask_seconds.len()), (EndReason::Exhausted, 153));
}

#[test]
fn random_search_uses_a_small_space_up() {
    let space = chain(4, 2);
    let study = Study::new(space.clone(), Box::new(RandomSearch::default()), vec![Box::new(zeros())]);
    let finished = study.budget(Budget::architectures(1000)).run().unwrap();
    assert_eq!(space.size(), bonas::spaces::SpaceSize::Unique(finished.history.len() as u128));
    assert_eq!(finished.reason, EndReason::Exhausted);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let reason = |study: Study| match study.run().unwrap_err() {
        StudyError::Setting { name, reason } => format!("{name}: {reason}"),
        other => panic!("{other}"),
    };
    assert!(reason(random(0)).contains("architectures = 0"));
    assert!(reason(random(1).budget(Budget::default())).contains("at least one of"));
    let nan = Budget { seconds: Some(f64::NAN), ..Budget::default() };
    assert!(reason(random(1).budget(nan)).contains("seconds = NaN"));
    let none = Study::new(chain(3, 2), Box::new(RandomSearch::default()), Vec::new());
    assert!(reason(none.budget(Budget::rounds(1))).contains("evaluators"));
    let other = Synthetic::new(Fidelity::Indicator, Chain::share_of_zeros);
    let mixed: Vec<Box<dyn Evaluator>> = vec![Box::new(zeros()), Box::new(other)];
    let mixed = Study::new(chain(3, 2), Box::new(RandomSearch::default()), mixed);
    assert!(reason(mixed.budget(Budget::rounds(1))).contains("table and indicator"));
    let empty = RandomSearch { batches: Batches { count: 1, size: 0 } };
    let empty = Study::new(chain(3, 2), Box::new(empty), vec![Box::new(zeros())]);
    assert!(reason(empty.budget(Budget::rounds(1))).contains("batches.size"));
}

/// Does in batch 1 what a function says, and waits to be stopped in batch 0.
#[derive(Clone)]
struct Odd(Fidelity, fn(&Job) -> Result<Vec<Outcome>, StudyError>);

fn score(value: f64, fidelity: Fidelity) -> Outcome {
    Outcome::Scored(Score::of(value, fidelity))
}

impl Evaluator for Odd {
    fn fidelity(&self) -> Fidelity {
        self.0
    }

    fn evaluate(
        &mut self,
        job: &Job,
        _: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        if job.batch == 1 {
            return (self.1)(job);
        }
        let start = Instant::now();
        while job.batch == 0 && !monitor.cancelled() {
            if start.elapsed() > Duration::from_secs(5) {
                return Err(StudyError::Evaluator("it was not stopped".into()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if job.batch == 0 {
            Err(StudyError::Interrupted)
        } else {
            Ok(vec![score(0.5, self.0); job.architectures.len()])
        }
    }
}

#[test]
fn evaluators_that_break_their_contract_stop_the_study_and_no_worker_hangs() {
    let error = |odd: fn(&Job) -> Result<Vec<Outcome>, StudyError>| {
        let odd = Odd(Fidelity::Table, odd);
        let evaluators = (0..3).map(|_| Box::new(odd.clone()) as Box<dyn Evaluator>).collect();
        let strategy = RandomSearch { batches: Batches { count: 4, size: 2 } };
        let study = Study::new(chain(10, 3), Box::new(strategy), evaluators);
        match study.budget(Budget::rounds(2)).run().unwrap_err() {
            StudyError::Evaluator(reason) => reason,
            other => panic!("{other}"),
        }
    };
    assert!(error(|_| Ok(vec![score(0.5, Fidelity::Table)])).contains("1 outcomes for 2 architectures"));
    let nan = error(|_| Ok(vec![score(f64::NAN, Fidelity::Table); 2]));
    assert_eq!(nan, "round 0 batch 1: score NaN is not finite");
    assert!(error(|_| Ok(vec![score(0.5, Fidelity::Indicator); 2])).contains("fidelity indicator"));
    assert!(error(|_| panic!("out of {}", "cheese")).contains("panicked: out of cheese"));
    assert!(error(|_| Err(StudyError::Evaluator("no data".into()))).contains("batch 1: no data"));
}

/// Raises a flag after so many batches.
struct StopAfter(usize, Arc<AtomicBool>);

impl Observer for StopAfter {
    fn event(&mut self, event: &Event, replayed: bool) {
        if matches!(event, Event::Evaluated { .. }) && !replayed {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                self.1.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn a_cancelled_study_goes_on_where_it_stopped() {
    let expected = crate::support::undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let evaluator = eventful_evaluator().delay_up_to(Duration::from_millis(1));
    for workers in [1, 4, 4, 1] {
        let cancel = Arc::new(AtomicBool::new(false));
        let study = eventful_study(workers, &evaluator).directory(folder.path()).cancel(cancel.clone());
        let error = study.observer(Box::new(StopAfter(15, cancel))).run().unwrap_err();
        assert!(matches!(error, StudyError::Interrupted), "{error}");
    }
    let recorder = Recorder::default();
    eventful_study(4, &evaluator)
        .directory(folder.path())
        .observer(Box::new(recorder.clone()))
        .run()
        .unwrap();
    assert!(expected == crate::support::journal_of(folder.path()), "another journal than undisturbed");
    let events = recorder.events.lock().unwrap();
    let replayed = events.iter().take_while(|(_, replayed)| *replayed).count();
    assert!(replayed > 60, "{replayed} events replayed");
    assert!(events[replayed..].iter().all(|(_, replayed)| !replayed));
    assert_eq!(events.len(), expected.split(|&b| b == b'\n').count() - 1);
}

#[test]
fn observers_hear_of_progress_in_order() {
    let recorder = Recorder::default();
    random(6).observer(Box::new(recorder.clone())).run().unwrap();
    let progress = recorder.progress.lock().unwrap();
    let names: Vec<&str> = progress.iter().map(|p| p.split([' ', '{']).next().unwrap()).collect();
    assert_eq!(names, ["Asking", "Asked", "EvaluatedIn", "EvaluatedIn", "EvaluatedIn"]);
}
