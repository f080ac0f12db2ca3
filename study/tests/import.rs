//! Studies that begin with known results.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::Synthetic;
use bonas_study::history::{EndReason, Event};
use bonas_study::journal::{JOURNAL_FILE, Journal, read};
use bonas_study::strategy::{Batches, Bonas, LocalSearch, RandomSearch, RegularizedEvolution};
use bonas_study::testing::Chain;
use bonas_study::{Budget, Fidelity, Outcome, Score, Strategy, Study};

const FIDELITY: Fidelity = Fidelity::FromScratch;
const BUDGET: usize = 12;

fn space() -> Arc<dyn SearchSpace> {
    Arc::new(Chain::new(4, 3).unwrap())
}

fn strategies() -> Vec<Box<dyn Strategy>> {
    let batches = Batches { count: 1, size: 4 };
    vec![
        Box::new(RandomSearch { batches }),
        Box::new(RegularizedEvolution { population: 8, batches, ..RegularizedEvolution::default() }),
        Box::new(LocalSearch::new(batches)),
        Box::new(Bonas { initial: 4, batches, ..Bonas::default() }),
    ]
}

/// Outcomes of nine architectures, the best of the space among them.
fn known() -> Vec<(Architecture, Outcome)> {
    let texts = ["0000", "0001", "0012", "1111", "2222", "1212", "0121", "2101", "2001"];
    let parsed = texts.map(|text| space().parse(text).unwrap());
    parsed.into_iter().map(|a| (a.clone(), scored(Chain::share_of_zeros(&a).unwrap()))).collect()
}

fn scored(value: f64) -> Outcome {
    Outcome::Scored(Score::of(value, FIDELITY))
}

fn study(strategy: Box<dyn Strategy>, folder: &Path) -> Study {
    Study::new(space(), strategy, Vec::new()).seed(2).budget(Budget::architectures(BUDGET)).directory(folder)
}

fn random(folder: &Path) -> Study {
    study(strategies().swap_remove(0), folder)
}

/// The study with an evaluator, and what that was asked for.
fn run(strategy: Box<dyn Strategy>, folder: &Path) -> (bonas_study::Finished, Vec<Architecture>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let list = asked.clone();
    let evaluator = Synthetic::new(FIDELITY, move |architecture: &Architecture| {
        list.lock().unwrap().push(architecture.clone());
        Chain::share_of_zeros(architecture)
    });
    let study = Study::new(space(), strategy, vec![Box::new(evaluator)]);
    let study = study.seed(2).budget(Budget::architectures(BUDGET)).directory(folder);
    let finished = study.run().unwrap();
    let asked = asked.lock().unwrap().clone();
    (finished, asked)
}

fn journal(folder: &Path) -> String {
    fs::read_to_string(folder.join(JOURNAL_FILE)).unwrap()
}

#[test]
fn known_results_are_first_and_neither_evaluated_nor_counted() {
    for (i, strategy) in strategies().into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let name = strategy.name().to_owned();
        assert_eq!(study(strategy, folder.path()).import(FIDELITY, known()).unwrap(), 9);
        let (finished, asked) = run(strategies().swap_remove(i), folder.path());
        assert_eq!((asked.len(), finished.history.len()), (BUDGET, BUDGET + 9), "{name}");
        assert_eq!(finished.reason, EndReason::Budget, "{name}");
        assert!(known().iter().all(|(architecture, _)| !asked.contains(architecture)), "{name}");
        let first =
            finished.history.evaluations()[..9].iter().map(|e| (e.architecture.clone(), e.outcome.clone()));
        assert_eq!(
            first.map(|(a, o)| (a.key(), o)).collect::<Vec<_>>(),
            known().iter().map(|(a, o)| (a.key(), o.clone())).collect::<Vec<_>>()
        );
        assert_eq!(finished.history.best(FIDELITY).map(|(_, score)| score), Some(1.0), "{name}");
        assert!(finished.history.evaluations()[9..].iter().all(|e| e.round > 0), "{name}");
    }
}

/// The surrogate is fitted to what was imported: no random architectures come first.
#[test]
fn a_model_starts_from_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    study(strategies().swap_remove(3), folder.path()).import(FIDELITY, known()).unwrap();
    let (finished, _) = run(strategies().swap_remove(3), folder.path());
    assert!(finished.history.evaluations()[9..].iter().all(|e| e.predicted.is_some()));
}

/// A journal that is cut after any record, the import included, goes on to the same bytes.
#[test]
fn an_import_goes_on_from_every_record() {
    let folder = tempfile::tempdir().unwrap();
    random(folder.path()).import(FIDELITY, known()).unwrap();
    run(strategies().swap_remove(0), folder.path());
    let whole = journal(folder.path());
    let records: Vec<&str> = whole.split_inclusive('\n').collect();
    for n in 0..=records.len() {
        let cut = tempfile::tempdir().unwrap();
        let half = records.get(n).map_or("", |next| &next[..next.len() / 2]);
        fs::write(cut.path().join(JOURNAL_FILE), records[..n].concat() + half).unwrap();
        // Before its record is whole, it is made again.
        if n < 2 {
            random(cut.path()).import(FIDELITY, known()).unwrap();
        }
        run(strategies().swap_remove(0), cut.path());
        assert!(journal(cut.path()) == whole, "cut after record {n}");
    }
}

#[test]
fn what_cannot_be_imported_is_refused_and_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let import = |results: Vec<(Architecture, Outcome)>| random(folder).import(FIDELITY, results);
    let (first, rest) = (known()[..4].to_vec(), known());
    assert_eq!(import(first).unwrap(), 4);
    assert_eq!(import(rest).unwrap(), 5, "those that are known are left out");
    let before = journal(folder);
    assert_eq!(import(known()).unwrap(), 0);
    let other = space().parse("0120").unwrap();
    for (outcome, expected) in [
        (scored(f64::NAN), "score NaN is not finite"),
        (Outcome::Scored(Score::of(0.5, Fidelity::Table)), "fidelity table where from-scratch is due"),
    ] {
        let error = import(vec![(other.clone(), outcome)]).unwrap_err().to_string();
        assert!(error.contains("import: ") && error.contains(expected), "{error}");
    }
    assert_eq!(journal(folder), before);
    assert!(
        Study::new(space(), strategies().swap_remove(0), Vec::new())
            .budget(Budget::rounds(1))
            .import(FIDELITY, known())
            .is_err()
    );
    random(folder).open(FIDELITY).unwrap().ask(1).unwrap();
    let error = import(vec![(other.clone(), scored(0.5))]).unwrap_err().to_string();
    assert!(error.contains("before the first architecture is proposed"), "{error}");
    // A journal that says otherwise is damaged.
    let events = read(&folder.join(JOURNAL_FILE)).unwrap().events;
    let forged = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(forged.path()).unwrap();
    let imported = events.iter().find(|event| matches!(event, Event::Imported { .. })).unwrap();
    events.iter().chain([imported]).for_each(|event| journal.append(event).unwrap());
    drop(journal);
    let error = random(forged.path()).open(FIDELITY).err().unwrap().to_string();
    assert!(error.contains("before the first architecture is proposed"), "{error}");
}

#[test]
fn rounds_that_were_imported_take_nothing_from_a_budget_of_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let study = || Study::new(space(), strategies().swap_remove(0), Vec::new()).budget(Budget::rounds(1));
    study().directory(folder.path()).import(FIDELITY, known()).unwrap();
    let mut session = study().directory(folder.path()).open(FIDELITY).unwrap();
    let trials = session.ask(9).unwrap();
    assert_eq!((trials.len(), trials[0].id, trials[0].round), (4, 0, 1));
    for trial in trials {
        session.score(trial.id, 0.5).unwrap();
    }
    assert_eq!((session.told(), session.history().len(), session.ended()), (4, 13, Some(EndReason::Budget)));
}
