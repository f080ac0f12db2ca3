//! Latency in comparisons, and predicted by a table of layers.

use std::fs;

use serde_json::Value;

use super::search;
use crate::cli::{bonas, text};

const COMPARED: &str = r#"
seeds = 2
budget = 6
batch = 3
initial = 3
random = 1

[space]
name = "nasbench201"

[data]
limit = 100
validation = 0.5

[evaluator]
name = "from-scratch"
channels = 2
layers = 1
epochs = 1
batch = 16

[latency]
by = "tract"
objective = true
channels = 2
layers = 1
image = 8
image_channels = 1
classes = 2
warmup = 1
repeats = 3

[final]
seeds = 1
epochs = 1
batch = 16
channels = 2
layers = 1

[[strategy]]
name = "nsga2"

[[strategy]]
name = "bonas"
"#;

fn of(at: &std::path::Path) -> Value {
    serde_json::from_str(&fs::read_to_string(at).unwrap()).unwrap()
}

/// All searches of a comparison take one latency of an architecture, which a comparison that goes on does not measure again.
#[cfg(feature = "torch")]
#[test]
fn a_comparison_measures_an_architecture_once_for_all_searches() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("c.toml"), COMPARED).unwrap();
    let compare = || bonas(&["compare", "c.toml", "--out", "c"], at);
    let done = compare();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    assert!(printed.contains("latency, mean (ms)") && printed.contains("hypervolume"), "{printed}");
    let kept: Vec<_> = fs::read_dir(at.join("c")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let kept: Vec<_> = kept.iter().filter(|path| path.to_string_lossy().ends_with(".jsonl")).collect();
    let [latency] = &kept[..] else { panic!("{kept:?}") };
    let measured = fs::read_to_string(latency).unwrap();
    let keys: Vec<Value> = measured
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["key"].clone())
        .collect();
    assert!((6..=4 * 6 + 2).contains(&keys.len()), "{}", keys.len());
    assert!(keys.iter().enumerate().all(|(i, key)| !keys[..i].contains(key)), "{measured}");
    let summary = of(&at.join("c/summary.json"));
    for strategy in summary["strategies"].as_array().unwrap() {
        assert!(strategy["latency_ms_mean"].as_f64().unwrap() > 0.0, "{strategy}");
        let random = strategy["strategy"].is_null();
        let shares = strategy.get("hypervolume").and_then(Value::as_array).cloned().unwrap_or_default();
        assert_eq!(shares.len(), if random { 0 } else { 2 });
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(&share.as_f64().unwrap())), "{strategy}");
    }
    // Once more, with one search begun again from its start.
    fs::remove_dir_all(at.join("c/strategies/bonas/seed-2")).unwrap();
    assert!(compare().status.success());
    assert_eq!(of(&at.join("c/summary.json")), summary);
    assert_eq!(fs::read_to_string(latency).unwrap(), measured);
}

/// With a table, only what it is fitted to is measured.
#[test]
fn a_table_of_layers_predicts_what_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let with_table = ["--set", "latency.table=12", "--set", "latency.objective=true"];
    let done = search(at, "s", &with_table);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let kept = fs::read_to_string(at.join("s/latency.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 13);
    let table = of(&at.join("s/latency_table.json"));
    assert_eq!(table["networks"], 12);
    let layers = table["layers"].as_array().unwrap();
    assert!(layers.iter().any(|one| one["layer"] == "nor_conv_3x3 2x8x8 -> 2x8x8"), "{table}");
    assert!(text(&done.stdout).contains("predicted from 12 measured networks"), "{}", text(&done.stdout));
    // What is on disk is the whole of it: half of the measurements, and the rest, end in the same journal.
    let journal = fs::read_to_string(at.join("s/journal.jsonl")).unwrap();
    assert!(journal.lines().filter(|line| line.contains("\"measures\"")).count() > 0);
    fs::write(at.join("s/journal.jsonl"), journal.split_inclusive('\n').next().unwrap()).unwrap();
    fs::remove_file(at.join("s/latency_table.json")).unwrap();
    assert!(search(at, "s", &with_table).status.success());
    assert_eq!(fs::read_to_string(at.join("s/journal.jsonl")).unwrap(), journal);
    assert_eq!(of(&at.join("s/latency_table.json")), table);
}
