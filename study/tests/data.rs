//! Studies that know their data by a fingerprint.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bonas_study::evaluator::Synthetic;
use bonas_study::history::Event;
use bonas_study::journal::{JOURNAL_FILE, read};
use bonas_study::strategy::RandomSearch;
use bonas_study::testing::Chain;
use bonas_study::{Budget, Fidelity, Finished, Study, StudyError};

fn study(folder: &Path, data: Option<&str>) -> Study {
    let evaluator = Synthetic::new(Fidelity::Table, Chain::share_of_zeros);
    let space = Arc::new(Chain::new(6, 3).unwrap());
    let study = Study::new(space, Box::new(RandomSearch::default()), vec![Box::new(evaluator)])
        .budget(Budget::architectures(20))
        .directory(folder);
    data.into_iter().fold(study, Study::data)
}

fn run(folder: &Path, data: Option<&str>) -> Result<Finished, StudyError> {
    study(folder, data).run()
}

fn journal(folder: &Path) -> String {
    fs::read_to_string(folder.join(JOURNAL_FILE)).unwrap()
}

fn noted(folder: &Path) -> Vec<String> {
    let events = read(&folder.join(JOURNAL_FILE)).unwrap().events.into_iter();
    events
        .filter_map(|event| match event {
            Event::Data { fingerprint } => Some(fingerprint),
            _ => None,
        })
        .collect()
}

/// A folder with the first `n` records of a journal, and half of the next.
fn cut(journal: &str, n: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<&str> = journal.split_inclusive('\n').collect();
    let half = records.get(n).map_or("", |next| &next[..next.len() / 2]);
    fs::write(folder.path().join(JOURNAL_FILE), records[..n].concat() + half).unwrap();
    folder
}

#[test]
fn other_data_are_refused_with_both_fingerprints_and_accepted_on_purpose() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), Some("aa11")).unwrap();
    let begun = journal(whole.path());
    for n in 0..=begun.lines().count() {
        let folder = cut(&begun, n);
        let folder = folder.path();
        let before = journal(folder);
        if n >= 2 {
            let error = run(folder, Some("bb22")).unwrap_err();
            assert!(matches!(&error, StudyError::Setting { name, .. } if name == "data.source"), "{error}");
            let error = error.to_string();
            assert!(error.contains("fingerprint aa11") && error.contains("with bb22;"), "{error}");
            assert_eq!(journal(folder), before, "cut after record {n}");
        }
        // The same data lead to the same journal.
        run(folder, Some("aa11")).unwrap();
        assert_eq!(journal(folder), begun, "cut after record {n}");
        let accept = || study(folder, Some("bb22")).accept_data(Fidelity::Table).unwrap();
        assert_eq!(accept().as_deref(), Some("aa11"));
        assert_eq!(accept(), None, "once is enough");
        assert_eq!(noted(folder), ["aa11", "bb22"]);
        assert_eq!(run(folder, Some("bb22")).unwrap().history.len(), 20);
        assert!(run(folder, Some("aa11")).is_err());
    }
}

#[test]
fn a_study_from_before_fingerprints_takes_the_one_it_goes_on_with() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), None).unwrap();
    let begun = journal(whole.path());
    let folder = cut(&begun, 2);
    run(folder.path(), Some("aa11")).unwrap();
    assert_eq!(noted(folder.path()), ["aa11"]);
    assert!(run(folder.path(), Some("bb22")).is_err());
    // One that is over stays as it is.
    run(whole.path(), Some("aa11")).unwrap();
    assert_eq!(journal(whole.path()), begun);
}
