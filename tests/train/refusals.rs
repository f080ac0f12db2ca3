//! Trainings that fail, and settings that are refused.

use std::fs;

use bonas::spaces::SearchSpace;
use bonas::spaces::families::nasbench201::NasBench201;
use bonas::supernet::evaluator::RunFiles;

use super::{CELL, SEARCH, images, refused, said, train};
use crate::cli::{bonas, text};

#[test]
fn a_training_that_diverges_fails_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let diverging = [
        "--epochs",
        "2",
        "--learning-rate",
        "1000",
        "--set",
        "final.gradient_clip=0",
        "--set",
        "training.weight_decay=1",
        "--set",
        "training.momentum=0.99",
    ];
    for (out, seeds, at) in [("one", "1", ": "), ("two", "2", " at seed 1 of 2: ")] {
        let again = [&diverging[..], &["--seeds", seeds, "--out", out]].concat();
        // The same command says the same again.
        for _ in 0..2 {
            let done = train(&again, folder.path());
            let error = text(&done.stderr);
            assert_eq!(done.status.code(), Some(1), "{error}");
            assert!(error.contains(&format!("error: the training failed{at}")), "{error}");
            assert!(
                error.contains("lower the learning rate or the gradient clip, and train into"),
                "{error}"
            );
            assert!(!text(&done.stdout).contains("model in"), "{}", text(&done.stdout));
        }
        if seeds == "2" {
            // As if the first seed had been trained.
            let key = NasBench201::new().parse(CELL).unwrap().key();
            let files = RunFiles::new(&folder.path().join(out).join("final"), key, 0);
            fs::write(files.weights(), "").unwrap();
            let error = text(&train(&again, folder.path()).stderr);
            assert!(error.contains("the training failed at seed 2 of 2: "), "{error}");
        }
        said(&bonas(&["report", out], folder.path()));
        let page = fs::read_to_string(folder.path().join(out).join("report.html")).unwrap();
        assert!(page.contains("The training failed: ") && page.contains("lower the learning rate"), "{page}");
    }
}

#[test]
fn the_winner_of_a_search_without_images_needs_some() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let search = "[study]\narchitectures = 2\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 2\n\
                  [evaluator]\nname = \"synthetic\"\n[final]\nseeds = 0\nchannels = 2\nlayers = 1\n";
    fs::write(at.join("s.toml"), search).unwrap();
    let searched = said(&bonas(&["search", "s.toml", "--out", "s"], at));
    assert!(!searched.contains("bonas train"), "{searched}");
    let again = |more: &[&str]| bonas(&[&["train", "--from", "s", "--dry-run"], more].concat(), at);
    let error = refused(&again(&["--set", "data.limit=100"]));
    assert!(error.contains("--data: the search in s read no images; give those to train on"), "{error}");
    fs::write(at.join("t.toml"), "[data]\nsource = \"digits\"\n").unwrap();
    for given in [["--data", "digits"], ["--set", "data.source=digits"], ["--config", "t.toml"]] {
        assert!(said(&again(&given)).contains("source = \"digits\""), "{given:?}");
    }
}

#[test]
fn rates_of_final_training_that_do_not_fit_those_of_the_search_are_told_with_their_section() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(&at.join("img"), 0);
    fs::write(at.join("s.toml"), SEARCH.replace("[final]\n", "[final]\nlearning_rate = 0.001\n")).unwrap();
    let rate = "training.final_learning_rate=0.01";
    let expected = "final.final_learning_rate: 0.01; it must be in [0, 0.001]";
    let search = |more: &[&str]| bonas(&[&["search", "s.toml", "--set", rate], more].concat(), at);
    let train = train(&["--set", "final.learning_rate=0.001", "--set", rate, "--dry-run"], at);
    for output in [search(&["--dry-run"]), search(&["--out", "s"]), train] {
        let error = refused(&output);
        assert!(error.contains(expected), "{error}");
    }
}
