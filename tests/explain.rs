//! `bonas explain`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bonas::config::SearchConfig;
use bonas::search::Search;
use bonas::spaces::Key;
use bonas::study::Journalled;
use bonas::study::table::{Benchmark, EMBEDDED_SEARCH, Reading, Source};
use bonas::surrogate::metrics::kendall_tau_b;
use bonas::{Explain, Explanation, Interval, Outcome, Score};
use serde_json::Value;

use crate::cli::{SMALL, bonas, text};

/// Edges of a cell in the order of its text.
const EDGES: [&str; 6] =
    ["input -> 1", "input -> 2", "1 -> 2", "input -> output", "1 -> output", "2 -> output"];
/// Cells without pooling, of which the table inside the program has all.
const OPERATIONS: [&str; 4] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"];

fn run(arguments: &[&str], folder: &Path) -> String {
    let output = bonas(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn refused(arguments: &[&str], folder: &Path) -> String {
    let output = bonas(arguments, folder);
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn table() -> Benchmark {
    let space = bonas::spaces::catalogue::SPACES.get("nasbench201").unwrap().space();
    let reading = Reading { columns: vec![EMBEDDED_SEARCH.parse().unwrap()], ..Reading::default() };
    Source::Embedded.open(space, &reading).unwrap()
}

/// Scores of the cells of a table by key, as fractions.
fn scores(table: &Benchmark) -> BTreeMap<Key, f64> {
    let means = table.columns()[0].means();
    table.arms().iter().zip(means).map(|(arm, mean)| (arm.architecture.key(), mean / 100.0)).collect()
}

/// A search on the table, told score by score.
fn searched(folder: &Path, truth: &BTreeMap<Key, f64>, strategy: &str, architectures: usize) -> Search {
    let config = format!(
        "[study]\narchitectures = {architectures}\n[space]\nname = \"nasbench201\"\noperations = {OPERATIONS:?}\n\
         [strategy]\nname = \"{strategy}\"\n[evaluator]\nname = \"told\"\n[final]\nseeds = 0\n"
    );
    let config = SearchConfig::from_toml(&config, "test").unwrap();
    let search = Search { config, directory: folder.to_owned(), cancel: Arc::default() };
    let mut session = search.open(Duration::from_secs(5), Vec::new()).unwrap();
    loop {
        let trials = session.ask(10).unwrap();
        if trials.is_empty() {
            break;
        }
        for trial in trials {
            let value = truth[&trial.architecture.key()];
            let outcome = Outcome::Scored(Score::of(value, bonas::Fidelity::Command));
            session.tell(trial.id, outcome).unwrap();
        }
    }
    search.close(session).unwrap();
    search
}

/// Operations on the edges of a cell, in the order of its text.
fn operations(text: &str) -> Vec<String> {
    text.split(['|', '+']).filter_map(|part| part.split_once('~')).map(|(op, _)| op.to_owned()).collect()
}

fn cell_of(ops: &[impl AsRef<str>]) -> String {
    let [a, b, c, d, e, f] = ops else { panic!("a cell has six edges") };
    let [a, b, c, d, e, f] = [a, b, c, d, e, f].map(AsRef::as_ref);
    format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
}

/// The true effect of each operation at each edge of some cells: the mean score with it there, less the mean with any of the four.
fn true_effects(truth: &BTreeMap<Key, f64>, cells: &[String]) -> BTreeMap<(String, String), f64> {
    let space = bonas::spaces::catalogue::SPACES.get("nasbench201").unwrap().space();
    let mut effects = BTreeMap::new();
    for cell in cells {
        for (i, edge) in EDGES.iter().enumerate() {
            let with = |op: &str| {
                let mut ops = operations(cell);
                op.clone_into(&mut ops[i]);
                truth[&space.parse(&cell_of(&ops)).unwrap().key()]
            };
            let mean = OPERATIONS.iter().map(|op| with(op)).sum::<f64>() / 4.0;
            for op in OPERATIONS {
                *effects.entry(((*edge).to_owned(), op.to_owned())).or_insert(0.0) +=
                    (with(op) - mean) / cells.len() as f64;
            }
        }
    }
    effects
}

/// The effects of an explanation, and the true ones, in one order.
fn pairs(explanation: &Explanation, truth: &BTreeMap<(String, String), f64>) -> (Vec<f64>, Vec<f64>) {
    let each = explanation.places.iter().flat_map(|place| {
        place
            .effects
            .iter()
            .map(|effect| (effect.effect.value, truth[&(place.place.clone(), effect.operation.clone())]))
    });
    each.unzip()
}

/// The true effects of operations in what a search measured.
fn effects_in(search: &Search, truth: &BTreeMap<Key, f64>) -> BTreeMap<(String, String), f64> {
    let space = bonas::build::space(&search.config).unwrap();
    let history = Journalled::read(&search.directory, &space).unwrap().history;
    let cells: Vec<String> =
        history.evaluations().iter().map(|e| space.format(&e.architecture).unwrap()).collect();
    true_effects(truth, &cells)
}

/// The figures of docs/explain.md, printed.
#[test]
#[ignore = "prints figures: cargo test --release --test main -- --ignored --nocapture explain::figures"]
fn figures() {
    let truth = scores(&table());
    for strategy in ["bonas", "random"] {
        let folder = tempfile::tempdir().unwrap();
        let search = searched(folder.path(), &truth, strategy, 60);
        let explanation = Explain::default().run(&search).unwrap();
        let effects = effects_in(&search, &truth);
        let (found, expected) = pairs(&explanation, &effects);
        let signs = found.iter().zip(&expected).filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count();
        let intervals =
            explanation.places.iter().flat_map(|place| place.effects.iter().map(|one| &one.effect));
        let holds = |one: &Interval, truth: f64| one.low.unwrap() <= truth && truth <= one.high.unwrap();
        let holding = intervals.zip(&expected).filter(|(one, truth)| holds(one, **truth)).count();
        let tau = kendall_tau_b(&found, &expected).unwrap();
        println!("{strategy}: tau {tau:.2}, {signs} of 24 signs, {holding} of 24 intervals hold the truth");
        assert!(tau > 0.5 && signs > 12);
    }
}

/// A search of a twentieth of the cells: its surrogate sees the effects that operations truly have in them.
#[test]
fn effects_are_those_of_the_table() {
    let truth = scores(&table());
    let folder = tempfile::tempdir().unwrap();
    let search = searched(folder.path(), &truth, "bonas", 60);
    let explanation = Explain { halves: 2, repeats: 2, ..Explain::default() }.run(&search).unwrap();
    let effects = effects_in(&search, &truth);
    let (found, expected) = pairs(&explanation, &effects);
    assert_eq!(found.len(), 24, "four operations at six edges");
    let tau = kendall_tau_b(&found, &expected).unwrap();
    let signs = found.iter().zip(&expected).filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count();
    println!("tau {tau:.3} of 24 effects by edge and the true ones, {signs} of the same sign");
    assert!(tau > 0.75 && signs > 20, "tau {tau}, {signs} signs");
    let anywhere = |operation: &str| {
        let of = effects.iter().filter(|((_, other), _)| other == operation);
        of.map(|(_, effect)| effect).sum::<f64>() / 6.0
    };
    let truth: Vec<f64> = explanation.operations.iter().map(|effect| anywhere(&effect.operation)).collect();
    for (effect, truth) in explanation.operations.iter().zip(&truth) {
        println!("{}: effect {:+.4}, truly {truth:+.4}", effect.operation, effect.effect.value);
        assert!((effect.effect.value - truth).abs() < 0.005, "{}", effect.operation);
    }
    assert!(truth.is_sorted_by(|a, b| a > b), "the best first: {truth:?}");
    assert!(explanation.own_surrogate && explanation.tau.unwrap() > 0.6);
}

/// The figures are printed, are the same on any number of threads, and stand in JSON and in a page that loads nothing.
#[test]
fn text_json_and_page_say_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("s.toml"), SMALL).unwrap();
    run(&["search", "s.toml", "--out", "r", "--set", "study.architectures=14"], at);
    let more = ["--halves", "2", "--repeats", "2", "--top", "2"];
    let printed = run(&[&["explain", "r", "--threads", "1"], &more[..]].concat(), at);
    for expected in [
        "nasbench201: ensemble fitted to 12 scores of 14 architectures",
        "nor_conv_3x3",
        "input -> output",
        "number of each operation",
        "Measured architectures nearest to it",
        "Is the first truly better?",
        "note: Strategy random has no model of the scores; ensemble, the default of strategy bonas, was fitted instead.",
        "note: 2 of the scores were left out of the fit",
        "page r/explain.html",
    ] {
        assert!(printed.contains(expected), "{expected} in {printed}");
    }
    let page = fs::read_to_string(at.join("r/explain.html")).unwrap();
    let json =
        run(&[&["explain", "r", "--json", "--threads", "3", "--page", "p.html"], &more[..]].concat(), at);
    assert_eq!(fs::read_to_string(at.join("p.html")).unwrap(), page);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["format"], &json["counts"]["fitted"]), (&1.into(), &12.into()));
    assert_eq!(json["places"].as_array().unwrap().len(), 6);
    assert_eq!(json["winner"]["neighbours"].as_array().unwrap().len(), 2);
    assert_eq!(json["first"]["rivals"].as_array().unwrap().len(), 2);
    let effect = &json["operations"][0];
    let value = effect["value"].as_f64().unwrap();
    assert!(effect["low"].as_f64().unwrap() <= value && value <= effect["high"].as_f64().unwrap());
    let winner = fs::read_to_string(at.join("r/winner.txt")).unwrap();
    assert_eq!(json["winner"]["arch"], winner.trim());
    for shown in
        ["What operations do", "What the surrogate reads", "The winner", "Is the first truly better?"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(
        !page.contains("http://")
            || page.matches("http").count() == page.matches("http://www.w3.org").count()
    );
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(refused(&["explain", "nowhere"], at).contains("nowhere"));
    let told = SMALL.replace("\"synthetic\"", "\"told\"");
    fs::write(at.join("s.toml"), told).unwrap();
    run(&["search", "s.toml", "--out", "r"], at);
    assert!(refused(&["explain", "r"], at).contains("no architecture has a score yet"));
    run(&["ask", "r", "-n", "2"], at);
    run(&["tell", "r", "0", "--failed", "out of memory"], at);
    run(&["tell", "r", "1", "--score", "0.5"], at);
    assert!(refused(&["explain", "r"], at).contains("at least two are needed to compare"));
    assert!(refused(&["explain", "r", "--halves", "1"], at).contains("from 2 up"));
    assert!(refused(&["explain", "r", "--page", "r/journal.jsonl"], at).contains("--page"));
    run(&["ask", "r"], at);
    run(&["tell", "r", "2", "--score", "0.5"], at);
    let printed = run(&["explain", "r"], at);
    assert!(printed.contains("fitted to 2 scores of 3 architectures, 1 failed"), "{printed}");
    assert!(printed.contains("With fewer than 10 scores"), "{printed}");
    let config = fs::read(at.join("r/config.toml")).unwrap();
    let error = refused(&["explain", "r", "--page", "r/config.toml"], at);
    assert!(error.contains("config.toml is a file in the folder of the search"), "{error}");
    assert_eq!(fs::read(at.join("r/config.toml")).unwrap(), config);
    run(&["explain", "r", "--page", "r/explain.html"], at);
}

/// Four scores, of which as many as are told to keep the limit.
fn limited(latencies: [&str; 4], at: &Path) -> String {
    let told = "\"told\"\nlimits = [\"latency <= 2\"]\nobjective = \"-latency\"";
    let config = SMALL.replace("\"synthetic\"", told).replace("\"random\"", "\"bonas\"");
    fs::write(at.join("s.toml"), config).unwrap();
    run(&["search", "s.toml", "--out", "r"], at);
    run(&["ask", "r", "-n", "4"], at);
    for (i, latency) in latencies.iter().enumerate() {
        let measure = format!("latency={latency}");
        run(&["tell", "r", &i.to_string(), "--score", &format!("0.{}", i + 3), "--measure", &measure], at);
    }
    run(&["explain", "r", "--json", "--top", &u64::MAX.to_string()], at)
}

#[test]
fn what_breaks_a_limit_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let json: Value = serde_json::from_str(&limited(["1", "2", "3", "4"], folder.path())).unwrap();
    let near = json["winner"]["neighbours"].as_array().unwrap();
    assert_eq!(near.len(), 3);
    for one in near {
        assert_eq!(one["breaks_limit"], one["score"].as_f64().unwrap() > 0.45, "{one}");
    }
    assert!(json["remarks"].to_string().contains("by the score alone"), "{}", json["remarks"]);
    assert!(run(&["explain", "r"], folder.path()).contains("breaks a limit: "));
}

#[test]
fn without_a_winner_there_is_one_reason() {
    let folder = tempfile::tempdir().unwrap();
    let json = limited(["3"; 4], folder.path());
    assert!(
        json.contains("No architecture keeps the limits") && !json.contains("One architecture"),
        "{json}"
    );
}

/// What is called measured is what the journal has, also where the surrogate is fitted to something else.
#[test]
fn scores_are_as_measured_whatever_the_targets() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("s.toml"), SMALL.replace("30", "24").replace("\"random\"", "\"bonas\"")).unwrap();
    for targets in ["batch-centred", "batch-intercept"] {
        run(&["search", "s.toml", "--out", targets, "--set", &format!("strategy.targets={targets}")], at);
        let explain =
            ["explain", targets, "--json", "--halves", "2", "--repeats", "2", "--architectures", "5"];
        let json: Value = serde_json::from_str(&run(&explain, at)).unwrap();
        let space = bonas::spaces::catalogue::SPACES.get("nasbench201").unwrap().space();
        let history = Journalled::read(&at.join(targets), &space).unwrap().history;
        let measured = |arch: &Value| {
            let key = space.parse(arch.as_str().unwrap()).unwrap().key();
            let mut all = history.evaluations().iter();
            all.find(|e| e.architecture.key() == key).unwrap().outcome.value(bonas::Fidelity::Table)
        };
        let shown = [&json["winner"]["neighbours"], &json["first"]["rivals"]];
        for one in shown.into_iter().flat_map(|list| list.as_array().unwrap()) {
            assert_eq!(measured(&one["arch"]), one["score"].as_f64(), "{targets}: {one}");
        }
        assert!(json["first"]["rivals"].as_array().unwrap().iter().all(|one| one["noise_share"].is_null()));
        let remarks = json["remarks"].to_string();
        assert!(remarks.contains(targets) && remarks.contains("raise --architectures"), "{remarks}");
    }
}

/// Every part has an answer or says why not: nodes without an order, two cells, surrogates without features or joint posterior, two
/// objectives, spaces from files.
#[test]
#[cfg_attr(not(feature = "torch"), ignore = "takes long: runs in the build with libtorch")]
fn spaces_and_strategies_of_all_kinds_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("s.toml"), SMALL.replace("30", "11")).unwrap();
    let declared =
        concat!("space.name=file:", env!("CARGO_MANIFEST_DIR"), "/examples/spaces/nasbench201.toml");
    for (space, strategy, expected) in [
        ("space.name=nasbench101", "bonas", "multiply-adds"),
        ("space.name=darts", "nas-bowl", "Surrogate wl-gp has no features that can be permuted"),
        ("space.name=transnas-macro", "nsga2", "Strategy nsga2 has no model of the scores"),
        (declared, "bananas", "Surrogate path-mlp has no joint posterior"),
    ] {
        let (name, out) = (format!("strategy.name={strategy}"), format!("of {strategy}"));
        run(&["search", "s.toml", "--out", &out, "--set", space, "--set", &name], at);
        let printed = run(&["explain", &out, "--halves", "2", "--repeats", "2"], at);
        assert!(printed.contains(expected) && printed.contains("P(first better)"), "{space}: {printed}");
        assert!(!printed.contains("NaN"), "{space}: {printed}");
    }
}
