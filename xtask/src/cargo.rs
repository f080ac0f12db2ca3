use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::chromium;
use crate::setup::Workspace;

/// One cargo command: what it is for, its arguments, its extra environment.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    rustdoc_flags: Option<&'static str>,
}

const fn step(name: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { name, arguments, rustdoc_flags: None }
}

const fn rustdoc(name: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { name, arguments, rustdoc_flags: Some("-D warnings") }
}

/// One target folder serves both feature sets: cargo keeps their artifacts apart by hash, and all that
/// does not depend on `torch` is compiled once.
const TESTS: [Step; 3] = [
    step("tests without libtorch", &["test", "--workspace", "--no-default-features"]),
    step("tests", &["test", "--workspace"]),
    step(
        "tests of Parquet tables",
        &["test", "--package", "bonas-study", "--features", "parquet", "table::"],
    ),
];

#[rustfmt::skip]
const LINTS: [Step; 7] = [
    step("formatting", &["fmt", "--all", "--check"]),
    step("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    step("clippy without libtorch",
         &["clippy", "--workspace", "--all-targets", "--no-default-features", "--", "-D", "warnings"]),
    step("clippy without tract",
         &["clippy", "--package", "bonas", "--all-targets", "--no-default-features", "--features", "torch", "--", "-D",
           "warnings"]),
    step("clippy with Parquet",
         &["clippy", "--package", "bonas", "--all-targets", "--features", "parquet", "--", "-D", "warnings"]),
    rustdoc("rustdoc", &["doc", "--workspace", "--no-deps"]),
    rustdoc("rustdoc without libtorch", &["doc", "--workspace", "--no-deps", "--no-default-features"]),
];

/// `cargo xtask test`: every test and doc test, with and without libtorch.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    run_all(workspace, &TESTS)
}

/// `cargo xtask pages`: the tests that look at pages in a browser.
pub(crate) fn pages(workspace: &Workspace) -> Result<()> {
    let browser = chromium::find()?;
    let arguments = own(&["test", "--package", "bonas", "--test", "main", "--", "--ignored", "pages::"]);
    run(cargo(workspace).args(arguments).env(chromium::VARIABLE, browser))
}

/// `cargo xtask lint`: formatting, clippy and rustdoc with warnings denied.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    run_all(workspace, &LINTS)
}

/// `cargo xtask demo`: the main job on the embedded images.
pub(crate) fn demo(workspace: &Workspace, extra: &[OsString]) -> Result<()> {
    // Without tract, which compiles for minutes and checks exports only.
    let build = ["run", "--release", "--no-default-features", "--features", "torch", "--bin", "bonas"];
    let mut arguments = own(&[&build[..], &["--", "search"]].concat());
    arguments.extend_from_slice(extra);
    run(cargo(workspace).args(arguments))
}

/// `cargo xtask bench`: the Criterion benches.
pub(crate) fn bench(workspace: &Workspace, extra: &[OsString]) -> Result<()> {
    let mut arguments = own(&["bench"]);
    arguments.extend_from_slice(extra);
    run(cargo(workspace).args(arguments))
}

fn own(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

/// Runs the steps in order, stops at the first failure, and sums up.
fn run_all(workspace: &Workspace, steps: &[Step]) -> Result<()> {
    let mut summary = Vec::new();
    for step in steps {
        let start = Instant::now();
        eprintln!("==> {}: cargo {}", step.name, step.arguments.join(" "));
        let mut command = cargo(workspace);
        command.args(step.arguments);
        if let Some(flags) = step.rustdoc_flags {
            command.env("RUSTDOCFLAGS", flags);
        }
        run(&mut command).with_context(|| format!("`{}` failed", step.name))?;
        let seconds = start.elapsed().as_secs_f64();
        summary.push(format!("  ok {seconds:>5.0} s  {}", step.name));
    }
    println!("\nAll passed:\n{}\n", summary.join("\n"));
    Ok(())
}

/// cargo in the workspace, in an environment like that of a cargo started by hand.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(&workspace.root);
    // `cargo run` exported the value that its config had before set-up; only the user's own may win.
    if !workspace.exported {
        command.env_remove("LIBTORCH");
    }
    forget_own_package(&mut command);
    command
}

/// Takes away what `cargo run` told xtask about its own package.
pub(crate) fn forget_own_package(command: &mut Command) {
    let inherited = env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| is_set_by_cargo_run(name)) {
        command.env_remove(name);
    }
}

/// Variables that describe xtask's own package to it, and would mislead what it starts.
fn is_set_by_cargo_run(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Runs a command whose output the user sees.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        status.success(),
        "{} ended with {status}",
        Path::new(&program).file_name().unwrap_or(&program).display()
    );
    Ok(())
}
