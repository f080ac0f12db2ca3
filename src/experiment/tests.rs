//! What experiments of both kinds have in common.

use super::*;
use crate::experiment::Step;

fn on_images() -> ExperimentConfig {
    let text = "[data]\nlimit = 20\n[[strategy]]\nname = \"random\"\n";
    ExperimentConfig::from_toml(text, "c.toml").unwrap()
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (file, what) in [("journal.jsonl", "holds a search"), ("plan.json", "holds another experiment")] {
        std::fs::write(folder.path().join(file), "").unwrap();
        let experiment = Experiment::new(ExperimentConfig::default(), folder.path());
        let error = experiment.run(&mut |_| {}).map(drop).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("give another folder"), "{error}");
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let _other = lock(folder.path()).unwrap();
    let experiment = Experiment::new(ExperimentConfig::default(), folder.path());
    assert!(matches!(experiment.run(&mut |_| {}), Err(StudyError::Locked { .. })));
}

#[test]
fn steps_are_lines() {
    let done = |result| Step::Done { label: "random", seed: 3, result, done: 2, total: 9 }.to_string();
    assert_eq!(done(""), "2 of 9: random, seed 3");
    assert_eq!(done("98.20 %"), "2 of 9: random, seed 3: 98.20 %");
    assert_eq!(Step::Begun { done: 4, total: 9 }.to_string(), "4 of 9 runs are done");
}

#[test]
#[cfg(not(feature = "torch"))]
fn images_need_libtorch() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let error = Experiment::new(on_images(), &out).run(&mut |_| {}).map(drop).unwrap_err().to_string();
    assert!(error.contains("needs libtorch"), "{error}");
    assert!(!out.exists());
}

#[test]
#[cfg(feature = "torch")]
fn an_experiment_on_images_has_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let experiment =
        Experiment { table: Some("t.csv".into()), ..Experiment::new(on_images(), folder.path().join("out")) };
    let error = experiment.run(&mut |_| {}).map(drop).unwrap_err().to_string();
    assert!(error.contains("table.path: t.csv, but the experiment is on images"), "{error}");
    assert!(!folder.path().join("out").exists());
}
