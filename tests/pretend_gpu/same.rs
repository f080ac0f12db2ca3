//! What is found on a device is what is found on the CPU.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Counts, on_cpu, on_devices};
use crate::cli::text;
use crate::recorded::{without_configuration, without_seconds};

/// Files without times, which are compared.
const COMPARED: [&str; 5] = ["journal.jsonl", "results.csv", "winner.txt", "final.json", "trajectory.jsonl"];

/// Shared weights in 16 bits with channels innermost.
const MIXED: &str = r#"
[study]
seed = 3
architectures = 4
[space]
name = "darts"
[strategy]
name = "random"
batch = 4
[training]
precision = "mixed"
channels_last = true
[evaluator]
name = "shared-weights"
channels = 4
layers = 2
epochs = 2
warmup_epochs = 1
batch = 32
warmup_batch = 32
statistics_images = 64
[data]
limit = 200
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// Learning rates at which some architectures diverge: each fails alone, in the step that is to blame.
const DIVERGING: &str = r#"
[study]
seed = 3
architectures = 16
[space]
name = "nasbench201"
[strategy]
name = "random"
batch = 8
[training]
learning_rate = 45.0
gradient_clip = 1e30
[evaluator]
name = "shared-weights"
channels = 2
layers = 1
epochs = 3
warmup_epochs = 0
batch = 10
[data]
limit = 200
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// Recurrent cells on text, a batch together; then the best of them, the winner and a random one, each by itself.
const LANGUAGE: &str = r#"
[study]
seed = 3
architectures = 4
[space]
name = "nasbench-nlp"
[strategy]
name = "random"
batch = 2
[training]
[evaluator]
name = "language-model"
epochs = 1
hidden = 8
embedding = 8
[shortlist]
cells = 2
epochs = 1
[final]
seeds = 1
random = 1
epochs = 1
"#;

/// The compared files below a folder, by their path in it; journals without the configuration.
fn written(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            written(root, &path, found);
        } else if let Some(name) = COMPARED.iter().find(|name| path.ends_with(name)) {
            let text = fs::read_to_string(&path).unwrap();
            let text = match *name {
                "journal.jsonl" => without_configuration(&text),
                "final.json" => without_seconds(&text),
                _ => text,
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), text);
        }
    }
}

/// Runs a configuration on the CPU and on two devices, and compares what they write; the counts of the devices.
fn compared(name: &str, configuration: &str) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let command = if configuration.contains("[[strategy]]") { "compare" } else { "search" };
    let heading = "[training]\n";
    let with = if configuration.contains(heading) { String::new() } else { format!("\n{heading}") };
    let mut sides = Vec::new();
    let mut counts = None;
    for device in ["cpu", "cuda"] {
        let config = format!("{configuration}{with}");
        let config = config.replace(heading, &format!("{heading}device = \"{device}\"\n"));
        fs::write(folder.path().join(format!("{device}.toml")), config).unwrap();
        let arguments = [command, &format!("{device}.toml"), "--out", device];
        match device {
            "cpu" => drop(on_cpu(&arguments, folder.path())),
            _ => counts = Some(on_devices(2, &arguments, folder.path()).1),
        }
        let (out, mut found) = (folder.path().join(device), BTreeMap::new());
        written(&out, &out, &mut found);
        assert!(!found.is_empty(), "{name}: nothing was written");
        sides.push(found);
    }
    let (device, cpu) = (sides.pop().unwrap(), sides.pop().unwrap());
    assert!(device.keys().eq(cpu.keys()), "{name}: {:?} and {:?}", device.keys(), cpu.keys());
    for (path, text) in &cpu {
        let other = &device[path];
        let first = text.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(text == other, "{name}: {} differs: {first:?}", path.display());
    }
    counts.unwrap()
}

fn recorded(name: &str) -> Counts {
    let path = format!("{}/tests/recorded/torch/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    compared(name, &fs::read_to_string(path).unwrap())
}

/// Shared weights with a graph network as surrogate, shortlist, random cells and final training; two workers.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn shared_weights_on_two_devices() {
    assert_eq!(recorded("shared-weights").devices(), ["0", "1"]);
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn training_from_scratch() {
    recorded("from-scratch");
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn a_one_shot_supernet() {
    recorded("one-shot");
}

/// Second order, and first order with partial channels and edge normalisation.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn differentiable_search() {
    for name in ["differentiable", "partial"] {
        recorded(name);
    }
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn indicators_of_a_supernet() {
    recorded("indicator");
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn mixed_precision() {
    compared("mixed", MIXED);
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn architectures_that_diverge() {
    compared("diverging", DIVERGING);
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn language_models() {
    compared("language", LANGUAGE);
}

/// The device computes products of matrices in 16 bits as the CPU does.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn language_models_in_mixed_precision() {
    compared("mixed-language", &LANGUAGE.replace("[training]\n", "[training]\nprecision = \"mixed\"\n"));
}

/// A training with all that a recipe may have; its model is evaluated and classifies.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn a_training_and_its_model() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    let train = "train --genotype DARTS_V2 --data digits --epochs 2 --batch 64 --channels 4 --layers 3 --drop-path 0.2 \
                 --label-smoothing 0.1 --cutout 2 --set final.averaging=0.99 --set final.mixup=0.4 \
                 --set final.cutmix=1 --set final.rate_by=step --set data.limit=300";
    let train: Vec<&str> = train.split_whitespace().collect();
    on_cpu(&[&train[..], &["--device", "cpu", "--out", "cpu"]].concat(), at);
    on_devices(1, &[&train[..], &["--device", "cuda", "--out", "cuda"]].concat(), at);
    let [mut cpu, mut device] = [BTreeMap::new(), BTreeMap::new()];
    written(&at.join("cpu"), &at.join("cpu"), &mut cpu);
    written(&at.join("cuda"), &at.join("cuda"), &mut device);
    assert!(!cpu.is_empty() && cpu == device);
    let picture = |x: u32, y: u32| image::Luma([(x * 31 + y * 17) as u8]);
    image::GrayImage::from_fn(8, 8, picture).save(at.join("one.png")).unwrap();
    for command in ["evaluate cpu --data digits --json", "infer cpu one.png --top 3 --format csv"] {
        let command: Vec<&str> = command.split_whitespace().collect();
        let one = on_cpu(&[&command[..], &["--device", "cpu"]].concat(), at);
        let (other, _) = on_devices(1, &[&command[..], &["--device", "cuda"]].concat(), at);
        let [one, other] = [one, other].map(|output| text(&output.stdout).replace("cuda:0", "cpu"));
        assert_eq!(one, other, "{command:?}");
    }
}
