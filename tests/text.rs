//! Searches on text: what follows them, stops, what a user may get wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bonas::report::{FinalResult, Summary};

use crate::cli::{bonas, text};
use crate::support::wait_until_interrupts_are_caught;

/// A search of a few seconds on five words in turn.
const SMALL: &str = "[space]\nname = \"nasbench-nlp\"\n[study]\narchitectures = 4\n[strategy]\nname = \"random\"\nbatch = 2\n\
                     [evaluator]\nname = \"language-model\"\ntext = \"text:words\"\nleast = 1\nepochs = 1\nhidden = 6\n\
                     embedding = 6\nbatch = 4\n[shortlist]\ncells = 2\nseeds = 1\nepochs = 1\n\
                     [final]\nrandom = 1\nseeds = 2\nepochs = 4\n";

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("words")).unwrap();
    for (part, lines) in [("train", 120), ("valid", 10), ("test", 12)] {
        fs::write(folder.path().join("words").join(part), "a b c d e\n".repeat(lines)).unwrap();
    }
    fs::write(folder.path().join("search.toml"), SMALL).unwrap();
    folder
}

fn results(folder: &Path) -> Vec<FinalResult> {
    serde_json::from_slice(&fs::read(folder.join("final.json")).unwrap()).unwrap()
}

#[test]
fn the_winner_is_trained_beside_random_cells_and_perplexities_are_said() {
    let place = place();
    let done = bonas(&["search", "search.toml", "--out", "a"], place.path());
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    for expected in [
        "; 1/perplexity on held-out text with shared weights)",
        " on the held-out text, trained from scratch, 1 seed; the best of 2",
        "final      perplexity ",
        " on the test text (sd ",
        ", 1 random cell; the winner has ",
        "Shortlist, trained from scratch",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    assert!(!printed.contains('%') && !printed.contains("program"), "{printed}");
    let folder = place.path().join("a");
    let results = results(&folder);
    assert_eq!(results.len(), 2);
    for result in &results {
        let inverse: Vec<f64> = result.test.iter().map(|score| 1.0 / score).collect();
        assert_eq!((result.perplexity.len(), &result.perplexity), (2, &inverse));
        assert!(result.params.is_some_and(|params| params > 42), "{result:?}");
    }
    let summary: Summary = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    let winner = &summary.finals.unwrap().results[0];
    let mean = f64::midpoint(winner.perplexity[0], winner.perplexity[1]);
    assert!((winner.perplexity_mean.unwrap() - mean).abs() < 1e-12 && winner.perplexity_sd.is_some());
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    for expected in ["test perplexity of the winner", "held-out perplexity", "A score is 1/perplexity."] {
        assert!(page.contains(expected), "no {expected:?} in the page");
    }
    assert!(!page.contains("accuracy (%)"));
    let again = bonas(&["search", "search.toml", "--out", "a"], place.path());
    assert!(text(&again.stdout).starts_with("Nothing is left to do here"), "{}", text(&again.stderr));
    let more = bonas(&["resume", "a", "--set", "final.seeds=1"], place.path());
    assert!(more.status.success(), "{}", text(&more.stderr));
    assert_eq!(self::results(&folder)[0].perplexity.len(), 1);
    assert!(folder.join("final-1").is_dir());
}

/// Killed in the second run of a finalist, then stopped with Ctrl-C, then run to its end.
#[test]
fn a_training_that_is_killed_goes_on_to_the_same_bytes() {
    let place = place();
    let long = SMALL.replace("epochs = 4\n", "epochs = 60\n");
    fs::write(place.path().join("search.toml"), long).unwrap();
    let begin = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
        command.args(["search", "search.toml", "--out", "k"]).current_dir(place.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let second = |name: &str| name.ends_with("-1.checkpoint.safetensors");
    let begun = || {
        let files = fs::read_dir(place.path().join("k/final")).into_iter().flatten().flatten();
        files.into_iter().any(|file| second(&file.file_name().to_string_lossy()))
    };
    let mut child = begin();
    let since = Instant::now();
    while !begun() {
        assert!(since.elapsed() < Duration::from_mins(2), "the second run never begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path().join("k/final.json").exists(), "it was killed too late");
    let mut child = begin();
    wait_until_interrupts_are_caught(child.id());
    std::thread::sleep(Duration::from_millis(300));
    let interrupted = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // 2 s on an idle machine.
    assert!(interrupted.elapsed() < Duration::from_secs(20));
    for arguments in [&["resume", "k"][..], &["search", "search.toml", "--out", "whole"]] {
        let done = bonas(arguments, place.path());
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let files = fs::read_dir(place.path().join("whole/final")).unwrap();
    let names = files.map(|file| format!("final/{}", file.unwrap().file_name().to_string_lossy()));
    let trained: Vec<String> =
        names.filter(|name| name.ends_with(".safetensors") || name.ends_with(".curves.csv")).collect();
    // Weights, state and learning curve of two runs of two cells.
    assert_eq!(trained.len(), 12, "{trained:?}");
    let records = ["journal.jsonl", "final/journal.jsonl", "shortlist.json", "summary.json", "report.html"];
    for file in records.into_iter().chain(trained.iter().map(String::as_str)) {
        let of = |folder: &str| fs::read(place.path().join(folder).join(file)).unwrap();
        assert!(of("k") == of("whole"), "{file}");
    }
}

#[test]
fn what_does_not_fit_a_text_is_refused_before_anything_is_written() {
    let place = place();
    let refused = |set: &str, expected: &str| {
        let run = bonas(&["search", "search.toml", "--out", "q", "--set", set], place.path());
        assert!(
            !run.status.success() && text(&run.stderr).contains(expected),
            "{set}: {}",
            text(&run.stderr)
        );
        assert!(!place.path().join("q").exists(), "{set}");
    };
    refused("final.channels=4", "final.channels: it is for networks on images");
    refused("shortlist.batch=9", "shortlist.batch: it is for networks on images");
    refused("evaluator.text=text:nowhere", "evaluator.text: ");
    refused("evaluator.text=text:", "\"text:\" is no text; give prose or text:DIRECTORY");
    refused("space.name=nasbench201", "nasbench201");
    // A text of a flag is where the command is given.
    let below = place.path().join("below");
    fs::create_dir(&below).unwrap();
    let here =
        bonas(&["search", "../search.toml", "--dry-run", "--set", "evaluator.text=text:../words"], &below);
    assert!(here.status.success(), "{}", text(&here.stderr));
    let planned = bonas(&["search", "search.toml", "--dry-run"], place.path());
    let plan = text(&planned.stdout);
    for expected in [
        "search: 4 architectures, 2 a batch",
        "1 layer of 6",
        "the best 2, 1 training from scratch each",
        "about ",
        " multiply-adds",
        "shares of the work: search ",
    ] {
        assert!(plan.contains(expected), "no {expected:?} in {plan}");
    }
}

#[test]
fn a_text_that_has_changed_is_refused_by_its_key_and_commands_for_images_say_what_they_are_for() {
    let place = place();
    let (none, here) = (["--set", "final.seeds=0", "--set", "shortlist.cells=0"], place.path());
    let run = |arguments: &[&str]| bonas(arguments, here);
    let done = run(&[&["search", "search.toml", "--out", "s"], &none[..]].concat());
    assert!(done.status.success(), "{}", text(&done.stderr));
    let hint = "cells of nasbench-nlp are trained by `bonas search` with evaluator language-model; this command is for \
                networks on images";
    for arguments in [
        &["train", "--from", "s", "--out", "t"][..],
        &["train", "--space", "nasbench-nlp", "--genotype", "lstm", "--data", "digits", "--out", "t"],
        &["export", "s", "--to", "onnx", "--out", "e"],
        &["export", "--space", "nasbench-nlp", "--arch", "lstm", "--to", "pytorch", "--out", "e"],
        &["evaluate", "s", "--data", "digits"],
    ] {
        let refused = run(arguments);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(hint),
            "{}",
            text(&refused.stderr)
        );
    }
    fs::write(here.join("words/train"), "e d c b a\n".repeat(120)).unwrap();
    let changed = run(&["resume", "s", "--budget", "6"]);
    assert!(
        !changed.status.success() && text(&changed.stderr).contains("evaluator.text: the data have changed"),
        "{}",
        text(&changed.stderr)
    );
}
