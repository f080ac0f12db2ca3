//! The pages for users do what they say: the commands of README.md and `docs/` are run, and links lead somewhere.
//!
//! `docs/README.md` says how a page marks a block that runs in a shortened form, or not at all. The `rust` blocks are
//! documentation tests, which `src/lib.rs` includes. What was run, shortened or left out is printed:
//! `cargo test --test main docs:: -- --nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use crate::tidy::workspace;

/// Pages whose blocks are looked at by other tests.
const ELSEWHERE: [&str; 3] = ["docs/adding.md", "docs/library.md", "docs/python.md"];
/// Most lines of the README.
const README_LINES: usize = 120;

/// What becomes of a block of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    /// They run as they stand.
    Run,
    /// These run in their place.
    Shortened(String),
    /// Nothing runs, for this reason.
    NotRun(String),
}

/// A fenced block that matters to a test.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// Written to a file.
    File { name: String, text: String },
    /// Commands; those with `torch` run only in a build with libtorch.
    Commands { line: usize, text: String, torch: bool, plan: Plan },
    /// A documentation test.
    Rust,
}

/// The blocks of a page, in order.
///
/// # Errors
/// The line of a block that is neither a file, commands, Rust nor quoted text, or whose comment is not understood.
fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    let (mut comment, mut before) = (String::new(), "");
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|l| *l != "```").collect();
            let text = inside.join("\n") + "\n";
            let block = block(at + 1, language, before, &comment, text);
            found.extend(block.map_err(|reason| format!("line {}: {reason}", at + 1))?);
            (comment, before) = (String::new(), "");
        } else if let Some(first) = line.strip_prefix("<!--") {
            first.clone_into(&mut comment);
            while !comment.contains("-->") {
                let (_, next) = lines.next().ok_or("a comment does not end")?;
                comment = comment + "\n" + next;
            }
            comment = comment.replace("-->", "");
        } else if !line.is_empty() {
            (comment, before) = (String::new(), line);
        }
    }
    Ok(found)
}

fn block(
    line: usize,
    language: &str,
    before: &str,
    comment: &str,
    text: String,
) -> Result<Option<Block>, String> {
    let name = before.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:"));
    match (language, name) {
        ("sh", None) => {
            let (torch, plan) = plan(comment)?;
            Ok(Some(Block::Commands { line, text, torch, plan }))
        }
        ("rust", None) => Ok(Some(Block::Rust)),
        ("toml" | "text" | "python", Some(name)) => Ok(Some(Block::File { name: name.to_owned(), text })),
        ("text", None) => Ok(None),
        ("toml" | "python", None) => {
            Err("a toml or python block has the name of its file above it, such as `my.toml`:".into())
        }
        _ => Err(format!(
            "{language:?} blocks are not tested; take sh, rust, text, or toml or python with a file name"
        )),
    }
}

/// What a comment says about the block below it, and whether that needs tensors.
fn plan(comment: &str) -> Result<(bool, Plan), String> {
    let comment = comment.trim();
    let (torch, rest) = match comment.strip_prefix("torch") {
        Some(rest) => (true, rest.trim_start_matches(',').trim_start()),
        None => (false, comment),
    };
    let said = |text: &str| if text.trim().is_empty() { Err("its comment says nothing") } else { Ok(()) };
    if rest.is_empty() {
        Ok((torch, Plan::Run))
    } else if let Some(commands) = rest.strip_prefix("test:") {
        said(commands)?;
        // Indented lines go on with the line above.
        Ok((torch, Plan::Shortened(commands.trim().replace("\n  ", " "))))
    } else if let Some(reason) = rest.strip_prefix("not run:") {
        said(reason)?;
        Ok((torch, Plan::NotRun(reason.trim().to_owned())))
    } else {
        Err(format!("its comment must be `test: COMMANDS`, `not run: REASON` or `torch`, not {comment:?}"))
    }
}

/// The pages, relative to the root: README.md and `docs/*.md`.
fn pages() -> Vec<String> {
    let entries = fs::read_dir(workspace().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.push("README.md".into());
    pages.sort();
    pages
}

fn read(page: &str) -> String {
    fs::read_to_string(workspace().join(page)).unwrap()
}

/// A folder for the commands of one page: the program's own in `bin`, the examples, nothing else.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_bonas"), folder.path().join("bin/bonas")).unwrap();
    symlink(workspace().join("examples"), folder.path().join("examples")).unwrap();
    folder
}

/// Runs commands in a folder.
///
/// # Errors
/// What they wrote, if they fail.
fn run(commands: &str, folder: &Path) -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(own).unwrap())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}

/// Does what a page says; returns a line for each block.
///
/// # Errors
/// The block that fails.
fn follow(page: &str) -> Result<Vec<String>, String> {
    let folder = folder();
    let mut lines = Vec::new();
    for block in blocks(&read(page)).map_err(|reason| format!("{page}, {reason}"))? {
        match block {
            Block::File { name, text } => fs::write(folder.path().join(name), text).unwrap(),
            Block::Rust => {}
            Block::Commands { line, text, torch, plan } => {
                let (what, commands) = match plan {
                    Plan::NotRun(reason) => (format!("not run: {reason}"), None),
                    _ if torch && !cfg!(feature = "torch") => ("not run: needs libtorch".into(), None),
                    Plan::Run => ("run".into(), Some(text)),
                    Plan::Shortened(commands) => ("shortened".into(), Some(commands)),
                };
                let begun = Instant::now();
                let done = commands.map_or(Ok(()), |commands| run(&commands, folder.path()));
                done.map_err(|error| format!("{page}:{line} ({what}): {error}"))?;
                lines.push(format!("{page}:{line}: {:.1} s, {what}", begun.elapsed().as_secs_f64()));
            }
        }
    }
    Ok(lines)
}

#[test]
fn the_commands_of_the_pages_run() {
    let queue: Mutex<Vec<String>> =
        Mutex::new(pages().into_iter().filter(|page| !ELSEWHERE.contains(&page.as_str())).collect());
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop();
                    let Some(page) = next else { break };
                    let followed = follow(&page);
                    results.lock().unwrap().insert(page, followed);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    results.values().flatten().flatten().for_each(|line| println!("{line}"));
    let failed: Vec<&String> = results.values().filter_map(|result| result.as_ref().err()).collect();
    assert!(
        failed.is_empty(),
        "{}",
        failed.iter().map(|error| error.as_str()).collect::<Vec<_>>().join("\n")
    );
    assert!(results.values().flatten().flatten().any(|line| line.ends_with(", run")));
}

#[test]
fn every_rust_block_is_a_documentation_test() {
    let root = fs::read_to_string(workspace().join("src/lib.rs")).unwrap();
    for page in pages().into_iter().filter(|page| !ELSEWHERE.contains(&page.as_str())) {
        let rust = blocks(&read(&page)).unwrap().contains(&Block::Rust);
        let included = root.contains(&format!("include_str!(\"../{page}\")"));
        assert_eq!(rust, included, "{page} has Rust in it: {rust}; src/lib.rs includes it: {included}");
    }
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        let folder = workspace().join(&page).parent().map(PathBuf::from).unwrap();
        let targets =
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.contains("://")) {
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { workspace().join(&page) } else { folder.join(path) };
            let anchored =
                || anchor.is_empty() || anchors(&fs::read_to_string(&path).unwrap()).contains(anchor);
            if !path.exists() || !anchored() {
                wrong.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    assert!(seen > 30, "only {seen} links were found");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines < README_LINES, "{lines} lines");
}

#[test]
fn blocks_are_files_commands_or_quotes() {
    let page = "`a.toml`:\n\n```toml\nx = 1\n```\n\n```sh\none\n```\n<!-- torch, test:\ntwo\n  --short\nthree\n-->\n\n```sh\ntwo\n```\n\
                ```text\nquoted\n```\n<!-- not run: needs a GPU -->\n```sh\nfour\n```\n```rust\nfn f() {}\n```\n";
    let commands = |line, text: &str, torch, plan| Block::Commands { line, text: text.into(), torch, plan };
    let expected = [
        Block::File { name: "a.toml".into(), text: "x = 1\n".into() },
        commands(7, "one\n", false, Plan::Run),
        commands(16, "two\n", true, Plan::Shortened("two --short\nthree".into())),
        commands(23, "four\n", false, Plan::NotRun("needs a GPU".into())),
        Block::Rust,
    ];
    assert_eq!(blocks(page).unwrap(), expected);
}

#[test]
fn a_block_without_a_run_or_a_reason_is_refused() {
    for (page, expected) in [
        ("<!-- not run: -->\n```sh\na\n```\n", "line 2: its comment says nothing"),
        ("<!-- test: -->\n```sh\na\n```\n", "its comment says nothing"),
        ("<!-- later -->\n```sh\na\n```\n", "its comment must be"),
        ("```console\n$ a\n```\n", "\"console\" blocks are not tested"),
        ("```\na\n```\n", "\"\" blocks are not tested"),
        ("Settings:\n```toml\na = 1\n```\n", "has the name of its file above it"),
        ("<!-- test: a\n```sh\na\n```\n", "a comment does not end"),
    ] {
        let error = blocks(page).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let failed = run("echo before; false; echo after", Path::new(".")).unwrap_err();
    assert!(failed.contains("before") && !failed.contains("after"), "{failed}");
}
