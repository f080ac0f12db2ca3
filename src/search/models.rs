//! Trained networks as model folders.

use std::path::Path;

use bonas_deploy::folder::{
    Accuracy, CARD_FILE, Data, FORMAT, Input, OnBad, Reading, SpaceCard, Training, WEIGHTS_FILE, Weights,
};
use bonas_deploy::{Deployed, ModelCard};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::history::{Evaluation, Outcome};
use bonas_study::journal::{read_json, write_whole};
use bonas_supernet::data::{self, Augment};
use bonas_supernet::evaluator::RunFiles;
use bonas_supernet::training::{Part, Task};
use serde_json::{Value, json};

use super::{FINALS_FOLDER, INIT_FILE, Search};
use crate::StudyError;
use crate::build::{self, FollowUps, Trainings, of_deploy};

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
        for Trained { architecture, run, accuracy, files } in without_folder(&folder, evaluations) {
            let models = match &models {
                Some(models) => models,
                None => models.insert(Models::new(self, space, trainings)?),
            };
            models.make(architecture, &files, run, accuracy)?;
        }
        Ok(())
    }
}

/// A network that a run of final training has trained.
pub(super) struct Trained<'a> {
    architecture: &'a Architecture,
    run: usize,
    accuracy: f64,
    files: RunFiles,
}

/// The runs that final training in a folder has ended, and whose weights are a file still: they have no model folder, or one
/// that was half written.
pub(super) fn without_folder<'a>(
    folder: &'a Path,
    evaluations: &'a [Evaluation],
) -> impl Iterator<Item = Trained<'a>> {
    let runs = move |Evaluation { architecture, outcome, .. }: &'a Evaluation| {
        let runs = match outcome {
            Outcome::Scored(score) => &score.runs[..],
            Outcome::Failed(_) => &[],
        };
        runs.iter().enumerate().map(move |(run, &accuracy)| {
            let files = RunFiles::new(folder, architecture.key(), run);
            Trained { architecture, run, accuracy, files }
        })
    };
    evaluations.iter().flat_map(runs).filter(|run| run.files.weights().is_file())
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
            skeleton: self.trainings.final_skeleton()?.name.to_owned(),
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
                    resize: self.resize(),
                },
            },
            classes: self.task.class_names().to_vec(),
            training: Some(self.training(run, accuracy)?),
            params: network.params(),
            macs: network.macs().map_err(of_deploy)?,
        })
    }

    /// `data.resize`, if images were scaled to it: those of other data than image files keep their size.
    fn resize(&self) -> Option<usize> {
        let data = &self.search.config.data;
        let stored = self.task.training().images().stored_shape();
        data.resize.filter(|&side| stored.height * data.shrink == side)
    }

    fn training(&self, run: usize, accuracy: f64) -> Result<Training, StudyError> {
        let config = &self.search.config;
        let part = config.finals.part();
        let mut recipe = serde_json::to_value(config.finals.recipe(&config.training))
            .map_err(|error| StudyError::Training(Box::new(error)))?;
        if let Value::Object(recipe) = &mut recipe {
            recipe.insert("cutout".into(), json!(config.finals.cutout));
            let Augment { crop, rand_augment, jitter, .. } = config.finals.augment(Augment::none());
            recipe.extend(crop.map(|crop| ("crop".to_owned(), json!(crop))));
            recipe.extend(rand_augment.map(|operations| ("rand_augment".to_owned(), json!(operations))));
            recipe.extend(jitter.map(|jitter| ("jitter".to_owned(), json!(jitter))));
            recipe.insert("precision".into(), json!(config.training.precision));
            // As noted when it began: the model itself may be gone by now.
            if config.finals.init.is_some()
                && let Some(init) = read_json::<Value>(&self.search.directory.join(INIT_FILE))?
            {
                recipe.insert("init".into(), init);
            }
        }
        let data = Data {
            source: config.data.source.clone(),
            fingerprint: self.fingerprint.clone(),
            part: if part == Part::Test { "train" } else { "search" }.to_owned(),
            images: self.task.training_indices(part).len(),
            test_fraction: config.data.test_fraction,
            split_seed: config.data.split_seed,
            on_bad: match config.data.options().on_bad {
                data::OnBad::Stop => OnBad::Stop,
                data::OnBad::Skip => OnBad::Skip,
            },
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
