//! `bonas ask`, `bonas tell` and `bonas abandon`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bonas::spaces::catalogue::SPACES;
use bonas::study::Journalled;
use bonas::study::evaluator::toy_score;
use bonas::study::history::EndReason;
use rand::RngExt;
use serde_json::Value;

const BUDGET: usize = 16;

/// A folder with a search in `r` that is told.
struct Told {
    folder: tempfile::TempDir,
}

impl Told {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"bonas\"\nbatch = 4\n\
             surrogate = \"wl-gp\"\nprior = \"none\"\npool = \"random\"\npool_size = 50\n[study]\narchitectures = {BUDGET}\n\
             [final]\nseeds = 0\n[evaluator]\nname = \"told\"\n{more}\n"
        );
        fs::write(folder.path().join("s.toml"), text).unwrap();
        let told = Self { folder };
        let begun = told.run(&["search", "s.toml", "--out", "r"]);
        assert!(begun.contains("0 told, 0 pending"), "{begun}");
        told
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Standard output of a command that must succeed.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a command that must be refused as a mistake of the user's.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Number and text of each trial that a command printed.
    fn trials(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let lines = self.run(&[&["ask", "r"], arguments].concat());
        let pair = |line: &str| line.split_once('\t').map(|(id, text)| (id.to_owned(), text.to_owned()));
        lines.lines().map(|line| pair(line).unwrap()).collect()
    }

    fn tell(&self, (trial, text): &(String, String)) -> String {
        self.run(&["tell", "r", trial, "--score", &score(text)])
    }

    fn read(&self) -> Journalled {
        Journalled::read(&self.at("r"), &SPACES.get("nasbench201").unwrap().space()).unwrap()
    }
}

fn score(text: &str) -> String {
    toy_score(&SPACES.get("nasbench201").unwrap().space().parse(text).unwrap()).to_string()
}

/// What was evaluated in a folder, in order, with outcomes and places.
fn history(folder: &Path) -> Vec<String> {
    let read = Journalled::read(folder, &SPACES.get("nasbench201").unwrap().space()).unwrap();
    let lines = read.history.evaluations().iter();
    lines
        .map(|e| {
            format!("{} {:?} {:?} {} {}", e.architecture.key(), e.outcome, e.predicted, e.round, e.batch)
        })
        .collect()
}

/// Told in the order of its trials, the search has the history of one that measures with a program.
#[cfg(unix)]
#[test]
fn told_in_order_it_is_the_search_of_a_program() {
    let told = Told::new("");
    loop {
        let trials = told.trials(&[]);
        let Some(trial) = trials.first() else { break };
        told.tell(trial);
    }
    let scores: Vec<String> = told
        .read()
        .history
        .evaluations()
        .iter()
        .map(|e| {
            let text = SPACES.get("nasbench201").unwrap().space().format(&e.architecture).unwrap();
            format!("*'{text}'*) echo '{{\"score\": {}}}' ;;\n", score(&text))
        })
        .collect();
    let script = format!("case \"$(cat)\" in\n{}esac\n", scores.concat());
    fs::write(told.at("score.sh"), script).unwrap();
    let config = fs::read_to_string(told.at("s.toml")).unwrap();
    let config = config.replace("\"told\"", "\"command\"\ncommand = [\"sh\", \"score.sh\"]");
    fs::write(told.at("program.toml"), config).unwrap();
    told.run(&["search", "program.toml", "--out", "p"]);
    let own = history(&told.at("p"));
    assert_eq!(own.len(), BUDGET);
    assert_eq!(history(&told.at("r")), own);
    // What search writes in the end is there, too.
    for file in ["winner.txt", "report.html", "summary.json"] {
        assert!(told.at("r").join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read(told.at("r/winner.txt")).unwrap(), fs::read(told.at("p/winner.txt")).unwrap());
}

/// Whichever command finds the search over writes the report.
#[test]
fn the_report_is_written_after_a_kill_too() {
    let told = Told::new("");
    let trials = told.trials(&["-n", "100"]);
    assert_eq!(trials.len(), BUDGET);
    for trial in &trials {
        told.tell(trial);
    }
    let path = told.at("r/journal.jsonl");
    let journal = fs::read_to_string(&path).unwrap();
    assert!(journal.lines().last().unwrap().contains("\"ended\""));
    fs::write(&path, &journal[..=journal.trim_end().rfind('\n').unwrap()]).unwrap();
    for file in ["report.html", "summary.json", "winner.txt"] {
        fs::remove_file(told.at("r").join(file)).unwrap();
    }
    assert!(told.trials(&[]).is_empty());
    assert!(told.at("r/report.html").is_file() && told.at("r/winner.txt").is_file());
    assert_eq!(fs::read_to_string(&path).unwrap(), journal);
}

/// What was cut short in the journal is said, and the rest is there.
#[test]
fn a_torn_journal_is_warned_of() {
    let told = Told::new("");
    told.trials(&["-n", "2"]);
    let path = told.at("r/journal.jsonl");
    let mut journal = fs::read(&path).unwrap();
    journal.extend(b"{\"seq\":3,");
    fs::write(&path, journal).unwrap();
    let output = told.command(&["ask", "r", "--pending"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && error.contains("warning: line 4 of the journal was cut short"),
        "{error}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
}

#[test]
fn json_has_the_architecture_as_a_graph() {
    let told = Told::new("");
    let answer: Value = serde_json::from_str(&told.run(&["ask", "r", "-n", "3", "--json"])).unwrap();
    assert_eq!((&answer["pending"], &answer["told"], &answer["ended"]), (&3.into(), &0.into(), &Value::Null));
    let trials = answer["trials"].as_array().unwrap();
    assert_eq!(trials.iter().map(|trial| trial["id"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    let architecture = &trials[0]["architecture"];
    assert_eq!(architecture["cells"][0]["edges"].as_array().unwrap().len(), 6);
    let space = SPACES.get("nasbench201").unwrap().space();
    let parsed = space.parse(architecture["text"].as_str().unwrap()).unwrap();
    assert_eq!(architecture["key"], parsed.key().to_string());
    let pending: Value = serde_json::from_str(&told.run(&["ask", "r", "--pending", "--json"])).unwrap();
    assert_eq!(pending["trials"], answer["trials"]);
}

#[test]
fn mistakes_are_named_and_change_nothing() {
    let told = Told::new("limits = [\"latency <= 5\"]");
    told.trials(&["-n", "4"]);
    told.run(&["tell", "r", "1", "--score=-0.5", "--measure", "latency=4"]);
    told.run(&["tell", "r", "2", "--failed", "out of memory"]);
    told.run(&["abandon", "r", "3"]);
    let before = fs::read(told.at("r/journal.jsonl")).unwrap();
    for (arguments, expected) in [
        (
            &["tell", "r", "1", "--score", "1", "--measure", "latency=4"][..],
            "trial 1: it was told before: score -0.5",
        ),
        (&["tell", "r", "2", "--failed", "again"], "trial 2: it was told before: failed: out of memory"),
        (&["tell", "r", "3", "--failed", "late"], "trial 3: it was abandoned"),
        (&["abandon", "r", "4"], "trial 4: it was never handed out; the last one is 3"),
        (&["tell", "r", "0", "--score", "1"], "trial 0: the result has no `latency`"),
        (&["tell", "r", "0", "--score", "nan", "--measure", "latency=4"], "trial 0: score NaN is not finite"),
        (&["tell", "r", "0", "--score", "0,9"], "invalid value '0,9' for '--score <SCORE>'"),
        (&["tell", "r", "0", "--score", "1", "--measure", "latency"], "is not NAME=VALUE with a number"),
        (&["tell", "r", "0", "--score", "1", "--measure", "score=2"], "score is there twice"),
        (
            &["tell", "r", "0", "--score", "1", "--measure", "latency=4", "--measure", "size=3"],
            "nothing reads `size`",
        ),
        (&["tell", "r", "0", "--failed", " \n"], "--failed: give a reason"),
        (&["tell", "r", "0", "--score", "1", "--failed", "x"], "cannot be used with"),
        (&["tell", "r", "0"], "required arguments were not provided"),
        (&["tell", "r", "-1", "--score", "1"], "unexpected argument '-1'"),
        (&["ask", "r", "-n", "0"], "it must be a whole number from 1"),
        (&["ask", "nowhere"], "there is no folder nowhere"),
        (&["search", "s.toml", "--out", "q", "--set", "final.seeds=2"], "final.seeds: scores are told"),
        (
            &["search", "s.toml", "--out", "q", "--set", "shortlist.cells=2"],
            "shortlist.cells: scores are told",
        ),
        (
            &["search", "s.toml", "--out", "q", "--set", "study.seconds=9"],
            "study.seconds: trials take their time",
        ),
    ] {
        let error = told.refused(arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read(told.at("r/journal.jsonl")).unwrap(), before);
    assert!(!told.at("q/journal.jsonl").exists());
    // A search that evaluates itself is neither asked nor told.
    let synthetic = fs::read_to_string(told.at("s.toml"))
        .unwrap()
        .replace("\"told\"\nlimits = [\"latency <= 5\"]", "\"synthetic\"");
    fs::write(told.at("own.toml"), synthetic).unwrap();
    told.run(&["search", "own.toml", "--out", "own"]);
    assert!(told.refused(&["ask", "own"]).contains("evaluator.name: bonas evaluates here itself"));
}

/// Several processes ask and tell at the same time: each trial is with one of them, and all are told.
#[test]
fn processes_take_turns() {
    let told = Told::new("");
    let work = || {
        let mut own = Vec::new();
        loop {
            let trials = told.trials(&["-n", "2"]);
            if trials.is_empty() {
                return own;
            }
            for trial in trials {
                told.tell(&trial);
                own.push(trial.1);
            }
        }
    };
    let all: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (BUDGET, BUDGET));
    assert_eq!(told.read().ended, Some(EndReason::Budget));
}

/// Commands that are killed at any instant: what was handed out is pending, what was told is told, and nothing is there twice.
#[test]
fn killed_commands_lose_nothing() {
    let told = Told::new("");
    let mut rng = bonas::study::rng::stream(std::process::id().into(), &[]);
    let (mut kills, mut known) = (0, 0);
    // Follows how long a command takes on this machine, so that about half of them are killed.
    let mut longest = 40e-3;
    let mut killed = |arguments: &[&str]| {
        let mut child = told.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(rng.random_range(0.0..longest)));
        let ended = child.try_wait().unwrap().is_some();
        kills += usize::from(!ended);
        longest *= if ended { 0.7 } else { 1.3 };
        child.kill().unwrap();
        child.wait().unwrap();
    };
    loop {
        killed(&["ask", "r"]);
        let pending = told.trials(&["--pending"]);
        let read = told.read();
        assert!(read.history.len() >= known, "an outcome is gone");
        known = read.history.len();
        let Some((id, text)) = pending.first() else {
            if read.ended.is_some() {
                break;
            }
            told.trials(&[]);
            continue;
        };
        killed(&["tell", "r", id, "--score", &score(text)]);
        // The same again: it was recorded, or it is now.
        let again = told.command(&["tell", "r", id, "--score", &score(text)]).output().unwrap();
        let error = String::from_utf8_lossy(&again.stderr);
        assert!(again.status.success() || error.contains("it was told before"), "{error}");
        assert_eq!(told.read().history.len(), known + 1);
        if told.read().ended.is_none() && told.trials(&["--pending"]).is_empty() {
            told.trials(&["-n", "2"]);
        }
    }
    let keys: BTreeSet<_> = told.read().history.evaluations().iter().map(|e| e.architecture.key()).collect();
    assert_eq!(keys.len(), BUDGET);
    assert!(kills > 0, "every command ended before it was killed");
}

/// The page names what has no outcome, and shows the settings of what follows the search.
#[test]
fn the_page_shows_pending_and_abandoned_trials() {
    let told = Told::new("");
    let trials = told.trials(&["-n", "3"]);
    told.tell(&trials[0]);
    told.run(&["abandon", "r", &trials[1].0]);
    told.run(&["report", "r"]);
    let page = fs::read_to_string(told.at("r/report.html")).unwrap();
    assert!(page.contains("evaluated in 1 rounds, 1 pending, 1 abandoned"), "{page}");
    for (trial, state) in [(&trials[2], "pending"), (&trials[1], "abandoned")] {
        let row =
            format!("<tr><td>{}</td><td>{state}</td><td>0</td><td>–</td><td>{}</td></tr>", trial.0, trial.1);
        assert!(page.contains(&row), "{row}");
    }
    assert!(page.contains("[final]\n") && page.contains("seeds = 0\n"), "the configuration has what was set");
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(told.at("r/summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["pending"], &summary["abandoned"]), (&1.into(), &1.into()));
    told.run(&["tell", "r", &trials[2].0, "--failed", "no"]);
    told.run(&["report", "r"]);
    let page = fs::read_to_string(told.at("r/report.html")).unwrap();
    assert!(page.contains(", 1 failed, 1 abandoned") && !page.contains("<td>pending</td>"));
}
