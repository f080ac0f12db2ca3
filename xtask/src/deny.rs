//! `cargo xtask deny`: cargo-deny, installed once from its own crate, with the rules of deny.toml.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, run};
use crate::files::{make_folder, remove_folder};
use crate::setup;

const VERSION: &str = "0.20.2";

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

/// The installed cargo-deny of our version, else the one in the user's cache, which is compiled if need be.
fn cargo_deny() -> Result<PathBuf> {
    let installed = PathBuf::from("cargo-deny");
    if is_right(&installed) {
        return Ok(installed);
    }
    let folder = setup::cache()?.folder().join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !is_right(&program) {
        install(&folder).with_context(|| format!("cannot install cargo-deny {VERSION}"))?;
        ensure!(is_right(&program), "{} does not run as cargo-deny {VERSION}", program.display());
    }
    Ok(program)
}

fn is_right(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == format!("cargo-deny {VERSION}"))
}

/// Compiles cargo-deny beside its place and renames it, so that an interrupted call leaves nothing incomplete.
fn install(folder: &Path) -> Result<()> {
    let partial = folder.with_extension(format!("{}.partial", std::process::id()));
    make_folder(&partial)?;
    println!("Installing cargo-deny {VERSION}, once for this user; this takes some minutes.");
    let mut command = Command::new("cargo");
    command
        .args(["install", "--locked", "--quiet", "cargo-deny", "--version", VERSION, "--root"])
        .arg(&partial);
    cargo::forget_own_package(&mut command);
    let installed = run(&mut command).and_then(|()| {
        remove_folder(folder)?;
        fs::rename(&partial, folder).with_context(|| format!("cannot create {}", folder.display()))
    });
    remove_folder(&partial)?;
    installed
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
    fn options() {
        assert_eq!(parse(&[]).ok(), Some(Checks::Local));
        assert_eq!(parse(&["--advisories".into()]).ok(), Some(Checks::WithAdvisories));
        assert!(parse(&["--offline".into()]).is_err());
    }
}
