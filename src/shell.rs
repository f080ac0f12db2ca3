//! Commands that can be pasted into a shell.

use std::path::Path;

/// A path as a shell reads it.
///
/// ```
/// use std::path::Path;
/// use bonas::observer::quoted;
///
/// assert_eq!(quoted(Path::new("runs/a")), "runs/a");
/// assert_eq!(quoted(Path::new("my run's")), "'my run'\\''s'");
/// ```
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
