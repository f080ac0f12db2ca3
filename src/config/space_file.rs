//! Space files: search spaces declared in TOML.

use std::sync::Arc;

use bonas_spaces::declared::{DeclaredSpace, Description, DescriptionError};
use bonas_study::settings::with_nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::strict::{in_words, indexed, line_of};

/// Most bytes of a space file.
const LONGEST: usize = 1 << 20;

/// Reads the description of a space. `origin` names the text in errors, and `name` the space if the text does not.
///
/// # Errors
/// [`ConfigError`] with line and column, for what is not TOML, unknown keys and values of a wrong type.
pub fn space_description(text: &str, origin: &str, name: &str) -> Result<Description, ConfigError> {
    let text = without_mark(text);
    let error = |place: Option<usize>, reason: String| placed(text, origin, place, String::new(), reason);
    if text.len() > LONGEST {
        return Err(error(None, format!("{} bytes are more than {LONGEST}", text.len())));
    }
    let mut description: Description = toml::from_str(text)
        .map_err(|e| error(e.span().map(|span| span.start), with_nearest(&in_words(e.message().trim()))))?;
    if description.name.is_empty() {
        name.clone_into(&mut description.name);
    }
    Ok(description)
}

/// Reads a space file. `origin` names the text in errors, and `name` the space if the text does not.
///
/// # Errors
/// [`ConfigError`] with line and column, and the key at fault.
///
/// # Examples
/// ```
/// use bonas::config::space_from_toml;
///
/// let text = "choices = [\n  { name = \"width\", options = [16, 32] },\n  { name = \"depth\", options = [] },\n]\n";
/// let error = space_from_toml(text, "my.toml", "my").unwrap_err();
/// assert!(error.to_string().starts_with("my.toml line 3 column 5: choices[1].name: "), "{error}");
/// let text = "choices = [{ name = \"width\", options = [16, 32] }]\n";
/// use bonas::spaces::SearchSpace;
/// assert_eq!(space_from_toml(text, "my.toml", "my")?.size().to_string(), "2 unique");
/// # Ok::<(), bonas::config::ConfigError>(())
/// ```
pub fn space_from_toml(text: &str, origin: &str, name: &str) -> Result<Arc<DeclaredSpace>, ConfigError> {
    let description = space_description(text, origin, name)?;
    let space =
        DeclaredSpace::new(&description).map_err(|error| located(without_mark(text), origin, error))?;
    Ok(Arc::new(space.with_source(text)))
}

/// A text without a mark of byte order.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// An error of a description, with the place of its key in the text.
fn located(text: &str, origin: &str, error: DescriptionError) -> ConfigError {
    let root = DeTable::parse(text).ok();
    let place = root.and_then(|root| place(root.get_ref(), &error.path));
    placed(text, origin, place, error.path, error.reason)
}

fn placed(text: &str, origin: &str, place: Option<usize>, key: String, reason: String) -> ConfigError {
    let column = place.map(|place| {
        let before = text.get(..place).unwrap_or(text);
        1 + before.chars().rev().take_while(|letter| *letter != '\n').count()
    });
    ConfigError {
        origin: origin.to_owned(),
        line: place.map(|place| line_of(text, place)),
        column,
        key,
        reason,
    }
}

/// Where the value at a dotted path stands, or the innermost one around it that is there.
fn place(root: &DeTable<'_>, path: &str) -> Option<usize> {
    let (mut table, mut found) = (root, None);
    for part in path.split('.') {
        let (key, index) = indexed(part);
        let Some((name, value)) = table.get_key_value(key) else { break };
        found = Some(name.span().start);
        let mut value: &Spanned<DeValue<'_>> = value;
        if let Some(index) = index {
            let Some(item) = value.get_ref().as_array().and_then(|array| array.get(index)) else { break };
            found = Some(item.span().start);
            value = item;
        }
        match value.get_ref().as_table() {
            Some(inner) => table = inner,
            None => break,
        }
    }
    found
}
