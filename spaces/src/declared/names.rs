//! Names that texts and files can hold, and names that live as long as the program.

use std::collections::HashSet;
use std::sync::Mutex;

use super::DescriptionError;

/// Most letters of a name; operations may have twice as many and one, for a choice, a sign and an option.
const LONGEST: usize = 64;

/// Signs that a name may have beside letters and digits.
const SIGNS: &str = "_-.*/^%#@=";

/// Refuses a name that a text of an architecture, a table or a journal could not hold.
///
/// # Errors
/// [`DescriptionError`] at `path` with the first letter that is not allowed.
pub(super) fn check(path: &str, what: &str, name: &str) -> Result<(), DescriptionError> {
    let refuse = |reason: String| Err(DescriptionError::new(path, reason));
    let (letters, most) = (name.chars().count(), if what == "operation" { 2 * LONGEST + 1 } else { LONGEST });
    if letters == 0 || letters > most {
        return refuse(format!("{what} has {letters} letters, expected 1 to {most}"));
    }
    match name.chars().find(|&c| !(c.is_alphanumeric() || SIGNS.contains(c))) {
        Some(c) => refuse(format!(
            "{what} {name:?} has {c:?} in it; names have letters, digits and {}",
            SIGNS.chars().map(String::from).collect::<Vec<_>>().join(" ")
        )),
        None => Ok(()),
    }
}

/// Refuses a name that an expression could not hold.
///
/// # Errors
/// [`DescriptionError`] at `path`.
pub(super) fn check_word(path: &str, what: &str, name: &str) -> Result<(), DescriptionError> {
    check(path, what, name)?;
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let reserved = ["and", "or", "not", "in", "true", "false", "depth", "layer", "params", "macs", "count"];
    if !begins || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        let reason = format!("{what} {name:?} must begin with a letter and have letters, digits and _ only");
        return Err(DescriptionError::new(path, reason));
    }
    if reserved.contains(&name) {
        return Err(DescriptionError::new(
            path,
            format!("{what} {name:?} is a word of expressions; take another"),
        ));
    }
    Ok(())
}

/// A copy of a name that lives as long as the program; equal names share one.
///
/// The traits of spaces and networks name their parts by static texts. A program that builds the same description
/// many times keeps each of its names once.
pub(super) fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut guard = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let names = guard.get_or_insert_with(HashSet::new);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}
