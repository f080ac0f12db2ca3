//! The browser that pages are looked at in.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// What Chromium is called by its packages.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The variable that names the browser, to this program and to the tests that it starts.
pub(crate) const VARIABLE: &str = "CHROMIUM";

/// The browser: an exported `CHROMIUM`, else an installed one. Where there is none, root gets Debian's
/// package.
pub(crate) fn find() -> Result<OsString> {
    if let Some(program) = env::var_os(VARIABLE) {
        ensure!(runs(&program), "CHROMIUM={} does not run with --version", program.display());
        return Ok(program);
    }
    if let Some(program) = installed() {
        return Ok(program);
    }
    if !is_root() || !succeeds(Command::new("apt-get").arg("--version")) {
        bail!(
            "no Chromium, in which the pages are looked at. Install it: `sudo apt-get install chromium`; or export \
             CHROMIUM=<the program>"
        );
    }
    eprintln!("==> no Chromium: installing the package `chromium`");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "chromium"])?;
    installed().context("the package `chromium` is installed, but `chromium --version` does not run")
}

fn installed() -> Option<OsString> {
    NAMES.into_iter().map(OsString::from).find(runs)
}

fn runs(program: &OsString) -> bool {
    succeeds(Command::new(program).arg("--version"))
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    let status = command.status().context("cannot start apt-get")?;
    ensure!(status.success(), "`apt-get {}` ended with {status}", arguments.join(" "));
    Ok(())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
