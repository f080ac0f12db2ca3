//! Folders given to `--out`, from outside: whose they are, and what is never replaced in them.

use std::fs;

use crate::cli::{SMALL, bonas, text};

#[test]
fn folders_of_other_commands_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.toml"), SMALL).unwrap();
    fs::write(at.join("c.toml"), "seeds = 1\nbudget = 20\n[[strategy]]\nname = \"random\"\n").unwrap();
    assert!(bonas(&["compare", "c.toml", "--out", "compared"], at).status.success());
    assert!(bonas(&["search", "a.toml", "--out", "searched"], at).status.success());
    for (arguments, expected) in [
        (
            &["resume", "compared"][..],
            "`bonas compare FILE --out compared` goes on with; expected a search's folder",
        ),
        (&["report", "compared"], "compared is the folder of a comparison"),
        (&["search", "a.toml", "--out", "compared"], "compared is the folder of a comparison"),
        (&["resume", "a.toml"], "a.toml is a file, not a folder; expected a search's folder"),
        (&["search", "a.toml", "--out", "a.toml"], "a.toml is a file, not a folder"),
        (&["compare", "c.toml", "--out", "searched"], "searched is the folder of a search"),
        (&["compare", "c.toml", "--out", "a.toml"], "--out: a.toml is a file, not a folder"),
        (
            &["search", "compared"],
            "compared is a folder, expected a configuration file; did you mean compared/config.toml?",
        ),
        (
            &["resume", "."],
            "holds no search: there is no config.toml in it; `bonas search FILE --out .` begins",
        ),
    ] {
        let output = bonas(arguments, at);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}

/// A file that the user wrote is never replaced, whatever `--out` says.
#[test]
fn a_configuration_of_ones_own_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let own = format!("# mine\n{SMALL}");
    let kept = || assert_eq!(fs::read_to_string(at.join("config.toml")).unwrap(), own);
    fs::write(at.join("config.toml"), &own).unwrap();
    fs::write(at.join("c.toml"), "seeds = 1\nbudget = 20\n[[strategy]]\nname = \"random\"\n").unwrap();
    for (arguments, expected) in [
        (&["search", "config.toml", "--seed", "9", "--out", "."][..], "another configuration (study.seed = "),
        (&["compare", "c.toml", "--out", "."], "is the folder of a search"),
    ] {
        let error = text(&bonas(arguments, at).stderr);
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
        kept();
    }
    let done = bonas(&["search", "config.toml", "--out", "."], at);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(bonas(&["resume", "."], at).status.success());
    kept();
}

/// Noisy scores: what the model takes for the best is what `winner.txt`, the summary and the report have, and not the
/// luckiest score.
#[test]
fn the_model_chooses_the_winner() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let noisy = "[study]\narchitectures = 60\n[space]\nname = \"nasbench201\"\n[evaluator]\nname = \"synthetic\"\nnoise = 0.5\n\
                 [strategy]\nname = \"bonas\"\nsurrogate = \"graph-gp\"\n[final]\nseeds = 0\n[shortlist]\n";
    let winner = |by: &str, seed: &str| {
        fs::write(at.join("n.toml"), format!("{noisy}by = \"{by}\"\n")).unwrap();
        let out = format!("{by}-{seed}");
        let done = bonas(&["search", "n.toml", "--seed", seed, "--out", &out], at);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let read = |file: &str| fs::read_to_string(at.join(&out).join(file)).unwrap();
        let (winner, summary) = (read("winner.txt"), read("summary.json"));
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["winner"].as_str(), Some(winner.trim()));
        let said = read("report.html").contains("The best by the estimate of the strategy");
        assert_eq!(said, by == "model");
        (winner, summary["best"]["arch"].as_str().unwrap().to_owned())
    };
    let mut different = 0;
    for seed in ["1", "2", "3", "4"] {
        let ((by_score, best), (by_model, same)) = (winner("score", seed), winner("model", seed));
        assert_eq!((by_score.trim(), &best), (&*best, &same), "the searches are the same");
        different += usize::from(by_model != by_score);
    }
    assert!(different > 0);
}
