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
    let space = DeclaredSpace::new(&description).map_err(|mut error| {
        let says = space_description(text, origin, "").is_ok_and(|description| !description.name.is_empty());
        if error.path == "name" && !says {
            error.reason += "; it is that of the file, since the file says none: add name = \"..\" to it";
        }
        located(without_mark(text), origin, error)
    })?;
    Ok(Arc::new(space.with_source(text)))
}

/// What the space of a space file is known by: a digest of what its text means. Comments, order of keys, blanks, keys at
/// their default and the line `about` do not count. A text that declares no space is known by its bytes.
///
/// # Examples
/// ```
/// use bonas::config::space_identity;
///
/// let text = "choices = [{ name = \"width\", options = [16, 32] }]\n";
/// assert_eq!(space_identity(text), space_identity(&format!("# two widths\n{text}")));
/// assert_ne!(space_identity(text), space_identity(&text.replace("32", "64")));
/// ```
pub fn space_identity(text: &str) -> String {
    let meaning = space_description(text, "", "").ok().and_then(|description| {
        serde_json::to_string(&Description { about: String::new(), ..description }).ok()
    });
    let digest = match meaning {
        Some(meaning) => blake3::hash(format!("space {meaning}").as_bytes()),
        None => blake3::hash(format!("text {text}").as_bytes()),
    };
    digest.to_hex().to_string()
}

/// Whether two texts declare the same space ([`space_identity`]).
pub fn same_space(one: &str, other: &str) -> bool {
    one == other || space_identity(one) == space_identity(other)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        space_from_toml(text, "s.toml", "s").err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn errors_name_line_and_column() {
        let cells = "operations = [{ name = \"a\" }, { name = \"b\" }]\n\n[[cells]]\noperations_on = \"edges\"\nnodes = 2\n";
        for (text, expected) in [
            ("x = [", "s.toml line 1 column 6: "),
            ("operations = 3", "s.toml line 1 column 14: invalid type"),
            ("choises = []", "s.toml line 1 column 1: unknown field `choises`"),
            ("choises = []", "did you mean `choices`?"),
            ("name = \"s\"\n", "s.toml: nothing to search"),
            (
                &cells.replace("nodes = 2", "nodes = 200"),
                "s.toml line 5 column 1: cells[0].nodes: 200; expected 0 to 64",
            ),
            (
                &cells.replace("nodes = 2", "  sources = [1, 9]\nnodes = 1"),
                "s.toml line 5 column 17: cells[0].sources[1]: ",
            ),
            (
                &cells.replace("nodes = 2", "nodes = 2\nnodez = 3"),
                "s.toml line 6 column 1: unknown field `nodez`",
            ),
            (
                &cells.replace("\"b\"", "\"a\""),
                "s.toml line 1 column 33: operations[1].name: operation \"a\" is there twice",
            ),
            (&cells.replace("\"edges\"", "\"edge\""), "line 4 column 17: unknown variant `edge`"),
            (
                &cells.replace("nodes = 2", "nodes = 2\nsources = \"two\""),
                "expected a number, or a list of numbers",
            ),
            (
                &cells.replace("operations_on = \"edges\"\n", ""),
                "line 3 column 1: missing field `operations_on`",
            ),
            (
                &cells.replace("nodes = 2", "nodes = -2"),
                "line 5 column 9: invalid value: integer `-2`, expected",
            ),
            (&cells.replace("nodes = 2", "nodes = 2\nnodes = 2"), "line 6 column 1: "),
            (
                &cells.replace("{ name = \"b\" }", "{ name = \"b\", layer = { kind = \"convv\" } }"),
                "unknown variant `convv`",
            ),
        ] {
            let found = error(text);
            assert!(found.contains(expected), "{text}\n{found}");
            // The same with the ends of lines and the mark of byte order of other systems.
            let other = error(&format!("\u{feff}{}", text.replace('\n', "\r\n")));
            assert!(other.contains(expected), "{text}\n{other}");
        }
    }

    #[test]
    fn a_space_is_what_its_file_means() {
        let text = "choices = [{ name = \"width\", options = [16, 32] }]\nrules = [\"width <= 32\"]\n";
        for same in [
            "# Comment\r\nrules   = [ \"width <= 32\" ]\r\n[[choices]]\r\noptions = [16, 32]\r\nname = \"width\"\r\n",
            "\u{feff}about = \"x\"\nchoices = [{ name = \"width\", ordinal = false, options = [16, 32] }]\nrules = [\"width <= 32\"]",
        ] {
            assert!(same_space(text, same), "{same}");
        }
        for other in [
            text.replace("[16, 32]", "[32, 16]"),
            text.replace("width <= 32", "width <= 16"),
            text.replace("width", "wide"),
            format!("name = \"s\"\n{text}"),
            format!("{text}["),
        ] {
            assert!(!same_space(text, &other), "{other}");
        }
        assert!(same_space("[", "[") && !same_space("[", "# x\n["));
    }

    #[test]
    fn deep_and_long_files_end_soon() {
        let start = std::time::Instant::now();
        let deep = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let tables = format!("[{}]\n", vec!["a"; 100_000].join("."));
        let long = "#".repeat(2 << 20);
        let many = "[[choices]]\nname = \"a\"\noptions = [1]\n".repeat(20_000);
        for (text, expected) in [
            (deep, "recurs"),
            (tables, "recursion limit"),
            (long, "bytes are more than"),
            (many, "20000 choices"),
        ] {
            let found = error(&text);
            assert!(found.contains(expected), "{found:.300}");
        }
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}
