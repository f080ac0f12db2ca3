//! Lines for the build script of a crate that links libtorch.
//!
//! ```no_run
//! // build.rs
//! use std::env;
//! use bonas_libtorch::build_script;
//!
//! let lib = env::var_os("DEP_TCH_LIBTORCH_LIB").map(|lib| build_script::real_folder(&lib));
//! let family = env::var("CARGO_CFG_TARGET_FAMILY");
//! if let Some(line) = build_script::run_path(lib.as_deref(), family.as_deref().unwrap_or_default()) {
//!     println!("{line}");
//! }
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The line that gives the programs, tests, examples and doc tests of one package the run path of libtorch, so that
/// they need no `LD_LIBRARY_PATH`.
///
/// `lib` is the folder that torch-sys tells the build scripts of crates that depend on it, `target_family` the value
/// of `CARGO_CFG_TARGET_FAMILY`. There is no line without libtorch, and none for a platform without run paths. The
/// line does not reach crates that depend on that package: these take [`crate::Build::cargo_config`].
pub fn run_path(lib: Option<&Path>, target_family: &str) -> Option<String> {
    let lib = lib.filter(|_| target_family == "unix")?;
    Some(format!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display()))
}

/// The folder behind `DEP_TCH_LIBTORCH_LIB`, with links followed: a program outlives a clone's `.libtorch` link.
pub fn real_folder(lib: &OsStr) -> PathBuf {
    let lib = PathBuf::from(lib);
    lib.canonicalize().unwrap_or(lib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_path_is_an_argument_of_the_linker() {
        let lib = real_folder(OsStr::new("/no such folder/lib"));
        let line = run_path(Some(&lib), "unix");
        assert_eq!(line.as_deref(), Some("cargo::rustc-link-arg=-Wl,-rpath,/no such folder/lib"));
        assert_eq!(run_path(Some(&lib), "windows"), None);
        assert_eq!(run_path(None, "unix"), None);
    }
}
