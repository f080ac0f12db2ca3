//! How often a training copies between host and device, and waits: what more steps of an epoch cost, more checkpoints, and
//! more architectures that are scored.

use std::fs;
use std::path::Path;

use super::{Counts, on_devices};

/// Shared weights: the batch is trained jointly, on 100 images.
const SHARED: &str = r#"
[study]
seed = 3
architectures = 3
[space]
name = "nasbench201"
[strategy]
name = "random"
batch = 3
[evaluator]
name = "shared-weights"
channels = 2
layers = 1
epochs = 2
warmup_epochs = 1
warmup_batch = 50
batch = 50
statistics_images = 20
[data]
limit = 200
validation = 0.5
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// Differentiable search on two halves of 50 images.
const DIFFERENTIABLE: &str = r#"
[study]
seed = 3
architectures = 0
rounds = 1
[space]
name = "darts"
[strategy]
name = "differentiable"
channels = 4
layers = 3
epochs = 2
batch = 25
partial = 2
edge_normalisation = true
[evaluator]
name = "synthetic"
[data]
limit = 200
validation = 0.5
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// A supernet of which `BatchNorm` alone is trained, on 100 images.
const INDICATOR: &str = r#"
[study]
seed = 3
architectures = 2
[space]
name = "nasbench201"
[strategy]
name = "random"
batch = 2
[evaluator]
name = "indicator"
indicator = "bn-gamma"
epochs = 1
channels = 2
layers = 1
batch = 50
images = 8
passes = 2
references = 2
[data]
limit = 200
validation = 0.5
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// Training from scratch with all that a recipe may have, on 200 images.
const TRAINING: &str = "train --genotype DARTS_V2 --data digits --channels 4 --layers 3 --drop-path 0.2 \
                        --label-smoothing 0.1 --cutout 2 --set final.averaging=0.99 --set final.mixup=0.4 \
                        --set final.cutmix=1 --set data.limit=200";

/// Copies to the device, copies from it, and waits.
type Costs = [i64; 3];

fn costs(counts: &Counts) -> Costs {
    [counts.copies("host_to_device"), counts.copies("device_to_host"), counts.syncs()]
}

/// Costs of a search with a changed key.
fn of_search(configuration: &str, changes: &[&str]) -> Costs {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), configuration).unwrap();
    let changes = changes.iter().flat_map(|change| ["--set", *change]);
    let arguments = ["search", "a.toml", "--device", "cuda", "--out", "out"];
    costs(&on_devices(1, &arguments.into_iter().chain(changes).collect::<Vec<_>>(), folder.path()).1)
}

/// Costs of a training with changed flags.
fn of_training(changes: &str, folder: &Path) -> Costs {
    let arguments = format!("{TRAINING} --device cuda --out out {changes}");
    costs(&on_devices(1, &arguments.split_whitespace().collect::<Vec<_>>(), folder).1)
}

fn added(more: Costs, less: Costs) -> Costs {
    [0, 1, 2].map(|i| more[i] - less[i])
}

/// Steps alone copy nothing but images, and one other thing at most; nothing of them is read, and nothing waits.
fn check_steps(what: &str, steps: i64, copies: i64, added: Costs) {
    println!("{what}: {steps} more steps add {added:?}");
    let [to_device, from_device, syncs] = added;
    assert!((steps..=copies * steps).contains(&to_device), "{what}: {to_device} copies in {steps} steps");
    assert_eq!((from_device, syncs), (0, 0), "{what}: copies from the device, and waits");
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn steps_of_shared_weights() {
    // Of the warm-up and of single paths: from 2 steps an epoch to 10.
    let more = of_search(SHARED, &["evaluator.batch=10", "evaluator.warmup_batch=10"]);
    check_steps("shared weights", 16, 1, added(more, of_search(SHARED, &[])));
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn steps_of_differentiable_search() {
    for order in ["strategy.second_order=false", "strategy.second_order=true"] {
        // Two batches a step, from 2 steps to 10.
        let more = of_search(DIFFERENTIABLE, &[order, "strategy.batch=5"]);
        check_steps(order, 2 * 8, 1, added(more, of_search(DIFFERENTIABLE, &[order])));
    }
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn steps_of_single_paths() {
    let more = of_search(INDICATOR, &["evaluator.batch=10"]);
    check_steps("single paths", 8, 1, added(more, of_search(INDICATOR, &[])));
}

#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn steps_of_training_from_scratch() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let less = of_training("--epochs 3 --batch 100", folders[0].path());
    let more = of_training("--epochs 3 --batch 20", folders[1].path());
    // Masks of drop-path are the other thing; in the first of three epochs there are none.
    check_steps("from scratch", 3 * 8, 2, added(more, less));
}

/// The second checkpoint is due after ten epochs; its network has about a hundred tensors.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn a_checkpoint_is_few_copies() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let less = of_training("--epochs 5 --batch 100", folders[0].path());
    let [_, from_device, syncs] = added(of_training("--epochs 10 --batch 100", folders[1].path()), less);
    println!("a checkpoint and 5 epochs: {from_device} copies from the device, {syncs} waits");
    assert!((1..=4).contains(&from_device), "{from_device} copies from the device");
    // The losses and the accuracies of each epoch are read at its end.
    assert_eq!(syncs, from_device + 2 * 5);
}

/// One more architecture of a batch is scored on the held-out images, and takes no more steps.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn a_score_waits_once() {
    let two = of_search(SHARED, &["study.architectures=2", "strategy.batch=2"]);
    let [_, from_device, syncs] = added(of_search(SHARED, &[]), two);
    println!("one more score: {from_device} copies from the device, {syncs} waits");
    assert_eq!((from_device, syncs), (1, 1));
}
