//! Trained networks as model folders.

use std::path::Path;

use bonas_deploy::folder::{
    Accuracy, CARD_FILE, Data, FORMAT, Input, Reading, SpaceCard, Training, WEIGHTS_FILE, Weights,
};
use bonas_deploy::{DeployError, Deployed, ModelCard};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::history::{Evaluation, Outcome};
use bonas_study::journal::write_whole;
use bonas_supernet::evaluator::RunFiles;
use bonas_supernet::training::{Part, Task};
use serde_json::{Value, json};

use super::{FINALS_FOLDER, Search};
use crate::StudyError;
use crate::build::{self, FollowUps, Trainings};

impl Search {
    /// Makes a model folder of the weights of each run that final training has ended; the folder takes the place of the
    /// file. What was made before stays.
    pub(super) fn keep_models(
        &self,
        space: &dyn SearchSpace,
        follow_ups: &FollowUps<'_>,
        evaluations: &[Evaluation],
    ) -> Result<(), StudyError> {
        let Some(trainings) = follow_ups.networks() else { return Ok(()) };
        let folder = self.directory.join(FINALS_FOLDER);
        let mut models = None;
        for Evaluation { architecture, outcome, .. } in evaluations {
            let Outcome::Scored(score) = outcome else { continue };
            for (run, &accuracy) in score.runs.iter().enumerate() {
                let files = RunFiles::new(&folder, architecture.key(), run);
                if !files.weights().is_file() {
                    continue;
                }
                let models = match &models {
                    Some(models) => models,
                    None => models.insert(Models::new(self, space, trainings)?),
                };
                models.make(architecture, &files, run, accuracy)?;
            }
        }
        Ok(())
    }
}

/// What the models of one final training have in common.
struct Models<'a> {
    search: &'a Search,
    space: &'a dyn SearchSpace,
    trainings: &'a Trainings<'a>,
    task: std::sync::Arc<Task>,
    fingerprint: Option<String>,
}

impl<'a> Models<'a> {
    fn new(
        search: &'a Search,
        space: &'a dyn SearchSpace,
        trainings: &'a Trainings<'a>,
    ) -> Result<Self, StudyError> {
        let fingerprint = build::images_fingerprint(&search.config)?;
        Ok(Self { search, space, trainings, task: trainings.final_task()?, fingerprint })
    }

    /// Writes the folder of one run, the description last, and then takes the file of its weights away: whatever stops
    /// this half way, doing it again gives the same.
    fn make(
        &self,
        architecture: &Architecture,
        files: &RunFiles,
        run: usize,
        accuracy: f64,
    ) -> Result<(), StudyError> {
        let network = Deployed::new(&self.trainings.final_network(architecture)?).map_err(of_deploy)?;
        let (source, key) = (files.weights(), architecture.key().to_string());
        let bytes = std::fs::read(&source).map_err(io(&source))?;
        let weights = Weights::of_supernet(&source, &bytes, &network, &key).map_err(of_deploy)?;
        let card = self.card(architecture, &network, run, accuracy)?;
        let folder = files.model();
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        write_whole(&folder.join(WEIGHTS_FILE), weights.bytes())?;
        write_whole(&folder.join(CARD_FILE), card.to_json().map_err(of_deploy)?.as_bytes())?;
        std::fs::remove_file(&source).map_err(io(&source))
    }

    fn card(
        &self,
        architecture: &Architecture,
        network: &Deployed,
        run: usize,
        accuracy: f64,
    ) -> Result<ModelCard, StudyError> {
        let (config, image) = (&self.search.config, self.task.image());
        let normalisation = self.task.normalisation();
        Ok(ModelCard {
            format: FORMAT,
            program: concat!("bonas ", env!("CARGO_PKG_VERSION")).to_owned(),
            space: SpaceCard { name: self.space.name().to_owned(), text: config.space.text.clone() },
            architecture: self.space.format(architecture)?,
            key: architecture.key().to_string(),
            skeleton: self.trainings.networks.skeletons().name.to_owned(),
            channels: Some(config.finals.channels),
            layers: Some(config.finals.layers),
            input: Input {
                channels: image.channels,
                height: image.height,
                width: image.width,
                mean: normalisation.mean.clone(),
                std: normalisation.sd.clone(),
                reading: Reading {
                    shrink: config.data.shrink,
                    background: config.data.options().background.0,
                },
            },
            classes: self.task.class_names().to_vec(),
            training: Some(self.training(run, accuracy)?),
            params: network.params(),
            macs: network.macs().map_err(of_deploy)?,
        })
    }

    fn training(&self, run: usize, accuracy: f64) -> Result<Training, StudyError> {
        let config = &self.search.config;
        let part = config.finals.part();
        let mut recipe = serde_json::to_value(config.finals.recipe(&config.training))
            .map_err(|error| StudyError::Training(Box::new(error)))?;
        if let Value::Object(recipe) = &mut recipe {
            recipe.insert("cutout".into(), json!(config.finals.cutout));
            recipe.insert("precision".into(), json!(config.training.precision));
        }
        let data = Data {
            source: config.data.source.clone(),
            fingerprint: self.fingerprint.clone(),
            part: if part == Part::Test { "train" } else { "search" }.to_owned(),
            images: self.task.training_indices(part).len(),
        };
        let images = self.task.scoring(part).1.len();
        let accuracy = Accuracy { value: accuracy, split: "test".to_owned(), images };
        Ok(Training { recipe, run, data, accuracy })
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StudyError {
    let path = path.to_owned();
    move |source| StudyError::Io { path, source }
}

/// An error of a model folder as one of a study.
fn of_deploy(error: DeployError) -> StudyError {
    match error {
        DeployError::Io { path, source } => StudyError::Io { path, source },
        DeployError::Folder { path, reason } => StudyError::Data { path, reason },
        DeployError::Space(error) => StudyError::Space(error),
        DeployError::Network(_) => StudyError::Training(Box::new(error)),
    }
}
