//! Training architectures from scratch, several seeds each.

use std::path::PathBuf;
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::journal::write_json;
use bonas_study::rng::{StudyRng, stream};
use bonas_study::statistics::mean;
use rand::Rng;

use super::{RunFiles, Start};
use crate::model::{Placement, save_weights};
use crate::recipe::ScratchRecipe;
use crate::training::{Checkpoint, Part, Scored, ScratchRun, Task};

/// Trains each architecture from scratch `seeds` times; its score is the mean of the recipe's metric, by default accuracy.
///
/// With [`paired`](Self::paired), run r of every architecture has the same seed: the same order of
/// images, and equal weights to start from where networks are alike, so that what two architectures
/// differ by is less a matter of luck (common random numbers).
#[derive(Clone, Debug)]
pub struct ScratchEvaluator {
    /// The images.
    pub task: Arc<Task>,
    /// The images scored on: validation in a search, test for the final figure.
    pub part: Part,
    /// A second part to score on, of what is trained on the same images: the scores, one a run, are
    /// the measures of the score ([`Score::measures`]).
    pub also: Option<Part>,
    /// The network around the cells.
    pub skeleton: Arc<dyn Skeleton>,
    /// What the operations are.
    pub ops: OpTable,
    /// Hyper-parameters.
    pub recipe: ScratchRecipe,
    /// The trained network to start from, if any; without it weights are drawn.
    pub start: Option<Arc<Start>>,
    /// Runs an architecture, each from a seed of its own.
    pub seeds: usize,
    /// What the seeds of the runs come from, the same for every architecture; without it they are
    /// drawn anew for each.
    pub paired: Option<u64>,
    /// Device and precision.
    pub placement: Placement,
    /// Threads that libtorch may use on the CPU.
    pub threads: usize,
    /// Folder for the [`RunFiles`] of every run, made if need be; without it a run that is stopped
    /// starts again.
    pub folder: Option<PathBuf>,
    /// Epochs between two checkpoints.
    pub checkpoint_every: usize,
}

impl ScratchEvaluator {
    /// Scores of one architecture by the recipe's metric, one a seed: on [`part`](Self::part), and the metric on
    /// [`also`](Self::also) if there is one.
    ///
    /// # Errors
    /// As [`ScratchRun::run`], [`StudyError::Space`] when the cells do not fit the skeleton, and
    /// [`StudyError::Io`] when the folder cannot be made.
    pub fn scores(
        &self,
        architecture: &Architecture,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<(Vec<Scored>, Vec<f64>), StudyError> {
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder)
                .map_err(|source| StudyError::Io { path: folder.clone(), source })?;
        }
        let init = self.start.as_ref().map(|start| start.values_of(architecture)).transpose()?;
        let union = Union::of(std::slice::from_ref(architecture))?;
        let network = self.skeleton.network(&union, &self.ops)?;
        let (mut scores, mut also) = (Vec::with_capacity(self.seeds), Vec::new());
        let mut paired = self.paired.map(|seed| stream(seed, &[]));
        let rng = paired.as_mut().unwrap_or(rng);
        for run in 0..self.seeds {
            let files = self.folder.as_ref().map(|f| RunFiles::new(f, architecture.key(), run));
            let trained = ScratchRun {
                network: &network,
                route: &union.full_route(),
                task: &self.task,
                part: self.part,
                also: self.also,
                recipe: &self.recipe,
                init: init.unwrap_or_default(),
                placement: self.placement,
                seed: rng.next_u64(),
                checkpoint: files
                    .as_ref()
                    .map(|f| Checkpoint { file: f.checkpoint(), every: self.checkpoint_every }),
                curves: files.as_ref().map(RunFiles::curves),
            }
            .run(monitor)?;
            if let Some(files) = files {
                save_weights(&files.weights(), &trained.net)?;
                let losses: Vec<f64> = trained.epochs.iter().map(|epoch| epoch.loss).collect();
                write_json(&files.losses(), &losses)?;
            }
            scores.push(trained.score);
            also.extend(trained.also);
        }
        Ok((scores, also))
    }
}

impl Evaluator for ScratchEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::FromScratch
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        if self.seeds == 0 {
            return Err(StudyError::Setting {
                name: "seeds".into(),
                reason: "0; it must be at least 1".into(),
            });
        }
        tch::set_num_threads(self.threads as i32);
        let score = |architecture| match self.scores(architecture, rng, monitor) {
            Ok((runs, measures)) => {
                let beside: Option<Vec<f64>> = runs.iter().map(|run| run.beside).collect();
                let beside = beside.map(|all| mean(&all));
                let runs = runs.iter().map(|run| run.value).collect();
                Ok(Outcome::Scored(Score { measures, beside, ..Score::mean_of(runs, Fidelity::FromScratch) }))
            }
            // A loss that is no number.
            Err(StudyError::Evaluator(reason)) => Ok(Outcome::Failed(reason)),
            Err(error) => Err(error),
        };
        job.architectures.iter().map(score).collect()
    }
}
