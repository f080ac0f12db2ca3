//! Standard output that takes a closed pipe calmly.

use std::io::{self, Write};

/// Writes text to standard output.
///
/// # Errors
/// What the system says; [`is_closed`] tells a reader that went away.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a line to standard error, come what may.
pub(super) fn error(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether an error says that nobody reads standard output any more (`bonas describe | head`).
pub(super) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
