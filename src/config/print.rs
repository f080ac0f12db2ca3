//! Printing settings as TOML that explains itself.

use std::fmt::Write;

use super::Settings;

/// Prints settings as TOML lines, each key below a comment that says what it means; `header` is
/// the table's name, or empty for keys at the top of a file.
pub fn commented<T: Settings>(header: &str, settings: &T) -> String {
    commented_without(&[], header, settings)
}

/// The same without some keys.
pub(super) fn commented_without<T: Settings>(without: &[&str], header: &str, settings: &T) -> String {
    let table = toml::Table::try_from(settings).unwrap_or_default();
    let mut text = if header.is_empty() { String::new() } else { format!("[{header}]\n") };
    for key in T::KEYS.iter().filter(|key| !without.contains(&key.key)) {
        for line in key.doc {
            let _ = writeln!(text, "# {}", line.trim());
        }
        if let Some(value) = table.get(key.key) {
            let _ = writeln!(text, "{} = {value}", key.key);
        }
    }
    text
}

/// Prints settings as plain TOML lines without comments: the form a study is resumed by.
pub fn plain<T: Settings>(header: &str, settings: &T) -> String {
    let commented = commented(header, settings);
    let lines = commented.lines().filter(|line| !line.starts_with('#'));
    lines.fold(String::new(), |text, line| text + line + "\n")
}
