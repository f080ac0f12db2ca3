//! Ctrl-C.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use bonas::StudyError;
use bonas::observer::quoted;

use super::{INTERRUPTED, out, placed};

/// What the first Ctrl-C asks a command to stop, and how to go on with it.
#[derive(Clone, Debug)]
pub(super) struct Interrupt {
    /// Becomes true with the first Ctrl-C.
    pub(super) flag: Arc<AtomicBool>,
    hint: String,
}

impl Interrupt {
    /// Listens: the first Ctrl-C (or termination signal) says that the command stops once what is under way is
    /// done (`waits_for`), and how to go on; the second ends the process at once, which loses nothing that is
    /// kept in a folder.
    ///
    /// # Errors
    /// If the system refuses the handler.
    pub(super) fn listen(waits_for: &str, hint: String) -> anyhow::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let (seen, at_once) = (flag.clone(), format!("\nstopped at once; {hint}"));
        let first = format!("\nstopping as soon as {waits_for} is done (Ctrl-C again: at once); {hint}");
        let handler = move || {
            if seen.swap(true, Ordering::SeqCst) {
                out::error(&at_once);
                std::process::exit(i32::from(INTERRUPTED));
            }
            out::error(&first);
        };
        ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")?;
        Ok(Self { flag, hint })
    }

    /// A result, in which an interruption says how to go on, and a bad setting where it stands.
    ///
    /// # Errors
    /// That of the result.
    pub(super) fn explain<T>(
        &self,
        result: Result<T, StudyError>,
        origin: impl FnOnce(&str) -> String,
    ) -> anyhow::Result<T> {
        result.map_err(|error| match error {
            StudyError::Interrupted => anyhow::Error::new(error).context(self.hint.clone()),
            other => placed(other, origin),
        })
    }
}

/// The flag of a command that makes many runs.
///
/// # Errors
/// If the system refuses the handler.
pub(super) fn flag_with(hint: String) -> anyhow::Result<Arc<AtomicBool>> {
    Ok(Interrupt::listen("the step under way of every run", hint)?.flag)
}

/// How to go on in a folder.
pub(super) fn hint(dir: &Path, command: &str) -> String {
    format!("go on with: bonas {command} {}", quoted(dir))
}

/// How to go on with a command that keeps its work in a folder.
#[cfg(feature = "torch")]
pub(super) fn same_command() -> String {
    "the same command goes on where it stopped".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_pasted() {
        assert_eq!(hint(Path::new("runs/a"), "resume"), "go on with: bonas resume runs/a");
        assert_eq!(hint(Path::new("my run's"), "resume"), "go on with: bonas resume 'my run'\\''s'");
    }
}
