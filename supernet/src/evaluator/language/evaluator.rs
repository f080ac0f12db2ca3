//! Scores of recurrent cells by language models of their own.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::journal::{write_json, write_whole};
use bonas_study::rng::{StudyRng, stream};
use rand::Rng;
use tch::Device;

use super::state::sound;
use super::training::loss_of;
use super::{Curve, LanguageRecipe, Text, TextPart, Trained, Training, checkpoint};
use crate::evaluator::RunFiles;

/// Trains the language model of each cell by itself, `seeds` times; the score is the mean of 1/perplexity, `e^(−loss)`: the
/// geometric mean of the probabilities of the words, in `(0, 1]`.
///
/// With [`paired`](Self::paired), run r of every cell has the same seed: the same steps, and equal weights to start from where
/// cells are alike.
#[derive(Clone, Debug)]
pub struct LanguageEvaluator {
    /// The space, which says what the cells are.
    pub space: Arc<dyn SearchSpace>,
    /// The text.
    pub text: Arc<Text>,
    /// The part that is scored on; all are trained on the training part.
    pub part: TextPart,
    /// Sizes and hyper-parameters.
    pub recipe: LanguageRecipe,
    /// Runs of a cell, each from a seed of its own.
    pub seeds: usize,
    /// What the seeds of the runs come from, the same for every cell; without it they are drawn anew for each.
    pub paired: Option<u64>,
    /// Where models are trained.
    pub device: Device,
    /// Threads that libtorch may use on the CPU.
    pub threads: usize,
    /// Folder for the [`RunFiles`] of every run, made if need be; without it a run that is stopped starts again. States of trainings
    /// that are scored on the validation part are removed once their batch is scored.
    pub folder: Option<PathBuf>,
}

impl LanguageEvaluator {
    /// 1/perplexity of a cell, one a seed, or why a training failed; those after it are not begun.
    ///
    /// # Errors
    /// As [`Training::resume`], [`StudyError::Space`] for another space's architecture, [`StudyError::Io`].
    pub fn scores(
        &self,
        architecture: &Architecture,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Result<Vec<f64>, String>, StudyError> {
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder)
                .map_err(|source| StudyError::Io { path: folder.clone(), source })?;
        }
        let cell = [self.space.require_recurrent()?.cell(architecture)?];
        let mut paired = self.paired.map(|seed| stream(seed, &[]));
        let rng = paired.as_mut().unwrap_or(rng);
        let mut scores = Vec::with_capacity(self.seeds);
        for run in 0..self.seeds {
            let seed = rng.next_u64();
            let training = Training { text: &self.text, recipe: &self.recipe, device: self.device, seed };
            let files = self.folder.as_ref().map(|folder| RunFiles::new(folder, architecture.key(), run));
            let trained = match &files {
                Some(files) => training.resume(&cell, &files.checkpoint(), monitor)?,
                None => training.run(&cell, monitor)?,
            };
            let loss = self.loss(&trained, monitor)?;
            if let Some(files) = files {
                self.keep(&trained, &files)?;
            }
            match loss {
                // 1/perplexity; a sound loss is so small that it and the perplexity are ordinary numbers.
                Ok(loss) => scores.push(f64::exp(-loss)),
                Err(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(scores))
    }

    /// The loss on the part that is scored on, nats a word, or why there is none.
    fn loss(&self, trained: &Trained, monitor: &dyn Monitor) -> Result<Result<f64, String>, StudyError> {
        match (self.part, &trained.valid[0]) {
            (TextPart::Test, Ok(_)) => {
                let words = self.text.part(TextPart::Test);
                let loss = loss_of(&trained.net, &trained.routes[0], words, &|| monitor.cancelled())?;
                Ok(sound(loss, "test", self.text.words()))
            }
            (_, valid) => Ok(valid.clone()),
        }
    }

    /// Removes the states of a cell's trainings, of which nothing is needed but their scores: a search has many cells.
    fn forget(&self, architecture: &Architecture) -> Result<(), StudyError> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.part == TextPart::Valid) else {
            return Ok(());
        };
        for run in 0..self.seeds {
            let path = RunFiles::new(folder, architecture.key(), run).checkpoint();
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(StudyError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes learning curves, and the weights of what is no part of a search.
    fn keep(&self, trained: &Trained, files: &RunFiles) -> Result<(), StudyError> {
        if self.part == TextPart::Test {
            checkpoint::save_weights(&files.weights(), &trained.net)?;
        }
        let losses: Vec<f64> = trained.epochs.iter().map(|epoch| epoch.train).collect();
        write_json(&files.losses(), &losses)?;
        let row = |(epoch, Curve { train, valid }): (usize, &Curve)| {
            let valid = valid.first().map_or_else(String::new, f64::to_string);
            format!("{epoch},{train},{valid}\n")
        };
        let rows: String = trained.epochs.iter().enumerate().map(row).collect();
        write_whole(&files.curves(), ("epoch,loss,validation_loss\n".to_owned() + &rows).as_bytes())
    }
}

impl Evaluator for LanguageEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::FromScratch
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
        if self.seeds == 0 {
            let reason = "0; it must be at least 1".to_owned();
            return Err(StudyError::Setting { name: "seeds".into(), reason });
        }
        tch::set_num_threads(self.threads as i32);
        let score = |architecture| match self.scores(architecture, rng, monitor)? {
            Ok(runs) => Ok(Outcome::Scored(Score::mean_of(runs, Fidelity::FromScratch))),
            Err(reason) => Ok(Outcome::Failed(reason)),
        };
        let outcomes = job.architectures.iter().map(score).collect::<Result<Vec<_>, StudyError>>()?;
        // With all of the batch: what stops it in between goes on from the states of those before.
        job.architectures.iter().try_for_each(|architecture| self.forget(architecture))?;
        Ok(outcomes)
    }
}
