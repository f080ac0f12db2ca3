//! The ways to write the architectures of a space.
//!
//! Use [`SearchSpace::notations`](crate::SearchSpace::notations) to list those of a space,
//! [`SearchSpace::parse`](crate::SearchSpace::parse) to read any of them, and
//! [`SearchSpace::format_as`](crate::SearchSpace::format_as) to print an architecture in one of them. A text
//! may begin with the name of its notation and a colon, which is needed only where a text has more than
//! one reading.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::nasbench201::NasBench201;
//!
//! let space = NasBench201::new();
//! let cell = space.parse("index:6111")?;
//! assert_eq!(space.format_as(&cell, "digits")?, "333132");
//! assert_eq!(space.parse("digits:333132")?, cell);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```
//!
//! A family has one table of `Form`s, the first of which is the notation that
//! [`SearchSpace::format`](crate::SearchSpace::format) prints. Readers of Python literals stand in `literal`,
//! other spellings of operations in `names`.

pub(crate) mod literal;
pub(crate) mod names;

use std::borrow::Cow;

use crate::error::{Exclusion, SpaceError};
use crate::graph::Architecture;
use crate::lookup::{UnknownName, nearest};

/// Longest text that is read, in bytes.
pub const LONGEST: usize = 1 << 16;

/// The tilde, and the signs that PDF files and editors put in its place.
pub(crate) const TILDES: [char; 5] = ['~', '∼', '˜', '～', '⁓'];

/// One way to write the architectures of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notation {
    /// Its name, which a text may have in front with a colon.
    pub name: &'static str,
    /// One line about it: whose it is and how it goes.
    pub about: &'static str,
    /// An architecture of the family in it.
    pub example: &'static str,
}

/// How a space reads and prints one notation.
pub(crate) struct Form<S: 'static> {
    pub(crate) notation: Notation,
    /// Whether a text is meant in this notation, right or wrong; cheap.
    pub(crate) looks: fn(&str) -> bool,
    pub(crate) read: fn(&S, &str) -> Result<Architecture, SpaceError>,
    pub(crate) print: fn(&S, &Architecture) -> Result<String, SpaceError>,
}

/// The notations of a table of forms.
pub(crate) fn list<S>(forms: &[Form<S>]) -> Vec<Notation> {
    forms.iter().map(|form| form.notation).collect()
}

/// Reads a text in whichever of the notations it is.
///
/// # Errors
/// [`SpaceError::Ambiguous`] for a text that means different things in two of them, else the error of the
/// notation that it looks like.
pub(crate) fn read<S>(space: &S, forms: &[Form<S>], text: &str) -> Result<Architecture, SpaceError> {
    let text = admitted(text)?;
    if let Some((form, rest)) = named(forms, text) {
        return (form.read)(space, bare(rest));
    }
    let alike: Vec<&Form<S>> = forms.iter().filter(|form| (form.looks)(text)).collect();
    match alike[..] {
        [] => Err(unlike(space, forms, text)),
        [one] => (one.read)(space, text),
        _ => agreed(space, forms, &alike, text),
    }
}

/// A text without what people paste around it ([`bare`]).
///
/// # Errors
/// [`SpaceError::Notation`] for one of more than [`LONGEST`] bytes.
pub(crate) fn admitted(text: &str) -> Result<&str, SpaceError> {
    let text = bare(text);
    if text.len() <= LONGEST {
        return Ok(text);
    }
    Err(refused(text, "an architecture", format!("{} bytes are more than {LONGEST}", text.len())))
}

/// Prints an architecture in the notation of a name.
///
/// # Errors
/// [`SpaceError::UnknownNotation`], or [`SpaceError::CannotSay`] with what the notation has no words for.
pub(crate) fn print<S>(
    space: &S,
    forms: &[Form<S>],
    architecture: &Architecture,
    name: &str,
) -> Result<String, SpaceError> {
    let form = forms.iter().find(|form| form.notation.name == name);
    let known = forms.iter().map(|form| form.notation.name);
    let form = form.ok_or_else(|| UnknownName::new("notation", name, known))?;
    (form.print)(space, architecture)
}

/// The notation whose name and a colon a text begins with, and what follows.
fn named<'f, 't, S>(forms: &'f [Form<S>], text: &'t str) -> Option<(&'f Form<S>, &'t str)> {
    let (name, rest) = text.split_once(':')?;
    let form = forms.iter().find(|form| form.notation.name == name)?;
    Some((form, rest))
}

/// The error of the space's own notation, with the names of the others; that of a name in front which is nearly that of
/// a notation.
fn unlike<S>(space: &S, forms: &[Form<S>], text: &str) -> SpaceError {
    let known = || forms.iter().map(|form| form.notation.name);
    if let Some((name, _)) = text.split_once(':').filter(|(name, _)| nearest(name, known()).is_some()) {
        return UnknownName::new("notation", name, known()).into();
    }
    let others: Vec<&str> = forms[1..].iter().map(|form| form.notation.name).collect();
    match ((forms[0].read)(space, text), others.is_empty()) {
        (Err(SpaceError::Notation { text, notation, reason }), false) => {
            let reason = format!("{reason}; nor is it in another notation ({})", others.join(", "));
            SpaceError::Notation { text, notation, reason }
        }
        (Err(error), _) => error,
        (Ok(_), _) => refused(text, forms[0].notation.about, "it does not look like one"),
    }
}

/// The one architecture that a text means in all notations that it looks like and is right in.
fn agreed<S>(
    space: &S,
    forms: &[Form<S>],
    alike: &[&Form<S>],
    text: &str,
) -> Result<Architecture, SpaceError> {
    let (mut found, mut readings, mut first_error) = (None, Vec::new(), None);
    for form in alike {
        match (form.read)(space, text) {
            Ok(architecture) => {
                let printed = (forms[0].print)(space, &architecture)?;
                if readings.iter().all(|(_, other)| *other != printed) {
                    readings.push((form.notation.name, printed));
                }
                found.get_or_insert(architecture);
            }
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    match (found, first_error) {
        (Some(architecture), _) if readings.len() == 1 => Ok(architecture),
        (Some(_), _) => Err(SpaceError::Ambiguous { text: excerpt(text).into_owned(), readings }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(unlike(space, forms, text)),
    }
}

/// The text without blanks, back quotes and marks of byte order around it, commas and semicolons behind it, `NAME =` before
/// a quoted text or a printed array, `array(..)` around a list, and one pair of quotes around it.
fn bare(text: &str) -> &str {
    let text = text.trim_matches(|c| literal::is_blank(c) || c == '`').trim_end_matches([';', ',', ' ']);
    let value = assigned(text).unwrap_or(text);
    quoted(value).or_else(|| unwrapped(value)).unwrap_or(text)
}

/// The list in `array([..])` or `tensor([..], dtype=..)`, if that is all of a text.
fn unwrapped(text: &str) -> Option<&str> {
    let (call, rest) = text.split_once('(')?;
    let name = call.rsplit('.').next().filter(|_| is_name(call))?;
    let inside =
        rest.strip_suffix(')').filter(|_| matches!(name, "array" | "tensor" | "Tensor")).map(trimmed)?;
    let end = list_end(inside)?;
    let more = trimmed(&inside[end..]);
    let is_named = |more: &str| more.split(',').all(|one| one.contains('=') && !one.contains(['[', '(']));
    (more.is_empty() || more.strip_prefix(',').is_some_and(is_named)).then(|| &inside[..end])
}

/// Where the bracket closes that a text begins with.
fn list_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.starts_with('[').then_some(())?;
    text.char_indices().find_map(|(at, c)| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at + 1)
    })
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(literal::is_blank)
}

/// What follows `NAME =`.
fn assigned(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    is_name(trimmed(name)).then(|| trimmed(value))
}

/// Letters, digits, underscores and dots.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
}

/// What stands in the quotes around a text, if these are the only ones.
fn quoted(text: &str) -> Option<&str> {
    let mut inner = text.chars();
    let (open, close) = (inner.next()?, inner.next_back()?);
    let inner = inner.as_str();
    let whole = literal::closes(open, close) && !inner.contains(|c| literal::closes(open, c));
    whole.then(|| trimmed(inner))
}

/// [`SpaceError::Notation`] with as much of a text as a message can hold.
pub(crate) fn refused(text: &str, notation: &'static str, reason: impl Into<String>) -> SpaceError {
    let reason = shortened(&reason.into(), REASON).into_owned();
    SpaceError::Notation { text: excerpt(text).into_owned(), notation, reason }
}

/// [`SpaceError::Excluded`] with as much of a text as a message can hold.
pub(crate) fn excluded(text: &str, exclusion: Exclusion) -> SpaceError {
    SpaceError::Excluded { text: excerpt(text).into_owned(), exclusion }
}

/// Most letters of a reason, which may have parts of the text in it.
const REASON: usize = 800;

/// Letters of a text in a message.
const SHOWN: usize = 200;

/// The beginning of a text for a message.
fn excerpt(text: &str) -> Cow<'_, str> {
    shortened(text, SHOWN)
}

fn shortened(text: &str, letters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(letters) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A text of digits only, at least one.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text that begins with an open bracket.
pub(crate) fn is_list(text: &str) -> bool {
    text.starts_with(['[', '('])
}
