//! The search that a model's architecture is from.

use std::path::{Component, Path, PathBuf};

use bonas_spaces::Architecture;
use bonas_study::Journalled;
use bonas_study::journal::{Journal, read_json, write_json};

use super::{CONFIG_FILE, read_config};
use crate::config::SearchConfig;
use crate::report::{ORIGIN_FILE, Origin};
use crate::{StudyError, build};

/// Notes in the folder of a training which search its architecture is from, for its page.
///
/// # Errors
/// [`StudyError`] for a search that cannot be read, or a file that cannot be written.
pub fn note_origin(
    directory: &Path,
    search: &Path,
    config: &SearchConfig,
    architecture: &Architecture,
) -> Result<(), StudyError> {
    let origin = Origin { search: relative(directory, search)?, ..found(search, config, architecture)? };
    write_json(&directory.join(ORIGIN_FILE), &origin)
}

/// The note in the folder of a training, if there is one.
pub(super) fn kept(directory: &Path) -> Result<Option<Origin>, StudyError> {
    read_json(&directory.join(ORIGIN_FILE))
}

/// The origin of a model folder that final training left: the search two folders above it, or what the training there notes.
/// None where what lies there does not fit the model, as a search in another space.
pub(super) fn above(model: &Path) -> Result<Option<Origin>, StudyError> {
    let io = |source| StudyError::Io { path: model.to_owned(), source };
    let model = model.canonicalize().map_err(io)?;
    let Some(above) = model.parent().and_then(Path::parent) else { return Ok(None) };
    if let Some(origin) = kept(above)? {
        // A search that is gone is named all the same.
        let search = relative(&model, &above.join(&origin.search))
            .unwrap_or_else(|_| Path::new("../..").join(&origin.search).to_string_lossy().into_owned());
        return Ok(Some(Origin { search, ..origin }));
    }
    if !above.join(CONFIG_FILE).is_file() || !Journal::exists(above) {
        return Ok(None);
    }
    let read = bonas_deploy::Folder::read(&model).map_err(crate::build::of_deploy)?;
    let card = read.card();
    Ok(found_above(above, &card.space.name, &card.architecture)
        .ok()
        .flatten()
        .map(|origin| Origin { search: "../..".to_owned(), ..origin }))
}

/// What a search in a folder says of an architecture; an error or none where it cannot be of it.
fn found_above(above: &Path, space_name: &str, architecture: &str) -> Result<Option<Origin>, StudyError> {
    let config = read_config(&above.join(CONFIG_FILE))?;
    let config = SearchConfig { relative_to: above.to_owned(), ..config };
    let space = build::space(&config)?;
    if space.name() != space_name {
        return Ok(None);
    }
    found(above, &config, &space.parse(architecture)?).map(Some)
}

/// What a search says of an architecture; its path is left empty.
fn found(directory: &Path, config: &SearchConfig, architecture: &Architecture) -> Result<Origin, StudyError> {
    let study = Journalled::read(directory, &build::space(config)?)?;
    let fidelity = config.evaluator.fidelity();
    let evaluations = study.history.evaluations().iter();
    let scored: Vec<_> = evaluations
        .filter_map(|e| {
            Some((&e.architecture, e.outcome.score(fidelity).filter(|score| !score.infeasible)?.value))
        })
        .collect();
    let score = scored.iter().find(|(other, _)| other.key() == architecture.key()).map(|(_, score)| *score);
    Ok(Origin {
        search: String::new(),
        strategy: config.strategy.name().to_owned(),
        score,
        rank: score.map(|score| 1 + scored.iter().filter(|(_, other)| *other > score).count()),
        scored: scored.len(),
    })
}

/// The path from one folder to another, with `/` between names; the whole path where they have no root in common.
fn relative(from: &Path, to: &Path) -> Result<String, StudyError> {
    let whole = |path: &Path| -> Result<PathBuf, StudyError> {
        path.canonicalize().map_err(|source| StudyError::Io { path: path.to_owned(), source })
    };
    let (from, to) = (whole(from)?, whole(to)?);
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let name = |part: &Component<'_>| part.as_os_str().to_string_lossy().into_owned();
    if shared == 0 {
        return Ok(to.iter().map(name).collect::<Vec<_>>().join("/"));
    }
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let parts: Vec<String> = up.chain(to[shared..].iter().map(name)).collect();
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_does_not_fit_is_no_origin() {
        let folder = tempfile::tempdir().unwrap();
        let none = |space: &str, text: &str| {
            std::fs::write(folder.path().join(CONFIG_FILE), text).unwrap();
            found_above(folder.path(), space, "no architecture").ok().flatten().is_none()
        };
        let config = "[space]\nname = \"nasbench201\"\n";
        assert!(matches!(
            (none("darts", config), found_above(folder.path(), "darts", "x")),
            (true, Ok(None))
        ));
        assert!(none("nasbench201", config) && none("nasbench201", "of = \"another version\""));
    }

    #[test]
    fn paths_lead_from_folder_to_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        assert_eq!(relative(&at("runs/best"), &at("runs/a run")).unwrap(), "../a run");
        assert_eq!(relative(&at("a/b/c"), &at("a")).unwrap(), "../..");
        assert_eq!(relative(&at("a"), &at("a/b")).unwrap(), "b");
        assert_eq!(relative(&at("a"), &at("a")).unwrap(), ".");
        assert!(relative(&at("a"), &folder.path().join("none")).is_err());
    }
}
