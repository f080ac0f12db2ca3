//! Latency that a program of the user's measures.

use std::fs;
use std::path::Path;

use super::search;
use crate::cli::text;

/// Kilobytes of the exported file as milliseconds, and a note of each run.
const MEASURE: &str = r#"
folder=$(sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p' "$BONAS_REQUEST")
grep -q '"purpose": *"latency"' "$BONAS_REQUEST" || exit 1
bytes=$(wc -c < "$folder/model.onnx") || exit 2
echo run >> runs.txt
echo "{\"measures\": {\"latency_ms\": $bytes}}"
"#;

const BY: [&str; 6] = [
    "--set",
    "latency.by=command",
    "--set",
    "latency.command=[\"sh\", \"measure.sh\"]",
    "--set",
    "latency.limit_ms=1e9",
];

fn runs(at: &Path) -> usize {
    fs::read_to_string(at.join("runs.txt")).unwrap_or_default().lines().count()
}

/// Each architecture is measured once, also where the search goes on, and no exported network stays.
#[test]
fn a_program_times_exported_networks() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("measure.sh"), MEASURE).unwrap();
    let done = search(at, "s", &BY);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(runs(at), 7);
    let kept = fs::read_to_string(at.join("s/latency.jsonl")).unwrap();
    let latency = |line: &str| -> Option<f64> {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["latency_ms"].as_f64()
    };
    let bytes: Vec<f64> = kept.lines().filter_map(latency).collect();
    assert!(bytes.len() == 7 && bytes.iter().all(|&size| size > 1000.0), "{kept}");
    let left: Vec<_> = walk(&at.join("s")).into_iter().filter(|path| path.ends_with("model.onnx")).collect();
    assert!(left.is_empty(), "{left:?}");
    let journal = fs::read_to_string(at.join("s/journal.jsonl")).unwrap();
    fs::write(at.join("s/journal.jsonl"), journal.split_inclusive('\n').next().unwrap()).unwrap();
    assert!(search(at, "s", &BY).status.success());
    assert_eq!(fs::read_to_string(at.join("s/journal.jsonl")).unwrap(), journal);
    assert_eq!(runs(at), 7);
}

/// The stem for large images has three convolutions for one, and exports as a larger file.
#[test]
fn the_measured_network_is_the_one_that_is_trained_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("measure.sh"), MEASURE).unwrap();
    let size = |out: &str, more: &[&str]| -> f64 {
        let done = search(
            at,
            out,
            &[&BY[..], &["--set", "study.architectures=2", "--set", "latency.image=32"], more].concat(),
        );
        assert!(done.status.success(), "{}", text(&done.stderr));
        let kept = fs::read_to_string(at.join(out).join("latency.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(kept.lines().last().unwrap()).unwrap();
        last["latency_ms"].as_f64().unwrap()
    };
    let (own, large) = ("training.skeleton=nasbench201", "training.skeleton=nasbench201-imagenet");
    let [plain, trained, ended, said] = [
        size("a", &[]),
        size("b", &["--set", large]),
        size("c", &["--set", large, "--set", "final.skeleton=nasbench201"]),
        size("d", &["--set", own, "--set", "latency.skeleton=nasbench201-imagenet"]),
    ];
    assert!(trained > plain, "{trained} and {plain}");
    assert_eq!((ended, said), (plain, trained));
    let unknown = search(at, "e", &[&BY[..], &["--set", "latency.skeleton=nasbench202"]].concat());
    let error = text(&unknown.stderr);
    assert!(error.contains("latency.skeleton: unknown skeleton `nasbench202`; did you mean"), "{error}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// A file that cannot be written stops the search; it is no failure of an architecture, and the search goes on once it can be.
#[test]
fn a_disk_that_takes_no_network_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("measure.sh"), MEASURE).unwrap();
    fs::create_dir(at.join("s")).unwrap();
    fs::write(at.join("s/latency"), "in the place of the folder").unwrap();
    let stopped = search(at, "s", &BY);
    let error = text(&stopped.stderr);
    assert!(!stopped.status.success() && error.contains("s/latency/"), "{error}");
    let kept = fs::read_to_string(at.join("s/latency.jsonl")).unwrap();
    assert!(!kept.contains("failed"), "{kept}");
    fs::remove_file(at.join("s/latency")).unwrap();
    let done = search(at, "s", &BY);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(runs(at), 7);
}

/// What a program does wrong is the failure of its architecture, or said before anything begins.
#[test]
fn programs_that_cannot_measure_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let missing = search(at, "missing", &BY);
    assert!(text(&missing.stderr).contains("latency.command: "), "{}", text(&missing.stderr));
    assert!(!at.join("missing/journal.jsonl").exists());
    for (name, script, reason) in [
        ("none", "echo nothing", "its latency: it printed no result"),
        ("zero", "echo '{\"measures\": {\"latency_ms\": 0}}'", "its latency: latency_ms is "),
        ("says", "echo '{\"failed\": \"the phone is hot\"}'", "its latency: the phone is hot"),
    ] {
        fs::write(at.join("measure.sh"), script).unwrap();
        let failed = search(at, name, &BY);
        assert!(!failed.status.success());
        let journal = fs::read_to_string(at.join(name).join("journal.jsonl")).unwrap();
        assert_eq!(journal.matches(reason).count(), 7, "{name}: {journal}");
    }
    // The space has no networks: nothing is evaluated first.
    let recurrent = search(at, "recurrent", &[&BY[..], &["--set", "space.name=nasbench-nlp"]].concat());
    assert!(text(&recurrent.stderr).contains("latency: "), "{}", text(&recurrent.stderr));
    assert!(!at.join("recurrent/journal.jsonl").exists());
}

/// Sends the network away, as to a device, and fails for every third one.
const MOVES: &str = r#"
folder=$(sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p' "$BONAS_REQUEST")
bytes=$(wc -c < "$folder/model.onnx")
mv "$folder/model.onnx" sent.onnx
echo run >> runs.txt
[ -e mended ] || [ $(($(wc -l < runs.txt) % 3)) != 0 ] || exit 3
echo "{\"measures\": {\"latency_ms\": $bytes}}"
"#;

/// A failure is kept like a measurement, so that a table does not depend on how often a search was begun.
#[test]
fn failures_of_a_table_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("measure.sh"), MOVES).unwrap();
    let table = [&BY[..], &["--set", "latency.table=12"]].concat();
    let done = search(at, "s", &table);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let warned = text(&done.stdout) + &text(&done.stderr);
    assert!(warned.contains("latency.table: 8 of 12 networks could be measured: its latency: "), "{warned}");
    assert!(warned.contains("measured   latency_ms "), "{warned}");
    assert_eq!(runs(at), 12);
    let [journal, latency] = ["journal.jsonl", "latency.jsonl"].map(|file| at.join("s").join(file));
    let [whole, kept] = [&journal, &latency].map(|file| fs::read_to_string(file).unwrap());
    assert_eq!(kept.matches("\"failed\"").count(), 4, "{kept}");
    // The device works now, and the search goes on as it would have.
    fs::write(at.join("mended"), "").unwrap();
    fs::write(&journal, whole.split_inclusive('\n').next().unwrap()).unwrap();
    assert!(search(at, "s", &table).status.success());
    assert_eq!((fs::read_to_string(&journal).unwrap(), fs::read_to_string(&latency).unwrap()), (whole, kept));
    assert_eq!(runs(at), 12);
    // A table of too few networks is none.
    fs::write(at.join("measure.sh"), "exit 3").unwrap();
    let none = search(at, "none", &table);
    let error = text(&none.stderr);
    assert!(error.contains("latency.table: 0 of 12 networks could be measured, and it takes 6: "), "{error}");
}
