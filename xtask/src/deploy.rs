//! `cargo xtask deploy`: networks as other programs run them, held against our own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo::{cargo, run};
use crate::files::{make_folder, remove_folder};
use crate::python::{Environment, target};
use crate::setup::Workspace;

/// PyTorch as libtorch is pinned, without the libraries of GPUs, of which it then has stubs.
const PACKAGES: [&str; 20] = [
    "flatbuffers",
    "ml-dtypes",
    "onnx",
    "onnxruntime",
    "protobuf",
    "torch==2.13.0",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cupti==13.0.85",
    "filelock",
    "fsspec",
    "jinja2",
    "markupsafe",
    "mpmath",
    "networkx",
    "sympy",
    "typing-extensions",
    "numpy",
    "packaging",
    "pillow",
    "safetensors>=0.5",
];

/// Libraries that PyTorch's wheel loads for GPUs, gigabytes of them, which nothing calls here.
const GPU_LIBRARIES: [&str; 11] = [
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcudnn.so.9",
    "libcufft.so.12",
    "libcufile.so.0",
    "libcurand.so.10",
    "libcusparse.so.12",
    "libcusparseLt.so.0",
    "libnccl.so.2",
    "libnvrtc.so.13",
    "libnvshmem_host.so.3",
];
/// The library of PyTorch that the functions of all stubs are put into: the loader does not ask it for versions.
const STUBS_LIBRARY: &str = "libtorch_nvshmem.so";
/// What the names of the functions begin with that the stubs must have.
const GPU_FUNCTIONS: [&str; 9] =
    ["cublas", "cusparse", "cufft", "cudnn", "nccl", "curand", "nvrtc", "cuFile", "nvshmem"];

/// Writes networks of every space, and compares what they say with PyTorch.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    let environment = Environment::at(&target(root).join("python/deploy"));
    install(&environment)?;
    let networks = target(root).join("deploy");
    remove_folder(&networks)?;
    make_folder(&networks)?;
    run(cargo(workspace).args(["run", "--example", "exported", "--"]).arg(&networks))?;
    let script = root.join("examples/exported/compare.py");
    run(environment.program("python").arg(script).arg(&networks))
}

/// Makes the environment, once for each list of packages.
fn install(environment: &Environment) -> Result<()> {
    let (done, list) = (environment.folder().join("packages.txt"), PACKAGES.join("\n"));
    if fs::read_to_string(&done).is_ok_and(|there| there == list) {
        return Ok(());
    }
    remove_folder(environment.folder())?;
    environment.make()?;
    let packages = PACKAGES.map(OsString::from);
    environment.install(&[&["--no-deps".into()], &packages[..]].concat())?;
    stub_gpu_libraries(environment)?;
    fs::write(&done, list).with_context(|| format!("cannot write {}", done.display()))
}

/// Puts stubs in the place of the libraries for GPUs, so that PyTorch loads without them.
fn stub_gpu_libraries(environment: &Environment) -> Result<()> {
    let script = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])";
    let found = environment.program("python").args(["-c", script]).output()?;
    ensure!(found.status.success(), "the environment has no PyTorch");
    let torch = String::from_utf8(found.stdout)?;
    let libraries = Path::new(torch.trim()).join("lib");
    let mut functions = Vec::new();
    for library in ["libtorch_cuda.so", "libtorch_python.so"] {
        functions.extend(undefined(&libraries.join(library))?);
    }
    functions.sort();
    functions.dedup();
    let definitions: Vec<String> = functions.iter().map(|name| format!("void {name}(void) {{}}")).collect();
    compile(&libraries, STUBS_LIBRARY, &definitions.join("\n"))?;
    GPU_LIBRARIES.iter().try_for_each(|library| compile(&libraries, library, ""))
}

/// Functions for GPUs that a library expects of others.
fn undefined(library: &Path) -> Result<Vec<String>> {
    let listed = Command::new("nm").args(["-D", "--undefined-only"]).arg(library).output();
    let listed = listed.context("cannot run nm; install binutils")?;
    ensure!(listed.status.success(), "nm cannot read {}", library.display());
    let text = String::from_utf8(listed.stdout)?;
    let names = text.lines().filter_map(|line| line.split_whitespace().last()?.split('@').next());
    let ours =
        |name: &&str| GPU_FUNCTIONS.iter().any(|start| name.starts_with(start)) || name.contains("nvshmem");
    Ok(names.filter(ours).map(str::to_owned).collect())
}

/// Compiles a library in C.
fn compile(folder: &Path, library: &str, source: &str) -> Result<()> {
    let file = folder.join(format!("{library}.c"));
    fs::write(&file, source).with_context(|| format!("cannot write {}", file.display()))?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", &format!("-Wl,-soname,{library}"), "-o"]);
    run(compiler.arg(folder.join(library)).arg(&file))
}
