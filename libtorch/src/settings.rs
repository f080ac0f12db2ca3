//! What cargo and a shell must be told about a build.

use std::fmt::Write as _;
use std::path::Path;

use crate::{Build, Error, VERSION};

/// The platform that the builds run on.
const TARGET: &str = "x86_64-unknown-linux-gnu";

impl Build {
    /// The lines for the `.cargo/config.toml` of a workspace that depends on bonas: `LIBTORCH` for its build, and the
    /// run path for its programs, tests and doc tests.
    ///
    /// # Errors
    /// [`Error::NotUtf8`] for a path that TOML cannot hold.
    pub fn cargo_config(&self) -> Result<String, Error> {
        let (torch, lib) = (self.torch(), self.lib());
        let run_path = toml_string(&format!("link-arg=-Wl,-rpath,{}", utf8(&lib)?));
        Ok(format!(
            "# libtorch {VERSION}, printed by `bonas libtorch cargo-config`.\n\
             [env]\nLIBTORCH = {}\n\n\
             # The run path: programs and tests find libtorch by themselves.\n\
             [target.{TARGET}]\n\
             rustflags = [\"-C\", {run_path}]\n\
             rustdocflags = [\"-C\", {run_path}]\n",
            toml_string(utf8(&torch)?)
        ))
    }

    /// The lines that tell a POSIX shell: `LIBTORCH` for builds, `LD_LIBRARY_PATH` for programs without a run path.
    ///
    /// # Errors
    /// [`Error::NotUtf8`] for a path that is not text.
    pub fn shell_exports(&self) -> Result<String, Error> {
        let (torch, lib) = (self.torch(), self.lib());
        Ok(format!(
            "export LIBTORCH={}\nexport LD_LIBRARY_PATH={}\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n",
            shell_word(utf8(&torch)?),
            shell_word(utf8(&lib)?)
        ))
    }
}

/// The lines of `cargo.toml` in a build's folder, which the `.cargo/config.toml` of a clone includes.
pub(crate) fn included_config(torch: &Path) -> Result<String, Error> {
    let torch = toml_string(utf8(torch)?);
    Ok(format!(
        "# Included by bonas' .cargo/config.toml.\n[env]\nLIBTORCH = {{ value = {torch}, relative = false }}\n"
    ))
}

fn utf8(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::NotUtf8 { path: path.to_owned() })
}

/// A TOML basic string.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a string cannot fail.
            c if c.is_control() => _ = write!(quoted, "\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A word in single quotes.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_both_paths() -> Result<(), Error> {
        let text = Build::at("/c/b").cargo_config()?;
        assert!(text.contains("\n[env]\nLIBTORCH = \"/c/b/torch\"\n"), "{text}");
        assert!(text.contains("\nrustflags = [\"-C\", \"link-arg=-Wl,-rpath,/c/b/torch/lib\"]\n"), "{text}");
        Ok(())
    }

    #[test]
    fn quotes_survive_toml_and_shell() {
        assert_eq!(toml_string("a\"b\\c\u{1}é"), "\"a\\\"b\\\\c\\u0001é\"");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_shell_reads_the_exports() -> Result<(), Box<dyn std::error::Error>> {
        let exports = Build::at("/c/it's a $HOME").shell_exports()?;
        let script = format!("{exports}printf '%s|%s' \"$LIBTORCH\" \"$LD_LIBRARY_PATH\"");
        for (before, after) in [("", ""), ("/old", ":/old")] {
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .env("LD_LIBRARY_PATH", before)
                .output()?;
            let expected = format!("/c/it's a $HOME/torch|/c/it's a $HOME/torch/lib{after}");
            assert_eq!(String::from_utf8(output.stdout)?, expected);
        }
        Ok(())
    }
}
