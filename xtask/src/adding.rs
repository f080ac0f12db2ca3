//! `cargo xtask adding`: applies docs/adding.md to a copy of the repository and runs its commands.
//!
//! Files, changes and commands are the code blocks of the page and nothing else, so that page and check cannot differ.
//! The copy is built beside the workspace's own artifacts: the dependencies are compiled once for both.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo;
use crate::files::{make_folder, remove_folder};
use crate::page::{Block, blocks};
use crate::setup::Workspace;

const PAGE: &str = "docs/adding.md";
/// The link by which a clone finds its libtorch.
const LIBTORCH: &str = ".libtorch";

/// Files of the copy, by their path from its root.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A command of the page.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    command: String,
    /// Lines that it must print, in order; `...` stands for any text.
    prints: Vec<String>,
}

impl Order {
    /// Whether the page shows an error, which the command must then end with.
    fn fails(&self) -> bool {
        self.prints.iter().any(|line| line.starts_with("error:"))
    }

    /// The first line of the page that the output lacks.
    fn missing<'a>(&'a self, output: &str) -> Option<&'a str> {
        let mut lines = output.lines().map(str::trim_end);
        let mut shown = |wanted: &str| wanted == "..." || lines.any(|line| stands_for(wanted, line));
        self.prints.iter().map(String::as_str).find(|wanted| !shown(wanted))
    }
}

/// Whether a line is the pattern, in which `...` stands for any text.
fn stands_for(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once("...") else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| stands_for(after, &rest[at..]))
}

/// Builds the copy and runs what the page says.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let text =
        fs::read_to_string(workspace.root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let page = blocks(&text);
    let tree = Workspace { root: workspace.root.join("target/adding/tree"), exported: workspace.exported };
    let mut files = read_all(&workspace.root)?;
    page.iter().try_for_each(|block| apply(block, &mut files))?;
    write_all(&files, &tree.root)?;
    link_libtorch(&workspace.root, &tree.root)?;
    remove_folder(&tree.root.join("runs"))?;
    let orders = orders(&page);
    ensure!(!orders.is_empty(), "{PAGE} has no commands");
    orders.iter().try_for_each(|order| run(order, workspace, &tree))?;
    println!("\nThe parts of {PAGE} are known wherever the page says.\n");
    Ok(())
}

/// The files of the working tree that git does not ignore.
fn read_all(root: &Path) -> Result<Files> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().context("cannot start git")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut files = Files::new();
    for path in String::from_utf8(output.stdout)?.split_terminator('\0').map(PathBuf::from) {
        let from = root.join(&path);
        // A file that is deleted but not committed is still in the index.
        if from.is_file() {
            files.insert(path, fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?);
        }
    }
    Ok(files)
}

/// Does to the files what a block with a path says.
fn apply(block: &Block<'_>, files: &mut Files) -> Result<()> {
    let Some(path) = block.path else { return Ok(()) };
    if block.language != "diff" {
        let before = files.insert(path.into(), block.text().into_bytes());
        ensure!(before.is_none(), "{PAGE} writes {path}, which is there already");
        return Ok(());
    }
    let file = files
        .get_mut(Path::new(path))
        .with_context(|| format!("{PAGE} changes {path}, which is not there"))?;
    let text = String::from_utf8(std::mem::take(file)).with_context(|| format!("{path} is no text"))?;
    *file = changed(&text, block).with_context(|| format!("{PAGE} does not fit {path}"))?.into_bytes();
    Ok(())
}

/// The text with the `+` lines of a diff at the place of its other lines, which are there once.
fn changed(text: &str, diff: &Block<'_>) -> Result<String> {
    let (mut there, mut wanted) = (Vec::new(), Vec::new());
    for line in &diff.lines {
        let (sign, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
        match sign {
            "+" => {}
            " " => there.push(rest),
            _ => bail!("{line:?} begins with neither a blank nor +"),
        }
        wanted.push(rest);
    }
    ensure!(!there.is_empty(), "no line says where the others go");
    let mut lines: Vec<&str> = text.lines().collect();
    let places: Vec<usize> = lines
        .windows(there.len())
        .enumerate()
        .filter(|(_, window)| *window == there)
        .map(|(at, _)| at)
        .collect();
    let [at] = places[..] else { bail!("{} places are {there:?}; one should be", places.len()) };
    lines.splice(at..at + there.len(), wanted);
    Ok(lines.join("\n") + "\n")
}

/// Makes the copy hold these files and no others. What has not changed is not written, so cargo need not build it again.
fn write_all(files: &Files, tree: &Path) -> Result<()> {
    make_folder(tree)?;
    remove_others(files, tree, Path::new(""))?;
    for (path, content) in files {
        let to = tree.join(path);
        if fs::read(&to).is_ok_and(|there| there == *content) {
            continue;
        }
        make_folder(to.parent().context("a file has no folder")?)?;
        fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// Removes what an earlier run left below `folder`.
fn remove_others(files: &Files, tree: &Path, folder: &Path) -> Result<()> {
    let here = tree.join(folder);
    for entry in fs::read_dir(&here).with_context(|| format!("cannot read {}", here.display()))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(files, tree, &path)?;
        } else if !files.contains_key(&path) {
            fs::remove_file(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Links the copy to the clone's libtorch.
fn link_libtorch(root: &Path, tree: &Path) -> Result<()> {
    let (from, link) = (root.join(LIBTORCH), tree.join(LIBTORCH));
    let Ok(build) = fs::read_link(&from) else { return Ok(()) };
    symlink(build, &link).with_context(|| format!("cannot link {}", link.display()))
}

/// The commands of the `console` blocks: what follows `$ `, up to the next, is what it prints.
fn orders(page: &[Block<'_>]) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    for line in page.iter().filter(|block| block.language == "console").flat_map(|block| &block.lines) {
        match (line.strip_prefix("$ "), orders.last_mut()) {
            (Some(command), _) => orders.push(Order { command: command.to_owned(), prints: Vec::new() }),
            (None, Some(order)) => order.prints.push((*line).to_owned()),
            (None, None) => {}
        }
    }
    orders
}

/// Runs a command in the copy, and checks how it ends and what it prints.
fn run(order: &Order, workspace: &Workspace, tree: &Workspace) -> Result<()> {
    eprintln!("==> {}", order.command);
    let start = Instant::now();
    let output = shell(&format!("exec 2>&1; {}", order.command), workspace, tree).output();
    let output = output.context("cannot start bash")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let fault = match (output.status.success(), order.missing(&printed)) {
        (success, _) if success == order.fails() => Some(format!("it ended with {}", output.status)),
        (_, Some(line)) => Some(format!("it did not print\n  {line}")),
        _ if printed.lines().any(|line| line.starts_with("warning: ")) => {
            Some("there are warnings".to_owned())
        }
        _ => None,
    };
    if let Some(fault) = fault {
        bail!("`{}` of {PAGE}: {fault}\nIt printed:\n{printed}", order.command);
    }
    eprintln!("  ok {:>5.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// bash in the copy, where cargo compiles into the workspace's target folder and leaves programs in one of its own.
fn shell(script: &str, workspace: &Workspace, tree: &Workspace) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(&tree.root);
    if !workspace.exported {
        command.env_remove("LIBTORCH");
    }
    let shared = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| workspace.root.join("target").into());
    command.env("CARGO_BUILD_BUILD_DIR", shared);
    command.env("CARGO_TARGET_DIR", workspace.root.join("target/adding/build"));
    // The copy is built from nothing more often than again: incremental compilation would only fill the disk.
    command.env("CARGO_INCREMENTAL", "0");
    cargo::forget_own_package(&mut command);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block<'a>(path: &'a str, language: &'a str, lines: &[&'a str]) -> Block<'a> {
        Block { path: Some(path), language, lines: lines.to_vec() }
    }

    #[test]
    fn blocks_are_new_files_or_lines_below_one_that_is_there() -> Result<()> {
        let mut files = Files::from([("a.rs".into(), b"one\ntwo\n    three\n".to_vec())]);
        apply(&block("a.rs", "diff", &["+zero", " one", " two", "+", "+   new"]), &mut files)?;
        apply(&block("b/c.rs", "rust", &["fn c() {}"]), &mut files)?;
        assert_eq!(files[Path::new("a.rs")], b"zero\none\ntwo\n\n   new\n    three\n");
        assert_eq!(files[Path::new("b/c.rs")], b"fn c() {}\n");
        for (path, language, lines) in [
            ("a.rs", "rust", &["x"][..]),
            ("d.rs", "diff", &[" two", "+x"]),
            ("a.rs", "diff", &[" three", "+x"]),
            ("a.rs", "diff", &[" two", "-three"]),
            ("a.rs", "diff", &["+x"]),
            ("a.rs", "diff", &[" one", "+x", "     three"]),
        ] {
            assert!(apply(&block(path, language, lines), &mut files.clone()).is_err(), "{path} {lines:?}");
        }
        Ok(())
    }

    #[test]
    fn commands_must_print_what_the_page_shows() {
        let lines = ["$ a --b", "one...", "...", "three", "$ c", "error: no ... `c`"];
        let orders = orders(&[Block { path: None, language: "console", lines: lines.to_vec() }]);
        let [a, c] = &orders[..] else { panic!("{orders:?}") };
        assert_eq!((a.command.as_str(), a.fails(), c.fails()), ("a --b", false, true));
        assert_eq!(a.missing("zero\none or two\nthree \n"), None);
        assert_eq!(a.missing("three\none\n"), Some("three"));
        assert_eq!(c.missing("error: no such `c`\n"), None);
        assert_eq!(c.missing("error: no such `c`!\n"), Some("error: no ... `c`"));
    }

    #[test]
    fn dots_stand_for_any_text() {
        for (pattern, line, stands) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("...b", "ab", true),
            ("...b", "bab", true),
            ("...b", "abc", false),
            ("a...", "abc", true),
            ("a...c...", "a b c d", true),
            ("a...c...", "abd", false),
        ] {
            assert_eq!(stands_for(pattern, line), stands, "{pattern} {line}");
        }
    }

    #[test]
    fn the_page_adds_one_part_of_each_kind() {
        let page = blocks(include_str!("../../docs/adding.md"));
        let new = page.iter().filter(|block| block.path.is_some_and(|path| path.contains("/src/")));
        let (changes, files): (Vec<_>, Vec<_>) = new.partition(|block| block.language == "diff");
        assert_eq!(files.len(), 9, "{:?}", files.iter().map(|block| block.path).collect::<Vec<_>>());
        for block in changes {
            let code =
                block.lines.iter().filter(|line| !line.trim_start_matches('+').trim().starts_with("///"));
            assert!(code.filter(|line| line.len() > 1).count() == 2, "more than a line: {block:?}");
        }
        assert!(orders(&page).len() > 8);
    }
}
