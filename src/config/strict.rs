//! Strict reading of TOML: nothing unknown, nothing out of range, every error with its place.

use bonas_study::settings::{Invalid, KeyDoc, Settings, renamed, unknown, with_nearest};
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

type Table<'t> = DeTable<'t>;

/// A parsed TOML text that knows where each key stands.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    origin: String,
    text: &'t str,
    root: Spanned<Table<'t>>,
}

/// Reads one group of settings that makes up a whole file.
///
/// # Errors
/// [`ConfigError`] with line, key and the nearest valid name.
pub fn from_toml<T: Settings>(text: &str, origin: &str) -> Result<T, ConfigError> {
    Document::parse(text, origin)?.section("", &[])
}

impl<'t> Document<'t> {
    /// Parses a text; `origin` names it in errors.
    ///
    /// # Errors
    /// [`ConfigError`] with the line where the text stops being TOML.
    pub fn parse(text: &'t str, origin: &str) -> Result<Self, ConfigError> {
        let root = DeTable::parse(text).map_err(|e| ConfigError {
            origin: origin.to_owned(),
            line: e.span().map(|span| line_of(text, span.start)),
            column: None,
            key: String::new(),
            reason: format!("not valid TOML: {}", e.message().trim()),
        })?;
        Ok(Self { origin: origin.to_owned(), text, root })
    }

    /// Refuses every key of the table at `path` that is not one of `known`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first unknown key and the nearest known one.
    pub fn only(&self, path: &str, known: &[&str]) -> Result<(), ConfigError> {
        let Some(table) = self.table(path)? else { return Ok(()) };
        match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => {
                let name = key.get_ref().as_ref();
                let reason = match renamed(name).filter(|new| known.contains(new)) {
                    Some(new) => format!("`{name}` is called `{new}` now"),
                    None => unknown("key", name, known.iter().copied()),
                };
                Err(self.error(Some(key.span().start), &join(path, key.get_ref()), reason))
            }
        }
    }

    /// A string at a dotted path; `None` where the key is missing.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not a string.
    pub fn string(&self, path: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.value(path)? else { return Ok(None) };
        value.get_ref().as_str().map(Some).ok_or_else(|| {
            let reason = format!("expected a string, found {}", type_name(value.get_ref()));
            self.error(Some(value.span().start), path, reason)
        })
    }

    /// The paths of the tables `[[key]]` at the top of the document, in order; none if there is no
    /// such table.
    ///
    /// # Errors
    /// [`ConfigError`] where `key` is something else.
    pub fn tables(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let Some(value) = self.value(key)? else { return Ok(Vec::new()) };
        let Some(array) = value.get_ref().as_array() else {
            let found = type_name(value.get_ref());
            let reason = format!("expected tables `[[{key}]]`, one for each, found {found}");
            return Err(self.error(Some(value.span().start), key, reason));
        };
        Ok((0..array.len()).map(|i| format!("{key}[{i}]")).collect())
    }

    /// Whether something stands at a dotted path.
    pub fn has(&self, path: &str) -> bool {
        self.value(path).is_ok_and(|value| value.is_some())
    }

    /// Reads the table at a dotted path (empty: the whole document) into its settings; a missing
    /// table gives the defaults. Keys in `beside` may stand in the table and are not read.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown key, a value of the wrong type, or one out of range.
    pub fn section<T: Settings>(&self, path: &str, beside: &[&str]) -> Result<T, ConfigError> {
        let known: Vec<&str> = T::KEYS.iter().map(|k| k.key).chain(beside.iter().copied()).collect();
        self.only(path, &known)?;
        let mut own = match self.table(path)? {
            Some(table) => table.clone(),
            None => Table::new(),
        };
        for key in beside {
            own.remove(*key);
        }
        let deserializer = Spanned::new(0..0, own).into_deserializer();
        let settings = T::deserialize(deserializer).map_err(|e| self.rejected(path, &e, T::KEYS))?;
        settings.check().map_err(|e| self.invalid(path, &e))?;
        Ok(settings)
    }

    /// An error about the value at `path`, with its line where the key is written out.
    pub fn refuse(&self, path: &str, reason: impl Into<String>) -> ConfigError {
        let place = self.value(path).ok().flatten().map(|v| v.span().start);
        self.error(place, path, reason.into())
    }

    fn invalid(&self, path: &str, invalid: &Invalid) -> ConfigError {
        self.refuse(&join(path, invalid.key), invalid.reason.clone())
    }

    /// Finds the key that serde's error is about, and proposes the nearest of the names it lists.
    fn rejected(&self, path: &str, error: &toml::de::Error, keys: &[KeyDoc]) -> ConfigError {
        let place = error.span().map(|span| span.start);
        let table = self.table(path).ok().flatten();
        let mut key = path.to_owned();
        if let (Some(place), Some(table)) = (place, table) {
            key = descend(table, place).into_iter().fold(key, |path, part| join(&path, part));
        }
        let mut reason = with_nearest(&in_words(error.message().trim()));
        let last = key.rsplit('.').next().unwrap_or_default();
        if let Some(doc) = keys.iter().find(|k| k.key == last) {
            reason = format!("{reason} ({})", sentence(doc.doc));
        }
        self.error(place, &key, reason)
    }

    fn table(&self, path: &str) -> Result<Option<&Table<'t>>, ConfigError> {
        if path.is_empty() {
            return Ok(Some(self.root.get_ref()));
        }
        let Some(value) = self.value(path)? else { return Ok(None) };
        value.get_ref().as_table().map(Some).ok_or_else(|| {
            let found = type_name(value.get_ref());
            self.error(Some(value.span().start), path, format!("expected a table `[{path}]`, found {found}"))
        })
    }

    /// The value at a dotted path, in which `key[i]` is element `i` of an array.
    fn value(&self, path: &str) -> Result<Option<&Spanned<DeValue<'t>>>, ConfigError> {
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        let (key, index) = indexed(last);
        let value = self.table(parent)?.and_then(|table| table.get(key));
        Ok(match index {
            None => value,
            Some(index) => value.and_then(|value| value.get_ref().as_array()?.get(index)),
        })
    }

    fn error(&self, place: Option<usize>, key: &str, reason: String) -> ConfigError {
        let line = place.map(|at| line_of(self.text, at));
        ConfigError { origin: self.origin.clone(), line, column: None, key: key.to_owned(), reason }
    }
}

/// Serde's message, with the types of Rust in the words of a configuration.
pub(super) fn in_words(message: &str) -> String {
    let types =
        [("usize", "a whole number, 0 or more"), ("u64", "a whole number, 0 or more"), ("f64", "a number")];
    let found = types.iter().find_map(|(own, words)| Some((message.strip_suffix(own)?, words)));
    match found {
        Some((head, words)) if head.ends_with("expected ") => format!("{head}{words}"),
        _ => message.to_owned(),
    }
}

/// `key[3]` as `key` and 3; anything else as it is.
pub(super) fn indexed(part: &str) -> (&str, Option<usize>) {
    let inside = part.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match inside.and_then(|(key, index)| Some((key, index.parse().ok()?))) {
        Some((key, index)) => (key, Some(index)),
        None => (part, None),
    }
}

/// Keys on the way to the innermost value that covers a byte of the text.
fn descend<'a>(table: &'a Table<'_>, place: usize) -> Vec<&'a str> {
    let covering = table.iter().find(|(key, value)| {
        // A table's own span is its header only, so look inside it as well.
        let inside = value.get_ref().as_table().is_some_and(|t| !descend(t, place).is_empty());
        inside || value.span().contains(&place) || key.span().contains(&place)
    });
    let Some((key, value)) = covering else { return Vec::new() };
    let mut path = vec![key.get_ref().as_ref()];
    if let Some(inner) = value.get_ref().as_table() {
        path.extend(descend(inner, place));
    }
    path
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value.type_str() {
        "integer" => "an integer",
        "float" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "table" => "a table",
        "datetime" => "a date",
        _ => "a string",
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

pub(super) fn line_of(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|&b| b == b'\n').count()
}

fn sentence(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
