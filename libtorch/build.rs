//! With the feature `required`: fails the build where there is no libtorch, and says which commands to run.

use std::env;
use std::path::{Path, PathBuf};

include!("src/version.rs");

/// Where torch-sys looks when no variable is set.
const OF_THE_SYSTEM: &str = "/usr/lib/libtorch.so";
const HEADER: &str = "include/torch/csrc/api/include/torch/torch.h";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/version.rs");
    // The documentation is built without libtorch.
    if env::var_os("CARGO_FEATURE_REQUIRED").is_none() || variable("DOCS_RS").is_some() {
        return;
    }
    let found = match (variable("LIBTORCH_USE_PYTORCH"), variable("LIBTORCH")) {
        (Some(_), _) => Ok(()),
        (None, None) if Path::new(OF_THE_SYSTEM).exists() => Ok(()),
        (None, None) => Err("no libtorch is found: LIBTORCH is not set".to_owned()),
        (None, Some(libtorch)) => check(&libtorch),
    };
    if let Err(reason) = found {
        for line in advice(&reason) {
            println!("cargo::error={line}");
        }
    }
}

/// The value of a variable, whose change runs this again.
fn variable(name: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var_os(name).map(PathBuf::from)
}

/// Fails for a folder that is no libtorch at all; torch-sys checks the version, where the folder tells one.
fn check(libtorch: &Path) -> Result<(), String> {
    let headers = variable("LIBTORCH_INCLUDE").unwrap_or_else(|| libtorch.to_owned());
    let signs = [libtorch.join("build-version"), headers.join(HEADER)];
    if signs.iter().any(|file| file.is_file()) {
        return Ok(());
    }
    Err(format!("LIBTORCH={} holds no libtorch ({HEADER} is missing)", libtorch.display()))
}

fn advice(reason: &str) -> [String; 4] {
    [
        format!("{reason}. The feature `torch` of bonas needs libtorch {VERSION}."),
        "Run `bonas libtorch install`, then put the lines of `bonas libtorch cargo-config` into the \
         .cargo/config.toml of your crate (see docs/library.md of bonas)."
            .to_owned(),
        format!("For a libtorch {VERSION} of your own: export LIBTORCH=<its folder>."),
        "Without tensors: depend on bonas with `default-features = false`.".to_owned(),
    ]
}
