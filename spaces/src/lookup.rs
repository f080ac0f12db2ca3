//! Lookup of parts by name, and the error for an unknown name.

use std::fmt;

use thiserror::Error;

/// A part that is listed under a name.
pub trait Entry: 'static {
    /// The name that users write.
    fn name(&self) -> &str;

    /// One line about it.
    fn about(&self) -> &str;
}

/// The parts of one kind by name, in a fixed order.
///
/// Command line, configurations, error messages and contract tests read the names from a catalogue, so
/// that a part in its catalogue is known everywhere.
///
/// ```
/// use bonas_spaces::catalogue::{Catalogue, Entry};
///
/// struct Colour(&'static str);
///
/// impl Entry for Colour {
///     fn name(&self) -> &str {
///         self.0
///     }
///     fn about(&self) -> &str {
///         "a colour"
///     }
/// }
///
/// static COLOURS: Catalogue<Colour> = Catalogue::new("colour", &[&Colour("red"), &Colour("green")]);
///
/// assert!(COLOURS.get("red").is_ok());
/// assert_eq!(
///     COLOURS.get("gren").err().map(|error| error.to_string()).as_deref(),
///     Some("unknown colour `gren`; did you mean `green`? (known: red, green)")
/// );
/// ```
#[derive(Debug)]
pub struct Catalogue<T: 'static> {
    kind: &'static str,
    entries: &'static [&'static T],
}

impl<T: Entry> Catalogue<T> {
    /// A catalogue of these parts; `kind` is the word for one of them, for example "space".
    pub const fn new(kind: &'static str, entries: &'static [&'static T]) -> Self {
        Self { kind, entries }
    }

    /// The word for one of the parts.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// All parts.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static T> + Clone + use<T> {
        self.entries.iter().copied()
    }

    /// The names of all parts.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> + use<T> {
        self.iter().map(Entry::name)
    }

    /// The part with a name.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest name and all names.
    pub fn get(&self, name: &str) -> Result<&'static T, UnknownName> {
        let found = self.iter().find(|entry| entry.name() == name);
        found.ok_or_else(|| UnknownName::new(self.kind, name, self.names()))
    }
}

/// A name that is not among the known ones.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct UnknownName {
    /// The word for the kind of part, for example "space".
    pub kind: String,
    /// The name as given.
    pub name: String,
    /// The known names.
    pub known: Vec<String>,
}

impl UnknownName {
    /// The error for a name that is not among the known ones.
    pub fn new<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().map(str::to_owned).collect();
        Self { kind: kind.to_owned(), name: name.to_owned(), known }
    }

    /// The known name that was probably meant.
    pub fn nearest(&self) -> Option<&str> {
        nearest(&self.name, self.known.iter().map(String::as_str))
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name, list) = (&self.kind, &self.name, self.known.join(", "));
        match self.nearest() {
            Some(near) => write!(f, "unknown {kind} `{name}`; did you mean `{near}`? (known: {list})"),
            None => write!(f, "unknown {kind} `{name}`; known: {list}"),
        }
    }
}

/// The text of [`UnknownName`]: "unknown KIND \`name\`; did you mean \`x\`? (known: a, b)".
pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    UnknownName::new(kind, name, known).to_string()
}

/// The known name nearest to `name`, if one is near enough to have been meant.
///
/// Nearness is the largest of three similarities: Jaro-Winkler, which favours a common beginning;
/// Damerau-Levenshtein, which forgives a swapped letter in a short name; and 0.75 for an
/// abbreviation (the letters of `name` in order, the first one too). It must reach 0.65.
///
/// ```
/// use bonas_spaces::catalogue::nearest;
///
/// assert_eq!(nearest("epoch", ["epochs", "batch"]), Some("epochs"));
/// assert_eq!(nearest("zzz", ["epochs", "batch"]), None);
/// ```
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
