//! `cargo xtask pretend-gpu`: training on CUDA devices that are host memory, and `gpu-check`: GPUs beside the CPU.
//!
//! Compiles `tests/device/pretend_cuda.cpp` against this clone's libtorch, puts it as `libtorch_cuda.so` beside links to
//! that libtorch, and runs `gpu-check` and the tests that are ignored without it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use lexopt::prelude::*;

use crate::cargo::{cargo, run};
use crate::files::{make_folder, remove_folder};
use crate::setup::Workspace;

/// The variable that tells tests where the libraries are.
const VARIABLE: &str = "BONAS_PRETEND_GPU";
const SOURCE: &str = "tests/device/pretend_cuda.cpp";
const BACKEND: &str = "libtorch_cuda.so";

/// What the names of the tests have in them.
const TESTS: &str = "pretend_gpu::";

/// Builds the device and runs the tests on it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let library = build(workspace)?;
    let check =
        GpuCheck { pretend: true, passed_on: vec!["--out".into(), "target/pretend-gpu/check.json".into()] };
    gpu_check(workspace, &check)?;
    let arguments = ["test", "--package", "bonas", "--test", "main", "--", "--ignored", TESTS];
    let listed = cargo(workspace).args(arguments).arg("--list").output().context("cannot list the tests")?;
    let names = String::from_utf8_lossy(&listed.stdout);
    ensure!(names.contains(": test"), "no test has a name with {TESTS}, so that nothing would be tested");
    run(cargo(workspace).args(arguments).env(VARIABLE, library))
}

/// Options of `gpu-check`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GpuCheck {
    /// Whether the devices are host memory.
    pretend: bool,
    /// Options that the program takes, too.
    passed_on: Vec<OsString>,
}

/// The options of `gpu-check`, from its arguments.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<GpuCheck> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = GpuCheck::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("pretend") => options.pretend = true,
            Long(name @ ("out" | "python")) => {
                let name = format!("--{name}");
                options.passed_on.extend([name.into(), parser.value()?]);
            }
            other => Err(other.unexpected())
                .context("`gpu-check` takes --out FILE, --python PROGRAM and --pretend")?,
        }
    }
    Ok(options)
}

/// Holds the GPUs of this machine, or pretended ones, against its CPU.
pub(crate) fn gpu_check(workspace: &Workspace, options: &GpuCheck) -> Result<()> {
    let example = ["--example", "gpu_check", "--"];
    let mut command = cargo(workspace);
    if options.pretend {
        let library = build(workspace)?;
        command.arg("run").args(example).arg("--pretend");
        command.env("LD_LIBRARY_PATH", library).env("PRETEND_GPUS", "2");
    } else {
        let torch = libtorch(workspace)?;
        ensure!(
            torch.join("lib").join(BACKEND).exists(),
            "the libtorch in {} is the CPU build: run `cargo xtask setup --gpu` first, or try --pretend",
            torch.display()
        );
        command.args(["run", "--release", "--no-default-features", "--features", "torch"]).args(example);
    }
    run(command.args(&options.passed_on))
}

/// A folder of libtorch's libraries with the device among them, built where it is missing or out of date.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    let torch = libtorch(workspace)?;
    let folder = workspace.root.join("target/pretend-gpu");
    let library = folder.join("torch/lib");
    let (source, backend) = (workspace.root.join(SOURCE), library.join(BACKEND));
    let newest = [&source, &torch.join("lib/libtorch_cpu.so")].map(|path| modified(path));
    let [Some(source_time), Some(torch_time)] = newest else {
        bail!("{} or a library in {} is missing", source.display(), torch.display());
    };
    if modified(&backend).is_some_and(|built| built > source_time && built > torch_time) {
        return Ok(library);
    }
    remove_folder(&folder)?;
    make_folder(&library)?;
    link_libraries(&torch.join("lib"), &library)?;
    let others = torch.join("../nvidia");
    if others.is_dir() {
        let others = others.canonicalize().context("cannot find the folder of CUDA's libraries")?;
        symlink(others, folder.join("nvidia")).context("cannot link CUDA's libraries")?;
    }
    eprintln!("==> compiling {SOURCE}");
    let unfinished = library.join("unfinished.so");
    let include = torch.join("include");
    run(Command::new(env::var_os("CXX").unwrap_or_else(|| "c++".into()))
        .args(["-std=c++20", "-O1", "-fPIC", "-shared", "-Wall"])
        .arg(&source)
        .arg("-I")
        .arg(&include)
        .arg("-I")
        .arg(include.join("torch/csrc/api/include"))
        .arg("-L")
        .arg(&library)
        .args(["-ltorch_cpu", "-lc10", "-o"])
        .arg(&unfinished))?;
    fs::rename(&unfinished, &backend).with_context(|| format!("cannot make {}", backend.display()))?;
    Ok(library)
}

/// The folder of the libtorch that this clone builds against.
fn libtorch(workspace: &Workspace) -> Result<PathBuf> {
    let own = workspace.root.join(".libtorch/torch");
    let torch = match (workspace.exported, env::var_os("LIBTORCH")) {
        (false, _) => own,
        (true, Some(exported)) => PathBuf::from(exported),
        (true, None) => {
            bail!("LIBTORCH_USE_PYTORCH is exported: export LIBTORCH=<folder of PyTorch> in its place")
        }
    };
    torch.canonicalize().with_context(|| format!("there is no libtorch in {}", torch.display()))
}

/// Hard links, for a library is looked for beside the place that the system says another was loaded from, where symbolic
/// links are resolved; copies where the folder is on another file system. A CUDA backend of libtorch's own is left out.
fn link_libraries(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.contains(".so") || name.starts_with("libtorch_cuda") {
            continue;
        }
        let (path, link) = (path.canonicalize()?, to.join(&name));
        if fs::hard_link(&path, &link).is_err() {
            fs::copy(&path, &link).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_gpu_check() -> Result<()> {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let read = parse(words("--python venv/bin/python --pretend --out a.json"))?;
        let passed_on = words("--python venv/bin/python --out a.json");
        assert_eq!(read, GpuCheck { pretend: true, passed_on });
        for wrong in ["--release", "a.json", "--out"] {
            assert!(parse(words(wrong)).is_err(), "{wrong}");
        }
        Ok(())
    }
}
