//! The `bonas` command from outside: exit codes, files, and errors that name the remedy.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::wait_until_interrupts_are_caught;

pub(crate) const SMALL: &str = "[study]\narchitectures = 30\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\n\
                     [evaluator]\nname = \"synthetic\"\n[final]\nseeds = 0\n";

pub(crate) fn bonas(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bonas")).args(arguments).current_dir(folder).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_search_leaves_its_files_and_is_not_started_twice() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("a.toml"), SMALL).unwrap();
    let done = bonas(&["search", "a.toml", "--out", "my run"], at);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let winner = std::fs::read_to_string(at.join("my run/winner.txt")).unwrap();
    for expected in
        ["The search is finished.", winner.trim(), "score      0.", "report     my run/report.html"]
    {
        assert!(printed.contains(expected), "{printed}");
    }
    assert_eq!(text(&done.stderr), "", "nothing but the table and the ending where there is no terminal");
    for file in [
        "config.toml",
        "journal.jsonl",
        "winner.txt",
        "summary.json",
        "report.html",
        "timings.json",
        "timings.html",
    ] {
        assert!(at.join("my run").join(file).is_file(), "no {file}");
    }
    let again = bonas(&["search", "a.toml", "--out", "my run", "--workers", "2"], at);
    assert!(again.status.success() && text(&again.stdout).starts_with("Nothing is left to do here"));
    let other = bonas(&["search", "a.toml", "--out", "my run", "--seed", "9"], at);
    assert_eq!(other.status.code(), Some(2));
    let error = text(&other.stderr);
    assert!(error.contains("(study.seed = 1 there, study.seed = 9 here)"), "{error}");
    assert!(error.contains("`bonas resume 'my run'`"), "{error}");
    let journal = std::fs::read(at.join("my run/journal.jsonl")).unwrap();
    assert!(bonas(&["resume", "my run", "--workers", "3"], at).status.success());
    assert!(bonas(&["report", "my run"], at).status.success());
    assert_eq!(std::fs::read(at.join("my run/journal.jsonl")).unwrap(), journal);
}

#[test]
fn two_searches_with_one_configuration_have_the_same_page_and_summary() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("a.toml"), SMALL).unwrap();
    for out in ["one", "two"] {
        assert!(bonas(&["search", "a.toml", "--out", out], at).status.success());
    }
    let read = |out: &str, file: &str| std::fs::read_to_string(at.join(out).join(file)).unwrap();
    for file in ["report.html", "summary.json", "winner.txt"] {
        assert_eq!(read("one", file), read("two", file), "{file}");
    }
    // Seconds and the command are elsewhere.
    assert_ne!(read("one", "timings.json"), read("two", "timings.json"));
    assert!(read("two", "timings.html").contains("--out two"));
}

#[test]
fn what_is_printed_as_configuration_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let printed = text(&bonas(&["search", "--print-config"], folder.path()).stdout);
    std::fs::write(folder.path().join("b.toml"), &printed).unwrap();
    assert_eq!(text(&bonas(&["search", "b.toml", "--print-config"], folder.path()).stdout), printed);
    let changed =
        bonas(&["search", "--print-config", "--set", "strategy.name=random", "--seed", "5"], folder.path());
    let changed = bonas::config::SearchConfig::from_toml(&text(&changed.stdout), "printed").unwrap();
    assert_eq!((changed.strategy.name(), changed.study.seed), ("random", 5));
}

#[test]
fn without_a_file_a_preset_runs_in_a_folder_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let formula = [
        "--set",
        "evaluator.name=synthetic",
        "--set",
        "strategy.name=random",
        "--set",
        "shortlist.cells=0",
        "--set",
        "final.seeds=0",
    ];
    let demo = bonas(&[&["search"], &formula[..]].concat(), folder.path());
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    assert!(folder.path().join("runs/demo/winner.txt").is_file());
    let named = bonas(
        &[&["search", "--preset", "bonas-darts-cifar10", "--dry-run"], &formula[..]].concat(),
        folder.path(),
    );
    assert!(text(&named.stdout).contains("cifar10:data/cifar10"), "{}", text(&named.stderr));
    assert!(!folder.path().join("runs/bonas-darts-cifar10").exists());
}

/// The same search from two folders has the same journal, and goes on when its folder has moved.
#[test]
fn paths_are_relative_to_the_configuration() {
    let root = tempfile::tempdir().unwrap();
    let (project, elsewhere) = (root.path().join("project"), root.path().join("elsewhere"));
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("old.toml"), SMALL).unwrap();
    assert!(bonas(&["search", "old.toml", "--out", "runs/old"], &project).status.success());
    let config =
        SMALL.replace("\"random\"", "\"bonas\"\nsurrogate = \"graph-gp\"\ntransfer = \"study:runs/old\"");
    fs::write(project.join("new.toml"), config).unwrap();
    for (folder, file, out) in
        [(&project, "new.toml", "runs/a"), (&elsewhere, "../project/new.toml", "../project/runs/b")]
    {
        let done = bonas(&["search", file, "--out", out], folder);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let journal = |run: &str| fs::read(project.join(run).join("journal.jsonl")).unwrap();
    assert_eq!(journal("runs/a"), journal("runs/b"));
    // Moved away, and stopped before anything was kept: the source is still found.
    let a = elsewhere.join("a");
    fs::rename(project.join("runs/a"), &a).unwrap();
    let journal = fs::read(a.join("journal.jsonl")).unwrap();
    fs::remove_file(a.join("source-task.csv")).unwrap();
    fs::remove_file(a.join("journal.jsonl")).unwrap();
    let resumed = bonas(&["resume", "a"], &elsewhere);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert_eq!(fs::read(a.join("journal.jsonl")).unwrap(), journal);
}

#[test]
fn comparisons_name_the_file_of_a_bad_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("c.toml"),
        "seeds = 1\nbudget = 20\n[table]\nspace = \"nowhere\"\npath = \"a.csv\"\nsearch = \"acc\"\n",
    )
    .unwrap();
    let output = bonas(&["compare", "c.toml", "--out", "compared"], folder.path());
    let error = text(&output.stderr);
    assert!(error.starts_with("error: c.toml: table.space: unknown space `nowhere`"), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_can_be_named_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let all: serde_json::Value =
        serde_json::from_slice(&bonas(&["list", "--json"], folder.path()).stdout).unwrap();
    for (kind, name) in [
        ("spaces", "nasbench201"),
        ("strategies", "local-search"),
        ("surrogates", "trees"),
        ("acquisitions", "ucb"),
        ("selections", "q-ei"),
        ("evaluators", "from-scratch"),
        ("indicators", "naswot"),
        ("datasets", "cifar10"),
        ("presets", "demo"),
    ] {
        let names: Vec<&str> =
            all[kind].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
        assert!(names.contains(&name), "{kind}: {names:?}");
        let one = text(&bonas(&["list", kind], folder.path()).stdout);
        assert!(names.iter().all(|name| one.contains(name)), "{one}");
    }
}

#[test]
fn shells_complete_commands_and_names() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&bonas(&["completions", shell], folder.path()).stdout);
        assert!(script.contains("tabulate") && script.contains("bnas-v2-clr"), "{shell}");
    }
}

#[test]
fn mistakes_exit_with_2_and_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "[study]\nseeds = 3\n").unwrap();
    let cases: [(&[&str], &str); 7] = [
        (
            &["search", "c.toml", "--out", "x"],
            "c.toml line 2: study.seeds: unknown key `seeds`; did you mean `seed`?",
        ),
        (&["search", "none.toml", "--out", "x"], "cannot read none.toml"),
        (&["resume", "x"], "there is no folder x; `bonas search FILE --out x` begins a search there"),
        (&["describe", "--space", "nb201", "--arch", "x"], "did you mean `nasbench201`?"),
        (&["describe", "--arch", "DARTS_V2", "--channels", "3"], "channels = 3; it must be even"),
        (
            &["train", "--genotype", "DARTS_V2", "--data", "digits", "--out", "x", "--epochs", "0"],
            "--epochs: 0",
        ),
        (
            &[
                "export",
                "--space",
                "transnas-macro",
                "--arch",
                "64-1234-basic",
                "--to",
                "pytorch",
                "--out",
                "x",
                "--skeleton",
                "transnas-macro-normal",
            ],
            "is counted only, since its head is for another task than classification; train with transnas-macro or",
        ),
    ];
    for (arguments, expected) in cases {
        let output = bonas(arguments, folder.path());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected) && !error.contains("panicked"), "{error}");
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
fn published_parameters_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let output = bonas(&["describe", "--arch", "DARTS_V2", "--json"], folder.path());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["parameters"], 3_349_342);
    assert_eq!(value["cells"].as_array().map(Vec::len), Some(2));
    let output = bonas(&["describe", "--arch", "DARTS_V2", "--json", "--auxiliary"], folder.path());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["parameters"], 3_349_342 + 476_426);
    for total in ["parameters", "macs"] {
        let rows = value["layers"].as_array().unwrap().iter().map(|row| row[total].as_u64().unwrap());
        assert_eq!(value[total], rows.sum::<u64>(), "{total}");
    }
    // The Inception-like cell of the README of NAS-Bench-101, whose API says the same.
    let arch =
        "111010000010001100011|conv1x1-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;maxpool3x3";
    let output = bonas(&["describe", "--space", "nasbench101", "--arch", arch, "--json"], folder.path());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["parameters"], 2_694_282);
    assert_eq!(value["skeleton"], "nasbench101");
}

#[test]
fn the_published_mobilenet_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let arch = "[3,-1,0,4,0,-1,-1,0,4,-1,4,4,1,4,2,0,0,4,0,2,2]";
    let output = bonas(&["describe", "--space", "mobilenet", "--arch", arch, "--json"], folder.path());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["parameters"], 5_192_968 + 35_568);
    assert_eq!(value["batch_norm_parameters"], 35_568);
    assert_eq!(value["macs"], 471_822_240_u64);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["describe", "--arch", "DARTS_V2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert!(child.wait().unwrap().success(), "{error}");
    assert_eq!(error, "");
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_cleanly_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let endless = SMALL
        .replace("architectures = 30", "architectures = 0\nrounds = 1000000")
        .replace("nasbench201", "darts");
    std::fs::write(folder.path().join("a.toml"), endless).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["search", "a.toml", "--out", "run"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let journal = folder.path().join("run/journal.jsonl");
    while std::fs::metadata(&journal).map_or(0, |m| m.len()) < 10_000 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(
        text(&output.stderr).contains("stopped; go on with: bonas resume run"),
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stderr).contains("stopping as soon as the epoch or the proposal under way is done"));
    assert!(text(&output.stdout).contains("The search has not ended; "), "{}", text(&output.stdout));
    assert!(folder.path().join("run/report.html").is_file());
}

#[test]
fn the_second_interrupt_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    // The only split takes far longer than the test.
    let child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["predict", "--sizes", "1000", "--splits", "50", "--threads", "1", "--surrogate", "path-mlp"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_interrupts_are_caught(child.id());
    for _ in 0..2 {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let error = text(&output.stderr);
    assert!(error.contains("as soon as every split under way is done"), "{error}");
    assert!(error.contains("stopped at once; nothing is kept: give the command again"), "{error}");
}

#[test]
fn the_ready_made_configurations_are_read() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut read = 0;
    for folder in ["bnnas", "differentiable"] {
        for entry in std::fs::read_dir(examples.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                bonas::config::SearchConfig::from_toml(&text, &path.display().to_string()).unwrap();
                read += 1;
            }
        }
    }
    assert_eq!(read, 10);
    for name in ["strategies.toml", "collapse.toml"] {
        let text = std::fs::read_to_string(examples.join("compare_strategies").join(name)).unwrap();
        let config = bonas::config::ExperimentConfig::from_toml(&text, name).unwrap();
        assert!(config.images().is_some() && config.strategies.len() > 4);
    }
}

#[test]
fn without_a_table_the_one_inside_the_program_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config =
        "seeds = 3\nbudget = 30\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\n";
    std::fs::write(at.join("d.toml"), config).unwrap();
    let compared = bonas(&["compare", "d.toml", "--out", "compared"], at);
    assert!(compared.status.success(), "{}", text(&compared.stderr));
    let results = std::fs::read_to_string(at.join("compared/results.csv")).unwrap();
    assert_eq!(results.lines().count(), 1 + 2 * 3 * 30);
    let predicted = bonas(&["predict", "--sizes", "50", "--splits", "2", "--surrogate", "trees"], at);
    assert!(predicted.status.success(), "{}", text(&predicted.stderr));
    let half = bonas(&["predict", "--table", "t.csv"], at);
    assert_eq!(half.status.code(), Some(2));
    assert!(text(&half.stderr).contains("--space"), "{}", text(&half.stderr));
}

#[test]
#[cfg(feature = "torch")]
fn compare_takes_searches_on_images() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = r#"
        seeds = 2
        budget = 2
        data = { source = "digits", limit = 60 }
        [space]
        name = "nasbench201"
        [evaluator]
        name = "from-scratch"
        channels = 4
        layers = 1
        epochs = 1
        batch = 20
        [final]
        seeds = 1
        epochs = 1
        batch = 20
        channels = 4
        layers = 1
        [[strategy]]
        name = "random"
        batch = 1
        [[strategy]]
        name = "evolution"
        population = 2
        sample = 1
        batch = 1
    "#;
    std::fs::write(at.join("c.toml"), config).unwrap();
    let compared = bonas(&["compare", "c.toml", "--out", "images", "--seeds", "1"], at);
    assert!(compared.status.success(), "{}", text(&compared.stderr));
    assert!(text(&compared.stdout).contains("| evolution | nasbench201 | 2 architectures |"));
    assert!(at.join("images/summary.json").is_file() && at.join("images/report.html").is_file());
    assert!(at.join("images/strategies/evolution/seed-1/journal.jsonl").is_file());
    let printed = text(&bonas(&["compare", "c.toml", "--print-config"], at).stdout);
    assert!(printed.contains("\nrandom = 0\n") && printed.contains("\n[evaluator]\n"), "{printed}");
    let table = bonas(&["compare", "c.toml", "--out", "images", "--table", "t.csv"], at);
    assert_eq!(table.status.code(), Some(2));
    assert!(text(&table.stderr).contains("[data]"), "{}", text(&table.stderr));
}

/// Stopped after ten architectures, then moved to a machine with other instructions.
#[test]
fn a_search_that_goes_on_on_another_machine_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), SMALL).unwrap();
    let first = bonas(&["search", "a.toml", "--set", "study.architectures=10", "--out", "r"], folder.path());
    assert!(first.status.success() && text(&first.stderr).is_empty(), "{}", text(&first.stderr));
    let path = folder.path().join("r/environment.json");
    let facts = fs::read_to_string(&path).unwrap();
    let mut facts: Vec<(String, String)> = serde_json::from_str(&facts).unwrap();
    let instructions = facts.iter_mut().find(|(name, _)| name == "instructions").unwrap();
    let own = std::mem::replace(&mut instructions.1, "AVX-9".to_owned());
    fs::write(&path, serde_json::to_string(&facts).unwrap()).unwrap();
    let again = bonas(&["resume", "r", "--budget", "20"], folder.path());
    assert!(again.status.success(), "{}", text(&again.stderr));
    let said = format!("warning: instructions: the search began on AVX-9 and goes on on {own}. ");
    assert!(text(&again.stderr).contains(&said), "{}", text(&again.stderr));
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept.contains("AVX-9"), "the facts are those of the start: {kept}");
}
