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
        // A key without a value, such as one that only a study writes, is not printed.
        let Some(value) = table.get(key.key) else { continue };
        for line in key.doc {
            let _ = writeln!(text, "# {}", line.trim());
        }
        let _ = writeln!(text, "{} = {}", key.key, one_line(value));
    }
    text
}

/// A value on one line, also a text of several lines: lines are taken apart by [`plain`].
fn one_line(value: &toml::Value) -> String {
    match value.as_str().filter(|text| text.contains(['\n', '\r'])) {
        None => value.to_string(),
        Some(text) => {
            let mut quoted = String::from("\"");
            for letter in text.chars() {
                match letter {
                    '"' => quoted.push_str("\\\""),
                    '\\' => quoted.push_str("\\\\"),
                    '\n' => quoted.push_str("\\n"),
                    '\r' => quoted.push_str("\\r"),
                    '\t' => quoted.push_str("\\t"),
                    letter if letter.is_control() => {
                        let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
                    }
                    letter => quoted.push(letter),
                }
            }
            quoted + "\""
        }
    }
}

/// Prints settings as plain TOML lines without comments: the form a study is resumed by.
pub fn plain<T: Settings>(header: &str, settings: &T) -> String {
    let commented = commented(header, settings);
    let lines = commented.lines().filter(|line| !line.starts_with('#'));
    lines.fold(String::new(), |text, line| text + line + "\n")
}
