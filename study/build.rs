//! Lets this package's binaries, tests, examples and doc tests find libtorch without `LD_LIBRARY_PATH`.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Told by torch-sys, whose own build reruns this one; absent without feature `torch`.
    let Some(lib) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        return;
    };
    // The cache folder itself, so that a binary outlives a clone's `.libtorch` link.
    let lib = lib.canonicalize().unwrap_or(lib);
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
