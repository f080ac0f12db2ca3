//! Latency that a program of the user's measures, as on a phone or a board.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_deploy::folder::Weights;
use bonas_deploy::onnx::{BatchNorm, model};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::command::{CommandContext, CommandRuns, CommandSettings, Purpose, run_files};
use bonas_study::evaluator::{Job, Monitor};
use bonas_study::history::Outcome;
use bonas_study::rng::stream;

use super::meter::{Measure, card};
use super::{Settings, setting};
use crate::build::of_deploy;
use crate::{Evaluator, StudyError};

/// The measure of the program's result.
const MEASURE: &str = "latency_ms";
/// The exported network, in the folder that the program is told.
const FILE: &str = "model.onnx";

/// Exports networks, and has a program time them.
pub(super) struct Program {
    settings: Settings,
    space: Arc<dyn SearchSpace>,
    /// The folder of all runs.
    folder: PathBuf,
    evaluator: Box<dyn Evaluator>,
}

impl Program {
    /// The program of some settings; it runs in the folder `relative_to`, and its runs are kept below `folder`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a program that is not there or cannot be run, a system that cannot run it, and a space without
    /// networks of this size.
    pub(super) fn new(
        settings: &Settings,
        space: Arc<dyn SearchSpace>,
        relative_to: &Path,
        folder: PathBuf,
    ) -> Result<Self, StudyError> {
        // A space without networks, or with none of this size.
        let any = space.sample(&mut stream(0, &[]));
        let built = card(settings, &*space, &any)
            .and_then(|card| card.networks(&*space).map_err(StudyError::Evaluator));
        built
            .map_err(|error| StudyError::Setting { name: "latency".to_owned(), reason: error.to_string() })?;
        let command = CommandSettings {
            command: settings.command.clone(),
            score: format!("-{MEASURE}"),
            timeout_seconds: settings.timeout_seconds,
            ..CommandSettings::default()
        };
        let runs = CommandRuns { purpose: Purpose::Latency, epochs: 0, seeds: 1, paired: Some(0) };
        let context = CommandContext { space: space.clone(), relative_to, folder: &folder, workers: 1 };
        let own = |error| match error {
            StudyError::Setting { name, reason } => {
                StudyError::Setting { name: name.replace("evaluator.", "latency."), reason }
            }
            other => other,
        };
        let evaluator = command.build(&context, runs).map_err(own)?.into_iter().next();
        let evaluator = evaluator.ok_or_else(|| setting("command", "nothing runs it"))?;
        Ok(Self { settings: settings.clone(), space, folder, evaluator })
    }
}

impl Measure for Program {
    /// A program says milliseconds itself.
    fn unit_ms(&self, _: &dyn Monitor) -> Result<f64, StudyError> {
        Ok(1.0)
    }

    fn ratio(&mut self, architecture: &Architecture, monitor: &dyn Monitor) -> Result<f64, StudyError> {
        let card = card(&self.settings, &*self.space, architecture)?;
        let (_, network) = card.networks(&*self.space).map_err(StudyError::Evaluator)?;
        let weights = Weights::drawn(&network, &card.key, &mut stream(0, &[])).map_err(of_deploy)?;
        let exported = model(&network, &weights, &card, BatchNorm::Folded).map_err(of_deploy)?;
        let files = run_files(&self.folder, architecture.key(), 0);
        let file = files.join(FILE);
        let io = |source| StudyError::Io { path: file.clone(), source };
        fs::create_dir_all(&files).map_err(io)?;
        fs::write(&file, exported).map_err(io)?;
        let job = Job { architectures: vec![architecture.clone()], round: 0, batch: 0 };
        let outcome = self.evaluator.evaluate(&job, &mut stream(0, &[]), monitor)?.into_iter().next();
        // Networks are large, and many.
        match fs::remove_file(&file) {
            // The program has moved it to the device.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other.map_err(io)?,
        }
        match outcome {
            Some(Outcome::Scored(score)) if score.value < 0.0 => Ok(-score.value),
            Some(Outcome::Scored(score)) => {
                Err(StudyError::Evaluator(format!("{MEASURE} is {}, which must be above 0", -score.value)))
            }
            Some(Outcome::Failed(reason)) => Err(StudyError::Evaluator(reason)),
            None => Err(StudyError::Evaluator("the program measured nothing".into())),
        }
    }
}
