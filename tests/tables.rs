//! `bonas predict` and `bonas compare` from outside, on a small table.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bonas::config::ExperimentConfig;
use bonas::spaces::SearchSpace;
use bonas::spaces::families::transnas::TransNasMicro;

use crate::cli::{bonas, text};

/// Cells of TransNAS-Bench-101 with an accuracy that convolutions raise, and its negative as a loss.
fn table(folder: &Path) {
    let space = TransNasMicro::new();
    let mut csv = String::from("arch,val,test,loss\n");
    for (i, cell) in space.enumerate().unwrap().step_by(7).enumerate() {
        let text = space.format(&cell).unwrap();
        let convolutions = text[9..].bytes().filter(|digit| *digit >= b'2').count();
        let (noise, value) = ((i * 7919 % 11) as f64 / 20.0, 50.0 + 5.0 * convolutions as f64);
        writeln!(csv, "{text},{},{},{}", value + noise, value - noise, 1.0 - 0.01 * value).unwrap();
    }
    std::fs::write(folder.join("t.csv"), csv).unwrap();
}

const CONFIG: &str = "seeds = 6\nbudget = 40\nbatch = 5\n[table]\nspace = \"transnas-micro\"\npath = \"t.csv\"\n\
                      search = \"val\"\nreport = \"test\"\n[[strategy]]\nname = \"random\"\n[[strategy]]\n\
                      name = \"bonas\"\nsurrogate = \"counts-bsr\"\n[[strategy]]\nname = \"local-search\"\n";

#[test]
fn predict_prints_and_writes_stable_keys() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let arguments =
        ["predict", "--space", "transnas-micro", "--table", "t.csv", "--train-on", "val", "--rank", "test"];
    let more = ["--sizes", "20,50", "--splits", "3", "--surrogate", "counts-bsr", "--json", "p.json"];
    let done = bonas(&[&arguments[..], &more[..]].concat(), folder.path());
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).lines().any(|line| line.starts_with("counts-bsr")), "{}", text(&done.stdout));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("p.json")).unwrap()).unwrap();
    let row = &json["rows"][1];
    assert_eq!(
        (row["surrogate"].as_str(), row["train"].as_u64(), row["splits"].as_u64()),
        (Some("counts-bsr"), Some(50), Some(3))
    );
    for key in ["tau_mean", "tau_sd", "fit_s", "predict_s", "coverage50", "coverage80", "coverage95", "nll"] {
        assert!(row[key].is_number(), "{key}: {row}");
    }
    assert!(row["tau_mean"].as_f64().unwrap() > 0.4, "{row}");
    // A loss, lower is better: the same order.
    let loss = bonas(&[&arguments[..7], &["--rank", "-loss"], &more[..6]].concat(), folder.path());
    assert!(loss.status.success(), "{}", text(&loss.stderr));
}

#[test]
fn compare_writes_its_files_and_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    std::fs::write(folder.path().join("c.toml"), CONFIG).unwrap();
    let done = bonas(&["compare", "c.toml", "--out", "out"], folder.path());
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(folder.path().join("out/report.html").is_file());
    let csv = std::fs::read_to_string(folder.path().join("out/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 6 * 40);
    let summary = std::fs::read(folder.path().join("out/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    for (strategy, name) in
        summary["strategies"].as_array().unwrap().iter().zip(["random", "bonas", "local-search"])
    {
        assert_eq!((strategy["label"].as_str(), strategy["seeds"].as_u64()), (Some(name), Some(6)));
        assert_eq!(strategy["curve"][39]["queries"], 40);
        for key in ["report_mean", "report_sd", "oracle_mean"] {
            assert!(strategy["curve"][39][key].is_number(), "{key}");
        }
        for key in ["mean", "sd", "median", "found", "cap"] {
            assert!(strategy["to_optimum"][key].is_number(), "{key}");
        }
    }
    let timings = std::fs::read(folder.path().join("out/timings.json")).unwrap();
    let timings: serde_json::Value = serde_json::from_slice(&timings).unwrap();
    let strategies = timings["strategies"].as_array().unwrap();
    assert_eq!(strategies.len(), 3);
    for strategy in strategies {
        assert!(strategy["ask_ms"]["mean"].is_number() && strategy["ask_ms"]["p95"].is_number());
        assert!(strategy["label"].is_string() && strategy["wall_s"].is_number());
    }
}

#[test]
fn a_killed_comparison_goes_on_to_the_same_results() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    let config = CONFIG.replace("seeds = 6", "seeds = 12");
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["compare", "c.toml", "--out", "killed", "--threads", "1"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runs = folder.path().join("killed/runs.jsonl");
    let start = Instant::now();
    while std::fs::metadata(&runs).map_or(0, |m| m.len()) == 0 && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for (out, threads) in [("killed", "4"), ("whole", "1")] {
        let done = bonas(&["compare", "c.toml", "--out", out, "--threads", threads], folder.path());
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let results = |out: &str| std::fs::read(folder.path().join(out).join("results.csv")).unwrap();
    assert_eq!(results("killed"), results("whole"));
}

/// A misspelt count of the network is told apart from a column of the table.
#[test]
fn a_misspelt_count_of_a_network_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k.csv"), "arch,score\n0,1\n1,2\n2,3\n").unwrap();
    for (feature, expected) in [
        ("network.dept", "unknown feature `network.dept`; did you mean `network.depth`?"),
        ("network.x", "network.resolution"),
        ("others", "unknown column `others`"),
    ] {
        let arguments =
            ["predict", "--space", "nasbench201", "--table", "k.csv", "--train-on", "score", "--features"];
        let done = bonas(&[&arguments[..], &[feature]].concat(), folder.path());
        let error = text(&done.stderr);
        assert!(!done.status.success() && error.contains(expected), "{error}");
    }
}

/// A second table column, known before, says what the graph does not: the score follows it.
#[test]
fn features_of_ones_own_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let space = TransNasMicro::new();
    let mut csv = String::from("arch,score,known\n");
    for (i, cell) in space.enumerate().unwrap().step_by(7).enumerate() {
        let known = (i * 7919) % 101;
        writeln!(csv, "{},{},{known}", space.format(&cell).unwrap(), 20 + known / 2).unwrap();
    }
    std::fs::write(folder.path().join("k.csv"), csv).unwrap();
    let arguments = ["predict", "--space", "transnas-micro", "--table", "k.csv", "--train-on", "score"];
    let more = ["--sizes", "50", "--splits", "2", "--surrogate", "graph-gp", "--json", "p.json"];
    let tau = |features: &[&str]| {
        let done = bonas(&[&arguments[..], &more, features].concat(), folder.path());
        assert!(done.status.success(), "{}", text(&done.stderr));
        let json = std::fs::read(folder.path().join("p.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        (json["rows"][0]["tau_mean"].as_f64().unwrap(), json["features"].to_string())
    };
    let (without, none) = tau(&[]);
    let (with, named) = tau(&["--features", "known"]);
    assert!(without < 0.2 && with > 0.8, "{without} {with}");
    assert_eq!((&*none, &*named), ("[]", "[\"known\"]"));
    // Counted on the network, so no column of the table.
    let (with, named) = tau(&["--features", "network.depth,known"]);
    assert!(with > 0.8 && named == "[\"network.depth\",\"known\"]", "{with} {named}");
    let refused = |features: &[&str], code: i32, expected: &str| {
        let done = bonas(&[&arguments[..], features].concat(), folder.path());
        let error = text(&done.stderr);
        assert!(done.status.code() == Some(code) && error.contains(expected), "{error}");
    };
    refused(&["--features", "score"], 2, "--features: score is what is to be predicted");
    refused(&["--features", "knwon"], 1, "did you mean `known`?");
    refused(
        &["--features", "known", "--surrogate", "trees"],
        2,
        "--features: known, but this surrogate takes none",
    );
    let config = |features: &str| {
        format!(
            "seeds = 2\nbudget = 30\n[table]\nspace = \"transnas-micro\"\npath = \"k.csv\"\nsearch = \"score\"\n\
             failing = 0.1\n[[strategy]]\nname = \"bonas\"\n[[strategy]]\nname = \"bonas\"\nlabel = \"features\"\n\
             features = [\"{features}\"]\n"
        )
    };
    for (features, expected) in [("known", ""), ("score", "score is what strategies have to find out")] {
        std::fs::write(folder.path().join("c.toml"), config(features)).unwrap();
        let done = bonas(&["compare", "c.toml", "--out", features], folder.path());
        assert_eq!(done.status.success(), expected.is_empty(), "{}", text(&done.stderr));
        assert!(text(&done.stderr).contains(expected), "{}", text(&done.stderr));
    }
    let summary = std::fs::read(folder.path().join("known/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let found = |i: usize| summary["strategies"][i]["last"]["report_mean"].as_f64().unwrap();
    assert!(found(1) > found(0), "{} {}", found(1), found(0));
    assert!(summary["strategies"][1]["last"]["recommended_mean"].is_number());
}

#[test]
fn mistakes_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    table(folder.path());
    std::fs::write(folder.path().join("c.toml"), CONFIG.replace("\"t.csv\"", "\"\"")).unwrap();
    std::fs::write(folder.path().join("bad.csv"), "arch,val,test\n64-41414-3_12_039,1,2\n").unwrap();
    let predict = ["predict", "--space", "transnas-micro", "--table", "t.csv", "--train-on"];
    let cases: [(Vec<&str>, i32, &str); 7] = [
        (
            vec!["compare", "c.toml", "--out", "x"],
            2,
            "table.path: it is empty; give the CSV file there or with --table",
        ),
        (vec!["compare", "c.toml", "--out", "x", "--seeds", "0"], 2, "--seeds: 0 is out of range"),
        (vec!["compare", "c.toml", "--out", "x", "--table", "bad.csv"], 1, "bad.csv line 2: cannot read"),
        ([&predict[..], &["vla"]].concat(), 1, "unknown column `vla`; did you mean `val`?"),
        ([&predict[..], &["val", "--surrogate", "count-bsr"]].concat(), 2, "did you mean `counts-bsr`?"),
        (
            [&predict[..], &["val", "--surrogate", "counts-bsr", "--sizes", "9999"]].concat(),
            2,
            "the table has 586",
        ),
        (
            vec!["predict", "--space", "nb201", "--table", "t.csv", "--train-on", "val"],
            2,
            "did you mean `nasbench201`?",
        ),
    ];
    for (arguments, code, expected) in cases {
        let output = bonas(&arguments, folder.path());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(expected) && !error.contains("panicked"), "{error}");
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
fn what_is_printed_as_configuration_is_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), CONFIG).unwrap();
    let printed = text(&bonas(&["compare", "c.toml", "--print-config"], folder.path()).stdout);
    std::fs::write(folder.path().join("d.toml"), &printed).unwrap();
    assert_eq!(text(&bonas(&["compare", "d.toml", "--print-config"], folder.path()).stdout), printed);
    assert!(printed.contains("[[strategy]]\n# Which strategy: "), "{printed}");
}

#[test]
fn the_ready_made_configurations_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/compare");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let config = ExperimentConfig::from_toml(&text, &path.display().to_string()).unwrap();
        let table = config.table().unwrap().table.clone().unwrap();
        assert!(bonas::spaces::catalogue::SPACES.get(&table.space).is_ok() && table.path.is_empty());
        assert!(config.strategies.len() >= 4);
        found += 1;
    }
    assert!(found >= 6);
}
