//! Searches in which a program measures: what it may do, and what it must not be able to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::cli::{bonas, text};

mod kills;
mod stages;

/// Shell functions for scripts: `value KEY` of the request, and the number of 3x3 operations.
const FUNCTIONS: &str = r#"
value() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$BONAS_REQUEST"; }
count=$(sed -n '/"text"/{s/3x3/\n/g;p;}' "$BONAS_REQUEST" | wc -l)
folder=$(value folder)
"#;

/// A folder with a search of `architectures` cells, whose program is the shell script `script`.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new(script: &str, architectures: usize, evaluator: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.at("train.sh"), format!("{FUNCTIONS}{script}\n")).unwrap();
        place.configure("sh", architectures, evaluator);
        place
    }

    fn configure(&self, program: &str, architectures: usize, evaluator: &str) {
        let config = format!(
            "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\n[study]\narchitectures = {architectures}\n\
             [final]\nseeds = 0\n[evaluator]\nname = \"command\"\ncommand = [\"{program}\", \"train.sh\"]\n{evaluator}\n"
        );
        fs::write(self.at("s.toml"), config).unwrap();
    }

    pub(crate) fn at(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let out = if arguments.contains(&"--out") { &[][..] } else { &["--out", "r"] };
        bonas(&[&["search", "s.toml"], out, arguments].concat(), self.0.path())
    }

    /// The journal of the search, which must have succeeded.
    fn journal_of(&self, output: &Output) -> String {
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        fs::read_to_string(self.at("r/journal.jsonl")).unwrap()
    }

    pub(crate) fn journal(&self) -> String {
        self.journal_of(&self.run(&[]))
    }

    /// The error of a search in which every architecture failed.
    fn error(&self) -> String {
        let output = self.run(&[]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        text(&output.stderr)
    }

    /// The folders of all runs.
    fn trials(&self) -> Vec<PathBuf> {
        fs::read_dir(self.at("r/trials")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Whether a process runs whose environment names this folder, once there has been time for it to go.
    pub(crate) fn has_processes(&self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            if !self.has_processes_now() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    pub(crate) fn has_processes_now(&self) -> bool {
        let folder = self.at("r/trials").display().to_string().into_bytes();
        let names = |path: &Path| {
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            environment.windows(folder.len()).any(|part| part == folder)
        };
        fs::read_dir("/proc").unwrap().any(|entry| names(&entry.unwrap().path()))
    }
}

#[test]
fn a_program_scores_architectures_in_folders_of_their_own() {
    let script = r#"
        echo "epoch 1"; echo '{"loss": 0.3}'; echo warning >&2
        echo '{"step": 1, "value": 0.5}'; echo '{"step": 2, "value": 0.6}'
        echo "{\"score\": 0.$count}"
        echo "done"; pwd"#;
    let place = Place::new(script, 8, "epochs = 2");
    let journal = place.journal();
    assert_eq!(journal.matches("\"fidelity\":\"command\"").count(), 8, "{journal}");
    let trials = place.trials();
    assert_eq!(trials.len(), 8);
    for trial in trials {
        let read = |file: &str| fs::read_to_string(trial.join(file)).unwrap();
        assert!(read("stdout.txt").contains("epoch 1\n{\"loss\": 0.3}\n"));
        assert!(read("stdout.txt").trim().ends_with(place.0.path().file_name().unwrap().to_str().unwrap()));
        assert_eq!(read("stderr.txt"), "warning\n");
        assert_eq!(read("values.jsonl"), "{\"step\": 1, \"value\": 0.5}\n{\"step\": 2, \"value\": 0.6}\n");
        assert!(read("request.json").contains("\"epochs\": 2"));
        assert!(trial.join("files").is_dir());
    }
    let page = fs::read_to_string(place.at("r/report.html")).unwrap();
    assert!(page.contains("Scores were measured outside bonas: by a program, or they were told."));
}

#[test]
fn measures_are_the_score_and_limited_and_a_second_objective() {
    let script = r#"echo "{\"measures\": {\"loss\": 0.$count, \"latency\": $count}}""#;
    let evaluator = "score = \"-loss\"\nlimits = [\"latency <= 3\"]\nobjective = \"-latency\"";
    let place = Place::new(script, 30, evaluator);
    for strategy in ["bonas", "nsga2"] {
        let set = format!("strategy.name={strategy}");
        let done = place.run(&["--set", &set, "--out", strategy]);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let journal = fs::read_to_string(place.at(strategy).join("journal.jsonl")).unwrap();
        let [kept, beyond] = [
            r#"{"value":-0.2,"fidelity":"command","runs":[-0.2],"measures":[2.0,-2.0]}"#,
            r#""measures":[4.0,-4.0],"infeasible":true}"#,
        ];
        assert!(journal.contains(kept) && journal.contains(beyond), "{journal}");
    }
    let missing = Place::new("echo '{\"score\": 1}'", 2, "limits = [\"latency <= 3\"]").error();
    assert!(missing.contains("the result has no `latency`"), "{missing}");
}

#[test]
fn failures_have_reasons() {
    for (script, reason) in [
        ("echo '{\"failed\": \"it diverged\"}'", "failed: it diverged"),
        ("echo why >&2; exit 3", "exit code 3"),
        ("echo '{\"score\": 1}'; exit 3", "exit code 3"),
        ("kill -9 $$", "exit code 137 (signal 9)"),
        ("echo 0.5; echo '{\"score\": 0.5'; echo '[1]'", "it printed no result"),
        ("echo '{\"score\": NaN}'", "the result's `score` is \"NaN\", no number"),
        ("exec >&- 2>&-; sleep 0.1", "it printed no result"),
        ("sleep 60", "it took longer than 0.2 s"),
    ] {
        let place = Place::new(script, 2, "timeout_seconds = 0.2");
        let error = place.error();
        assert!(error.contains(reason) && error.contains("all 2 architectures failed"), "{script}: {error}");
        let journal = fs::read_to_string(place.at("r/journal.jsonl")).unwrap();
        assert_eq!(journal.matches("\"failed\":").count(), 2, "{journal}");
        assert!(!place.has_processes(), "{script}");
        if script.contains("why") {
            assert!(error.contains(": exit code 3: why (") && error.contains("/stderr.txt)"), "{error}");
        }
    }
}

#[test]
fn a_failure_may_stop_the_search_which_then_goes_on() {
    let place = Place::new("[ -e fixed ] && echo '{\"score\": 1}'", 4, "on_failure = \"stop\"");
    for _ in 0..2 {
        let error = place.error();
        assert!(error.contains("exit code 1") && error.contains("stderr.txt"), "{error}");
        let journal = fs::read_to_string(place.at("r/journal.jsonl")).unwrap();
        assert!(!journal.contains("evaluated"), "{journal}");
    }
    fs::write(place.at("fixed"), "").unwrap();
    assert_eq!(place.journal().matches("\"value\":1.0").count(), 4);
}

#[test]
fn retries_go_on_in_the_same_folder() {
    let script = r#"
        echo once >> "$folder/attempts"
        [ "$(wc -l < "$folder/attempts")" -ge 3 ] || exit 1
        echo "{\"score\": $(value seed)}""#;
    let place = Place::new(script, 3, "retries = 2");
    assert!(!place.journal().contains("failed"));
    let place = Place::new(script, 3, "retries = 1");
    assert!(place.error().contains("exit code 1"));
    // What the program says itself is no accident.
    let place = Place::new("echo >> count; echo '{\"failed\": \"no\"}'", 3, "retries = 5");
    assert!(place.error().contains("failed: no"));
    assert_eq!(fs::read_to_string(place.at("count")).unwrap().lines().count(), 3);
}

#[test]
fn a_timeout_ends_what_ignores_it_and_its_children() {
    let script = r#"
        trap '' TERM
        (trap '' TERM; while :; do sleep 0.05; done) &
        echo '{"score": 1}'
        while :; do sleep 0.05; done"#;
    let place = Place::new(script, 1, "timeout_seconds = 0.3");
    let start = Instant::now();
    assert!(place.error().contains("it took longer than 0.3 s"));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(!place.has_processes());
    // Whoever listens has time to save.
    let script = r#"
        trap 'echo saved > "$folder/state"; exit 0' TERM
        [ -e "$folder/state" ] && { echo '{"score": 1}'; exit; }
        while :; do sleep 0.05; done"#;
    let place = Place::new(script, 1, "timeout_seconds = 0.3\nretries = 1");
    assert!(place.journal().contains("\"value\":1.0"));
}

#[test]
fn a_child_that_outlives_the_program_is_ended_and_the_result_counts() {
    let place = Place::new("sleep 600 &\n(sleep 600; :) &\necho '{\"score\": 1}'", 3, "");
    let start = Instant::now();
    assert!(!place.journal().contains("failed"));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(!place.has_processes());
}

#[test]
fn output_of_any_length_is_cut_in_the_file_and_not_in_memory() {
    let script = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero | tr '\\0' 'x'; yes | head -c 50000000\n\
                  echo; echo '{\"score\": 1}'";
    let place = Place::new(script, 1, "");
    let limited = ["-c", "ulimit -v 1500000; exec \"$0\" search s.toml --out r", env!("CARGO_BIN_EXE_bonas")];
    let done = Command::new("sh").args(limited).current_dir(place.0.path()).output().unwrap();
    assert!(place.journal_of(&done).contains("\"value\":1.0"));
    let kept = place.trials()[0].join("stdout.txt");
    let size = fs::metadata(&kept).unwrap().len();
    assert!((64 << 20..65 << 20).contains(&size), "{size}");
    assert!(fs::read(kept).unwrap().ends_with(b"[cut here: what follows is not kept]\n"));
}

#[test]
fn what_is_missing_is_said_before_anything_is_written() {
    let place = Place::new("exit 1", 2, "");
    for (program, expected) in [
        ("no-such-program", "no program no-such-program is on the path"),
        ("./none", "there is no file"),
        ("./train.sh", "is not executable"),
    ] {
        place.configure(program, 2, "");
        for arguments in [&[][..], &["--dry-run"]] {
            let output = place.run(arguments);
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
            assert!(error.contains("s.toml: evaluator.command") && error.contains(expected), "{error}");
            assert!(!place.at("r").exists());
        }
    }
    place.configure("sh", 2, "devices = [\"0\", \"1\", \"2\"]");
    let error = text(&place.run(&["--workers", "2"]).stderr);
    assert!(error.contains("evaluator.devices: 3 devices for 2 workers"), "{error}");
    place.configure("sh", 2, "limits = [\"latency < 3\"]");
    let error = text(&place.run(&[]).stderr);
    assert!(error.contains("s.toml line 12: evaluator.limits: \"latency < 3\" is no limit"), "{error}");
    fs::remove_file(place.at("train.sh")).unwrap();
    place.configure("sh", 2, "");
    let error = text(&place.run(&[]).stderr);
    assert!(error.contains("train.sh, which sh is to run"), "{error}");
}

#[test]
fn a_plan_says_what_would_run_and_runs_nothing() {
    let place = Place::new("touch ran; exit 1", 2, "");
    let done = place.run(&["--dry-run"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let (_, plan) = printed.split_once("# Plan\n").unwrap();
    let (search, each) = plan.split_once('\n').unwrap();
    assert!(search.starts_with("search: 2 architectures, "), "{printed}");
    assert_eq!(each, format!("each architecture: 1 run of sh train.sh in {}\n", place.0.path().display()));
    let finals = ["--dry-run", "--set", "final.seeds=2", "--set", "final.random=1"];
    let printed = text(&place.run(&finals).stdout);
    assert!(printed.ends_with("final: the winner and 1 random architecture, 2 runs each\n"), "{printed}");
    assert!(!place.at("ran").exists() && !place.at("r").exists());
}

#[test]
fn every_worker_has_its_device_and_the_history_does_not_depend_on_it() {
    let script = "echo \"$(value device) $CUDA_VISIBLE_DEVICES\" >> devices; sleep 0.05\n\
                  echo \"{\\\"score\\\": $(value seed)}\"";
    let place = Place::new(script, 12, "devices = [\"3\", \"MIG-7\"]");
    let journal = place.journal_of(&place.run(&["--workers", "2"]));
    let devices = fs::read_to_string(place.at("devices")).unwrap();
    assert!(devices.lines().all(|line| ["3 3", "MIG-7 MIG-7"].contains(&line)), "{devices}");
    assert!(devices.contains("3 3") && devices.contains("MIG-7"), "{devices}");
    let other = Place::new(script, 12, "");
    assert_eq!(other.journal(), journal);
    // Fewer workers go on with fewer devices.
    assert!(bonas(&["resume", "r", "--workers", "1"], place.0.path()).status.success());
    // A finished search is finished, on whatever device.
    place.configure("sh", 12, "devices = [\"0\"]");
    let again = place.run(&[]);
    assert!(text(&again.stdout).starts_with("Nothing is left to do here"), "{}", text(&again.stderr));
}

#[test]
fn several_seeds_are_several_runs_and_the_mean() {
    let place = Place::new("echo \"{\\\"score\\\": $(value run)}\"", 3, "seeds = 3");
    let journal = place.journal();
    assert_eq!(
        journal.matches(r#""value":1.0,"fidelity":"command","runs":[0.0,1.0,2.0]"#).count(),
        3,
        "{journal}"
    );
    assert_eq!(place.trials().len(), 9);
}

#[test]
fn an_interrupt_ends_the_program_at_once_and_the_search_goes_on() {
    let script = "trap '' TERM; sleep 0.05; [ -e fixed ] || sleep 600 & [ -e fixed ] || sleep 600\necho '{\"score\": 1}'";
    let place = Place::new(script, 4, "");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["search", "s.toml", "--out", "r", "--workers", "2"])
        .current_dir(place.0.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !(place.at("r/trials").exists() && place.trials().len() == 2 && place.has_processes_now()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(!place.has_processes_now(), "a process outlives the search");
    fs::write(place.at("fixed"), "").unwrap();
    assert_eq!(place.journal().matches("\"value\":1.0").count(), 4);
}

#[test]
fn a_second_objective_needs_a_strategy_for_it() {
    let place =
        Place::new("echo '{\"score\": 1, \"measures\": {\"latency\": 1}}'", 4, "objective = \"-latency\"");
    let error = text(&place.run(&["--set", "strategy.name=evolution"]).stderr);
    assert!(error.contains("evaluator.objective: strategy evolution raises the score alone"), "{error}");
    assert!(!place.at("r").exists());
}

#[test]
fn a_program_that_lacks_a_measure_is_mended_and_run_again() {
    let script =
        "[ -e mended ] && echo '{\"score\": 1, \"measures\": {\"latency\": 1}}' || echo '{\"score\": 1}'";
    let place = Place::new(script, 3, "limits = [\"latency <= 2\"]\non_failure = \"stop\"");
    assert!(place.error().contains("the result has no `latency`"));
    fs::write(place.at("mended"), "").unwrap();
    assert_eq!(place.journal().matches("\"value\":1.0").count(), 3);
}

/// What the trainings of users do: they print a lot, never read their task, have workers of their own, and log in JSON.
#[test]
fn real_programs_may_be_untidy() {
    let script = r#"
        exec < /dev/null
        for i in 1 2 3; do (sleep 0.02; echo "worker $i") & done
        i=0; while [ $i -lt 3000 ]; do echo "{\"epoch\": $i, \"loss\": 0.5}"; echo "$i" >&2; i=$((i + 1)); done
        wait
        printf '10 %%\r100 %%\r{"score": 0.75}'
        [ "$USER_VARIABLE" = yes ] || exit 1"#;
    let place = Place::new(script, 3, "");
    let done = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["search", "s.toml", "--out", "r"])
        .current_dir(place.0.path())
        .env("USER_VARIABLE", "yes")
        .output()
        .unwrap();
    assert_eq!(place.journal_of(&done).matches("\"value\":0.75").count(), 3);
    assert!(!place.has_processes());
}
