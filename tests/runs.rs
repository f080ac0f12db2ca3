//! `bonas runs`: lists of searches, whatever state they are in.

use std::fs;
use std::path::Path;
use std::process::Command;

use bonas::study::journal;
use serde_json::Value;

const CONFIG: &str = "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 4\n\
                      [evaluator]\nname = \"synthetic\"\n[study]\narchitectures = 8\n[final]\nseeds = 0\n";

fn bonas(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bonas")).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// All files below a folder with their content; links are not followed.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// A folder with a search in each state.
fn searches() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let search = |name: &str, text: &str| {
        fs::write(at("s.toml"), text).unwrap();
        bonas(folder.path(), &["search", "s.toml", "--out", &format!("runs/{name}")]);
    };
    search("done", CONFIG);
    search("deep/er/done", CONFIG);
    search("told", &CONFIG.replace("synthetic", "told"));
    bonas(folder.path(), &["ask", "runs/told", "-n", "3"]);
    bonas(folder.path(), &["tell", "runs/told", "1", "--score", "0.25"]);
    search("stopped", CONFIG);
    let journal = at("runs/stopped/journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    // Started, asked, evaluated; the next record is cut short.
    let three: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&journal, three + "{\"seq\":3,").unwrap();
    search("damaged", CONFIG);
    let journal = at("runs/damaged/journal.jsonl");
    fs::write(&journal, fs::read_to_string(&journal).unwrap().replace("\"round\":1", "\"round\":7")).unwrap();
    fs::create_dir_all(at("runs/other")).unwrap();
    fs::write(at("runs/other/config.toml"), "[net]\nretry = 3\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("runs"), at("runs/deep/back")).unwrap();
    folder
}

fn of<'a>(runs: &'a Value, folder: &str) -> &'a Value {
    let all = runs["runs"].as_array().unwrap();
    all.iter().find(|run| run["folder"] == folder).unwrap_or_else(|| panic!("{folder}: {runs}"))
}

#[test]
fn every_state_is_told_and_nothing_is_changed() {
    let folder = searches();
    let before = files(folder.path());
    let runs: Value = serde_json::from_str(&bonas(folder.path(), &["runs", "--json"])).unwrap();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 5, "{runs}");
    for (name, state, evaluated, pending) in [
        ("done", "finished", 8, 0),
        ("deep/er/done", "finished", 8, 0),
        ("told", "open", 1, 2),
        ("stopped", "interrupted", 4, 0),
    ] {
        let run = of(&runs, &format!("runs/{name}"));
        assert_eq!((&run["state"], &run["evaluated"]), (&state.into(), &evaluated.into()), "{run}");
        assert_eq!((&run["budget"], &run["pending"]), (&8.into(), &pending.into()), "{run}");
        assert_eq!((&run["space"], &run["strategy"]), (&"nasbench201".into(), &"random".into()));
        assert!(run["best"].is_f64() && run["reason"].is_null(), "{run}");
    }
    assert_eq!(of(&runs, "runs/told")["best"], 0.25);
    let damaged = of(&runs, "runs/damaged");
    assert_eq!(damaged["state"], "damaged");
    assert!(damaged["reason"].as_str().unwrap().contains("journal.jsonl line "), "{damaged}");
    let table = bonas(folder.path(), &["runs", "runs"]);
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(line("runs/stopped").contains("interrupted  4 of 8"), "{table}");
    assert!(line("runs/damaged").contains("damaged      runs/damaged/journal.jsonl line "), "{table}");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_search_that_a_process_works_on_is_running() {
    let folder = searches();
    let lock = journal::lock(&folder.path().join("runs/stopped")).unwrap();
    let state = || -> Value {
        let runs = serde_json::from_str(&bonas(folder.path(), &["runs", "runs", "--json"])).unwrap();
        of(&runs, "runs/stopped")["state"].clone()
    };
    assert_eq!(state(), "running");
    drop(lock);
    assert_eq!(state(), "interrupted");
    // The folder of a search is a list of one.
    assert_eq!(bonas(folder.path(), &["runs", "runs/told"]).lines().count(), 2);
}

#[test]
fn a_search_without_a_score_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.toml"), CONFIG.replace("synthetic", "told")).unwrap();
    bonas(folder.path(), &["search", "s.toml", "--out", "r", "--set", "study.architectures=1"]);
    bonas(folder.path(), &["ask", "r"]);
    let tell = ["tell", "r", "0", "--failed", "no memory"];
    let told =
        Command::new(env!("CARGO_BIN_EXE_bonas")).args(tell).current_dir(folder.path()).status().unwrap();
    assert_eq!(told.code(), Some(1));
    let table = bonas(folder.path(), &["runs", "."]);
    assert!(table.contains("failed  1 of 1"), "{table}");
}

/// A journal whose last line was cut short is reported without it, and the report says so.
#[test]
fn a_report_tells_of_a_cut_journal() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.toml"), CONFIG).unwrap();
    bonas(folder.path(), &["search", "s.toml", "--out", "r"]);
    let report = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
        let output = command.args(["report", "r"]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(report(), "");
    let path = folder.path().join("r").join(journal::JOURNAL_FILE);
    let whole = fs::read(&path).unwrap();
    let lines = String::from_utf8_lossy(&whole).lines().count();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let told = report();
    assert!(told.contains(&format!("warning: line {lines} of r/journal.jsonl was cut short")), "{told}");
    assert!(told.contains("`bonas resume r` does it again"), "{told}");
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() - 5, "a report changes no journal");
}
