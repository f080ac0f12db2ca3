//! Results that must stay the same: what the program wrote when they were recorded, byte for byte.
//!
//! `tests/recorded/` has the configurations and, in `expected/`, what they led to. A change that is meant to alter
//! results says so in its commit and records them anew:
//! `cargo test --test main -- --ignored recorded::record_again`.
//!
//! They were recorded with version 0.1.0 before it was rebuilt into crates. Since then, keys were renamed: `flops` is
//! `macs`, in a comparison `name` is `label`; summaries have other `format` numbers; the multiply-adds of an auxiliary
//! head stand in a row of their own (`describe --auxiliary`). All else is as it was. Configurations in `torch/` train networks, so that
//! their results hold on one kind of processor only: `cargo xtask trained OTHER` compares them between two builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Files by name, with what is compared of each.
type Written = BTreeMap<String, String>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded");

/// Runs the program, which must succeed, and returns its standard output.
fn bonas(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bonas")).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "bonas {}: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// JSON without seconds, indented, its keys in order.
pub(crate) fn without_seconds(text: &str) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| {
                    !(key.ends_with("seconds") || key.ends_with("_s") || key.ends_with("_ms"))
                });
                object.remove("environment");
                object.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_str(text).unwrap();
    strip(&mut value);
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

/// A journal without the configuration in its first record, which may gain keys.
pub(crate) fn without_configuration(text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap();
    let mut first: Value = serde_json::from_str(first).unwrap();
    let record = first["record"].as_object_mut().unwrap();
    assert!(record.remove("config").is_some_and(|config| config.is_string()));
    format!("{}\n{rest}", first["record"])
}

/// Runs a configuration with a command, and reads what is compared of its folder.
fn run(command: &str, config: &Path) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    bonas(&[command, config.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let name = config.file_stem().unwrap().to_str().unwrap();
    let mut written = Written::new();
    for file in ["journal.jsonl", "summary.json", "results.csv", "winner.txt"] {
        let Ok(text) = fs::read_to_string(out.join(file)) else { continue };
        let text = match file {
            "journal.jsonl" => without_configuration(&text),
            "summary.json" => without_seconds(&text),
            _ => text,
        };
        written.insert(format!("{command}/{name}/{file}"), text);
    }
    written
}

/// All configurations of a command.
fn run_all(command: &str) -> Written {
    let entries = fs::read_dir(format!("{FOLDER}/{command}")).unwrap();
    let configs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    configs.iter().flat_map(|config| run(command, config)).collect()
}

/// `bonas predict --json` and `bonas describe --json`.
fn commands() -> Written {
    let text = fs::read_to_string(format!("{FOLDER}/commands.txt")).unwrap();
    let mut written = Written::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, arguments) = line.split_once(' ').unwrap();
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("out.json");
        arguments.push("--json");
        let text = if arguments[0] == "predict" {
            arguments.push(json.to_str().unwrap());
            bonas(&arguments);
            fs::read_to_string(&json).unwrap()
        } else {
            bonas(&arguments)
        };
        written.insert(format!("commands/{name}.json"), without_seconds(&text));
    }
    written
}

/// Compares with what was recorded of a command; no file may be missing.
fn check(command: &str, written: &Written) {
    let mut recorded = Vec::new();
    for case in
        fs::read_dir(format!("{FOLDER}/expected/{command}")).unwrap().map(|entry| entry.unwrap().path())
    {
        match fs::read_dir(&case) {
            Ok(files) => recorded.extend(files.map(|file| file.unwrap().path())),
            Err(_) => recorded.push(case),
        }
    }
    assert_eq!(recorded.len(), written.len(), "files written and recorded");
    for (name, text) in written {
        let path = Path::new(FOLDER).join("expected").join(name);
        let expected = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let differs = text.lines().zip(expected.lines()).position(|(a, b)| a != b);
        assert!(
            *text == expected,
            "{name} differs from what was recorded, first in line {:?}",
            differs.map(|n| n + 1)
        );
    }
}

#[test]
fn searches_find_what_they_found() {
    check("search", &run_all("search"));
}

#[test]
fn comparisons_find_what_they_found() {
    check("compare", &run_all("compare"));
}

#[test]
fn predictions_and_descriptions_are_the_same() {
    check("commands", &commands());
}

/// Run it when results are meant to change; the difference belongs in the commit.
#[test]
#[ignore = "writes the expected results"]
fn record_again() {
    let expected = Path::new(FOLDER).join("expected");
    for (name, text) in run_all("search").into_iter().chain(run_all("compare")).chain(commands()) {
        let path = expected.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
