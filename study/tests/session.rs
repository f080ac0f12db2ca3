//! Studies that are asked and told.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::Synthetic;
use bonas_study::history::EndReason;
use bonas_study::journal::JOURNAL_FILE;
use bonas_study::strategy::{Batches, Bonas, RandomSearch, RegularizedEvolution};
use bonas_study::testing::Chain;
use bonas_study::{
    Budget, Evaluator, Fidelity, History, Journalled, Outcome, Score, Session, Strategy, Study, StudyError,
    Trial,
};

const BUDGET: usize = 20;

fn space() -> Arc<dyn SearchSpace> {
    Arc::new(Chain::new(8, 3).unwrap())
}

fn score(architecture: &Architecture) -> f64 {
    Chain::digits(architecture).iter().enumerate().map(|(i, &d)| (d == 1) as usize * (i + 1)).sum::<usize>()
        as f64
        / 40.0
}

fn strategies() -> Vec<fn() -> Box<dyn Strategy>> {
    vec![
        || Box::new(RandomSearch::default()),
        || Box::new(RegularizedEvolution { population: 5, ..RegularizedEvolution::default() }),
        || Box::new(Bonas { batches: Batches { count: 2, size: 3 }, ..Bonas::default() }),
    ]
}

fn study(strategy: Box<dyn Strategy>, evaluators: Vec<Box<dyn Evaluator>>) -> Study {
    Study::new(space(), strategy, evaluators).seed(5).budget(Budget::architectures(BUDGET))
}

fn open(folder: &Path) -> Session {
    study(strategies()[2](), Vec::new()).directory(folder).open(Fidelity::Table).unwrap()
}

/// What a history holds, in order. Batches are left out: trials that are told are batches of one.
fn lines(history: &History) -> Vec<String> {
    history
        .evaluations()
        .iter()
        .map(|e| format!("{:?} {} {}", e.outcome, e.round, text(&e.architecture)))
        .collect()
}

fn text(architecture: &Architecture) -> String {
    space().format(architecture).unwrap()
}

fn tell(session: &mut Session, trial: &Trial) {
    session.score(trial.id, score(&trial.architecture)).unwrap();
}

/// Told round by round in the order of the trials, a study is the one that runs by itself, however few are asked for
/// at a time and however often it is opened again.
#[test]
fn told_in_order_a_study_is_the_one_that_runs() {
    for make in strategies() {
        let evaluator = Synthetic::new(Fidelity::Table, |architecture| Ok(score(architecture)));
        let expected = study(make(), vec![Box::new(evaluator)]).run().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (n, again) in [(1, false), (1, true), (3, false)] {
            let path = folder.path().join(format!("{n}{again}"));
            let open = || study(make(), Vec::new()).directory(&path).open(Fidelity::Table).unwrap();
            let mut session = open();
            loop {
                let mut trials = session.ask(n).unwrap();
                if trials.is_empty() {
                    break;
                }
                // Three that span two rounds would be asked for before the first round is told.
                let round = trials[0].round;
                if trials.iter().any(|trial| trial.round != round) {
                    trials.clear();
                    break;
                }
                for trial in &trials {
                    if again {
                        drop(session);
                        session = open();
                    }
                    tell(&mut session, trial);
                }
            }
            let told = lines(session.history());
            assert_eq!(told, lines(&expected.history)[..told.len()]);
            if n == 1 {
                assert_eq!((told.len(), session.ended()), (BUDGET, Some(expected.reason)));
            }
        }
    }
}

/// In any order: nothing is handed out twice, all that is handed out is pending until it is told, and a session opened again is
/// where the last one was.
#[test]
fn any_order_and_any_number_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (mut all, mut step) = (Vec::new(), 0usize);
    loop {
        let mut session = open(folder.path());
        let mut pending = session.pending();
        assert!(pending.len() <= 7);
        step += 1;
        let asked = session.ask(7 - pending.len()).unwrap();
        all.extend(asked.iter().map(|trial| text(&trial.architecture)));
        pending.extend(asked);
        assert_eq!(
            session.pending().iter().map(|t| t.id).collect::<Vec<_>>(),
            pending.iter().map(|t| t.id).collect::<Vec<_>>()
        );
        if pending.is_empty() {
            break assert_eq!(session.ended(), Some(EndReason::Budget));
        }
        // Now the last, now one in the middle, now all but the first.
        match step % 3 {
            0 => tell(&mut session, &pending[pending.len() - 1]),
            1 => tell(&mut session, &pending[pending.len() / 2]),
            _ => pending.iter().skip(1).for_each(|trial| tell(&mut session, trial)),
        }
    }
    assert_eq!(all.len(), BUDGET);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), BUDGET, "something was handed out twice");
    let read = Journalled::read(folder.path(), &space()).unwrap();
    assert_eq!((read.history.len(), read.ended), (BUDGET, Some(EndReason::Budget)));
}

#[test]
fn what_cannot_be_told_is_refused_and_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = open(folder.path());
    let refused = |result: Result<(), StudyError>, expected: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, StudyError::Trial { .. }) && error.to_string().contains(expected), "{error}");
    };
    refused(session.score(0, 0.5), "trial 0: no trial was handed out yet");
    let trials = session.ask(4).unwrap();
    session.score(1, 0.25).unwrap();
    session.tell(2, Outcome::Failed("diverged".into())).unwrap();
    session.abandon(3).unwrap();
    let journal = || std::fs::read(folder.path().join(JOURNAL_FILE)).unwrap();
    let before = journal();
    refused(session.score(1, 0.5), "trial 1: it was told before: score 0.25");
    refused(session.score(2, 0.5), "trial 2: it was told before: failed: diverged");
    refused(session.abandon(1), "it was told before");
    refused(session.score(3, 0.5), "trial 3: it was abandoned");
    refused(session.abandon(3), "it was abandoned");
    refused(session.score(4, 0.5), "trial 4: it was never handed out; the last one is 3");
    refused(session.score(u64::MAX, 0.5), "never handed out");
    refused(session.score(0, f64::NAN), "score NaN is not finite");
    refused(session.score(0, f64::INFINITY), "score inf is not finite");
    refused(session.score(0, -1e200), "score -1e200 is beyond 1e150");
    let other = Outcome::Scored(Score::of(0.5, Fidelity::Indicator));
    refused(session.tell(0, other), "a score of fidelity indicator where table is due");
    assert_eq!(journal(), before);
    tell(&mut session, &trials[0]);
    assert_eq!(session.history().len(), 3);
}

/// An abandoned trial takes nothing from the budget.
#[test]
fn abandoned_trials_do_not_count() {
    let mut session = study(strategies()[0](), Vec::new()).open(Fidelity::Table).unwrap();
    let first = session.ask(BUDGET).unwrap();
    assert_eq!(first.len(), BUDGET);
    assert!(session.ask(1).unwrap().is_empty() && session.ended().is_none(), "it waits for the pending ones");
    session.abandon(first[0].id).unwrap();
    first[1..].iter().for_each(|trial| tell(&mut session, trial));
    assert!(session.ended().is_none());
    let last = session.ask(9).unwrap();
    assert_eq!(last.len(), 1);
    tell(&mut session, &last[0]);
    assert_eq!((session.history().len(), session.ended()), (BUDGET, Some(EndReason::Budget)));
}

/// Killed between the last outcome and the record of the end, a study is over when it is opened again.
#[test]
fn the_end_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = open_random(folder.path());
    for trial in session.ask(BUDGET).unwrap() {
        tell(&mut session, &trial);
    }
    drop(session);
    let path = folder.path().join(JOURNAL_FILE);
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut = whole.trim_end().rfind('\n').unwrap() + 1;
    std::fs::write(&path, &whole[..cut]).unwrap();
    assert_eq!(open_random(folder.path()).ended(), Some(EndReason::Budget));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
}

/// A small space is handed out to its last architecture, and then the study is over.
#[test]
fn a_space_can_be_used_up() {
    let space: Arc<dyn SearchSpace> = Arc::new(Chain::new(2, 2).unwrap());
    let study = Study::new(space, Box::new(RandomSearch::default()), Vec::new());
    let mut session = study.budget(Budget::architectures(100)).open(Fidelity::Table).unwrap();
    let trials = session.ask(100).unwrap();
    assert!(!trials.is_empty() && trials.len() <= 4, "{}", trials.len());
    for trial in &trials {
        assert!(session.ask(3).unwrap().is_empty());
        tell(&mut session, trial);
    }
    assert!(session.ask(3).unwrap().is_empty());
    assert_eq!(session.ended(), Some(EndReason::Exhausted));
}

#[test]
fn a_study_with_trials_elsewhere_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let evaluator = || -> Vec<Box<dyn Evaluator>> {
        vec![Box::new(Synthetic::new(Fidelity::Table, |architecture| Ok(score(architecture))))]
    };
    let run = || study(strategies()[2](), evaluator()).directory(folder.path()).run();
    let mut session = open(folder.path());
    let trials = session.ask(2).unwrap();
    assert!(matches!(run(), Err(StudyError::Locked { .. })));
    drop(session);
    let error = run().unwrap_err().to_string();
    assert!(error.contains("trial 0: it was handed out and waits for its outcome (2 do)"), "{error}");
    let mut session = open(folder.path());
    for trial in &trials {
        tell(&mut session, trial);
    }
    drop(session);
    let error = run().unwrap_err().to_string();
    assert!(error.contains("round 0 was handed out in part"), "{error}");
    // After a whole round it runs on.
    let mut session = open(folder.path());
    for trial in session.ask(3).unwrap() {
        tell(&mut session, &trial);
    }
    drop(session);
    assert_eq!(run().unwrap().history.len(), BUDGET);
    let wrong = |study: Study| study.open(Fidelity::Table).err().unwrap().to_string();
    assert!(wrong(study(strategies()[0](), evaluator())).contains("outcomes are told"));
    let seconds = Budget { seconds: Some(1.0), ..Budget::default() };
    assert!(wrong(study(strategies()[0](), Vec::new()).budget(seconds)).contains("not seconds"));
}

/// Sessions beside each other take turns where they have patience.
#[test]
fn sessions_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let patient = || {
        study(strategies()[0](), Vec::new())
            .directory(folder.path())
            .patience(Duration::from_mins(1))
            .open(Fidelity::Table)
            .unwrap()
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(trial) = { patient().ask(1).unwrap().pop() } {
                    tell(&mut patient(), &trial);
                }
            });
        }
    });
    assert_eq!(open_random(folder.path()).history().len(), BUDGET);
}

fn open_random(folder: &Path) -> Session {
    study(strategies()[0](), Vec::new()).directory(folder).open(Fidelity::Table).unwrap()
}
