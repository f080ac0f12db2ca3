//! "Did you mean": the valid name nearest to a wrong one.

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// The known name nearest to `name`, if any is near enough to have been meant.
///
/// Nearness is the largest of three similarities: Jaro-Winkler, which gives weight to a common
/// beginning, Damerau-Levenshtein, which forgives a swapped letter in a short name, and being an
/// abbreviation (its letters in order, the first one too).
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|k| (similarity(&name, &k.to_lowercase()), k))
        .filter(|(similarity, _)| *similarity >= 0.65)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

fn similarity(a: &str, b: &str) -> f64 {
    let abbreviates = a.len() >= 3 && a.chars().next() == b.chars().next() && is_subsequence(a, b);
    let abbreviation = if abbreviates { 0.75 } else { 0.0 };
    strsim::jaro_winkler(a, b).max(strsim::normalized_damerau_levenshtein(a, b)).max(abbreviation)
}

fn is_subsequence(short: &str, long: &str) -> bool {
    let mut letters = long.chars();
    short.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

/// "unknown WHAT `name`; did you mean `x`? (known: a, b)".
pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let list = known.join(", ");
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`? (known: {list})"),
        None => format!("unknown {what} `{name}`; known: {list}"),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposes_what_was_meant_and_nothing_far_fetched() {
        let known = ["epochs", "batch", "learning_rate"];
        assert_eq!(nearest("epoch", known), Some("epochs"));
        assert_eq!(nearest("Batchs", known), Some("batch"));
        assert_eq!(nearest("lerning-rate", known), Some("learning_rate"));
        assert_eq!(nearest("ubc", ["ei", "ucb", "mean"]), Some("ucb"));
        assert_eq!(nearest("nb201", ["nasbench101", "nasbench201"]), Some("nasbench201"));
        assert_eq!(nearest("zzz", known), None);
    }

    #[test]
    fn message_lists_what_there_is() {
        assert_eq!(unknown("key", "zzz", ["a", "b"]), "unknown key `zzz`; known: a, b");
        assert_eq!(
            unknown("key", "bach", ["batch", "lr"]),
            "unknown key `bach`; did you mean `batch`? (known: batch, lr)"
        );
    }
}
