//! The evaluator: a run of the program for each architecture and seed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bonas_spaces::{Architecture, SearchSpace};
use rand::Rng;

use super::message::{Request, Terms};
use super::program;
use super::runs::{CommandContext, CommandRuns};
use super::settings::{CommandSettings, OnFailure};
use super::trial::{Failure, Files, Trial};
use super::{TRIALS_FOLDER, run_folder};
use crate::StudyError;
use crate::evaluate::{Evaluator, Job, Monitor};
use crate::evaluator::scoring::{Measures, Scoring};
use crate::history::{Fidelity, Outcome};
use crate::rng::{StudyRng, stream};

/// Has a program measure each architecture.
#[derive(Clone, Debug)]
struct CommandEvaluator {
    settings: CommandSettings,
    runs: CommandRuns,
    scoring: Scoring,
    space: Arc<dyn SearchSpace>,
    works_in: PathBuf,
    /// The folder of all runs.
    trials: PathBuf,
    device: Option<String>,
}

impl CommandSettings {
    /// What an evaluation does, in a line.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn plan(&self, context: &CommandContext<'_>) -> Result<String, StudyError> {
        self.check_program(context)?;
        let runs = if self.seeds == 1 { "1 run".to_owned() } else { format!("{} runs", self.seeds) };
        let limit = match self.timeout_seconds {
            seconds if seconds > 0.0 => format!(", at most {seconds} s each"),
            _ => String::new(),
        };
        let (command, folder) = (self.command.join(" "), context.relative_to.display());
        Ok(format!("each architecture: {runs} of {command} in {folder}{limit}\n"))
    }

    fn check_program(&self, context: &CommandContext<'_>) -> Result<(), StudyError> {
        program::check(&self.command, context.relative_to)?;
        let (devices, workers) = (self.devices.len(), context.workers);
        if devices <= workers {
            return Ok(());
        }
        let reason = format!("{devices} devices for {workers} workers; set study.workers = {devices}");
        Err(StudyError::Setting { name: "evaluator.devices".into(), reason })
    }

    /// The evaluators, one a worker. Nothing is written before the first evaluation.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a program that is not there or cannot be run, and where there are more devices than
    /// workers.
    pub fn build(
        &self,
        context: &CommandContext<'_>,
        runs: CommandRuns,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        self.check_program(context)?;
        let trials = std::path::absolute(context.folder.join(TRIALS_FOLDER))
            .map_err(|source| StudyError::Io { path: context.folder.to_owned(), source })?;
        let one = CommandEvaluator {
            settings: self.clone(),
            runs,
            scoring: self.scoring().map_err(|invalid| StudyError::Setting {
                name: format!("evaluator.{}", invalid.key),
                reason: invalid.reason,
            })?,
            space: context.space.clone(),
            works_in: context.relative_to.to_owned(),
            trials,
            device: None,
        };
        let devices = self.devices.len();
        let numbered = (0..context.workers).map(|worker| {
            let device = (devices > 0).then(|| self.devices[worker % devices].clone());
            Box::new(CommandEvaluator { device, ..one.clone() }) as Box<dyn Evaluator>
        });
        Ok(numbered.collect())
    }
}

impl CommandEvaluator {
    /// All runs of one architecture. The seeds are drawn first, whatever comes of the runs.
    fn outcome(
        &self,
        architecture: &Architecture,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Outcome, StudyError> {
        let mut paired = self.runs.paired.map(|seed| stream(seed, &[]));
        let rng = paired.as_mut().unwrap_or(rng);
        // Below 2³¹, which every language takes for a seed.
        let seeds: Vec<u32> = (0..self.runs.seeds).map(|_| rng.next_u32() >> 1).collect();
        let mut measured = Vec::with_capacity(seeds.len());
        for (run, seed) in seeds.into_iter().enumerate() {
            match self.measures(architecture, (run, seed), monitor)? {
                Ok(measures) => measured.push(measures),
                Err(reason) => return Ok(Outcome::Failed(reason)),
            }
        }
        match self.scoring.score(&measured) {
            Ok(score) => match score.check() {
                Ok(()) => Ok(Outcome::Scored(score)),
                Err(reason) => Ok(Outcome::Failed(reason)),
            },
            Err(reason) => Ok(Outcome::Failed(reason)),
        }
    }

    /// What one run measured, or why it failed.
    fn measures(
        &self,
        architecture: &Architecture,
        (run, seed): (usize, u32),
        monitor: &dyn Monitor,
    ) -> Result<Result<Measures, String>, StudyError> {
        let key = architecture.key();
        let files = Files::new(run_folder(&self.trials, key, run));
        let own = files.own();
        let terms = Terms {
            purpose: self.runs.purpose,
            seed,
            run,
            epochs: self.runs.epochs,
            folder: &own,
            device: self.device.as_deref(),
        };
        let request = Request::new(&*self.space, architecture, &terms)?;
        let stderr = files.stderr();
        match self.trial(files).run(&request, monitor)? {
            Ok(measures) => Ok(Ok(measures)),
            Err(failure) => self.failed(&failure, &format!("{key}: {}", failure.told(&stderr)), monitor),
        }
    }

    fn trial(&self, files: Files) -> Trial<'_> {
        let timeout = self.settings.timeout_seconds;
        Trial {
            words: &self.settings.command,
            works_in: &self.works_in,
            files,
            device: self.device.as_deref(),
            timeout: (timeout > 0.0).then(|| Duration::from_secs_f64(timeout)),
            retries: self.settings.retries,
            scoring: &self.scoring,
            steps: (self.runs.epochs > 0).then_some(self.runs.epochs as u64),
        }
    }

    /// What a failure leads to.
    fn failed(
        &self,
        failure: &Failure,
        told: &str,
        monitor: &dyn Monitor,
    ) -> Result<Result<Measures, String>, StudyError> {
        match self.settings.on_failure {
            OnFailure::Stop => Err(StudyError::Evaluator(told.to_owned())),
            OnFailure::Record => {
                monitor.warning(told);
                Ok(Err(failure.reason.clone()))
            }
        }
    }
}

impl Evaluator for CommandEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Command
    }

    fn takes_one_at_a_time(&self) -> bool {
        true
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        let mut outcomes = Vec::with_capacity(job.architectures.len());
        for architecture in &job.architectures {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            outcomes.push(self.outcome(architecture, rng, monitor)?);
        }
        Ok(outcomes)
    }
}
