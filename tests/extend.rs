//! `bonas resume --budget` and `--set`: searches that are extended, and what may be changed of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use bonas::config::SearchConfig;
use bonas::study::history::{Event, Outcome};
use bonas::study::journal::{JOURNAL_FILE, read};
use rand::RngExt;

use crate::cli::{bonas, text};
use crate::support::ends_within;

/// Kills of extensions, shortlist and final training included.
const KILLS: usize = 30;

/// A folder with a search of eight cells in `r`, whose score is a checksum of the architecture, with shortlist and final. What
/// was asked of the program is in `log`.
struct Place(tempfile::TempDir);

impl Place {
    fn new(seed: u64) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let script = "arch=$(sed -n '/\"text\"/p' \"$BONAS_REQUEST\")\n\
                      sed -n 's/^ *\"purpose\": \"\\([a-z]*\\)\".*/\\1/p' \"$BONAS_REQUEST\" >> log\n\
                      echo \"{\\\"score\\\": $(echo \"$arch\" | cksum | cut -d' ' -f1)}\"\n";
        fs::write(place.at("score.sh"), script).unwrap();
        let config = format!(
            "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 4\n\
             [study]\nseed = {seed}\narchitectures = 8\n[shortlist]\ncells = 2\n\
             [final]\nseeds = 1\nrandom = 1\n[evaluator]\nname = \"command\"\ncommand = [\"sh\", \"score.sh\"]\n"
        );
        fs::write(place.at("s.toml"), config).unwrap();
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        bonas(arguments, self.0.path())
    }

    /// Standard output of a command that must succeed.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Standard error of a command that must be refused as a mistake of the user's.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stderr)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// How often the program was asked for this purpose.
    fn count(&self, purpose: &str) -> usize {
        self.read("log").lines().filter(|line| *line == purpose).count()
    }
}

/// What was evaluated in a folder, in order.
fn outcomes(folder: &Path) -> Vec<Outcome> {
    let events = read(&folder.join(JOURNAL_FILE)).unwrap().events.into_iter();
    events
        .flat_map(|event| match event {
            Event::Evaluated { outcomes, .. } => outcomes,
            _ => Vec::new(),
        })
        .collect()
}

/// The first seed whose best two of eight are, or are not, the best two of 24.
fn seed_where_the_best_change(change: bool) -> u64 {
    let differ = |seed: &u64| {
        let place = Place::new(*seed);
        place.run(&[
            "search",
            "s.toml",
            "--out",
            "r",
            "--set",
            "study.architectures=24",
            "--set",
            "shortlist.cells=0",
            "--set",
            "final.seeds=0",
        ]);
        let mut scores: Vec<(usize, f64)> = Vec::new();
        for (i, outcome) in outcomes(&place.at("r")).iter().enumerate() {
            let Outcome::Scored(score) = outcome else { panic!("{outcome:?}") };
            scores.push((i, score.value));
        }
        scores.sort_by(|a, b| b.1.total_cmp(&a.1));
        let first = scores[..2].iter().filter(|(i, _)| *i < 8).count();
        if change { first == 0 } else { first == 2 }
    };
    (1..200).find(differ).unwrap()
}

#[test]
fn an_extended_search_is_the_longer_one_with_another_winner() {
    let place = Place::new(seed_where_the_best_change(true));
    place.run(&["search", "s.toml", "--out", "r"]);
    let begun =
        (place.read("r/config.toml"), place.read("r/final/journal.jsonl"), place.read("r/winner.txt"));
    let printed = place.run(&["resume", "r", "--budget", "24"]);
    assert!(printed.starts_with("The budget is 24 architectures from here on; it was 8.\n"), "{printed}");
    place.run(&["search", "s.toml", "--out", "long", "--set", "study.architectures=24"]);
    assert_eq!(outcomes(&place.at("r")), outcomes(&place.at("long")));
    for file in ["winner.txt", "final.json", "shortlist.json"] {
        assert_eq!(
            without_seconds(&place.read(&format!("r/{file}"))),
            without_seconds(&place.read(&format!("long/{file}")))
        );
    }
    // What followed the shorter search is beside, and its configuration is there as it began.
    assert_ne!(place.read("r/winner.txt"), begun.2);
    assert_eq!((place.read("r/config.toml"), place.read("r/final-1/journal.jsonl")), (begun.0, begun.1));
    assert!(place.at("r/shortlist-1/journal.jsonl").is_file() && !place.at("r/final-2").exists());
    // Every way to go on finds nothing to do.
    for arguments in [
        &["resume", "r"][..],
        &["resume", "r", "--budget", "24"],
        &["search", "s.toml", "--out", "r"],
        &["search", "s.toml", "--out", "r", "--set", "study.architectures=24"],
    ] {
        assert!(place.run(arguments).starts_with("Nothing is left to do here"), "{arguments:?}");
    }
    assert!(place.run(&["report", "r"]).contains("The search is finished."));
    assert!(place.run(&["runs", "."]).contains("finished  24 of 24"));
}

/// Results of trainings without the seconds they took.
fn without_seconds(json: &str) -> String {
    json.lines().filter(|line| !line.contains("\"seconds\"")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_followed_is_kept_where_the_winner_stays() {
    let place = Place::new(seed_where_the_best_change(false));
    place.run(&["search", "s.toml", "--out", "r"]);
    let before = (place.read("r/winner.txt"), place.read("r/final.json"), place.read("r/shortlist.json"));
    assert_eq!((place.count("shortlist"), place.count("final")), (2, 2));
    place.run(&["resume", "r", "--budget", "24"]);
    assert_eq!(
        (place.read("r/winner.txt"), place.read("r/final.json"), place.read("r/shortlist.json")),
        before
    );
    assert_eq!((place.count("search"), place.count("shortlist"), place.count("final")), (24, 2, 2));
    assert!(!place.at("r/final-1").exists() && !place.at("r/shortlist-1").exists());
}

#[test]
fn what_follows_may_be_changed_and_the_rest_is_refused_by_name() {
    let place = Place::new(1);
    place.run(&["search", "s.toml", "--out", "r"]);
    let before = (place.read("r/journal.jsonl"), place.read("r/config.toml"), place.read("r/final.json"));
    let shown = place.at("r/config.toml");
    for (arguments, expected) in [
        (&["--budget", "7"][..], "--budget 7: 7 is too few: 8 architectures are evaluated or under way"),
        (&["--budget", "0"], "it must be a whole number from 1"),
        (&["--set", "strategy.batch=3"], "--set strategy.batch=3: the scores of this search depend on it"),
        (
            &["--set", "final.seeds=2", "--set", "study.seed=3"],
            "--set study.seed=3: the scores of this search",
        ),
        (&["--set", "study.architectures=30"], "--set study.architectures=30: take --budget"),
        (&["--set", "space.name=darts"], "--set space.name=darts: the scores of this search depend on it"),
        (&["--set", "final.layers=3"], "--set final.layers=3: final.layers: it is for networks on images"),
        (&["--workers", "0"], "--workers 0: study.workers: 0 is out of range"),
        (&["--set", "final.sead=2"], "unknown key `sead`"),
    ] {
        let error = place.refused(&[&["resume", "r"], arguments].concat());
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let error = place.refused(&["search", "s.toml", "--out", "r", "--set", "study.architectures=30"]);
    assert!(error.contains("extend it with `bonas resume r --budget 30`"), "{error}");
    assert_eq!(
        (place.read("r/journal.jsonl"), place.read("r/config.toml"), place.read("r/final.json")),
        before
    );
    // The final is trained again with other settings, and comes back with those it had.
    place.run(&["resume", "r", "--set", "final.random=2", "--workers", "2", "--device", "cpu"]);
    let there = SearchConfig::from_toml(&place.read("r/config.toml"), &shown.display().to_string()).unwrap();
    assert_eq!((there.finals.random, there.study.workers), (2, 1));
    assert_eq!((place.count("search"), place.count("shortlist"), place.count("final")), (8, 2, 5));
    assert_eq!(place.read("r/final.json").matches("\"label\"").count(), 3);
    place.run(&["resume", "r", "--set", "final.random=1"]);
    assert_eq!(place.count("final"), 5);
    assert_eq!(
        (place.read("r/journal.jsonl"), place.read("r/config.toml"), place.read("r/final.json")),
        before
    );
}

#[test]
fn a_search_that_is_told_goes_on_being_asked() {
    let place = Place::new(1);
    let told = place.read("s.toml").replace("\"command\"\ncommand = [\"sh\", \"score.sh\"]", "\"told\"");
    let told = told.replace("cells = 2", "cells = 0").replace("seeds = 1", "seeds = 0");
    fs::write(place.at("told.toml"), told).unwrap();
    place.run(&["search", "told.toml", "--out", "t", "--set", "study.architectures=2"]);
    assert!(
        place.refused(&["resume", "t", "--set", "final.seeds=2"]).contains("final.seeds: scores are told")
    );
    for trial in ["0", "1"] {
        place.run(&["ask", "t"]);
        place.run(&["tell", "t", trial, "--score", "0.5"]);
    }
    assert_eq!(place.run(&["ask", "t"]), "");
    let opened = place.run(&["resume", "t", "--budget", "3"]);
    assert!(opened.contains("it was 2.") && opened.contains("is open: 2 told, 0 pending"), "{opened}");
    assert!(place.run(&["ask", "t", "-n", "5"]).starts_with("2\t"));
    assert!(place.run(&["tell", "t", "2", "--score", "0.75"]).contains("The search is finished."));
    assert!(place.read("t/summary.json").contains("\"queries\": 3"));
}

/// Extensions that are killed at any instant end with the files of one that is not.
#[test]
#[cfg_attr(not(feature = "torch"), ignore = "takes long: runs in the build with libtorch")]
fn killed_extensions_end_in_the_same_files() {
    let seed = seed_where_the_best_change(true);
    let files = [
        "journal.jsonl",
        "final.json",
        "shortlist.json",
        "winner.txt",
        "summary.json",
        "final-1/journal.jsonl",
    ];
    let state = |place: &Place| files.map(|file| without_seconds(&place.read(&format!("r/{file}"))));
    let begin = || {
        let place = Place::new(seed);
        place.run(&["search", "s.toml", "--out", "r"]);
        place
    };
    let undisturbed = begin();
    undisturbed.run(&["resume", "r", "--budget", "24"]);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let mut rng = bonas::study::rng::stream(now as u64, &[]);
    let mut kills = 0;
    while kills < KILLS {
        let place = begin();
        for life in 0.. {
            let longest = if life > 12 { 1500.0 } else { 300.0 };
            let life = Duration::from_secs_f64(rng.random_range(2.0..longest) / 1e3);
            if ends_within(extension(&place), life) {
                break;
            }
            kills += 1;
            // What the report says of a search that is cut anywhere may be anything but an error.
            place.run(&["report", "r"]);
        }
        assert_eq!(state(&place), state(&undisturbed));
        assert!(!place.at("r/final-2").exists() && !place.at("r/shortlist-2").exists());
    }
}

fn extension(place: &Place) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["resume", "r", "--budget", "24"])
        .current_dir(place.at("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn changed_data_are_refused_until_they_are_accepted() {
    let place = Place::new(1);
    let begin = ["search", "s.toml", "--out", "r", "--data", "cifar10:train.bin,test.bin"];
    for file in ["train.bin", "test.bin"] {
        fs::write(place.at(file), file).unwrap();
    }
    place.run(&begin);
    // A copy elsewhere is the same data; other bytes are not.
    fs::write(place.at("test.bin"), "test.bim").unwrap();
    assert!(place.run(&begin).starts_with("Nothing is left to do here"), "nothing is measured any more");
    let before = (place.read("r/journal.jsonl"), place.read("r/config.toml"));
    for arguments in [&["resume", "r", "--budget", "24"][..], &["resume", "r", "--set", "final.random=2"]] {
        let error = place.refused(arguments);
        assert!(
            error.contains("data.source: the data have changed: the study goes by those with fingerprint "),
            "{error}"
        );
        assert_eq!(
            error.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 32).count(),
            2,
            "{error}"
        );
        assert_eq!((place.read("r/journal.jsonl"), place.read("r/config.toml")), before);
    }
    let printed = place.run(&["resume", "r", "--budget", "24", "--accept-data"]);
    assert!(
        printed.starts_with("The data with fingerprint ") && printed.contains(" are accepted in place of "),
        "{printed}"
    );
    assert_eq!(place.read("r/journal.jsonl").matches("\"event\":\"data\"").count(), 2);
    assert!(place.run(&["runs", "."]).contains("finished  24 of 24"));
}
