//! Trained networks as model folders, through the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::cli::{bonas, text};

/// A cell whose 3x3 convolution on edge 0 -> 1 feeds zeros only.
const DEAD: &str = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|";

fn train(at: &Path, more: &[&str]) -> Output {
    let small =
        ["train", "--space", "nasbench201", "--genotype", DEAD, "--data", "digits", "--channels", "4"];
    let small = [&small[..], &["--layers", "1", "--epochs", "1", "--out", "t"], more].concat();
    bonas(&small, at)
}

/// The model folders below a training.
fn models(at: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(at.join("t/final")).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    models.sort();
    models
}

fn bytes(model: &Path) -> [Vec<u8>; 2] {
    ["model.json", "model.safetensors"].map(|file| fs::read(model.join(file)).unwrap())
}

#[test]
fn training_leaves_one_folder_a_seed_and_no_second_copy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let done = train(at, &["--seeds", "2"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let models = models(at);
    assert_eq!(models.len(), 2);
    for (run, model) in models.iter().enumerate() {
        assert!(!model.with_extension("safetensors").exists());
        let card: serde_json::Value = serde_json::from_slice(&bytes(model)[0]).unwrap();
        assert_eq!((&card["format"], &card["space"]["name"]), (&1.into(), &"nasbench201".into()));
        assert_eq!(card["architecture"], DEAD);
        assert_eq!(card["classes"].as_array().unwrap().len(), 10);
        assert_eq!(card["training"]["run"], run);
        assert_eq!(card["training"]["accuracy"]["images"], 599);
        assert_eq!(card["training"]["recipe"]["epochs"], 1);
    }
    assert!(text(&done.stdout).contains(&format!("model in t/final/{}", name(&models[0]))));
    let before: Vec<_> = models.iter().map(|model| bytes(model)).collect();
    let again = train(at, &["--seeds", "2"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(before, models.iter().map(|model| bytes(model)).collect::<Vec<_>>());
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Killed after the weights and before the description, a training writes the same when it goes on.
#[test]
fn a_folder_that_was_half_written_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    let before = bytes(&model);
    // The same training, stopped before its weights became a folder: its journal has no end yet.
    let journal = at.join("t/final/journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, lines.split_inclusive('\n').take(2).collect::<String>()).unwrap();
    fs::remove_file(model.join("model.json")).unwrap();
    fs::write(model.join("model.safetensors"), "cut off").unwrap();
    let again = train(at, &[]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(bytes(&model), before);
    assert!(!model.with_extension("safetensors").exists());
}
