//! How searches end: all failed, unfinished, finished; and what is said then.

use std::fs;
use std::process::Output;

use crate::cli::{bonas, text};

/// Networks so small that they train in a moment.
const TRAINED: &str = r#"
    [study]
    architectures = 4
    [space]
    name = "nasbench201"
    [strategy]
    name = "random"
    batch = 2
    [evaluator]
    name = "from-scratch"
    channels = 4
    layers = 1
    epochs = 1
    batch = 20
    [data]
    limit = 60
    [final]
    random = 2
    seeds = 1
    epochs = 2
    batch = 20
    channels = 4
    layers = 1
"#;

#[test]
fn a_search_in_which_every_architecture_failed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("f.toml"), TRAINED).unwrap();
    let exploding = [
        "search",
        "f.toml",
        "--set",
        "training.learning_rate=1000",
        "--set",
        "training.final_learning_rate=1000",
        "--set",
        "training.gradient_clip=1e30",
        "--set",
        "evaluator.epochs=100",
    ];
    for time in ["first", "second"] {
        let failed = bonas(&exploding, at);
        let error = text(&failed.stderr);
        assert_eq!(failed.status.code(), Some(1), "{time}: {error}");
        assert!(error.contains("all 4 architectures failed"), "{error}");
        assert!(error.contains("; see runs/f/report.html"), "{error}");
        assert!(error.contains("the training loss is"), "{error}");
        assert!(at.join("runs/f/report.html").is_file());
    }
}

#[test]
fn the_ending_names_winner_accuracy_rivals_and_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("f.toml"), TRAINED).unwrap();
    let done = bonas(&["search", "f.toml"], at);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    for expected in [
        "The search is finished.",
        "accuracy on held-out images, trained from scratch",
        " % of the test images, 1 seed\n",
        "2 random cells; the winner has ",
        "-0\nreport ",
        "next       bonas describe --space nasbench201 --arch \"$(cat runs/f/winner.txt)\"",
        "           bonas train --from runs/f --epochs 100 --out runs/f/trained\n",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    let weights = printed.lines().find_map(|line| line.strip_prefix("model      ")).unwrap();
    fs::remove_dir_all(at.join(weights)).unwrap();
    let again = text(&bonas(&["report", "runs/f"], at).stdout);
    assert!(again.contains(&format!("{weights} is missing")) && again.contains("`bonas train`"), "{again}");
    // A final training that stopped half way is not called finished.
    fs::remove_file(at.join("runs/f/final.json")).unwrap();
    let journal = at.join("runs/f/final/journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    let half: String = lines.split_inclusive('\n').take(3).collect();
    fs::write(&journal, half).unwrap();
    let half = text(&bonas(&["report", "runs/f"], at).stdout);
    assert!(half.contains("its final training is not finished, 1 of 3 networks are trained."), "{half}");
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(at.join("runs/f/summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["final"]["finished"], &summary["final"]["done"]), (&false.into(), &1.into()));
    assert!(bonas(&["resume", "runs/f"], at).status.success());
}

#[test]
fn a_training_goes_on_with_the_same_settings_only() {
    let folder = tempfile::tempdir().unwrap();
    let train = |more: &[&str]| {
        let small = [
            "train",
            "--genotype",
            "DARTS_V2",
            "--data",
            "digits",
            "--out",
            "t",
            "--channels",
            "4",
            "--layers",
        ];
        bonas(&[&small[..], &["2", "--epochs", "1"], more].concat(), folder.path())
    };
    let error = |output: Output, code| {
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        error
    };
    let too_large = error(train(&["--batch", "5000"]), 2);
    assert!(too_large.starts_with("error: --batch: 5000 is more than the 1198 images"), "{too_large}");
    assert!(error(train(&["--seeds", "0"]), 2).contains("--seeds: 0"));
    // Nothing was trained, so that other settings may begin there.
    assert!(train(&[]).status.success());
    let other = error(train(&["--batch", "32"]), 2);
    assert!(
        other.contains(
            "t holds a training with other settings (final.batch = 96 there, final.batch = 32 here)"
        )
    );
    for entry in fs::read_dir(folder.path().join("t/final")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with("-0") {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let lost = error(train(&[]), 1);
    assert!(lost.contains("-0 is missing, though this training is done"), "{lost}");
}
