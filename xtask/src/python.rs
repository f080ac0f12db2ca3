//! `cargo xtask wheel` and `cargo xtask python`: the Python package, built and tested.
//!
//! Everything is installed in virtual environments in `target/python/`. Neither libtorch nor Python's headers are needed.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{forget_own_package, run};
use crate::files::{make_folder, remove_folder};

/// What builds wheels; zig links against the symbols of the oldest C library that wheels are for.
const BUILDERS: [&str; 2] = ["maturin>=1.16,<2", "ziglang>=0.14"];
/// Linux systems that wheels are for: those with glibc 2.28 or later.
const COMPATIBILITY: &str = "manylinux_2_28";
/// Oldest Python that wheels are for.
const OLDEST: (u32, u32) = (3, 10);

/// Builds the wheel and returns its path.
pub(crate) fn wheel(root: &Path) -> Result<PathBuf> {
    let environment = Environment::at(&target(root).join("python/build"));
    environment.make()?;
    environment.install(&BUILDERS.map(OsString::from))?;
    let out = target(root).join("wheels");
    remove_folder(&out)?;
    let mut maturin = environment.program("maturin");
    maturin.args(["build", "--release", "--locked", "--zig", "--compatibility", COMPATIBILITY]);
    maturin.arg("--manifest-path").arg(root.join("python/Cargo.toml")).arg("--out").arg(&out);
    // The stub of libtorch and the like in .cargo/config.toml change nothing here.
    run(maturin.current_dir(root))?;
    let found = fs::read_dir(&out).with_context(|| format!("cannot read {}", out.display()))?;
    let paths = found.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let wheel = paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.with_context(|| format!("maturin left no wheel in {}", out.display()))?;
    println!("{}", wheel.display());
    Ok(wheel)
}

/// Builds the wheel, installs it in a fresh environment, and runs everything that checks it there.
pub(crate) fn check(root: &Path) -> Result<()> {
    let wheel = wheel(root)?;
    let command = command(root)?;
    let folder = root.join("python");
    let fresh = Environment::at(&target(root).join("python/test"));
    remove_folder(&fresh.folder)?;
    fresh.make()?;
    let requirements = folder.join("requirements.txt");
    fresh.install(&[wheel.into(), "--requirement".into(), requirements.into()])?;
    // Away from the sources, so that what is imported is what was installed.
    let away = target(root).join("python/run");
    remove_folder(&away)?;
    make_folder(&away)?;
    let step = |name: &str, arguments: &[&str]| {
        eprintln!("==> {name} {}", arguments.join(" "));
        let mut program = fresh.program(name);
        program.args(arguments).current_dir(&away).env("BONAS_COMMAND", &command);
        run(&mut program)
    };
    let path = folder.to_str().context("the path of this clone is no text")?;
    let page = root.join("docs/python.md");
    let page = page.to_str().context("the path of this clone is no text")?;
    let settings = format!("{path}/pyproject.toml");
    step("ruff", &["check", path])?;
    step("ruff", &["format", "--check", path])?;
    step("mypy", &["--config-file", &settings, "--package", "bonas"])?;
    let stubs =
        ["-m", "mypy.stubtest", "bonas._bonas", "--ignore-disjoint-bases", "--mypy-config-file", &settings];
    step("python", &stubs)?;
    step("pytest", &["-c", &settings, "--doctest-modules", "--pyargs", "bonas"])?;
    step(
        "pytest",
        &[
            "-c",
            &settings,
            &format!("{path}/tests"),
            "--doctest-glob=*.md",
            &format!("{path}/README.md"),
            page,
        ],
    )?;
    println!("\nThe wheel of the Python package passes its tests.\n");
    Ok(())
}

/// The command `bonas` without libtorch, with which the package is compared.
fn command(root: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args([
        "build",
        "--locked",
        "--package",
        "bonas",
        "--no-default-features",
        "--bin",
        "bonas",
    ]);
    forget_own_package(&mut cargo);
    run(&mut cargo)?;
    Ok(target(root).join("debug/bonas"))
}

pub(crate) fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// A virtual environment of Python.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes it, if it is not there.
    pub(crate) fn make(&self) -> Result<()> {
        if self.folder.join("bin/pip").exists() {
            return Ok(());
        }
        let (major, minor) = OLDEST;
        let check = format!("import sys, venv; sys.exit(sys.version_info < ({major}, {minor}))");
        let fits = Command::new("python3").args(["-c", &check]).status();
        let fits = fits.context("cannot start python3; install Python and its module venv")?;
        ensure!(fits.success(), "python3 must be Python {major}.{minor} or later, with the module venv");
        make_folder(self.folder.parent().unwrap_or(&self.folder))?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&self.folder))
    }

    pub(crate) fn install(&self, packages: &[OsString]) -> Result<()> {
        run(self
            .program("pip")
            .args(["install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"])
            .args(packages))
    }

    /// A program of the environment, which finds the others there.
    pub(crate) fn program(&self, name: &str) -> Command {
        let bin = self.folder.join("bin");
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(bin.clone()).chain(env::split_paths(&inherited)));
        let mut command = Command::new(bin.join(name));
        command
            .env("PATH", path.unwrap_or(inherited))
            .env_remove("PYTHONPATH")
            .env("VIRTUAL_ENV", &self.folder);
        forget_own_package(&mut command);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_an_environment_come_first() -> Result<()> {
        let environment = Environment::at(Path::new("/e"));
        let program = environment.program("pip");
        assert_eq!(program.get_program(), "/e/bin/pip");
        let path = program.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
        let first = env::split_paths(path.context("no PATH")?).next();
        assert_eq!(first, Some(PathBuf::from("/e/bin")));
        Ok(())
    }
}
