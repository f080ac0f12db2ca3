//! Names in configurations: what serde says of a wrong one, with the nearest right one.

use bonas_spaces::catalogue::{Catalogue, Entry, nearest};
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// The variant of an enumeration that serde knows by this name.
///
/// # Errors
/// A text that names all there are, and the nearest.
pub fn variant<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, ValueError> = name.into_deserializer();
    T::deserialize(deserializer).map_err(|error| with_nearest(&error.to_string()))
}

/// Keys and values that had another name in an earlier version, with the name of today.
const RENAMED: &[(&str, &str)] = &[("flops", "macs"), ("flops_limit", "macs_limit")];

/// The name of today for a key or a value of an earlier version.
pub fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}

/// The entry of a catalogue with a name.
///
/// # Errors
/// A text with all names and the nearest, or the name of today for an old one.
pub fn entry_named<T: Entry>(catalogue: &Catalogue<T>, name: &str) -> Result<&'static T, String> {
    catalogue.get(name).map_err(|error| match renamed(name) {
        Some(new) => format!("`{name}` is called `{new}` now"),
        None => error.to_string(),
    })
}

/// Serde's message, with the nearest of the names that it lists, or the name of today for an old one.
pub fn with_nearest(message: &str) -> String {
    let old = message.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next());
    if let Some((old, new)) = old.and_then(|old| Some((old, renamed(old)?))) {
        return format!("`{old}` is called `{new}` now");
    }
    match nearest_listed(message) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.to_owned(),
    }
}

/// Serde says "unknown variant `x`, expected one of `a`, `b`": the nearest of `a` and `b`.
fn nearest_listed(message: &str) -> Option<&str> {
    let (head, tail) = message.split_once("expected ")?;
    if !head.starts_with("unknown ") {
        return None;
    }
    let quoted = |text| str::split(text, '`').skip(1).step_by(2);
    nearest(quoted(head).next()?, quoted(tail))
}
