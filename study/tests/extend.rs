//! Studies whose budget is changed after they began.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_study::evaluator::Synthetic;
use bonas_study::history::{EndReason, Event};
use bonas_study::journal::{JOURNAL_FILE, read};
use bonas_study::strategy::{Batches, Bonas, LocalSearch, RandomSearch, RegularizedEvolution};
use bonas_study::testing::Chain;
use bonas_study::{Budget, Evaluator, Fidelity, History, Journalled, Session, Strategy, Study, StudyError};

/// Two batches a round, ten architectures.
const BATCHES: Batches = Batches { count: 2, size: 5 };
const FIDELITY: Fidelity = Fidelity::Table;

fn strategies() -> Vec<Box<dyn Strategy>> {
    vec![
        Box::new(RandomSearch { batches: BATCHES }),
        Box::new(RegularizedEvolution { population: 8, batches: BATCHES, ..RegularizedEvolution::default() }),
        Box::new(LocalSearch::new(BATCHES)),
        Box::new(Bonas { batches: BATCHES, ..Bonas::default() }),
    ]
}

fn score(architecture: &Architecture) -> f64 {
    Chain::digits(architecture).iter().enumerate().map(|(i, &d)| ((d == 1) as usize * (i + 1)) as f64).sum()
}

fn random() -> Box<dyn Strategy> {
    strategies().swap_remove(0)
}

fn study(strategy: Box<dyn Strategy>, budget: usize, folder: &Path) -> Study {
    study_with(strategy, vec![Box::new(Synthetic::new(FIDELITY, |a| Ok(score(a))))], folder)
        .budget(Budget::architectures(budget))
}

fn study_with(strategy: Box<dyn Strategy>, evaluators: Vec<Box<dyn Evaluator>>, folder: &Path) -> Study {
    Study::new(Arc::new(Chain::new(8, 4).unwrap()), strategy, evaluators).seed(3).directory(folder)
}

/// The study extended to a budget, without running it.
fn extend(begun: usize, folder: &Path, budget: usize) -> Result<(), StudyError> {
    study_with(random(), Vec::new(), folder).budget(Budget::architectures(begun)).extend(FIDELITY, budget)
}

/// What a history holds, in order.
fn lines(history: &History) -> Vec<String> {
    let line = |e: &bonas_study::history::Evaluation| {
        format!("{} {:?} {:?} {} {}", e.architecture.key(), e.outcome, e.predicted, e.round, e.batch)
    };
    history.evaluations().iter().map(line).collect()
}

fn events(folder: &Path) -> Vec<Event> {
    read(&folder.join(JOURNAL_FILE)).unwrap().events
}

/// Architectures evaluated at the end of the first round from the second on that dropped none: a budget of so many cuts nothing.
fn whole_rounds(folder: &Path) -> usize {
    let mut evaluated = 0;
    for event in events(folder) {
        if let Event::Asked { round, batches, dropped } = event {
            evaluated += batches.iter().map(Vec::len).sum::<usize>();
            if round > 0 && dropped == 0 {
                return evaluated;
            }
        }
    }
    panic!("every round dropped something")
}

/// Ended, extended, run again: nothing tells the history from that of the larger budget.
#[test]
fn an_extended_study_has_the_history_of_the_larger_budget() {
    for (i, strategy) in strategies().into_iter().enumerate() {
        let (extended, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = strategy.name().to_owned();
        let direct = study(strategy, 40, whole.path()).run().unwrap();
        let begun = whole_rounds(whole.path());
        assert!(begun < 40, "{name}");
        study(strategies().swap_remove(i), begun, extended.path()).run().unwrap();
        extend(begun, extended.path(), 40).unwrap();
        // The strategy begins anew, as after a kill.
        let again = study(strategies().swap_remove(i), begun, extended.path()).run().unwrap();
        assert_eq!(lines(&again.history), lines(&direct.history), "{name}");
        assert_eq!(again.estimates, direct.estimates, "{name}");
        // The journal is that of the larger budget with two more records.
        let mut events = events(extended.path());
        let at = events.iter().position(|event| matches!(event, Event::Extended { .. })).unwrap();
        assert_eq!(events[at - 1], Event::Ended { reason: EndReason::Budget });
        events.drain(at - 1..=at);
        assert_eq!(events, self::events(whole.path()), "{name}");
    }
}

/// The last round of 24 has 4 architectures in place of 10: from there on the history is another one.
#[test]
fn a_round_that_was_cut_stays_cut() {
    let (extended, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    study(random(), 24, extended.path()).run().unwrap();
    extend(24, extended.path(), 40).unwrap();
    let again = study(random(), 24, extended.path()).run().unwrap();
    let direct = study(random(), 40, whole.path()).run().unwrap();
    assert_eq!((again.history.len(), again.reason), (40, EndReason::Budget));
    assert_eq!(lines(&again.history)[..24], lines(&direct.history)[..24]);
    assert_ne!(lines(&again.history)[24..], lines(&direct.history)[24..]);
}

/// The journal of an extended study, cut after any record, goes on to the same bytes.
#[test]
fn an_extended_study_goes_on_from_every_record() {
    let folder = tempfile::tempdir().unwrap();
    study(random(), 20, folder.path()).run().unwrap();
    extend(20, folder.path(), 40).unwrap();
    study(random(), 20, folder.path()).run().unwrap();
    let whole = fs::read_to_string(folder.path().join(JOURNAL_FILE)).unwrap();
    let records: Vec<&str> = whole.split_inclusive('\n').collect();
    let extended = records.iter().position(|record| record.contains("extended")).unwrap();
    for n in 0..=records.len() {
        let cut = tempfile::tempdir().unwrap();
        let journal = cut.path().join(JOURNAL_FILE);
        fs::write(
            &journal,
            records[..n].concat() + records.get(n).map_or("", |next| &next[..next.len() / 2]),
        )
        .unwrap();
        study(random(), 20, cut.path()).run().unwrap();
        if n <= extended {
            assert!(Journalled::read(cut.path(), &space()).unwrap().extended.is_none());
            extend(20, cut.path(), 40).unwrap();
            study(random(), 20, cut.path()).run().unwrap();
        }
        assert!(fs::read_to_string(&journal).unwrap() == whole, "cut after record {n}");
    }
}

fn space() -> Arc<dyn bonas_spaces::SearchSpace> {
    Arc::new(Chain::new(8, 4).unwrap())
}

#[test]
fn what_cannot_be_the_budget_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    study(random(), 20, folder).run().unwrap();
    let journal = || fs::read(folder.join(JOURNAL_FILE)).unwrap();
    let before = journal();
    extend(20, folder, 20).unwrap();
    let error = extend(20, folder, 19).unwrap_err().to_string();
    assert!(error.contains("budget: 19 is too few: 20 architectures are evaluated"), "{error}");
    let rounds = study_with(random(), Vec::new(), folder).budget(Budget::rounds(2));
    let error = rounds.extend(FIDELITY, 40).unwrap_err().to_string();
    assert!(error.contains("rounds or seconds limit this study"), "{error}");
    let nowhere = Study::new(space(), random(), Vec::new()).budget(Budget::architectures(2));
    assert!(nowhere.extend(FIDELITY, 40).is_err());
    let other = study_with(random(), Vec::new(), folder).config("x").budget(Budget::architectures(20));
    assert!(matches!(other.extend(FIDELITY, 40), Err(StudyError::Journal { line: 1, .. })));
    assert_eq!(journal(), before);
    // Less than there is cannot have been journalled.
    extend(20, folder, 30).unwrap();
    let text = fs::read_to_string(folder.join(JOURNAL_FILE)).unwrap();
    let (rest, last) = text.trim_end().rsplit_once('\n').unwrap();
    let body = last[..last.rfind(",\"crc\"").unwrap()].replace(":30", ":3");
    let forged = format!("{rest}\n{body},\"crc\":\"{:08x}\"}}\n", crc32fast::hash(body.as_bytes()));
    fs::write(folder.join(JOURNAL_FILE), forged).unwrap();
    let error = study(random(), 20, folder).run().unwrap_err().to_string();
    assert!(error.contains("the budget becomes 3 where 20 architectures are there"), "{error}");
}

fn open(folder: &Path) -> Session {
    study_with(random(), Vec::new(), folder).budget(Budget::architectures(12)).open(FIDELITY).unwrap()
}

fn tell_all(folder: &Path) -> usize {
    let mut session = open(folder);
    let mut told = 0;
    while let Some(trial) = session.ask(1).unwrap().pop() {
        session.score(trial.id, score(&trial.architecture)).unwrap();
        told += 1;
    }
    told
}

#[test]
fn a_study_that_is_told_is_extended_and_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(tell_all(folder), 12);
    extend(12, folder, 32).unwrap();
    assert_eq!(open(folder).ended(), None);
    // Twelve told, three handed out, seven of the round wait for their turn: none of them can be cut off.
    let pending = open(folder).ask(3).unwrap();
    let error = extend(12, folder, 21).unwrap_err().to_string();
    assert!(error.contains("21 is too few: 22 architectures are evaluated or under way"), "{error}");
    extend(12, folder, 22).unwrap();
    open(folder).score(pending[0].id, 0.0).unwrap();
    open(folder).abandon(pending[1].id).unwrap();
    open(folder).score(pending[2].id, 0.0).unwrap();
    assert_eq!(tell_all(folder), 8, "one in place of the abandoned");
    let session = open(folder);
    assert_eq!((session.history().len(), session.ended()), (22, Some(EndReason::Budget)));
}
