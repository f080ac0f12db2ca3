//! `bonas import`: searches that begin with the results of a table.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{SMALL, bonas, text};

const TABLE: &str = "arch,score,other\n\
    |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|,0.99,1\n\
    |none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|,0.1;0.3,2\n\
    |skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|,,3\n";

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = bonas(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.toml"), SMALL).unwrap();
    fs::write(folder.path().join("t.csv"), TABLE).unwrap();
    folder
}

#[test]
fn a_search_begins_with_the_results_of_a_table() {
    let folder = place();
    let at = folder.path();
    let printed = run(at, &["import", "r", "s.toml", "--from", "t.csv"]);
    assert!(printed.contains("2 results are imported into r; the best of the table is 0.99."), "{printed}");
    assert!(
        printed.contains("1 row left out: 1 without `score`"),
        "the row without a score is told: {printed}"
    );
    let again = run(at, &["import", "r", "--from", "t.csv"]);
    assert!(again.contains("0 results are imported into r, 2 were known before"), "{again}");
    assert!(run(at, &["runs", "."]).contains("interrupted  0 of 30    0.9900"));
    run(at, &["search", "s.toml", "--out", "r"]);
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(at.join("r/summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["queries"], &summary["imported"]), (&30.into(), &2.into()));
    assert_eq!((&summary["best"]["score"], &summary["best"]["query"]), (&0.99.into(), &1.into()));
    assert_eq!(summary["winner"].as_str().unwrap(), TABLE.lines().nth(1).unwrap().split(',').next().unwrap());
    assert_eq!(summary["rounds"][0]["queries"], 2);
    assert!(run(at, &["runs", "."]).contains("finished  30 of 30"));
}

/// Limits and a second objective are read from columns of their names, or from those that are named; what breaks a limit is
/// known and does not win.
#[test]
fn limits_and_objectives_are_columns_of_the_table() {
    let folder = place();
    let at = folder.path();
    let told = "\"told\"\nscore = \"-loss\"\nlimits = [\"latency <= 5\"]\nobjective = \"-size\"";
    fs::write(at.join("told.toml"), SMALL.replace("\"synthetic\"", told).replace("\"random\"", "\"nsga2\""))
        .unwrap();
    let best = TABLE.lines().nth(1).unwrap().split(',').next().unwrap();
    let rows: Vec<&str> = TABLE.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    let table =
        format!("arch,loss,ms,size\n{},0.1,9,1\n{},0.3;0.5,4;5,2\n{},0.7,,3\n", rows[0], rows[1], rows[2]);
    fs::write(at.join("m.csv"), table).unwrap();
    let import = ["import", "m", "told.toml", "--from", "m.csv", "--measure", "latency=ms"];
    let printed = run(at, &import);
    assert!(
        printed.contains("2 results are imported into m; the best of the table within the limits is -0.4."),
        "{printed}"
    );
    assert!(printed.contains("1 row left out: 1 without `ms`"), "{printed}");
    let journal = fs::read_to_string(at.join("m/journal.jsonl")).unwrap();
    let imported = journal.lines().find(|line| line.contains("imported")).unwrap();
    let record: Value = serde_json::from_str(imported).unwrap();
    let found = &record["record"]["results"];
    let score = |place: usize| &found[place]["outcome"]["scored"];
    assert_eq!(found[0]["arch"], best);
    assert_eq!(
        (&score(0)["value"], &score(0)["measures"]),
        (&(-0.1).into(), &serde_json::json!([9.0, -1.0]))
    );
    assert_eq!(score(0)["infeasible"], true);
    assert_eq!(
        (&score(1)["value"], &score(1)["measures"]),
        (&(-0.4).into(), &serde_json::json!([4.5, -2.0]))
    );
    assert!(run(at, &["runs", "."]).contains("-0.4000"), "the best keeps the limit");
}

/// Rows with architectures that are left out of the space are told by reason, and are not taken.
#[test]
fn rows_beyond_the_space_are_left_out() {
    let folder = place();
    let at = folder.path();
    let operations = "\"nasbench201\"\noperations = [\"none\", \"nor_conv_1x1\", \"nor_conv_3x3\"]";
    fs::write(at.join("part.toml"), SMALL.replace("\"nasbench201\"", operations)).unwrap();
    let more = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|,0.5,1\n\
                |avg_pool_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|,0.6,1\n";
    fs::write(at.join("more.csv"), format!("{TABLE}{more}")).unwrap();
    let printed = run(at, &["import", "r", "part.toml", "--from", "more.csv"]);
    assert!(
        printed.contains(
            "3 rows left out: 1 without `score`, 1 with skip_connect, which the space leaves out, \
             1 with avg_pool_3x3, which the space leaves out"
        ),
        "{printed}"
    );
    assert!(printed.contains("2 results are imported into r; the best of the table is 0.5."), "{printed}");
    // Where nothing is left, that is an error, and nothing is begun.
    fs::write(
        at.join("none.csv"),
        format!("arch,score\n{}", TABLE.lines().nth(1).unwrap().rsplit_once(',').unwrap().0),
    )
    .unwrap();
    let output = bonas(&["import", "none", "part.toml", "--from", "none.csv"], at);
    let error = text(&output.stderr);
    assert!(error.contains("no row is left: 1 row left out: 1 with skip_connect"), "{error}");
    assert!(!at.join("none").exists());
    // A rule of a space file, and a table that a search starts from.
    let row = |a: usize| format!("a={a},0.{a:02}\n");
    let rows: String = (1..=12).map(row).collect();
    fs::write(at.join("a.csv"), format!("arch,score\n{rows}")).unwrap();
    fs::write(at.join("a.toml"), "choices = [{ name = \"a\", range = [1, 12] }]\nrules = [\"a > 2\"]\n")
        .unwrap();
    let config = "[space]\nname = \"file:a.toml\"\n[evaluator]\nname = \"told\"\n[final]\nseeds = 0\n";
    fs::write(at.join("b.toml"), config).unwrap();
    let left = "2 rows left out: 2 against the rule \"a > 2\" of the space";
    let printed = run(at, &["import", "b", "b.toml", "--from", "a.csv"]);
    assert!(printed.contains(left) && printed.contains("10 results are imported"), "{printed}");
    let transfer = "[strategy]\nname = \"bonas\"\ntransfer = \"table:a.csv:score\"\n";
    fs::write(at.join("c.toml"), format!("{config}{transfer}")).unwrap();
    let printed = run(at, &["search", "c.toml", "--out", "c"]);
    assert!(printed.contains(&format!("strategy.transfer: {left}")), "{printed}");
}

#[test]
fn mistakes_are_named() {
    let folder = place();
    let at = folder.path();
    fs::write(
        at.join("limited.toml"),
        SMALL.replace("\"synthetic\"", "\"told\"\nlimits = [\"latency <= 5\"]"),
    )
    .unwrap();
    fs::write(at.join("shared.toml"), SMALL.replace("\"synthetic\"", "\"shared-weights\"")).unwrap();
    fs::write(at.join("bad.csv"), "arch,score\n|nonsense|,1\n").unwrap();
    run(at, &["search", "s.toml", "--out", "done"]);
    for (arguments, code, expected) in [
        (&["import", "r", "--from", "t.csv"][..], 2, "r holds no search; name its configuration"),
        (&["import", "r", "s.toml", "--from", "t.csv", "--column", "acc"], 1, "acc"),
        (&["import", "r", "s.toml", "--from", "none.csv"], 1, "none.csv"),
        (&["import", "r", "s.toml", "--from", "bad.csv"], 1, "bad.csv line 2"),
        (&["import", "r", "limited.toml", "--from", "t.csv"], 1, "latency"),
        (
            &["import", "r", "limited.toml", "--from", "t.csv", "--measure", "size=other"],
            2,
            "they read: latency",
        ),
        (
            &["import", "r", "limited.toml", "--from", "t.csv", "--measure", "other"],
            2,
            "expected NAME=COLUMN",
        ),
        (&["import", "r", "shared.toml", "--from", "t.csv"], 2, "compare inside the batch"),
        (&["import", "done", "--from", "t.csv"], 2, "before the first architecture is proposed"),
        (&["import", "done", "s.toml", "--seed", "9", "--from", "t.csv"], 2, "another configuration"),
    ] {
        let output = bonas(arguments, at);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert!(!at.join("r").exists(), "nothing is begun by a mistake");
}
