//! What a page shows of a model.

use std::io::ErrorKind;
use std::path::Path;

use bonas_deploy::Folder as ModelFolder;
use bonas_deploy::folder::{ModelCard, Training};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_supernet::data::Source;
use serde_json::Value;

use super::{CONFIG_FILE, TRAINING_FILE, read_config};
use crate::config::SearchConfig;
use crate::report::{EVALUATION_FILE, Evaluation, Measured, ModelReport};
use crate::shell::quoted;
use crate::{StudyError, build};

/// Facts of a model folder.
///
/// # Errors
/// [`StudyError::Io`] for weights that cannot be read.
pub(super) fn of_folder(folder: &ModelFolder, path: &Path) -> Result<ModelReport, StudyError> {
    let card = folder.card();
    let space = build::model_space(&card.space).ok();
    let architecture = space.as_ref().and_then(|space| space.parse(&card.architecture).ok());
    let names = space.iter().flat_map(|space| space.cell_names().iter().map(|name| (*name).to_owned()));
    Ok(ModelReport {
        arch: card.architecture.clone(),
        architecture,
        cell_names: names.collect(),
        network: of_card(card),
        recipe: card.training.as_ref().map(|training| flat(&training.recipe)).unwrap_or_default(),
        evaluation: evaluation(folder, path)?,
        origin: None,
    })
}

/// Facts of a training without a model folder, as earlier versions left it.
///
/// # Errors
/// [`StudyError::Training`] for a recipe that cannot be written.
pub(super) fn of_training(
    config: &SearchConfig,
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> Result<ModelReport, StudyError> {
    let recipe = serde_json::to_value(config.finals.recipe(&config.training))
        .map_err(|error| StudyError::Training(Box::new(error)))?;
    Ok(ModelReport {
        arch: space.format(architecture)?,
        architecture: Some(architecture.clone()),
        cell_names: space.cell_names().iter().map(|name| (*name).to_owned()).collect(),
        network: vec![("space".to_owned(), space.name().to_owned())],
        recipe: flat(&recipe),
        ..ModelReport::default()
    })
}

/// What a card says of the network and its images.
fn of_card(card: &ModelCard) -> Vec<(String, String)> {
    let published = |size: Option<usize>| size.map_or("as published".to_owned(), |size| size.to_string());
    let input = &card.input;
    let mut rows = vec![
        ("space", card.space.name.clone()),
        ("key", card.key.clone()),
        ("skeleton", card.skeleton.clone()),
        ("channels", published(card.channels)),
        ("layers", published(card.layers)),
        ("parameters", card.params.to_string()),
        ("multiply-adds of an image", card.macs.to_string()),
        ("images", format!("{}x{}x{}", input.channels, input.height, input.width)),
        ("classes", card.classes.len().to_string()),
    ];
    if let Some(Training { data, accuracy, run, .. }) = &card.training {
        rows.push(("trained on", format!("{} images ({}) of {}", data.images, data.part, data.source)));
        rows.push((
            "accuracy after training",
            format!("{:.2} %, {} images", 100.0 * accuracy.value, accuracy.images),
        ));
        rows.push(("run", run.to_string()));
    }
    rows.push(("written by", card.program.clone()));
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The leaves of an object, by the path of their keys.
fn flat(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, leaves: &mut Vec<(String, String)>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(&path, value, leaves);
                }
            }
            Value::String(text) => leaves.push((path.to_owned(), text.clone())),
            other => leaves.push((path.to_owned(), other.to_string())),
        }
    }
    let mut leaves = Vec::new();
    walk("", value, &mut leaves);
    leaves
}

/// What was measured of a model, unless it is of other weights by now, or cannot be read.
fn evaluation(folder: &ModelFolder, path: &Path) -> Result<Measured, StudyError> {
    let trained = folder.card().training.as_ref();
    let usual = trained.map(|training| command(path, &resolved(&training.data.source, path), "test"));
    let read = match std::fs::read(path.join(EVALUATION_FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(usual.map_or(Measured::Nothing, Measured::By));
        }
        Err(error) => Err(error.to_string()),
        Ok(bytes) => Evaluation::parse(&bytes),
    };
    let kept = match read {
        Ok(kept) => kept,
        Err(fault) => {
            let again = usual.unwrap_or_else(|| "bonas evaluate".to_owned());
            let reason = format!("{EVALUATION_FILE} cannot be shown: {fault}; `{again}` writes it again.");
            return Ok(Measured::Outdated(reason));
        }
    };
    if kept.weights == weights_hash(&folder.weights_file())? {
        return Ok(Measured::Evaluated(Box::new(kept)));
    }
    let again = command(path, &kept.data, &kept.part);
    Ok(Measured::Outdated(format!("What was measured is of other weights; `{again}` measures these.")))
}

/// The command that evaluates a model.
fn command(path: &Path, source: &str, part: &str) -> String {
    let part = if part == "test" { String::new() } else { format!(" --part {}", quoted(Path::new(part))) };
    format!("bonas evaluate {} --data {}{part}", quoted(path), quoted(Path::new(source)))
}

/// A source of images with its paths taken from where the training two folders above a model says that they start; as it
/// is where there is none.
fn resolved(source: &str, model: &Path) -> String {
    let resolved = || {
        let model = model.canonicalize().ok()?;
        let above = model.parent()?.parent()?;
        let file =
            [TRAINING_FILE, CONFIG_FILE].map(|file| above.join(file)).into_iter().find(|f| f.is_file())?;
        let config = read_config(&file).ok()?;
        Some(Source::named(source, &above.join(config.relative_to)).ok()?.to_string())
    };
    resolved().unwrap_or_else(|| source.to_owned())
}

/// Hash of a file of weights, in hexadecimal (BLAKE3).
///
/// # Errors
/// [`StudyError::Io`].
pub fn weights_hash(file: &Path) -> Result<String, StudyError> {
    let io = |source| StudyError::Io { path: file.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut std::fs::File::open(file).map_err(io)?, &mut hasher).map_err(io)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_command_says_images_and_part() {
        let of = |part| command(Path::new("a b"), "folder:/x", part);
        assert_eq!(of("test"), "bonas evaluate 'a b' --data folder:/x");
        assert_eq!(of("val"), "bonas evaluate 'a b' --data folder:/x --part val");
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("final/m");
        std::fs::create_dir_all(&model).unwrap();
        assert_eq!(resolved("folder:x", &model), "folder:x");
        std::fs::write(root.path().join(TRAINING_FILE), "relative_to = \"/there\"\n").unwrap();
        assert_eq!(resolved("folder:x", &model), "folder:/there/x");
        assert_eq!(resolved("digits", &model), "digits");
    }

    #[test]
    fn leaves_are_named_by_their_paths() {
        let found = flat(&json!({"a": 1, "b": {"c": "x", "d": {"e": [1, 2]}}, "f": null}));
        let found: Vec<String> = found.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(found, ["a=1", "b.c=x", "b.d.e=[1,2]", "f=null"]);
    }
}
