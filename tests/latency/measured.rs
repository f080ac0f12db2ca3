//! What a search keeps of measured latencies, and goes on with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::search;
use crate::cli::text;

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every number of an object with some name, wherever it is.
fn found<'a>(value: &'a Value, name: &str, into: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            into.extend(object.get(name));
            object.values().for_each(|inner| found(inner, name, into));
        }
        Value::Array(all) => all.iter().for_each(|inner| found(inner, name, into)),
        _ => {}
    }
}

/// The measures of all scores in a journal.
fn measures(folder: &Path) -> Vec<Vec<f64>> {
    let journal = lines(&folder.join("journal.jsonl"));
    let mut all = Vec::new();
    for event in &journal {
        found(event, "measures", &mut all);
    }
    all.into_iter().map(|measures| serde_json::from_value(measures.clone()).unwrap()).collect()
}

fn latencies(folder: &Path) -> BTreeMap<String, f64> {
    let kept = lines(&folder.join("latency.jsonl"));
    assert!(kept[0]["reference_ms"].as_f64().unwrap() > 0.0);
    let latency =
        |line: &Value| (line["key"].as_str().unwrap().to_owned(), line["latency_ms"].as_f64().unwrap());
    kept[1..].iter().map(latency).collect()
}

/// Killed anywhere between a measurement and the end, a search goes on with what it measured before.
#[test]
fn a_search_goes_on_with_the_latencies_that_it_has_measured() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let objective = ["--set", "latency.objective=true"];
    let done = search(at, "s", &objective);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let kept = latencies(&at.join("s"));
    let measured = measures(&at.join("s"));
    assert_eq!((measured.len(), kept.len()), (7, 7));
    let mut values: Vec<f64> = measured.iter().map(|of| of[0]).collect();
    assert!(measured.iter().all(|of| of.len() == 2 && of[1].to_bits() == (-of[0]).to_bits() && of[0] > 0.0));
    values.sort_by(f64::total_cmp);
    let mut there: Vec<f64> = kept.values().copied().collect();
    there.sort_by(f64::total_cmp);
    assert_eq!(values, there);
    let [journal, latency] = ["journal.jsonl", "latency.jsonl"].map(|file| at.join("s").join(file));
    let [whole, all] = [&journal, &latency].map(|file| fs::read_to_string(file).unwrap());
    for lines in 1..whole.lines().count() {
        let begin: String = whole.split_inclusive('\n').take(lines).collect();
        fs::write(&journal, begin).unwrap();
        // The last line was not whole yet.
        fs::write(&latency, all.clone() + "{\"key\":").unwrap();
        let again = search(at, "s", &objective);
        assert!(again.status.success(), "{}", text(&again.stderr));
        assert_eq!(fs::read_to_string(&journal).unwrap(), whole, "{lines}");
        // Nothing is measured again. Where all scores are in the journal, the file is not even read.
        assert_eq!(fs::read_to_string(&latency).unwrap().trim_end_matches("{\"key\":"), all, "{lines}");
    }
}

#[test]
fn what_is_slower_than_the_limit_is_no_candidate() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let random = ["--set", "strategy.name=random"];
    let all = [&random[..], &["--set", "latency.limit_ms=1e9"]].concat();
    assert!(search(at, "all", &all).status.success());
    let none = [&random[..], &["--set", "latency.limit_ms=1e-9"]].concat();
    let _ = search(at, "none", &none);
    let infeasible = |out: &str| {
        let journal = lines(&at.join(out).join("journal.jsonl"));
        let mut all = Vec::new();
        for event in &journal {
            found(event, "infeasible", &mut all);
        }
        all.len()
    };
    assert_eq!((infeasible("all"), infeasible("none")), (0, 7));
    assert_eq!(measures(&at.join("none")).len(), 7);
    // Without limit and objective it is measured and noted.
    assert!(search(at, "noted", &random).status.success());
    assert!(measures(&at.join("noted")).iter().all(|of| of.len() == 1 && of[0] > 0.0));
}

#[cfg(feature = "torch")]
#[test]
fn libtorch_measures_with_its_threads() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let more = ["--set", "latency.by=libtorch", "--set", "latency.threads=2", "--set", "latency.batch=4"];
    let done = search(at, "s", &more);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let kept = latencies(&at.join("s"));
    assert_eq!(kept.len(), 7);
    // A reference of equal size is near every one of them, whatever the machine: not one is off by a factor of 1,000.
    let known = fs::read_to_string(at.join("s/latency.jsonl")).unwrap();
    assert!(
        known.contains("by = \\\"libtorch\\\"")
            && known.contains("threads = 2")
            && known.contains("batch = 4"),
        "{known}"
    );
    let reference = lines(&at.join("s/latency.jsonl"))[0]["reference_ms"].as_f64().unwrap();
    assert!(kept.values().all(|ms| (1e-3..1e3).contains(&(ms / reference))), "{kept:?}, {reference}");
    // With the same file, other settings are refused.
    let four = ["--set", "latency.by=libtorch", "--set", "latency.threads=4", "--set", "latency.batch=4"];
    fs::remove_file(at.join("s/journal.jsonl")).unwrap();
    fs::remove_file(at.join("s/config.toml")).unwrap();
    let other = search(at, "s", &four);
    assert!(text(&other.stderr).contains("measured by other settings"), "{}", text(&other.stderr));
}
