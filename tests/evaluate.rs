//! Trained networks that are measured, through the command.

use std::fs;
use std::path::Path;

use crate::cli::{bonas, text};
use crate::deploy::{bytes, models, pictures, train};

/// The evaluation of a model on the images that it was measured on gives what its description says.
#[test]
fn a_model_is_evaluated_as_it_was_measured() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    // Those of the program are no files, and keep their size.
    assert!(train(at, &["--set", "data.resize=64"]).status.success());
    let measured: serde_json::Value = serde_json::from_slice(&bytes(&models(at)[0])[0]).unwrap();
    assert_eq!(measured["input"]["reading"].get("resize"), None);
    let json = bonas(&["evaluate", "t", "--data", "digits", "--json"], at);
    assert!(json.status.success(), "{}", text(&json.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(figures["accuracy"], measured["training"]["accuracy"]["value"]);
    assert_eq!((&figures["images"], &figures["parameters"]), (&599.into(), &measured["params"]));
    let rows = figures["confusion"].as_array().unwrap();
    let right: u64 = rows.iter().enumerate().map(|(i, row)| row[i].as_u64().unwrap()).sum();
    assert!((figures["accuracy"].as_f64().unwrap() - right as f64 / 599.0).abs() < 1e-12);
    let table = text(&bonas(&["evaluate", "t", "--data", "digits", "--part", "train"], at).stdout);
    assert!(table.starts_with("images             1198\naccuracy           "), "{table}");
    // Two classes of images in place of ten, of the right shape.
    for folder in ["two/train/a", "two/train/b", "two/test/a", "two/test/b"] {
        pictures(&at.join(folder));
    }
    let other = bonas(&["evaluate", "t", "--data", "folder:two"], at);
    assert_eq!(other.status.code(), Some(2), "{}", text(&other.stdout));
    let error = text(&other.stderr);
    assert!(
        error.contains("--data: classes 2 (a, b), and those of the network are 10 (0, 1, 2, 3, 4, 5, ..)"),
        "{error}"
    );
}

/// A winner that was trained on images of 16x16 pixels, shrunk to 8x8 and laid on black.
const SHRUNK: &str = r#"
[study]
architectures = 1
[space]
name = "nasbench201"
[strategy]
name = "random"
batch = 1
[data]
source = "folder:two"
image_size = 16
shrink = 2
background = "black"
[evaluator]
name = "from-scratch"
channels = 4
layers = 1
epochs = 1
batch = 4
[final]
random = 0
seeds = 1
epochs = 3
batch = 4
channels = 4
layers = 1
"#;

/// Images of 17x16 pixels, transparent in part, half of which are nearly dark.
fn transparent(folder: &Path, dark: u8) {
    fs::create_dir_all(folder).unwrap();
    for i in 0..8_u8 {
        let pixel = |x: u32, y: u32| {
            let value = (x as u8 * 13).wrapping_mul(y as u8 + i) / dark;
            image::Rgba([value, value / 2, 255 - value, value])
        };
        image::RgbaImage::from_fn(17, 16, pixel).save(folder.join(format!("{i}.png"))).unwrap();
    }
}

#[test]
fn shrunk_images_are_read_as_in_training() {
    read_as_in_training(SHRUNK);
}

/// Scaled to 24x24 pixels, of which the middle 16x16 are seen.
#[test]
fn the_middle_of_scaled_images_is_read_as_in_training() {
    read_as_in_training(&SHRUNK.replace("shrink = 2", "shrink = 2\nresize = 24"));
}

/// Images are evaluated and classified as they were read in training, without a word about it.
fn read_as_in_training(configuration: &str) {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    for (folder, dark) in [("train/a", 1), ("train/b", 3), ("test/a", 1), ("test/b", 3)] {
        transparent(&at.join("two").join(folder), dark);
    }
    fs::write(at.join("two.toml"), configuration).unwrap();
    let search = bonas(&["search", "two.toml", "--out", "t"], at);
    assert!(search.status.success(), "{}", text(&search.stderr));
    let card: serde_json::Value = serde_json::from_slice(&bytes(&models(at)[0])[0]).unwrap();
    assert_eq!((&card["input"]["height"], &card["input"]["reading"]["shrink"]), (&8.into(), &2.into()));
    let evaluate = |more: &[&str]| {
        let args = [&["evaluate", "t", "--data", "folder:two", "--json"], more].concat();
        let done = bonas(&args, at);
        assert!(done.status.success(), "{}", text(&done.stderr));
        serde_json::from_slice::<serde_json::Value>(&done.stdout).unwrap()
    };
    let figures = evaluate(&[]);
    assert_eq!(figures["accuracy"], card["training"]["accuracy"]["value"]);
    assert_eq!((figures["images"].as_u64(), evaluate(&["--shrink", "2"])), (Some(16), figures.clone()));
    // File by file the answers are the same.
    let mut confusion = [[0_u64; 2]; 2];
    for (row, class) in ["a", "b"].iter().enumerate() {
        let infer = bonas(&["infer", "t", &format!("two/test/{class}"), "--format", "csv"], at);
        assert!(infer.status.success(), "{}", text(&infer.stderr));
        for line in text(&infer.stdout).lines().skip(1) {
            confusion[row][usize::from(line.contains(",b,"))] += 1;
        }
    }
    assert_eq!(figures["confusion"], serde_json::json!(confusion));
    // The background of the description is the one that is taken.
    let file = models(at)[0].join("model.json");
    let mut other = card.clone();
    other["input"]["reading"]["background"] = serde_json::json!([255, 255, 255]);
    fs::write(&file, other.to_string()).unwrap();
    assert_ne!(evaluate(&[])["calibration_error"], figures["calibration_error"]);
}

/// A folder without a test part is divided as in training, and what cannot be read is left out as there.
#[test]
fn a_split_folder_is_divided_as_in_training() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    for (class, dark) in [("a", 1), ("b", 3)] {
        transparent(&at.join("two").join(class), dark);
    }
    fs::write(at.join("two/a/bad.png"), "no image").unwrap();
    let split = "test_fraction = 0.5\nsplit_seed = 3\non_bad = \"skip\"\n[evaluator]";
    fs::write(at.join("two.toml"), SHRUNK.replace("[evaluator]", split)).unwrap();
    let search = bonas(&["search", "two.toml", "--out", "t"], at);
    assert!(search.status.success(), "{}", text(&search.stderr));
    let card: serde_json::Value = serde_json::from_slice(&bytes(&models(at)[0])[0]).unwrap();
    let accuracy = &card["training"]["accuracy"];
    let evaluate = |more: &[&str]| {
        let done = bonas(&[&["evaluate", "t", "--data", "folder:two", "--json"], more].concat(), at);
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert!(text(&done.stderr).contains("1 image cannot be read and is left out"));
        serde_json::from_slice::<serde_json::Value>(&done.stdout).unwrap()
    };
    let figures = evaluate(&[]);
    assert_eq!((&figures["images"], &figures["accuracy"]), (&8.into(), &accuracy["value"]));
    assert_eq!(accuracy["images"], 8);
    assert_eq!(evaluate(&["--test-fraction", "0.5", "--split-seed", "3", "--on-bad", "skip"]), figures);
    assert_ne!(evaluate(&["--split-seed", "0"]), figures);
    assert_eq!(evaluate(&["--test-fraction", "0.25"])["images"], 4);
    let stop = bonas(&["evaluate", "t", "--data", "folder:two", "--on-bad", "stop"], at);
    assert_eq!(stop.status.code(), Some(1), "{}", text(&stop.stdout));
    assert!(text(&stop.stderr).contains("bad.png"), "{}", text(&stop.stderr));
}

/// A search of an earlier version ended, and left the weights of its winner in one file: it goes on, and makes the folder.
#[test]
fn an_ended_search_without_model_folders_gets_them() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    for (folder, dark) in [("train/a", 1), ("train/b", 3), ("test/a", 1), ("test/b", 3)] {
        transparent(&at.join("two").join(folder), dark);
    }
    fs::write(at.join("two.toml"), SHRUNK).unwrap();
    let search = || bonas(&["search", "two.toml", "--out", "t"], at);
    assert!(search().status.success());
    let model = models(at).remove(0);
    let (before, weights) = (bytes(&model), model.with_extension("safetensors"));
    // Trained again, with a file where the folder should be: the training ends, and its weights stay.
    let journal = at.join("t/final/journal.jsonl");
    let ended = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, ended.split_inclusive('\n').take(2).collect::<String>()).unwrap();
    fs::remove_dir_all(&model).unwrap();
    fs::write(&model, "").unwrap();
    let stopped = search();
    assert_eq!(stopped.status.code(), Some(1), "{}", text(&stopped.stderr));
    let ended = fs::read_to_string(&journal).unwrap();
    fs::remove_file(&model).unwrap();
    assert!(weights.is_file());
    let again = search();
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!((bytes(&model), weights.exists()), (before, false));
    assert_eq!(fs::read_to_string(&journal).unwrap(), ended, "nothing is trained again");
    assert!(text(&search().stdout).starts_with("Nothing is left to do here"));
}

/// Weights of a training that diverged give no figures.
#[test]
fn logits_that_are_not_finite_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    assert!(train(at, &[]).status.success());
    let weights = models(at).remove(0).join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, bytes).unwrap();
    pictures(&at.join("images"));
    for args in [&["infer", "t", "images"][..], &["evaluate", "t", "--data", "digits"]] {
        let refused = bonas(args, at);
        assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(1), String::new()));
        let error = text(&refused.stderr);
        assert!(error.starts_with("error: t/final/") && error.contains("/model.safetensors: "), "{error}");
        assert!(error.contains("logits are not finite"), "{error}");
    }
}

/// Flags about a draw are refused where nothing is drawn.
#[test]
fn parts_that_are_not_drawn_take_no_settings_of_a_draw() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    assert!(train(at, &[]).status.success());
    for (more, expected) in [
        (
            ["--test-fraction", "0.5"],
            "--test-fraction: 0.5, but digits has a test part of its own; leave it out",
        ),
        (["--split-seed", "3"], "--split-seed: 3, but digits has a test part of its own; leave it out"),
        (["--part", "val"], "--part val: digits has no validation part of its own"),
    ] {
        let refused = bonas(&[&["evaluate", "t", "--data", "digits"], &more[..]].concat(), at);
        assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
        assert!(text(&refused.stderr).contains(expected), "{}", text(&refused.stderr));
    }
}
