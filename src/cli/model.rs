//! Model folders that a command is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "torch")]
use anyhow::Context;
#[cfg(feature = "torch")]
use bonas::build::classifier;
use bonas::build::{self, model_space};
use bonas::deploy::folder::CARD_FILE;
use bonas::deploy::{DeployError, Deployed, Folder as ModelFolder};
use bonas::report::{FINAL_FILE, FinalResult};
use bonas::search::{CONFIG_FILE, FINALS_FOLDER};
use bonas::spaces::SearchSpace;
#[cfg(feature = "torch")]
use bonas::spaces::network::Network;
use bonas::study::journal::read_json;
#[cfg(feature = "torch")]
use bonas::supernet::data::{Background, ImageFiles, ImageShape, Normalisation};
#[cfg(feature = "torch")]
use bonas::supernet::device::devices;
#[cfg(feature = "torch")]
use bonas::supernet::model::{Classifier, Placement};
#[cfg(feature = "torch")]
use bonas::tch::Device;

use super::searched::read_config;
use super::usage;

/// A model folder with the network that it describes.
pub(super) struct Model {
    pub(super) path: PathBuf,
    pub(super) folder: ModelFolder,
    pub(super) space: Arc<dyn SearchSpace>,
    pub(super) network: Deployed,
    /// The network as its skeleton builds it.
    #[cfg(feature = "torch")]
    pub(super) built: Network,
}

/// Refuses a space of recurrent cells for a command that is about networks on images.
///
/// # Errors
/// A usage error that says what trains its cells.
pub(super) fn expect_on_images(space: &dyn SearchSpace) -> anyhow::Result<()> {
    if space.network().is_some() || space.recurrent().is_none() {
        return Ok(());
    }
    Err(usage(format!(
        "cells of {} are trained by `bonas search` with evaluator language-model; this command is for networks on images",
        space.name()
    )))
}

impl Model {
    /// Reads a model folder; the folder of a search or of a training stands for the model of its winner's first run.
    ///
    /// # Errors
    /// A usage error for a folder that holds no model; what is wrong with one that does.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let read = |path: PathBuf| anyhow::Ok((ModelFolder::read(&path)?, path));
        let opened = model_at(path).and_then(read);
        // Why the folder of a search on text has no model says more than that it has none.
        if opened.is_err()
            && path.join(CONFIG_FILE).exists()
            && let Ok(space) = read_config(path).and_then(|config| Ok(build::space(&config)?))
        {
            expect_on_images(&*space)?;
        }
        let (folder, path) = opened?;
        let foreign = |reason| DeployError::Folder { path: path.join(CARD_FILE), reason };
        let space = model_space(&folder.card().space).map_err(foreign)?;
        let (built, network) = folder.networks(&*space)?;
        #[cfg(not(feature = "torch"))]
        drop(built);
        Ok(Self {
            path,
            folder,
            space,
            network,
            #[cfg(feature = "torch")]
            built,
        })
    }

    /// The network with its weights, on the first of some devices.
    ///
    /// # Errors
    /// A usage error for a device that is not there; what is wrong with the weights.
    #[cfg(feature = "torch")]
    pub(super) fn classifier(&self, device: &str) -> anyhow::Result<Classifier> {
        let found = devices(device).map_err(|error| usage(format!("--device: {error}")))?;
        let placement = Placement::on(found.first().copied().unwrap_or(Device::Cpu));
        let weights = self.folder.weights(&self.network)?;
        Ok(classifier(&self.built, &self.network, &weights, placement)?)
    }

    /// Probability of each class for each image, by its [`classifier`](Self::classifier).
    ///
    /// # Errors
    /// Logits that are not finite, and what libtorch refuses, with the file of the weights.
    #[cfg(feature = "torch")]
    pub(super) fn probabilities(
        &self,
        classifier: &Classifier,
        pixels: &[f32],
    ) -> anyhow::Result<Vec<Vec<f32>>> {
        classifier.probabilities(pixels).with_context(|| self.folder.weights_file().display().to_string())
    }

    /// Shape of the images that it reads.
    #[cfg(feature = "torch")]
    pub(super) fn shape(&self) -> ImageShape {
        let input = &self.folder.card().input;
        ImageShape::new(input.channels, input.height, input.width)
    }

    /// How image files are read for it.
    ///
    /// # Errors
    /// A usage error for a network that reads no squares of one channel or three.
    #[cfg(feature = "torch")]
    pub(super) fn image_files(&self) -> anyhow::Result<ImageFiles> {
        let reading = self.folder.card().input.reading;
        let files = ImageFiles::new(self.shape(), reading.shrink, Background(reading.background))
            .and_then(|files| reading.resize.map_or(Ok(files), |side| files.resized(side)));
        files.map_err(|error| usage(format!("{}: {error}", self.path.display())))
    }

    /// How pixels are normalised.
    #[cfg(feature = "torch")]
    pub(super) fn normalisation(&self) -> Normalisation {
        let input = &self.folder.card().input;
        Normalisation { mean: input.mean.clone(), sd: input.std.clone() }
    }
}

/// The model folder that a path stands for: itself, or that of the winner's first run.
///
/// # Errors
/// A usage error for a folder that holds no model.
pub(super) fn model_at(path: &Path) -> anyhow::Result<PathBuf> {
    if ModelFolder::is_at(path) { Ok(path.to_owned()) } else { first_model(path) }
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
    let mut fault = None;
    for folder in models(&finals)? {
        match ModelFolder::read(&folder) {
            Ok(model) if model.card().architecture == first.arch => return Ok(folder),
            Ok(_) => {}
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    // One that cannot be read may be that of the winner.
    Err(fault
        .map_or_else(|| none(&format!("{} has none of its winner", finals.display())), anyhow::Error::from))
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
