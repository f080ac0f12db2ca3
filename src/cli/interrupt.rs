//! Ctrl-C.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::{INTERRUPTED, out};

/// A flag that the first Ctrl-C (or termination signal) sets; the second ends the process at once,
/// which loses nothing that is journalled.
///
/// # Errors
/// If the system refuses the handler.
pub(super) fn flag(dir: &Path, command: &str) -> anyhow::Result<Arc<AtomicBool>> {
    flag_with(hint(dir, command))
}

/// The same with a hint of how to go on.
///
/// # Errors
/// If the system refuses the handler.
pub(super) fn flag_with(hint: String) -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    let handler = move || {
        if seen.swap(true, Ordering::SeqCst) {
            out::error(&format!("\nstopped at once; {hint}"));
            std::process::exit(i32::from(INTERRUPTED));
        }
        out::error(&format!("\nstopping after the current step (Ctrl-C again: at once); {hint}"));
    };
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")?;
    Ok(flag)
}

/// How to go on.
pub(super) fn hint(dir: &Path, command: &str) -> String {
    format!("go on with: bonas {command} {}", quoted(dir))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
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
