//! What a program does besides the search: shortlist, final, comparisons.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Place;
use crate::cli::text;

#[test]
fn the_program_chooses_among_the_shortlist_and_measures_the_winner() {
    let script = r#"
        echo "$(value purpose) $(value epochs) $(value seed)" >> log
        [ "$(value purpose)" = shortlist ] && count=-$count
        echo "{\"score\": $count}""#;
    let follow = "epochs = 2\n[shortlist]\ncells = 3\nepochs = 5\nseeds = 2";
    let place = Place::new(script, 10, follow);
    let finals = ["--set", "final.seeds=2", "--set", "final.random=1", "--set", "final.epochs=9"];
    let done = place.run(&finals);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    for expected in
        [" by the program (sd 0.0000), 2 seeds", "1 random cell; the winner has ", "2 seeds; the best of 3"]
    {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    assert!(!printed.contains("weights"), "{printed}");
    let log = fs::read_to_string(place.at("log")).unwrap();
    let lines = |start: &str| log.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!([lines("search 2 "), lines("shortlist 5 "), lines("final 9 ")], [10, 6, 4], "{log}");
    // The seeds of the final are the same for all architectures.
    let seeds: std::collections::BTreeSet<&str> =
        log.lines().filter(|line| line.starts_with("final")).collect();
    assert_eq!(seeds.len(), 2, "{log}");
    let page = fs::read_to_string(place.at("r/report.html")).unwrap();
    assert!(page.contains("Shortlist, scored again") && page.contains("final score of the winner"));
    assert!(!page.contains("test accuracy"));
    let again = place.run(&finals);
    assert!(text(&again.stdout).starts_with("Nothing is left to do here"), "{}", text(&again.stderr));
    let error = text(&place.run(&[&finals[..], &["--set", "final.layers=9", "--out", "q"]].concat()).stderr);
    assert!(error.contains("final.layers: it is for networks on images"), "{error}");
    assert!(!place.at("q").exists());
}

const COMPARED: &str = "seeds = 2\nbudget = 6\nrandom = 1\n[space]\nname = \"nasbench201\"\n[evaluator]\nname = \"command\"\n\
                        command = [\"sh\", \"train.sh\"]\ndevices = [\"0\", \"1\"]\n[final]\nseeds = 2\n\
                        [[strategy]]\nname = \"random\"\nbatch = 3\n[[strategy]]\nname = \"evolution\"\nbatch = 3\n";

#[test]
fn strategies_are_compared_by_the_program() {
    let script = "sleep 0.01; [ -e stop ] && sleep 600; echo \"$(value purpose) $CUDA_VISIBLE_DEVICES\" >> log\n\
                  echo \"{\\\"score\\\": $count}\"";
    let compare = |place: &Place| {
        let arguments = ["compare", "c.toml", "--out", "r", "--threads", "2"];
        Command::new(env!("CARGO_BIN_EXE_bonas"))
            .args(arguments)
            .current_dir(place.0.path())
            .output()
            .unwrap()
    };
    let whole = Place::new(script, 1, "");
    fs::write(whole.at("c.toml"), COMPARED).unwrap();
    let done = compare(&whole);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("| strategy | space | budget | final score, mean |"));
    let log = fs::read_to_string(whole.at("log")).unwrap();
    let lines = |what: &str| log.lines().filter(|line| line.starts_with(what)).count();
    // Two strategies, two seeds: six architectures each, and two final runs of each winner and each random cell.
    assert_eq!([lines("search"), lines("final")], [24, 12], "{log}");
    assert!(log.contains("search 0\n") && log.contains("search 1\n"), "{log}");

    // Killed with programs at work.
    let broken = Place::new(script, 1, "");
    fs::write(broken.at("c.toml"), COMPARED).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["compare", "c.toml", "--out", "r", "--threads", "2"])
        .current_dir(broken.0.path())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while fs::read_to_string(broken.at("log")).unwrap_or_default().lines().count() < 8 {
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::write(broken.at("stop"), "").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_file(broken.at("stop")).unwrap();
    let done = compare(&broken);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for file in ["summary.json", "report.html"] {
        let [one, two] = [&whole, &broken].map(|place| fs::read(place.at("r").join(file)).unwrap());
        assert!(one == two, "{file} of a killed comparison differs");
    }

    let mixed = COMPARED.to_owned() + "[strategy.evaluator]\nname = \"synthetic\"\n";
    fs::write(broken.at("c.toml"), mixed).unwrap();
    let error = text(&compare(&broken).stderr);
    assert!(error.contains("so that they do not compare"), "{error}");
}

/// Nothing that random search scores at the first seed is within the limit.
#[test]
fn a_seed_that_finds_nothing_is_left_out() {
    let script = r#"latency=1; case "$BONAS_REQUEST" in */random/seed-1/*) latency=9;; esac
        echo "{\"score\": $count, \"measures\": {\"latency\": $latency}}""#;
    let place = Place::new(script, 1, "");
    let limited = COMPARED.replace("[final]", "limits = [\"latency <= 3\"]\n[final]");
    fs::write(place.at("c.toml"), limited.replace("seeds = 2\nbudget", "seeds = 3\nbudget")).unwrap();
    let compare = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
        command.args(["compare", "c.toml", "--out", "r"]).current_dir(place.0.path()).output().unwrap()
    };
    let done = compare();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let said = "random has no result at seed 1 (no architecture was scored within the limits): means, intervals and tests \
                leave it out there.";
    let page = fs::read_to_string(place.at("r/report.html")).unwrap();
    assert!(text(&done.stdout).contains(said) && page.contains(said), "{}", text(&done.stdout));
    let summary = || fs::read_to_string(place.at("r/summary.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&summary()).unwrap();
    let random = &read["strategies"][0];
    let test = random["test"].as_array().unwrap();
    assert!(test[0].is_null() && test[1].is_number() && test[2].is_number(), "{random}");
    let mean = f64::midpoint(test[1].as_f64().unwrap(), test[2].as_f64().unwrap());
    assert!((random["test_mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{random}");
    assert_eq!(
        (random["missing"][0]["seed"].as_u64(), random["missing"].as_array().unwrap().len()),
        (Some(1), 1)
    );
    let found = random["found"].as_array().unwrap();
    assert!(found[0].is_null() && found[1].is_string() && found.len() == 3, "winners by seed: {random}");
    let pair = &read["pairs"][0];
    assert_eq!((pair["a"].as_str(), pair["unpaired"].as_u64()), (Some("random"), Some(1)), "{pair}");

    // Nothing at all: a comparison without a single result ends, too, and can be given again.
    let before = summary();
    assert!(compare().status.success() && summary() == before);
    fs::write(place.at("c.toml"), COMPARED.replace("[final]", "limits = [\"latency <= 0\"]\n[final]"))
        .unwrap();
    fs::remove_dir_all(place.at("r")).unwrap();
    let done = compare();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let read: serde_json::Value = serde_json::from_str(&summary()).unwrap();
    assert!(read["strategies"][1]["test_mean"].is_null() && read["strategies"][2]["test_mean"].is_number());
    assert!(read["pairs"].as_array().unwrap().is_empty());
}
