//! Searches that start from scores on another task, from outside.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use bonas::spaces::SearchSpace;
use bonas::spaces::families::nasbench_macro::NasBenchMacro;
use bonas::study::journal::JOURNAL_FILE;
use bonas::study::strategy::SOURCE_TASK_FILE;

use crate::cli::bonas;

fn succeeds(arguments: &[&str], folder: &Path) -> String {
    let done = bonas(arguments, folder);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn fails(arguments: &[&str], folder: &Path) -> String {
    let done = bonas(arguments, folder);
    assert!(!done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr).unwrap()
}

fn search(strategy: &str) -> String {
    format!(
        "[study]\narchitectures = 20\n[space]\nname = \"darts\"\n[evaluator]\nname = \"synthetic\"\n[final]\n\
         seeds = 0\n[strategy]\n{strategy}"
    )
}

/// A study that has taken its scores from another one needs that one no more: it goes on, from anywhere, to the same
/// bytes. What it kept of them must be what it was begun with.
#[test]
fn a_search_keeps_what_it_starts_from() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("old.toml"), search("name = \"random\"\n")).unwrap();
    succeeds(&["search", "old.toml", "--out", "old"], folder);
    let settings = "name = \"bonas\"\nbatch = 4\ninitial = 4\npool_size = 20\nsurrogate = \"graph-gp\"\n";
    fs::write(folder.join("new.toml"), search(&format!("{settings}transfer = \"study:old\"\n"))).unwrap();
    fs::write(folder.join("alone.toml"), search(settings)).unwrap();
    for name in ["new", "alone"] {
        succeeds(&["search", &format!("{name}.toml"), "--out", name], folder);
    }
    let whole = fs::read_to_string(folder.join("new").join(JOURNAL_FILE)).unwrap();
    let alone = fs::read_to_string(folder.join("alone").join(JOURNAL_FILE)).unwrap();
    assert!(whole.contains("study:old"), "it says what it starts from");
    assert!(!whole.lines().skip(1).eq(alone.lines().skip(1)), "what it starts from changes what it does");

    fs::remove_dir_all(folder.join("old")).unwrap();
    let half: Vec<&str> = whole.lines().take(whole.lines().count() / 2).collect();
    let cut = || fs::write(folder.join("new").join(JOURNAL_FILE), half.join("\n") + "\n").unwrap();
    cut();
    fs::create_dir(folder.join("elsewhere")).unwrap();
    succeeds(&["resume", "../new"], &folder.join("elsewhere"));
    assert_eq!(fs::read_to_string(folder.join("new").join(JOURNAL_FILE)).unwrap(), whole);

    cut();
    let kept = folder.join("new").join(SOURCE_TASK_FILE);
    let scores = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, scores.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    let error = fails(&["resume", "new"], folder);
    assert!(error.contains("another configuration") && error.contains("transfer "), "{error}");
    fs::remove_file(&kept).unwrap();
    let error = fails(&["resume", "new"], folder);
    assert!(error.contains(SOURCE_TASK_FILE) && error.contains("put it back"), "{error}");
    let error = fails(&["search", "new.toml", "--out", "other"], folder);
    let named = error.contains("strategy.transfer: study:") && error.contains("old: there is no study in it");
    assert!(named && !folder.join("other").exists(), "{error}");
}

/// Paths in a comparison are relative to its configuration, and the embedded table can be named.
#[test]
fn a_comparison_finds_its_sources_beside_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let space = NasBenchMacro::new();
    let mut csv = String::from("arch,acc\n");
    for (i, network) in space.enumerate().unwrap().step_by(60).enumerate() {
        writeln!(csv, "{},{}", space.format(&network).unwrap(), i * 7919 % 101).unwrap();
    }
    fs::write(inner.join("o.csv"), csv).unwrap();
    let strategy = "[[strategy]]\nname = \"bonas\"\nsurrogate = \"graph-gp\"\ntransfer = ";
    let config = |table: &str, transfer: &str| {
        let text = format!("seeds = 1\nbudget = 12\nbatch = 2\n[table]\n{table}{strategy}\"{transfer}\"\n");
        fs::write(inner.join("c.toml"), text).unwrap();
    };
    config("space = \"macro\"\npath = \"o.csv\"\nsearch = \"-acc\"\n", "table:o.csv:acc");
    let error = fails(&["compare", "inner/c.toml", "--out", "a"], folder.path());
    assert!(
        error.contains("transfer of strategy `bonas, from table:")
            && error.contains("-acc of the same table"),
        "{error}"
    );
    config("space = \"nasbench201\"\npath = \"digits\"\nsearch = \"-params\"\n", "table:digits:macs");
    let printed = succeeds(&["compare", "inner/c.toml", "--out", "b"], folder.path());
    assert!(printed.contains("of 1236 architectures") && printed.contains("reported -params"), "{printed}");
    config("space = \"macro\"\npath = \"digits\"\nsearch = \"val\"\n", "none");
    let error = fails(&["compare", "inner/c.toml", "--out", "c"], folder.path());
    assert!(error.contains("nasbench201, not of macro"), "{error}");
}

#[test]
fn predict_says_what_surrogates_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["predict", "--splits", "1", "--sizes", "20", "--surrogate"];
    let more = ["graph-gp", "--transfer", "table:digits:macs", "--json", "p.json"];
    let printed = succeeds(&[&arguments[..], &more[..]].concat(), folder.path());
    assert!(printed.contains("starting from table:digits:macs"), "{printed}");
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("p.json")).unwrap()).unwrap();
    assert_eq!((&json["prior"], &json["transfer"]), (&"auto".into(), &"table:digits:macs".into()));
    assert_eq!(json["transfer_digest"].as_str().unwrap().len(), 16);
    for (wrong, source, names) in [
        ("graph-gp", "digits", "val of the same table"),
        ("graph-gp,trees", "table:digits:macs", "this surrogate takes none"),
    ] {
        let error = fails(&[&arguments[..], &[wrong, "--transfer", source]].concat(), folder.path());
        assert!(error.contains("--transfer: ") && error.contains(names), "{error}");
    }
}
