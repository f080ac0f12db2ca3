//! `cargo xtask outside`: does what docs/library.md says, as a reader would.
//!
//! The files and commands are the code blocks of the page, so that page and check cannot differ. They are run in a
//! temporary folder, away from this clone's `.cargo/config.toml`, without `LIBTORCH`.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{self, run};
use crate::files::{make_folder, remove_folder};
use crate::page::blocks;

const PAGE: &str = "docs/library.md";

/// What a page tells its reader to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// Path and content of each block after a line of the form "`path`:".
    files: Vec<(String, String)>,
    /// The `sh` blocks, one after another.
    commands: String,
    /// The `text` blocks: messages that the page quotes.
    quotes: Vec<String>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for block in blocks(text) {
            match (block.path, block.language) {
                (Some(path), _) => page.files.push((path.to_owned(), block.text())),
                (None, "sh") => page.commands.push_str(&block.text()),
                (None, "text") => page.quotes.push(block.text()),
                _ => {}
            }
        }
        page
    }

    fn write_files(&self, folder: &Path) -> Result<()> {
        for (path, text) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().context("a file of the page has no folder")?;
            make_folder(parent)?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Makes the page's crate and runs its commands; then checks that the page quotes the message of a build without
/// libtorch.
pub(crate) fn check(root: &Path) -> Result<()> {
    let text = fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let page = Page::parse(&text);
    ensure!(
        page.files.len() > 1 && page.commands.contains("cargo test"),
        "{PAGE} has no crate and no commands"
    );
    let folder = folder_of(root);
    let mine = lay_out(root, &folder)?;
    page.write_files(&mine)?;
    eprintln!("==> {PAGE} in {}", mine.display());
    run(as_reader("bash", &mine).args(["-euxo", "pipefail", "-c", &page.commands]))
        .with_context(|| format!("the commands of {PAGE} failed"))?;
    check_quotes(root, &mine, &page.quotes)?;
    remove_folder(&folder)?;
    println!("\nThe crate of {PAGE} builds, runs and passes its tests.\n");
    Ok(())
}

/// A folder of this clone alone, the same each time: cargo then builds again only what has changed.
fn folder_of(root: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    env::temp_dir().join(format!("bonas-outside-{:016x}", hasher.finish()))
}

/// `bonas/`, a link to the clone, and beside it the reader's crate, with the versions of our `Cargo.lock`.
fn lay_out(root: &Path, folder: &Path) -> Result<PathBuf> {
    let mine = folder.join("mine");
    let target = root.join("target/outside");
    remove_folder(folder)?;
    for folder in [&mine, &target] {
        make_folder(folder)?;
    }
    for (link, goal) in [(folder.join("bonas"), root), (mine.join("target"), &target)] {
        symlink(goal, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    fs::copy(root.join("Cargo.lock"), mine.join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    Ok(mine)
}

/// A command in the reader's folder, without anything that this clone or its user set for libtorch.
fn as_reader(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("LD_LIBRARY_PATH").env_remove("RUSTFLAGS");
    cargo::forget_own_package(&mut command);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LIBTORCH")) {
        command.env_remove(name);
    }
    command
}

/// Builds without libtorch and compares what cargo says with what the page quotes.
fn check_quotes(root: &Path, folder: &Path, quotes: &[String]) -> Result<()> {
    // Only the crate that speaks, and where no `.cargo/config.toml` names a libtorch.
    let elsewhere = folder.parent().context("the reader's folder has no parent")?;
    let mut command = as_reader("cargo", elsewhere);
    command.args(["check", "--features", "required", "--color", "never", "--manifest-path"]);
    command.arg(root.join("libtorch/Cargo.toml"));
    let output = command.output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().filter(|line| line.starts_with("error: bonas-libtorch@")).collect();
    let said = said.join("\n") + "\n";
    ensure!(!output.status.success() && said.len() > 1, "a build without libtorch did not say what to do");
    ensure!(quotes.contains(&said), "{PAGE} does not quote what a build without libtorch says:\n{said}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_files_commands_or_quotes() {
        let text = "# A\n\n`a/b.rs`:\n\n```rust\nfn b() {}\n\n```\n\nThen:\n```sh\none\n```\n```toml\nx = 1\n```\n\
                    It says\n\n```text\nno\n```\n```sh\ntwo\n```\n";
        let expected = Page {
            files: vec![("a/b.rs".into(), "fn b() {}\n\n".into())],
            commands: "one\ntwo\n".into(),
            quotes: vec!["no\n".into()],
        };
        assert_eq!(Page::parse(text), expected);
    }

    #[test]
    fn the_page_makes_a_crate_with_tests() {
        let page = Page::parse(include_str!("../../docs/library.md"));
        let paths: Vec<&str> = page.files.iter().map(|(path, _)| path.as_str()).collect();
        assert!(paths.contains(&"Cargo.toml") && paths.contains(&"src/main.rs"), "{paths:?}");
        assert!(paths.iter().any(|path| path.starts_with("tests/")), "{paths:?}");
        assert!(page.commands.contains("libtorch install") && page.commands.contains("\ncargo run\n"));
    }
}
