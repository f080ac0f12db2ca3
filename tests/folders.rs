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
