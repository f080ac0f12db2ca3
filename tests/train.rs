//! `bonas train`: published recipes, winners of searches, and trainings that are killed.

mod init;
mod kept;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bonas::config::SearchConfig;
use bonas::report::FinalResult;
use bonas::search::RECIPES;
use bonas::study::journal::read_json;

use crate::cli::{bonas, text};

const CELL: &str =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|";
const SMALL: [&str; 12] = [
    "train",
    "--space",
    "nasbench201",
    "--genotype",
    CELL,
    "--data",
    "digits",
    "--channels",
    "2",
    "--layers",
    "1",
    "--batch=64",
];
/// Everything that a training may keep from step to step.
const ALL: [&str; 8] = [
    "--set",
    "final.averaging=0.99",
    "--set",
    "final.mixup=0.4",
    "--set",
    "final.cutmix=1",
    "--set",
    "final.rate_by=step",
];

fn train(more: &[&str], at: &Path) -> Output {
    bonas(&[&SMALL[..], more].concat(), at)
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn refused(output: &Output) -> String {
    let error = text(&output.stderr);
    assert!(output.status.code() == Some(2) && !error.contains("panicked"), "{error}");
    error
}

fn tested(folder: &Path) -> Vec<f64> {
    let results: Vec<FinalResult> = read_json(&folder.join("final.json")).unwrap().unwrap();
    results[0].test.clone()
}

/// The file in a training's folder whose name ends so.
fn file(folder: &Path, end: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder.join("final")).ok()?;
    entries.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().ends_with(end))
}

/// Starts a training and kills it once its curves have so many lines.
fn kill_after(lines: usize, arguments: &[&str], folder: &Path) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(SMALL)
        .args(arguments)
        .args(["--out".as_ref(), folder.as_os_str()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let written = || file(folder, "curves.csv").and_then(|path| fs::read_to_string(path).ok());
    while written().is_none_or(|text| text.lines().count() < lines) && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1), "no curves");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        [&["--epochs", "7", "--learning-rate", "0.01", "--set", "final.optimizer=adamw"], &ALL[..]].concat();
    let [whole, killed] = ["whole", "killed \u{e9}"].map(|side| folder.path().join(side));
    said(&train(&[&arguments[..], &["--out", &whole.to_string_lossy()]].concat(), folder.path()));
    // Checkpoints are after the fifth epoch and the last: what came after one is trained again.
    for lines in [3, 7] {
        kill_after(lines, &arguments, &killed);
    }
    said(&train(&[&arguments[..], &["--out", &killed.to_string_lossy()]].concat(), folder.path()));
    for end in ["curves.csv", "losses.json", "checkpoint.safetensors", "-0/model.safetensors"] {
        let (stem, inside) = end.split_once('/').unwrap_or((end, ""));
        let path = |at| {
            file(at, stem).unwrap().components().chain(Path::new(inside).components()).collect::<PathBuf>()
        };
        let [one, other] = [&whole, &killed].map(|at| fs::read(path(at)).unwrap());
        assert!(one == other, "{end}");
    }
    assert_eq!(tested(&whole), tested(&killed));
    let curves = fs::read_to_string(file(&whole, "curves.csv").unwrap()).unwrap();
    let epochs: Vec<&str> = curves.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(epochs, ["epoch", "0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn curves_have_the_losses_and_rates_of_every_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = ["--learning-rate", "0.4", "--set", "final.schedule=linear", "--epochs", "4"];
    said(&train(&[&schedule[..], &["--out", "t"]].concat(), folder.path()));
    let at = folder.path().join("t");
    let losses: Vec<f64> = read_json(&file(&at, "losses.json").unwrap()).unwrap().unwrap();
    let curves = fs::read_to_string(file(&at, "curves.csv").unwrap()).unwrap();
    let rows: Vec<Vec<f64>> = curves
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(curves.lines().next(), Some("epoch,learning_rate,loss,accuracy"));
    for (epoch, row) in rows.iter().enumerate() {
        let rate = 0.4 * (1.0 - epoch as f64 / 4.0);
        assert!(
            [row[0] - epoch as f64, row[1] - rate, row[2] - losses[epoch]]
                .iter()
                .all(|apart| apart.abs() < 1e-12),
            "{row:?}"
        );
    }
    let page = at.join("report.html");
    assert!(said(&bonas(&["report", "t"], folder.path())).contains("t/report.html"));
    let written = fs::read_to_string(&page).unwrap();
    for text in
        ["epoch 3\nlearning rate: 0.1000", "training accuracy", &format!("training loss: {:.4}", losses[2])]
    {
        assert!(written.contains(text), "{text} in {written}");
    }
    fs::remove_file(at.join("final.json")).unwrap();
    fs::write(file(&at, "curves.csv").unwrap(), &curves[..=curves.rfind("\n3,").unwrap() + 3]).unwrap();
    let cut = bonas(&["report", "t"], folder.path());
    assert!(!cut.status.success() && text(&cut.stderr).contains("curves.csv"), "{}", text(&cut.stderr));
    assert_eq!(fs::read_to_string(&page).unwrap(), written, "the page stays");
    assert!(rows.len() == 4 && rows[3][3] > rows[0][3] && rows[3][3] <= 1.0, "{rows:?}");
}

const SEARCH: &str = "[study]\narchitectures = 2\nseed = 5\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\n\
    batch = 2\n[evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 1\nepochs = 1\nbatch = 4\n[data]\nsource = \"folder:img\"\n\
    image_size = 8\nvalidation = 0.4\nsplit_seed = 3\n[training]\nlearning_rate = 0.2\n[final]\nrandom = 0\nseeds = 2\n\
    epochs = 2\nchannels = 4\nlayers = 1\nimages = \"search\"\nbatch = 4\n";

/// A folder of two classes of 10x10 images, whose bytes depend on a number.
fn images(at: &Path, turn: u32) {
    for class in ["dots", "lines"] {
        fs::create_dir_all(at.join(class)).unwrap();
        for n in 0..20_u32 {
            let mut pixels = image::GrayImage::new(10, 10);
            for (x, y, pixel) in pixels.enumerate_pixels_mut() {
                let on = if class == "dots" { (x + y + n) % 3 == turn % 3 } else { y % 4 == n % 4 };
                *pixel = image::Luma([if on { 255 } else { (n * 7 % 90) as u8 }]);
            }
            pixels.save(at.join(class).join(format!("{n}.png"))).unwrap();
        }
    }
}

#[test]
fn the_winner_of_a_search_is_trained_again_as_it_was_searched() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(&at.join("img"), 0);
    fs::write(at.join("s.toml"), SEARCH).unwrap();
    let again = |more: &[&str]| bonas(&[&["train", "--from", "runs/a"], more].concat(), at);
    assert!(refused(&again(&["--out", "t"])).contains("there is no folder runs/a"));
    said(&bonas(&["search", "s.toml", "--out", "runs/a"], at));
    let searched = tested(&at.join("runs/a"));
    said(&again(&["--out", "same"]));
    assert_eq!(tested(&at.join("same")), searched, "the same images, size, split, recipe and seeds");
    let other = said(&again(&["--out", "seed", "--seed", "9", "--seeds", "3"]));
    assert!(other.contains("sd over 3 seeds"), "{other}");
    let weights =
        |at: &str| fs::read(file(&folder.path().join(at), "-0").unwrap().join("model.safetensors")).unwrap();
    assert!(weights("same") == weights("runs/a") && weights("seed") != weights("same"));
    let plan = said(&again(&["--recipe", "nasbench201", "--epochs", "2", "--batch", "8", "--dry-run"]));
    for line in ["image_size = 8", "split_seed = 3", "images = \"search\"", "seeds = 2", "nesterov = true"] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert!(refused(&again(&["--space", "darts", "--out", "t"])).contains("leave it out"));
    images(&at.join("img"), 1);
    let changed = refused(&again(&["--out", "other"]));
    assert!(changed.contains("have changed since the search"), "{changed}");
    said(&again(&["--out", "other", "--data", "folder:img"]));
    let journal = at.join("runs/a/journal.jsonl");
    let whole = fs::read_to_string(&journal).unwrap();
    let end = whole.trim_end().rfind('\n').unwrap();
    fs::write(&journal, &whole[..=end]).unwrap();
    assert!(refused(&again(&["--out", "t", "--data", "folder:img"])).contains("is not over"));
}

#[test]
fn a_dry_run_says_what_is_not_as_published() {
    let folder = tempfile::tempdir().unwrap();
    let dry = |more: &[&str]| {
        let small = ["train", "--space", "nasbench201", "--genotype", CELL, "--data", "digits", "--dry-run"];
        bonas(&[&small[..], more].concat(), folder.path())
    };
    let published = said(&dry(&["--recipe", "nasbench201"]));
    for line in [
        "steps: 200 epochs of 4 steps, 800 in all; 1 seed\n",
        "images: 1198 of 1x8x8, 10 classes; scored on 599 test images\n",
        "network: 1045178 parameters",
        "learning rate: 1.000e-1 first, 5.000e-2 halfway",
        "recipe nasbench201: all keys are as published\n",
    ] {
        assert!(published.contains(line), "{line} in {published}");
    }
    let other = said(&dry(&["--recipe", "nasbench101", "--epochs", "3", "--set", "final.optimizer=adamw"]));
    for line in [
        "  final.epochs = 3 (published: 108)\n",
        "  final.optimizer = \"adamw\" (published: \"rmsprop-tf\")\n",
        "  final.rms_decay = left out (published: 0.9)\n",
        "  no key for: each half of a batch",
    ] {
        assert!(other.contains(line), "{line} in {other}");
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
    for (more, expected) in [
        (&["--batch", "5000"][..], "--batch: 5000 is more than the 1198 images"),
        (
            &["--recipe", "nasbench201", "--set", "final.beta1=0.5"],
            "final.beta1: optimizer sgd does not read it",
        ),
        (
            &["--set", "final.final_learning_rate=0.1"],
            "final.final_learning_rate: 0.1; it must be in [0, 0.025]",
        ),
        (&["--learning-rate", "nan"], "--learning-rate: NaN"),
        (&["--recipe", "nasbench201", "--learning-rate", "0"], "--learning-rate: 0; it must be above 0"),
        (&["--epochs", "18446744073709551615"], "--epochs: 9223372036854775807; it must be at most 1000000"),
        (&["--set", "final.warmup_epochs=20"], "final.warmup_epochs: 20 of 20 epochs"),
    ] {
        let error = refused(&dry(more));
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[test]
fn a_recipe_for_another_space_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let line = "recipe nasbench101 is for space nasbench101, and this is nasbench201\n";
    let train = |more: &[&str]| said(&train(&[&["--epochs", "1"], more].concat(), folder.path()));
    let other = ["--recipe", "nasbench101", "--set", "data.limit=120"];
    let plan = train(&[&other[..], &["--dry-run"]].concat());
    assert!(plan.contains(line) && plan.contains("steps: 1 epoch of 1 step, 1 in all; 1 seed\n"), "{plan}");
    let trained = train(&[&other[..], &["--out", "t"]].concat());
    assert!(trained.starts_with(line) && trained.contains(" %, 1 seed, "), "{trained}");
    assert!(!train(&["--recipe", "nasbench201", "--dry-run"]).contains("is for space"));
}

#[test]
fn every_recipe_trains() {
    let folder = tempfile::tempdir().unwrap();
    for recipe in RECIPES.iter() {
        let small = [
            "--recipe",
            recipe.name,
            "--epochs",
            "6",
            "--cutout",
            "0",
            "--auxiliary-weight",
            "0",
            "--set",
            "data.limit=130",
        ];
        // Those of DARTS on ImageNet have a skeleton that other spaces have not.
        let own = ["--set", "final.skeleton=nasbench201"];
        let more = if recipe.finals().unwrap().skeleton.is_some() { &own[..] } else { &[] };
        let said = said(&train(&[&small[..], more, &["--out", recipe.name]].concat(), folder.path()));
        assert!(said.contains("test accuracy"), "{}: {said}", recipe.name);
        let text = fs::read_to_string(folder.path().join(recipe.name).join("training.toml")).unwrap();
        let kept = SearchConfig::from_toml(&text, recipe.name).unwrap().finals;
        assert_eq!(kept.weight_decay, recipe.finals().unwrap().weight_decay, "{}", recipe.name);
    }
}

#[test]
fn a_file_lies_over_a_recipe_and_flags_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let read =
        |more: &[&str]| bonas(&[&["train", "--dry-run", "--recipe", "nasbench101"], more].concat(), at);
    fs::create_dir_all(at.join("sub")).unwrap();
    images(&at.join("sub/img"), 0);
    let file = "[space]\nname = \"nasbench201\"\n[data]\nsource = \"folder:img\"\nimage_size = 8\n[final]\nepochs = 9\n\
                optimizer = \"sgd\"\nnesterov = true\nbatch = 4\n";
    fs::write(at.join("sub/t.toml"), file).unwrap();
    let plan = said(&read(&[
        "--config",
        "sub/t.toml",
        "--genotype",
        CELL,
        "--epochs",
        "4",
        "--set",
        "final.batch=2",
    ]));
    for line in
        ["name = \"nasbench201\"", "\nepochs = 4\n", "\nbatch = 2\n", "nesterov = true", "rate_by = \"step\""]
    {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert!(!plan.contains("\nepsilon") && !plan.contains("\nrms_decay"), "{plan}");
    for (text, expected) in [
        ("[study]\nseed = 1\n", "[study] is not of a training"),
        ("[final]\nepoch = 1\n", "t.toml line 2: final.epoch: unknown key `epoch`; did you mean `epochs`?"),
        ("[final]\nepochs = 1\n", "--data: give the images"),
    ] {
        fs::write(at.join("t.toml"), text).unwrap();
        let error = refused(&read(&["--config", "t.toml", "--genotype", CELL]));
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[test]
fn a_training_has_the_skeleton_of_its_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |more: &[&str]| {
        let small = ["train", "--genotype", "DARTS_V2", "--data", "digits", "--dry-run", "--channels", "4"];
        bonas(&[&small[..], more].concat(), folder.path())
    };
    let params = |more: &[&str]| {
        let plan = said(&plan(more));
        plan.lines().find(|line| line.starts_with("network:")).unwrap().to_owned()
    };
    let own = params(&["--layers", "3", "--set", "final.skeleton=darts"]);
    assert_eq!(params(&["--layers", "3"]), own);
    assert_ne!(params(&["--layers", "3", "--set", "final.skeleton=darts-imagenet"]), own);
    let of_search = &["--layers", "3", "--set", "training.skeleton=darts-imagenet"];
    assert_eq!(params(of_search), params(&["--layers", "3", "--set", "final.skeleton=darts-imagenet"]));
    assert_eq!(params(&[of_search, &["--set", "final.skeleton=darts"][..]].concat()), own);
    let error = refused(&plan(&["--set", "training.skeleton=darts-imgenet"]));
    assert!(error.contains("training.skeleton: unknown skeleton `darts-imgenet`; did you mean"), "{error}");
    let error = refused(&plan(&["--set", "final.skeleton=darts-imgenet"]));
    assert!(
        error.contains("final.skeleton: unknown skeleton `darts-imgenet`; did you mean `darts-imagenet`?"),
        "{error}"
    );
}
