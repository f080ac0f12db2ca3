//! Model folders that a command is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::model_space;
use bonas::deploy::folder::CARD_FILE;
use bonas::deploy::{DeployError, Deployed, Folder as ModelFolder};
use bonas::report::{FINAL_FILE, FinalResult};
use bonas::search::FINALS_FOLDER;
use bonas::spaces::SearchSpace;
use bonas::study::journal::read_json;

use super::usage;

/// A model folder with the network that it describes.
pub(super) struct Model {
    pub(super) path: PathBuf,
    pub(super) folder: ModelFolder,
    pub(super) space: Arc<dyn SearchSpace>,
    pub(super) network: Deployed,
}

impl Model {
    /// Reads a model folder; the folder of a search or of a training stands for the model of its winner's first run.
    ///
    /// # Errors
    /// A usage error for a folder that holds no model; what is wrong with one that does.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let path = if ModelFolder::is_at(path) { path.to_owned() } else { first_model(path)? };
        let folder = ModelFolder::read(&path)?;
        let foreign = |reason| DeployError::Folder { path: path.join(CARD_FILE), reason };
        let space = model_space(&folder.card().space).map_err(foreign)?;
        let network = folder.network(&*space)?;
        Ok(Self { path, folder, space, network })
    }
}

/// The model of the first architecture in the results of final training.
fn first_model(path: &Path) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    if !path.exists() {
        return Err(usage(format!("there is no folder {shown}")));
    }
    let none = |why: &str| {
        usage(format!("{shown} holds no model: {why}; give a model folder, as `bonas train` writes them"))
    };
    let results: Vec<FinalResult> =
        read_json(&path.join(FINAL_FILE))?.ok_or_else(|| none("there is no model.json in it"))?;
    let first = results.first().filter(|first| !first.test.is_empty());
    let first = first.ok_or_else(|| none("no training of its winner came to an end"))?;
    let finals = path.join(FINALS_FOLDER);
    let folders = models(&finals)?;
    let of_winner = |folder: &&PathBuf| {
        ModelFolder::read(folder).is_ok_and(|model| model.card().architecture == first.arch)
    };
    let found = folders.iter().find(of_winner).cloned();
    found.ok_or_else(|| none(&format!("{} has none of its winner", finals.display())))
}

/// The model folders of final training, the first run of each architecture before others.
fn models(finals: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(finals).map_err(|error| usage(format!("{}: {error}", finals.display())))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if ModelFolder::is_at(&path) {
            folders.push(path);
        }
    }
    folders.sort_by_key(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let run = name.rsplit('-').next().and_then(|run| run.parse::<usize>().ok());
        (run.unwrap_or(usize::MAX), name)
    });
    Ok(folders)
}
