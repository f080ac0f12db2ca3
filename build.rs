//! Lets this package's binaries, tests, examples and doc tests find libtorch without `LD_LIBRARY_PATH`.

use std::env;

use bonas_libtorch::build_script;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Told by torch-sys, whose own build reruns this one; absent without feature `torch`.
    let lib = env::var_os("DEP_TCH_LIBTORCH_LIB").map(|lib| build_script::real_folder(&lib));
    let family = env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    if let Some(line) = build_script::run_path(lib.as_deref(), &family) {
        println!("{line}");
    }
    // Empty without feature `torch`, and where documentation is built without libtorch.
    println!("cargo::rustc-env=BONAS_LIBTORCH_LIB={}", lib.unwrap_or_default().display());
}
