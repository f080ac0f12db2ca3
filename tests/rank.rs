//! `bonas fit` and `bonas rank` from outside.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use bonas::spaces::catalogue::SPACES;
use bonas::study::table::{EMBEDDED_SEARCH, EMBEDDED_SPACE, Reading, Source};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cli::{SMALL, bonas, text};

/// Runs the command, which must succeed, and returns what it prints.
fn run(arguments: &[&str], folder: &Path) -> String {
    let output = bonas(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Architectures of a space in its notation, with some that repeat.
fn list(space: &str, count: usize) -> Vec<String> {
    let space = SPACES.get(space).unwrap().space();
    let mut all: Vec<String> =
        space.enumerate().unwrap().step_by(3).take(count - 5).map(|a| space.format(&a).unwrap()).collect();
    all.extend_from_within(..5);
    all
}

/// The lines after the header, each as its fields.
fn rows(csv: &str) -> Vec<(String, [f64; 3])> {
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("arch,median,low,high"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), [1, 2, 3].map(|i| fields[i].parse().unwrap()))
    };
    lines.map(row).collect()
}

#[test]
fn a_model_ranks_lists_of_all_forms_alike() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let printed = run(&["fit", "--sample", "60", "--out", "m.bonas"], at);
    assert!(printed.starts_with("ensemble fitted to 60 architectures of nasbench201 in "), "{printed}");
    let list = list("nasbench201", 1500);
    fs::write(at.join("list.txt"), list.join("\n")).unwrap();
    let rows_of_csv: Vec<String> = list.iter().map(|arch| format!("7,{arch}")).collect();
    let csv = format!("acc,arch\n{}\n", rows_of_csv.join("\n"));
    fs::write(at.join("list.csv"), &csv).unwrap();
    let mut zip = GzEncoder::new(fs::File::create(at.join("list.gz")).unwrap(), Compression::fast());
    zip.write_all(csv.as_bytes()).unwrap();
    zip.finish().unwrap();
    let rank = |more: &[&str]| run(&[&["rank", "--model", "m.bonas", "--candidates"], more].concat(), at);
    let serial = rank(&["list.txt", "--threads", "1"]);
    let ranked = rows(&serial);
    assert!(ranked.iter().map(|(text, _)| text).eq(&list), "in the order of the list");
    assert!(ranked.iter().all(|(_, [median, low, high])| low < median && median < high));
    for other in [&["list.txt", "--threads", "2"][..], &["list.csv"], &["list.gz", "--threads", "3"]] {
        assert_eq!(rank(other), serial, "{other:?}");
    }
    let printed = rank(&["list.txt", "--out", "o.csv"]);
    assert!(printed.starts_with("1500 architectures ranked in "), "{printed}");
    assert_eq!(fs::read_to_string(at.join("o.csv")).unwrap(), serial);
    assert_eq!(rank(&["o.csv", "--threads", "100000"]), serial, "what it wrote is a list again");
    fs::write(at.join("old.csv"), serial.replacen("arch", "architecture", 1)).unwrap();
    assert_eq!(rank(&["old.csv"]), serial);
    let (mut best, mut keys) = (ranked, HashSet::new());
    best.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]));
    let space = SPACES.get("nasbench201").unwrap().space();
    best.retain(|(text, _)| keys.insert(space.parse(text).unwrap().key()));
    assert_eq!(rows(&rank(&["list.txt", "--top", "7"])), best[..7]);
    assert_eq!(rows(&rank(&["all"])).len(), 15_625);
}

#[test]
fn standard_input_is_read_and_a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    run(&["fit", "--surrogate", "trees", "--sample", "40", "--out", "m.bonas"], folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["rank", "--model", "m.bonas", "--candidates", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = list("nasbench201", 200).join("\n") + "\n";
    let writer = std::thread::spawn(move || {
        // Until nobody reads any more.
        while input.write_all(lines.as_bytes()).is_ok() {}
    });
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert_eq!(first, "arch,median,low,high\n");
    drop(out);
    let done = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), String::new()));
}

/// Equal to the surrogate that was fitted, in the unit of the column.
#[test]
fn a_table_in_percent_is_ranked_in_percent() {
    let folder = tempfile::tempdir().unwrap();
    let space = SPACES.get(EMBEDDED_SPACE).unwrap().space();
    let reading = Reading { columns: vec![EMBEDDED_SEARCH.parse().unwrap()], ..Reading::default() };
    let table = Source::Embedded.open(space, &reading).unwrap();
    let means = table.columns()[0].means();
    let percent = |scale: f64| -> String {
        let rows = table.arms().iter().zip(&means).step_by(9);
        rows.map(|(arm, mean)| format!("{},{}", arm.text, scale * mean)).collect::<Vec<_>>().join("\n")
    };
    let scale = 100.0 * table.columns()[0].scale();
    fs::write(folder.path().join("t.csv"), format!("arch,acc\n{}", percent(scale))).unwrap();
    for surrogate in ["counts-bsr", "wl-gp"] {
        let fit = ["fit", "--space", EMBEDDED_SPACE, "--table", "t.csv", "--train-on", "acc", "--out", "m"];
        run(&[&fit[..], &["--surrogate", surrogate]].concat(), folder.path());
        let ranked = rows(&run(&["rank", "--model", "m", "--candidates", "t.csv"], folder.path()));
        let inside = ranked.iter().zip(table.arms().iter().zip(&means).step_by(9));
        let near = inside.filter(|((text, [_, low, high]), (arm, mean))| {
            assert_eq!(*text, *arm.text);
            (*low..*high).contains(&(scale * **mean))
        });
        let share = near.count() as f64 / ranked.len() as f64;
        assert!(share > 0.7, "{surrogate}: {share} lie in 80 % intervals");
    }
}

#[test]
fn a_search_makes_a_model() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), SMALL).unwrap();
    run(&["search", "a.toml", "--out", "run"], folder.path());
    let fit = ["fit", "--search", "run", "--surrogate", "graph-gp", "--out", "m.bonas"];
    assert!(run(&fit, folder.path()).starts_with("graph-gp fitted to 30 architectures of nasbench201 in "));
    let ranked = run(&["rank", "--model", "m.bonas", "--candidates", "all", "--top", "2"], folder.path());
    assert_eq!(rows(&ranked).len(), 2);
}

#[test]
fn mistakes_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(&["fit", "--surrogate", "trees", "--sample", "40", "--out", "m.bonas"], at);
    let model = fs::read(at.join("m.bonas")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(at.join(name), bytes).unwrap();
    write("short.bonas", &model[..model.len() - 1]);
    let mut changed = model.clone();
    changed[model.len() / 2] ^= 1;
    write("changed.bonas", &changed);
    let mut newer = model;
    newer[16] = 99;
    write("newer.bonas", &newer);
    let cell = list("nasbench201", 10).remove(0);
    write("bad.txt", format!("{cell}\n\n{cell}\nconv\n").as_bytes());
    write("empty.txt", b"");
    write("macro.txt", b"00000000\n");
    write("blank.txt", b"\n \n");
    write("header.csv", b"acc,arch\n");
    write("gap.csv", format!("\u{feff}\n\"acc, val\",arch\n1,{cell}\n\n2,\n").as_bytes());
    let rank = |model: &str, list: &str| -> (Option<i32>, String) {
        let output = bonas(&["rank", "--model", model, "--candidates", list, "--out", "o.csv"], at);
        (output.status.code(), text(&output.stderr))
    };
    for (model, list, code, expected) in [
        ("none.bonas", "bad.txt", 2, "--model: none.bonas: there is no such file"),
        ("bad.txt", "bad.txt", 1, "bad.txt: cannot load the saved surrogate: it is no saved surrogate"),
        ("short.bonas", "bad.txt", 1, "short.bonas: cannot load the saved surrogate: its checksum is wrong"),
        ("changed.bonas", "bad.txt", 1, "its checksum is wrong"),
        ("newer.bonas", "bad.txt", 1, "it has version 99, and this program reads version 4; fit and save"),
        ("m.bonas", "none.txt", 2, "--candidates: none.txt: there is no such file"),
        ("m.bonas", "empty.txt", 1, "empty.txt: it is empty; give one architecture a line"),
        ("m.bonas", "blank.txt", 1, "blank.txt: no architecture is in it"),
        ("m.bonas", "header.csv", 1, "header.csv: no architecture is in it"),
        ("m.bonas", "gap.csv", 1, "gap.csv line 5: field 2 (`arch`) is empty; give an architecture"),
        ("m.bonas", "bad.txt", 1, "bad.txt line 4: cannot read \"conv\""),
        ("m.bonas", "macro.txt", 1, "macro.txt line 1: cannot read \"00000000\""),
    ] {
        let (found, error) = rank(model, list);
        assert!(error.contains(expected) && !error.contains("panicked"), "{expected}: {error}");
        assert_eq!((found, error.lines().count()), (Some(code), 1), "{error}");
    }
    let left: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("o.csv")), "{left:?}");
}

#[test]
fn bad_flags_name_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // What stands in it is not read.
    fs::write(at.join("m.bonas"), "").unwrap();
    for (arguments, expected) in [
        (&["fit", "--surrogate", "tree", "--out", "x"][..], "--surrogate: unknown surrogate `tree`"),
        (&["fit", "--sample", "0", "--out", "x"], "'--sample <SAMPLE>': it must be a whole number from 1"),
        (
            &["fit", "--prior", "macs", "--surrogate", "trees", "--out", "x"],
            "--prior: this surrogate takes none",
        ),
        (&["fit", "--out", "none/x"], "--out none/x: there is no folder none"),
        (&["fit", "--search", ".", "--out", "x"], "holds no search"),
        (&["fit", "--sample", "-1", "--out", "x"], "'--sample <SAMPLE>': it must be a whole number from 1"),
        (
            &["rank", "--model", "m.bonas", "--candidates", "all", "--top", "0"],
            "'--top <K>': it must be a whole number",
        ),
        (
            &["rank", "--model", "m.bonas", "--candidates", "all", "--threads", "0"],
            "'--threads <THREADS>': it must be a whole number from 1",
        ),
        (&["predict", "--diverged", "-0.1"], "--diverged: -0.1, it must be at least 0"),
    ] {
        let output = bonas(arguments, at);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(2) && error.contains(expected), "{error}");
    }
    assert!(!at.join("x").exists());
}

/// `--out` and `--json` of each command. A socket stands for all that is no file: devices are left alone.
#[test]
#[cfg(unix)]
fn outputs_replace_files_alone() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let _socket = std::os::unix::net::UnixListener::bind(at.join("socket")).unwrap();
    symlink("socket", at.join("to_socket")).unwrap();
    run(&["fit", "--surrogate", "trees", "--sample", "40", "--out", "m.bonas"], at);
    let cells = list("nasbench201", 20);
    fs::write(at.join("t.csv"), format!("arch,acc\n{},1\n", cells.join(",1\n"))).unwrap();
    symlink("t.csv", at.join("to_table")).unwrap();
    let table = fs::read(at.join("t.csv")).unwrap();
    let fit = ["fit", "--space", "nasbench201", "--table", "t.csv", "--train-on", "acc", "--out"];
    let rank = ["rank", "--model", "m.bonas", "--candidates", "t.csv", "--out"];
    let predict = ["predict", "--space", "nasbench201", "--table", "t.csv", "--train-on", "acc", "--json"];
    let no_file = "is no regular file, and would be replaced by one; ";
    for (command, place, words) in [
        (&fit[..], "socket", no_file),
        (&rank, "socket", "would be replaced by one; leave --out out to print"),
        (&rank, "to_socket", no_file),
        (&predict, "to_socket", no_file),
        (&rank, ".", "--out: . is a folder"),
        (&fit, "to_table", "is the file that --table reads; give another"),
        (&rank, "t.csv", "is the file that --candidates reads"),
        (&rank, "./to_table", "is the file that --candidates reads"),
        (&rank, "m.bonas", "is the file that --model reads"),
        (&predict, "t.csv", "--json: "),
    ] {
        let output = bonas(&[command, &[place]].concat(), at);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(2) && error.contains(words), "{command:?} {place}: {error}");
    }
    assert!(at.join("socket").symlink_metadata().unwrap().file_type().is_socket());
    assert_eq!(fs::read(at.join("t.csv")).unwrap(), table);
    fs::write(at.join("old.csv"), "").unwrap();
    symlink("old.csv", at.join("link.csv")).unwrap();
    run(&[&rank[..], &["link.csv"]].concat(), at);
    assert!(at.join("link.csv").is_symlink());
    assert_eq!(rows(&fs::read_to_string(at.join("old.csv")).unwrap()).len(), 20);
}
