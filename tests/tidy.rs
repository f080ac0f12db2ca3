//! Keeps the tree tidy: short files and functions, no left-overs, no file that nothing compiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_FILE_LINES: usize = 450;
const MAX_FUNCTION_LINES: usize = 60;
/// Folders with crate roots, relative to the workspace.
pub(crate) const SOURCES: [&str; 9] = [
    "src",
    "deploy/src",
    "libtorch/src",
    "python/src",
    "spaces/src",
    "surrogate/src",
    "study/src",
    "supernet/src",
    "xtask/src",
];
/// Folders whose every file is a root of its own.
const ROOTS: [&str; 3] = ["examples", "benches", "tests"];

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in SOURCES.iter().chain(&ROOTS) {
        rust_files(&workspace().join(folder), &mut files);
    }
    files.sort();
    files
}

/// A file without its `mod tests`, which stands last.
pub(crate) fn code(text: &str) -> &str {
    let tests = text.find("\n#[cfg(test)]\nmod tests {").or_else(|| text.find("\n#[cfg(test)]\nmod tests;"));
    tests.map_or(text, |at| &text[..at])
}

fn complain(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for path in all_files() {
        let lines = code(&fs::read_to_string(&path).unwrap()).lines().count();
        if lines > MAX_FILE_LINES {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    complain("files that are too long without their tests", &long);
}

/// First line (from 1) and length of every function; `rustfmt` puts the closing brace under the
/// first letter of the line that begins it.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_head = |line: &str| {
        let words = line.trim_start().split([' ', '(', '<']);
        let modifiers = ["pub", "const", "async", "unsafe", "extern", "crate)", "super)", "\"C\""];
        words.filter(|w| !modifiers.contains(w)).map(|w| w == "fn").next() == Some(true)
    };
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_head(line)) {
        let end = lines[start..].iter().position(|l| {
            (indent(l) == indent(line) && l.trim() == "}") || (l.ends_with(';') && indent(l) == indent(line))
        });
        found.push((start + 1, end.map_or(1, |n| n + 1)));
    }
    found
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for path in all_files() {
        for (line, length) in functions(&fs::read_to_string(&path).unwrap()) {
            if length > MAX_FUNCTION_LINES {
                long.push(format!("{}:{line}: {length} lines", path.display()));
            }
        }
    }
    complain("functions that are too long", &long);
}

#[test]
fn function_lengths_are_measured() {
    let text = "fn a() {\n    1\n}\n\nimpl X {\n    pub(crate) const fn b(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n}\n\ntrait T {\n    fn c();\n}\n";
    assert_eq!(functions(text), [(1, 3), (6, 5), (14, 1)]);
}

#[test]
fn nothing_is_left_over() {
    // Split, so that this file does not find itself.
    let banned = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("XX", "X "),
        concat!("To be ", "written."),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
    ];
    let mut found = Vec::new();
    for path in all_files() {
        for (i, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(*word)) {
                found.push(format!("{}:{}: {word}", path.display(), i + 1));
            }
        }
    }
    complain("left-overs and paths of one machine", &found);
}

/// Adds a file and those of its modules.
fn reach(file: &Path, reached: &mut BTreeSet<PathBuf>) {
    let Ok(text) = fs::read_to_string(file) else { return };
    reached.insert(file.to_owned());
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let is_root = ["main", "lib", "mod"].contains(&stem);
    let folder = if is_root { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    for line in text.lines() {
        let words: Vec<&str> =
            line.trim().split(' ').filter(|w| *w != "pub" && !w.starts_with("pub(")).collect();
        if let ["mod", name] = words[..]
            && let Some(name) = name.strip_suffix(';')
        {
            reach(&folder.join(format!("{name}.rs")), reached);
            reach(&folder.join(name).join("mod.rs"), reached);
        }
    }
}

#[test]
fn every_file_is_compiled() {
    let mut reached = BTreeSet::new();
    for root in SOURCES.iter().flat_map(|s| ["lib.rs", "main.rs"].map(|f| workspace().join(s).join(f))) {
        reach(&root, &mut reached);
    }
    let mut files = Vec::new();
    for source in SOURCES {
        rust_files(&workspace().join(source), &mut files);
    }
    reach(&workspace().join("tests/main.rs"), &mut reached);
    rust_files(&workspace().join("tests"), &mut files);
    let in_bin = |path: &Path| path.parent().is_some_and(|p| p.ends_with("src/bin"));
    let dead = files.iter().filter(|f| !reached.contains(*f) && !in_bin(f));
    complain("files of no module", &dead.map(|f| f.display().to_string()).collect::<Vec<_>>());
}
