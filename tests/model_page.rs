//! The page of a trained network: what `bonas evaluate` keeps of it, and where it comes from.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cli::{bonas, text};
use crate::deploy::{models, train};

fn run(arguments: &[&str], at: &Path) -> String {
    let done = bonas(arguments, at);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).unwrap()
}

/// Figures, pictures and times are kept beside the model, shown on the page of its training and on its own, and are no more
/// once the weights are others.
#[test]
fn what_was_measured_is_kept_and_shown() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    run(&["report", "t"], at);
    let before = page(&at.join("t"));
    assert!(before.contains("Not evaluated yet") && before.contains("bonas evaluate"), "{before}");
    assert!(
        before.contains("id=\"cell-0\"") && before.contains("<td>sgd.learning_rate"),
        "drawing and recipe"
    );
    let printed = run(&["evaluate", "t", "--data", "digits", "--latency", "2,1"], at);
    assert!(printed.contains("latency on cpu") && printed.contains("95 % below"), "{printed}");
    let kept: Value = serde_json::from_slice(&fs::read(model.join("evaluation.json")).unwrap()).unwrap();
    assert_eq!((&kept["format"], &kept["part"], &kept["images"]), (&1.into(), &"test".into(), &599.into()));
    let of_batch =
        |i: usize| (&kept["latency"][i]["batch"], kept["latency"][i]["median_ms"].as_f64().unwrap());
    assert!(of_batch(0).0 == 2 && of_batch(1).0 == 1 && of_batch(0).1 > 0.0);
    let mistakes = kept["mistakes"].as_array().unwrap();
    assert!(!mistakes.is_empty() && mistakes.len() <= 24, "{} pictures", mistakes.len());
    let sure: Vec<f64> = mistakes.iter().map(|m| m["probability"].as_f64().unwrap()).collect();
    assert!(sure.is_sorted_by(|a, b| a >= b), "the surest first: {sure:?}");
    for mistake in mistakes {
        assert_ne!(mistake["class"], mistake["answer"]);
        let png = STANDARD.decode(mistake["png"].as_str().unwrap()).unwrap();
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (8, 8));
    }
    run(&["report", "t"], at);
    let own = run(&["report", model.to_str().unwrap()], at);
    assert!(own.contains("report.html"), "{own}");
    for page in [page(&at.join("t")), page(&model)] {
        for shown in
            ["Classified wrongly", "data:image/png;base64,", "Latency", "id=\"confusion\"", "id=\"loss\""]
        {
            assert!(page.contains(shown), "{shown}");
        }
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "it loads nothing");
    }
    // Weights of another training.
    let file = model.join("model.safetensors");
    let mut weights = fs::read(&file).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    fs::write(&file, weights).unwrap();
    run(&["report", "t"], at);
    assert!(page(&at.join("t")).contains("What was measured is of other weights"));
    fs::write(model.join("evaluation.json"), "{\"format\": 1").unwrap();
    run(&["report", "t"], at);
    assert!(page(&at.join("t")).contains("evaluation.json cannot be shown"), "the rest is shown");
}

const SEARCH: &str = "[study]\narchitectures = 3\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 3\n\
    [data]\nlimit = 200\n[evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 1\nepochs = 1\n\
    [final]\nrandom = 0\nseeds = 1\nepochs = 1\nchannels = 2\nlayers = 1\n";

/// A winner that is trained again names its search, with score and rank, by a link that leads there; so does a model of final
/// training. Without the search the page stays as it is.
#[test]
fn a_winner_names_the_search_that_found_it() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    fs::write(at.join("s.toml"), SEARCH).unwrap();
    run(&["search", "s.toml", "--out", "a run"], at);
    run(&["train", "--from", "a run", "--out", "deep/t"], at);
    run(&["report", "deep/t"], at);
    let found = "<a href=\"../../a%20run/report.html\">../../a run</a> (strategy random). Its score there is";
    assert!(page(&at.join("deep/t")).contains(found));
    assert!(page(&at.join("deep/t")).contains("the 1st of 3."));
    let finals = fs::read_dir(at.join("a run/final")).unwrap().map(|entry| entry.unwrap().path());
    let model = finals.into_iter().find(|path| path.is_dir()).unwrap();
    run(&["report", model.to_str().unwrap()], at);
    assert!(
        page(&model).contains("<a href=\"../../report.html\">../..</a>"),
        "the search is two folders above"
    );
    fs::remove_dir_all(at.join("a run")).unwrap();
    run(&["report", "deep/t"], at);
    assert!(page(&at.join("deep/t")).contains(found), "what was noted stays");
}
