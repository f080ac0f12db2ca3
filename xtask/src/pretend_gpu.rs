//! `cargo xtask pretend-gpu`: training on CUDA devices that are host memory.
//!
//! Compiles `tests/device/pretend_cuda.cpp` against this clone's libtorch, puts it as `libtorch_cuda.so` beside links to
//! that libtorch, and runs the tests that are ignored without it.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, run};
use crate::files::{make_folder, remove_folder};
use crate::setup::Workspace;

/// The variable that tells tests where the libraries are.
const VARIABLE: &str = "BONAS_PRETEND_GPU";
const SOURCE: &str = "tests/device/pretend_cuda.cpp";
const BACKEND: &str = "libtorch_cuda.so";

/// Builds the device and runs the tests on it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let library = build(workspace)?;
    let arguments = ["test", "--package", "bonas", "--test", "main", "--", "--ignored", "pretend_gpu::"];
    run(cargo(workspace).args(arguments).env(VARIABLE, library))
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
