//! Other people's notations and tables with gaps, from outside.

use std::fmt::Write;
use std::path::Path;

use crate::cli::{bonas, text};

fn printed(arguments: &[&str], folder: &Path) -> String {
    let done = bonas(arguments, folder);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

fn refusal(arguments: &[&str], folder: &Path) -> String {
    let done = bonas(arguments, folder);
    assert_eq!(done.status.code(), Some(2), "{arguments:?}");
    text(&done.stderr)
}

/// The error of a file, which is none of the command line.
fn failure(arguments: &[&str], folder: &Path) -> String {
    let done = bonas(arguments, folder);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stderr)
}

fn json(printed: &str) -> serde_json::Value {
    serde_json::from_str(printed).unwrap()
}

#[test]
fn an_architecture_is_printed_in_other_notations() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let of = ["describe", "--space", "nasbench201", "--arch", "6111"];
    assert_eq!(printed(&[&of[..], &["--as", "digits"]].concat(), at), "333132\n");
    let all = json(&printed(&[&of[..], &["--as", "all", "--json"]].concat(), at));
    assert_eq!((&all["index"], &all["naslib"]), (&"6111".into(), &"(2, 2, 0, 2, 2, 3)".into()));
    let lines = printed(&[&of[..], &["--as", "all"]].concat(), at);
    assert!(lines.lines().any(|line| line == "index        6111"), "{lines}");
    let error = refusal(&[&of[..], &["--as", "digit"]].concat(), at);
    assert!(error.contains("unknown notation `digit`; did you mean `digits`?"), "{error}");
    let listed = json(&printed(&["list", "notations", "--json"], at));
    let index = listed.as_array().unwrap().iter().find(|item| item["name"] == "nasbench201:index").unwrap();
    assert_eq!((&index["space"], &index["example"]), (&"nasbench201".into(), &"0".into()));
}

#[test]
fn a_text_with_two_readings_is_refused_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&["describe", "--space", "nasbench201", "--arch", "333132"], folder.path());
    assert!(
        error.contains("has 2 readings: digits (|nor_conv_3x3~0|+") && error.contains("naslib ("),
        "{error}"
    );
    let error = refusal(&["describe", "--arch", "Genotype(normal=[('sep', 0)],\n reduce=[]"], folder.path());
    assert!(error.contains("found the end of the text (line 2, column 11)"), "{error}");
}

#[test]
fn the_space_of_a_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        |space: &str, arch: &str| refusal(&["describe", "--space", space, "--arch", arch], folder.path());
    let found = error("nasbench201", "PC_DARTS_cifar");
    assert!(
        found.contains("cannot read \"PC_DARTS_cifar\"") && found.contains("it is one of --space darts"),
        "{found}"
    );
    let cell = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|";
    assert!(error("darts", cell).contains("it is one of --space nasbench201"));
    assert!(!error("darts", "nonsense").contains("it is one of"));
}

#[test]
fn a_hash_is_looked_up_in_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("t.csv"), "arch,acc\n111|conv1x1-bn-relu,\n101|conv3x3,93.8\n").unwrap();
    let hash = "b49ac8c578b4561d79ac7087988f1c61";
    let of = ["describe", "--space", "nasbench101", "--arch", hash];
    let json = printed(&[&of[..], &["--table", "t.csv", "--as", "bits"]].concat(), at);
    assert_eq!(json, "101|conv3x3-bn-relu\n");
    assert!(refusal(&of, at).contains("is a hash, which cannot be read by itself; give a table"));
    let error = refusal(&[&of[..], &["--table", "none.csv"]].concat(), at);
    assert!(error.contains("none.csv"), "{error}");
}

/// Rows of digits under a header that says so; every fourth lacks its value, written in several ways.
fn gaps(folder: &Path) {
    let missing = ["", "NA", "nan", "None", "-"];
    let mut csv = String::from("arch:digits,val,params\n");
    for i in 0..60 {
        let cell = format!("{}{}{}13{}", i % 5, i / 5 % 5, i / 25, i % 4);
        let val = if i % 4 == 3 { missing[i / 4 % 5].to_owned() } else { format!("{}", 80 + i % 13) };
        writeln!(csv, "{cell},{val},{i}").unwrap();
    }
    std::fs::write(folder.join("gaps.csv"), csv).unwrap();
}

#[test]
fn rows_that_are_left_out_are_counted_by_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    gaps(at);
    let table = ["--space", "nasbench201", "--table", "gaps.csv", "--train-on", "val"];
    let error = failure(&[&["fit", "--out", "m.bonas"], &table[..]].concat(), at);
    assert!(
        error.contains("gaps.csv line 5: column `val` is empty; fill it in, or leave such rows out"),
        "{error}"
    );
    let table = [&table[..], &["--skip-missing", "--limit", "params <= 55"]].concat();
    let line = "18 rows left out: 14 without `val`, 4 beyond params <= 55\n";
    let fitted =
        printed(&[&["fit", "--surrogate", "counts-bsr", "--out", "m.bonas"], &table[..]].concat(), at);
    assert!(fitted.contains(line), "{fitted}");
    let more = ["--sizes", "20", "--splits", "2", "--surrogate", "counts-bsr", "--json", "p.json"];
    let predicted = printed(&[&["predict"], &table[..], &more[..]].concat(), at);
    assert!(predicted.contains(line), "{predicted}");
    let figures = json(&std::fs::read_to_string(at.join("p.json")).unwrap());
    let missing = serde_json::json!({"reason": "missing", "of": "val", "rows": 14});
    assert_eq!(figures["skipped"][0], missing);
    let config = "seeds = 6\nbudget = 10\n[table]\nspace = \"nasbench201\"\npath = \"gaps.csv\"\nsearch = \"val\"\n\
                  missing = \"skip\"\nlimits = [\"params <= 55\"]\n[[strategy]]\nname = \"random\"\n";
    std::fs::write(at.join("c.toml"), config).unwrap();
    let compared = printed(&["compare", "c.toml", "--out", "c"], at);
    assert!(compared.contains("left out: 14 without `val`"), "{compared}");
    let summary = json(&std::fs::read_to_string(at.join("c/summary.json")).unwrap());
    assert_eq!(summary["skipped"][0], missing);
    let page = std::fs::read_to_string(at.join("c/report.html")).unwrap();
    assert!(page.contains("left out: 14 without `val`"));
    let error = refusal(&["rank", "--model", "m.bonas", "--candidates", "none.txt"], at);
    assert!(error.contains("none.txt"), "{error}");
    std::fs::write(at.join("list.csv"), "n,arch:digits\n1,333132\n2,NA\n").unwrap();
    let error = failure(&["rank", "--model", "m.bonas", "--candidates", "list.csv"], at);
    assert!(error.contains("list.csv line 3: field 2 (`arch`) is missing (\"NA\")"), "{error}");
}

/// Rows without a score are left out of what a search or a comparison starts from, and are shown.
#[test]
fn rows_left_out_of_what_one_starts_from_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    gaps(at);
    let left_out = "15 rows left out: 15 without `val`";
    let bonas = "name = \"bonas\"\nsurrogate = \"graph-gp\"\ntransfer = \"table:gaps.csv:val\"\n";
    let search = format!(
        "[study]\narchitectures = 6\n[space]\nname = \"nasbench201\"\n[evaluator]\nname = \"synthetic\"\n[final]\n\
         seeds = 0\n[strategy]\n{bonas}batch = 3\ninitial = 3\npool_size = 10\n"
    );
    std::fs::write(at.join("s.toml"), search).unwrap();
    let searched = printed(&["search", "s.toml", "--out", "s"], at);
    assert!(searched.contains(&format!("strategy.transfer: {left_out}\n")), "{searched}");
    let compare = format!("seeds = 1\nbudget = 6\nbatch = 3\n[[strategy]]\n{bonas}");
    std::fs::write(at.join("c.toml"), compare).unwrap();
    let compared = printed(&["compare", "c.toml", "--out", "c"], at);
    assert!(compared.contains(&format!("starts from a table: {left_out}")), "{compared}");
    let more =
        ["--sizes", "20", "--splits", "1", "--surrogate", "graph-gp", "--transfer", "table:gaps.csv:val"];
    let predicted = printed(&[&["predict"], &more[..]].concat(), at);
    assert!(predicted.contains(&format!("table:gaps.csv:val: {left_out}\n")), "{predicted}");
}
