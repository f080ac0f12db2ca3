//! What the machine must bring itself, checked before anything is fetched.

use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

/// Fails unless the published libtorch builds run on this platform.
pub(crate) fn check_platform() -> Result<()> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    ensure!(
        os == "linux" && arch == "x86_64" && cfg!(target_env = "gnu"),
        "no libtorch is prepared for this platform ({arch} {os}): only x86_64 Linux with glibc is supported. \
         Export LIBTORCH=<folder of a libtorch 2.13.0>, or build without it: `--no-default-features`"
    );
    Ok(())
}

/// Fails unless the C++ compiler that tch's bindings are built with is there.
pub(crate) fn check_compiler() -> Result<()> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    // CXX may hold a wrapper and its compiler ("ccache g++").
    let mut words = compiler.split_whitespace();
    let program = words.next().unwrap_or("c++");
    if !succeeds(Command::new(program).args(words).arg("--version")) {
        bail!(
            "no C++ compiler: `{compiler} --version` does not run, and the libtorch bindings are C++. \
             Install one: `sudo apt-get install g++`"
        );
    }
    Ok(())
}

/// Fails unless `python3 -m pip` runs.
pub(crate) fn check_pip() -> Result<()> {
    if !succeeds(Command::new("python3").arg("--version")) {
        bail!(
            "no python3, which fetches libtorch: `python3 --version` does not run. \
             Install it with pip: `sudo apt-get install python3-pip`"
        );
    }
    if !succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
        bail!(
            "no pip, which fetches libtorch: `python3 -m pip --version` does not run. \
             Install it: `sudo apt-get install python3-pip`"
        );
    }
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
