//! Trainings that start from a trained network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bonas::study::journal::read_json;

use super::{CELL, file, refused, said, tested, train};
use crate::cli::{bonas, text};

/// A trained network in the folder `a`, and its model folder.
fn trained(at: &Path) -> PathBuf {
    said(&train(&["--epochs", "3", "--out", "a"], at));
    model(&at.join("a"))
}

/// The model folder of a training.
fn model(training: &Path) -> PathBuf {
    file(training, "-0").unwrap()
}

fn tune(at: &Path, more: &[&str]) -> Output {
    bonas(&[&["train", "--init", "a", "--data", "digits", "--batch=64"], more].concat(), at)
}

/// The tensors of a model folder by name.
fn tensors(model: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(model.join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let named = header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
    let data = |entry: &serde_json::Value| {
        let [from, to] = [0, 1].map(|i| entry["data_offsets"][i].as_u64().unwrap() as usize);
        bytes[8 + length + from..8 + length + to].to_vec()
    };
    named.map(|(name, entry)| (name.clone(), data(entry))).collect()
}

/// Of what is frozen nothing moves, running statistics among it; the rest does.
#[test]
fn frozen_layers_keep_their_weights_and_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let before = tensors(&trained(at));
    let told = said(&tune(at, &["--epochs", "1", "--out", "none"]));
    assert!(
        told.starts_with("weights: those of ") && told.contains("-0, its classifier among them\n"),
        "{told}"
    );
    said(&tune(at, &["--epochs", "1", "--out", "stem", "--freeze", "stem"]));
    said(&tune(at, &["--epochs", "1", "--out", "all", "--freeze", "all"]));
    let moved = |out: &str| -> Vec<String> {
        let after = tensors(&model(&at.join(out)));
        before.iter().filter(|(name, data)| after[*name] != **data).map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(moved("none"), before.keys().cloned().collect::<Vec<_>>());
    let but_stem: Vec<String> = before.keys().filter(|name| !name.starts_with("stem.")).cloned().collect();
    assert!(but_stem.len() < before.len());
    assert_eq!(moved("stem"), but_stem);
    let classifier = moved("all");
    assert_eq!(classifier.len(), 2, "{classifier:?}");
    assert!(classifier.iter().all(|name| name.starts_with("classifier.")), "{classifier:?}");
    // What was done is in the model.
    let card: serde_json::Value = read_json(&model(&at.join("all")).join("model.json")).unwrap().unwrap();
    let recipe = &card["training"]["recipe"];
    assert_eq!((&recipe["freeze"], recipe["init"]["weights"].as_str().unwrap().len()), (&"all".into(), 64));
    // It starts from what was learnt: with the least rate it is as good as before.
    let still = ["--epochs", "1", "--learning-rate", "1e-12", "--freeze", "all", "--out", "still"];
    said(&tune(at, &still));
    assert_eq!(tested(&at.join("still")), tested(&at.join("a")));
}

/// Three classes of grey squares.
fn squares(folder: &Path) {
    for class in 0..3_u8 {
        let class_folder = folder.join(format!("c{class}"));
        fs::create_dir_all(&class_folder).unwrap();
        for i in 0..40_u8 {
            let picture = image::GrayImage::from_fn(8, 8, |x, y| {
                image::Luma([class * 80 + (x as u8 * 5).wrapping_mul(y as u8 + i) % 60])
            });
            picture.save(class_folder.join(format!("{i}.png"))).unwrap();
        }
    }
}

#[test]
fn other_classes_get_a_new_classifier() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    trained(at);
    squares(&at.join("squares"));
    let tune = |more: &[&str]| {
        let args =
            ["train", "--init", "a", "--data", "folder:squares", "--batch=16", "--epochs=1", "--out=b"];
        bonas(&[&args[..], more].concat(), at)
    };
    let told = said(&tune(&[]));
    assert!(told.contains("; the classifier is new, for 3 classes: the model is of 10 others\n"), "{told}");
    let card: serde_json::Value = read_json(&model(&at.join("b")).join("model.json")).unwrap().unwrap();
    assert_eq!(card["classes"], serde_json::json!(["c0", "c1", "c2"]));
    let plan = said(&tune(&["--dry-run"]));
    assert!(plan.contains("the classifier is new, for 3 classes"), "{plan}");
}

/// Killed twice, with everything that bears on it, and equal in the end; the model may be gone by the end.
#[test]
fn a_killed_fine_tuning_goes_on_to_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    trained(at);
    let more = ["--epochs", "12", "--freeze", "stem", "--set", "final.layer_decay=0.7", "--out"];
    said(&tune(at, &[&more[..], &["whole"]].concat()));
    for lines in [3, 9] {
        let arguments = [&["train", "--init", "a", "--data", "digits", "--batch=64"], &more[..], &["killed"]];
        let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
            .args(arguments.concat())
            .current_dir(at)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let rows = || file(&at.join("killed"), ".curves.csv").map(|csv| fs::read_to_string(csv).unwrap());
        while rows().is_none_or(|rows| rows.lines().count() < lines) {
            assert!(begun.elapsed() < Duration::from_mins(1), "no epoch is done");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    said(&tune(at, &[&more[..], &["killed"]].concat()));
    let [whole, killed] = ["whole", "killed"].map(|out| model(&at.join(out)));
    for part in ["model.json", "model.safetensors"] {
        assert!(fs::read(whole.join(part)).unwrap() == fs::read(killed.join(part)).unwrap(), "{part}");
    }
    // A rate that is the same for all layers leads elsewhere.
    said(&tune(at, &["--epochs", "12", "--freeze", "stem", "--out", "flat"]));
    assert_ne!(tensors(&model(&at.join("flat"))), tensors(&whole));
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let trained = trained(at);
    let cell = CELL.replace("avg_pool_3x3", "none");
    let files = || fs::read_dir(at).unwrap().count();
    let before = files();
    for (more, expected) in [
        (&["--channels", "4"][..], "its model has channels = 2, and final.channels is 4"),
        (&["--layers", "2"], "its model has layers = 1, and final.layers is 2"),
        (&["--genotype", &cell], "its model is of another architecture (key "),
        (&["--space", "darts"], "its model is of space nasbench201, and darts is trained"),
        (&["--freeze", "head"], "--freeze: unknown variant `head`"),
        (&["--freeze", "all", "--auxiliary-weight", "0.4"], "must be 0 where all layers but the classifier"),
        (&["--set", "final.layer_decay=2"], "final.layer_decay: 2"),
        (&["--set", "final.init=nowhere"], "nowhere\n"),
    ] {
        for last in [["--out", "o"].as_slice(), &["--dry-run"]] {
            let error = text(&tune(at, &[more, last].concat()).stderr);
            assert!(error.contains(expected), "{more:?}: {error}");
            assert_eq!(files(), before, "{more:?}");
        }
    }
    let elsewhere = bonas(&["train", "--init", "nowhere", "--data", "digits", "--out", "o"], at);
    assert!(refused(&elsewhere).contains("there is no folder nowhere"));
    let alone = train(&["--freeze", "all", "--out", "o"], at);
    assert!(
        refused(&alone)
            .contains("--freeze: it keeps weights of a trained network, and final.init names none")
    );
    // Weights of another network, and a file that is cut off.
    let weights = trained.join("model.safetensors");
    let own = fs::read(&weights).unwrap();
    fs::write(&weights, &own[..own.len() / 2]).unwrap();
    let cut = tune(at, &["--epochs", "1", "--out", "o"]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(text(&cut.stderr).contains("model.safetensors: it is no whole safetensors file"));
    fs::write(&weights, &own).unwrap();
    assert_eq!(files(), before);
    // Weights that change while a training stands.
    said(&tune(at, &["--epochs", "1", "--out", "t"]));
    let mut changed = own.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&weights, &changed).unwrap();
    let error = refused(&tune(at, &["--epochs", "1", "--out", "t"]));
    assert!(error.contains("its weights have changed since this training began (BLAKE3 "), "{error}");
}

#[test]
fn a_search_starts_from_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    trained(at);
    let init = format!("final.init={}", at.join("a").display());
    let search = bonas(&["search", "--set", &init, "--out", "s"], at);
    let error = refused(&search);
    assert!(
        error.contains("a trained network is of one architecture, and several are trained here"),
        "{error}"
    );
    assert!(!at.join("s/journal.jsonl").exists());
}

/// What a training starts from may change as long as no epoch of it is done.
#[test]
fn before_its_first_epoch_a_training_may_start_from_other_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let other = trained(at);
    let other = other.strip_prefix(at).unwrap().to_str().unwrap();
    said(&tune(at, &["--epochs", "1", "--out", "done"]));
    // As it is where the process was killed in its first epoch.
    let stopped = |out: &str| {
        let out = at.join(out);
        fs::create_dir_all(out.join("final")).unwrap();
        fs::copy(at.join("done/training.toml"), out.join("training.toml")).unwrap();
        fs::write(out.join("init.json"), r#"{"weights": "others"}"#).unwrap();
        let journal = fs::read_to_string(at.join("done/final/journal.jsonl")).unwrap();
        let first = journal.split_inclusive('\n').next().unwrap();
        fs::write(out.join("final/journal.jsonl"), first).unwrap();
    };
    let noted = |out: &str| fs::read_to_string(at.join(out).join("init.json")).unwrap();
    // The same settings, and other weights in the same folder.
    stopped("b");
    said(&tune(at, &["--epochs", "1", "--out", "b"]));
    assert_eq!(noted("b"), noted("done"));
    // Another folder.
    stopped("c");
    fs::create_dir(at.join("copy")).unwrap();
    for file in ["model.json", "model.safetensors"] {
        fs::copy(at.join(other).join(file), at.join("copy").join(file)).unwrap();
    }
    said(&bonas(
        &["train", "--init", "copy", "--data", "digits", "--batch=64", "--epochs=1", "--out", "c"],
        at,
    ));
    assert_eq!(noted("c"), noted("done"));
    // None at all.
    stopped("d");
    said(&train(&["--epochs", "1", "--out", "d"], at));
    assert!(!at.join("d/init.json").exists());
}

/// `final.init` means the same in a file, in `--set` and as a flag.
#[test]
fn every_way_to_name_the_network_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    trained(at);
    fs::create_dir(at.join("sub")).unwrap();
    fs::write(at.join("sub/c.toml"), "[final]\ninit = \"../a\"\nbatch = 64\n").unwrap();
    let plan =
        |args: &[&str]| said(&bonas(&[&["train", "--data", "digits", "--dry-run"], args].concat(), at));
    let flag = plan(&["--init", "a", "--batch", "64"]);
    assert!(flag.contains("weights: those of ") && flag.contains("its classifier among them"), "{flag}");
    let same = |found: String| assert_eq!(found.replace("sub/../", ""), flag);
    same(plan(&["--config", "sub/c.toml"]));
    same(plan(&["--set", "final.init=a", "--batch", "64"]));
    let none = bonas(&["train", "--data", "digits", "--set", "final.epochs=1", "--dry-run"], at);
    assert!(refused(&none).contains("--genotype: give the architecture, a search with --from, or a trained"));
}

/// A model folder that leaves its size to the skeleton is of the published one.
#[test]
fn an_untrained_network_in_its_published_size_can_be_trained() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let export =
        ["export", "--space", "nasbench201", "--arch", CELL, "--image", "8", "--image-channels", "1"];
    said(&bonas(&[&export[..], &["--to", "safetensors", "--out", "a"]].concat(), at));
    let plan = said(&tune(at, &["--dry-run"]));
    assert!(plan.contains("\nchannels = 16\n") && plan.contains("\nlayers = 5\n"), "{plan}");
    assert!(plan.contains("its classifier among them"), "{plan}");
    let other = refused(&tune(at, &["--channels", "4", "--dry-run"]));
    assert!(other.contains("its model has channels = 16, and final.channels is 4"), "{other}");
}
