//! Names in configurations: what serde says of a wrong one, with the nearest right one.

use bonas_spaces::catalogue::nearest;
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

/// Serde's message, with the nearest of the names that it lists.
pub fn with_nearest(message: &str) -> String {
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
