//! Spaces by name: those of the catalogue, and those of space files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_deploy::folder::SpaceCard;
use bonas_spaces::catalogue::SPACES;
use bonas_spaces::{Restricted, SearchSpace, SpaceEntry, SpaceError};
use bonas_study::StudyError;

use crate::config::{SearchConfig, SpaceSettings, space_description, space_from_toml};

/// What stands before the path of a space file.
pub const SPACE_FILE: &str = "file:";

/// Most bytes of a space file that are read.
const LONGEST: u64 = 1 << 20;

/// The space of a name: one of the catalogue, or `file:PATH` with a path that starts from `folder` if it is relative.
///
/// # Errors
/// The nearest space of the catalogue, what is wrong with the file, or where in it.
pub fn named_space(name: &str, folder: &Path) -> Result<Arc<dyn SearchSpace>, String> {
    match path_of(name, folder) {
        None => SPACES.get(name).map(SpaceEntry::space).map_err(|error| error.to_string()),
        Some(path) => declared(&path, &read_space_file(&path)?),
    }
}

/// The space of a model folder.
///
/// # Errors
/// The nearest space of the catalogue, or what is wrong with the text of a declared space.
pub fn model_space(card: &SpaceCard) -> Result<Arc<dyn SearchSpace>, String> {
    let found = match &card.text {
        None => named_space(&card.name, Path::new("")),
        Some(text) => declared(Path::new(&card.name), text),
    };
    found.map_err(|reason| format!("space: {reason}"))
}

/// The text of a space file.
///
/// # Errors
/// What is wrong with the file.
pub fn read_space_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let refused = |reason: &str| Err(format!("cannot read the space file {shown}: {reason}"));
    if path.as_os_str().is_empty() {
        return Err("file: is not followed by a path".into());
    }
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return refused("there is no such file");
        }
        Err(error) => return refused(&error.to_string()),
        Ok(there) if there.is_dir() => return refused("it is a folder"),
        Ok(there) if !there.is_file() => return refused("it is no regular file"),
        Ok(there) if there.len() > LONGEST => {
            return refused(&format!("it has {} bytes, more than {LONGEST}", there.len()));
        }
        Ok(_) => {}
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => refused("it is no text (UTF-8)"),
        Err(error) => refused(&error.to_string()),
    }
}

/// The space of a configuration.
///
/// # Errors
/// [`StudyError::Setting`] naming the nearest space or operation, or what is wrong with a space file.
pub fn space(config: &SearchConfig) -> Result<Arc<dyn SearchSpace>, StudyError> {
    let SpaceSettings { name, text, operations } = &config.space;
    let found = match (path_of(name, &config.relative_to), text) {
        (Some(path), Some(text)) => declared(&path, text),
        _ => named_space(name, &config.relative_to),
    };
    let whole = found.map_err(|reason| StudyError::Setting { name: "space.name".into(), reason })?;
    let Some(operations) = operations else { return Ok(whole) };
    let part = Restricted::to(whole, operations);
    let bad = |error: SpaceError| StudyError::Setting {
        name: "space.operations".into(),
        reason: error.to_string(),
    };
    Ok(Arc::new(part.map_err(bad)?))
}

/// The configuration with the text of its space file in it, which it is known by from then on.
///
/// # Errors
/// [`StudyError::Setting`] for a space file that cannot be read, and for a text without a file.
pub fn keep_space(config: SearchConfig) -> Result<SearchConfig, StudyError> {
    let bad = |name: &str, reason: String| StudyError::Setting { name: name.to_owned(), reason };
    let path = path_of(&config.space.name, &config.relative_to);
    let text = match (path, config.space.text.clone()) {
        (None, None) => None,
        (None, Some(_)) => {
            let reason = format!("a text goes with a space file, and space.name is {:?}", config.space.name);
            return Err(bad("space.text", reason));
        }
        (Some(_), Some(text)) => Some(text),
        (Some(path), None) => {
            let text = read_space_file(&path).and_then(|text| named_text(&path, &text));
            Some(text.map_err(|reason| bad("space.name", reason))?)
        }
    };
    Ok(SearchConfig { space: SpaceSettings { text, ..config.space.clone() }, ..config })
}

/// The text of a valid space file with the name of the space in it, which is that of the file if it says none: the
/// text may be kept in a file of another name.
fn named_text(path: &Path, text: &str) -> Result<String, String> {
    let space = declared(path, text)?;
    let origin = path.display().to_string();
    let says = space_description(text, &origin, "").is_ok_and(|description| !description.name.is_empty());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Names of spaces need no escapes.
    Ok(if says { text.to_owned() } else { format!("name = \"{}\"\n{text}", space.name()) })
}

/// The path in `file:PATH`.
fn path_of(name: &str, folder: &Path) -> Option<PathBuf> {
    name.strip_prefix(SPACE_FILE).map(|path| folder.join(path))
}

/// The space of a text, which has the name of its file unless it says another.
fn declared(path: &Path, text: &str) -> Result<Arc<dyn SearchSpace>, String> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let space =
        space_from_toml(text, &path.display().to_string(), &name).map_err(|error| error.to_string())?;
    Ok(space)
}
