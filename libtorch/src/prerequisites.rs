//! What the machine must bring itself, checked before anything is fetched.

use std::process::{Command, Stdio};

use crate::Error;

/// Checks that the published libtorch builds run on this platform.
///
/// # Errors
/// [`Error::Platform`] elsewhere than on x86-64 Linux with glibc.
pub fn check_platform() -> Result<(), Error> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let fits = os == "linux" && arch == "x86_64" && cfg!(target_env = "gnu");
    if fits { Ok(()) } else { Err(Error::Platform { arch, os }) }
}

/// Checks that the C++ compiler runs which tch's bindings are built with.
///
/// `cxx` is the value of `CXX`, which may hold a wrapper and its compiler ("ccache g++").
///
/// # Errors
/// [`Error::Compiler`] if it does not.
pub fn check_compiler(cxx: Option<&str>) -> Result<(), Error> {
    let command = cxx.unwrap_or("c++");
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("c++");
    if succeeds(Command::new(program).args(words).arg("--version")) {
        return Ok(());
    }
    Err(Error::Compiler { command: command.to_owned() })
}

/// Checks that `python3 -m pip` runs.
///
/// # Errors
/// [`Error::Python`] or [`Error::Pip`] if it does not.
pub fn check_pip() -> Result<(), Error> {
    if !succeeds(Command::new("python3").arg("--version")) {
        return Err(Error::Python);
    }
    if !succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
        return Err(Error::Pip);
    }
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_is_named() {
        let error =
            check_compiler(Some("no-such-wrapper g++")).map_or_else(|e| e.to_string(), |()| String::new());
        assert!(error.contains("`no-such-wrapper g++ --version`") && error.contains("apt-get"), "{error}");
    }
}
