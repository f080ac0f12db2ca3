//! The flags, and the configurations of the studies that they make.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bonas::config::{
    DataSettings, EvaluatorSettings, ScratchSettings, SearchConfig, SharedSettings, SpaceSettings,
    StudySettings, TrainingSettings,
};
use clap::Parser;
use serde::Serialize;

/// Measure whether joint training of related cells ranks them better than joint training of random
/// cells, and than a one-shot supernet of the whole space, at equal training cost.
#[derive(Clone, Debug, Parser, Serialize)]
pub(crate) struct Flags {
    /// Images: digits, cifar10:DIR, mnist:DIR, folder:DIR.
    #[arg(long, default_value = "digits")]
    pub(crate) data: String,
    /// Both sides of the images are divided by this, each pixel the mean of a square.
    #[arg(long, default_value_t = 1)]
    pub(crate) shrink: usize,
    /// Images used at most, those held out included; 0: all.
    #[arg(long, default_value_t = 0)]
    pub(crate) limit: usize,
    /// Share of the images held out to score cells on; the rest are trained on.
    #[arg(long, default_value_t = 0.8)]
    pub(crate) validation: f64,
    /// Space that the cells are drawn from: darts or nasbench201.
    #[arg(long, default_value = "nasbench201")]
    pub(crate) space: String,
    /// Independent repeats, each with a random and a related batch.
    #[arg(long, default_value_t = 6)]
    pub(crate) repeats: usize,
    /// Cells a batch.
    #[arg(long, default_value_t = 8)]
    pub(crate) cells: usize,
    /// Most edits between the centre of a related batch and its other cells.
    #[arg(long, default_value_t = 2)]
    pub(crate) radius: usize,
    /// Width of the first cells of every network.
    #[arg(long, default_value_t = 8)]
    pub(crate) channels: usize,
    /// Cells in every network (nasbench101, nasbench201: cells a stage).
    #[arg(long, default_value_t = 1)]
    pub(crate) layers: usize,
    /// Images a step, everywhere.
    #[arg(long, default_value_t = 32)]
    pub(crate) batch: usize,
    /// Epochs of the supernet of one batch; the one-shot supernet, which scores two, has twice as
    /// many.
    #[arg(long, default_value_t = 48)]
    pub(crate) shared_epochs: usize,
    /// How many of these train the whole supernet in every step (one-shot: twice as many). Steps
    /// are equal all the same, but such a step costs more where the union is larger.
    #[arg(long, default_value_t = 0)]
    pub(crate) warmup_epochs: usize,
    /// Learning rate of the supernets at the start.
    #[arg(long, default_value_t = 0.025)]
    pub(crate) shared_rate: f64,
    /// Epochs of a run from scratch.
    #[arg(long, default_value_t = 12)]
    pub(crate) scratch_epochs: usize,
    /// Learning rate from scratch at the start.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) scratch_rate: f64,
    /// Runs from scratch a cell.
    #[arg(long, default_value_t = 4)]
    pub(crate) seeds: usize,
    /// Seed of everything.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Networks trained at the same time; results do not depend on it.
    #[arg(long, default_value_t = 2)]
    pub(crate) workers: usize,
    /// auto, cpu, cuda or cuda:0,1.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Folder of journals and results; one that is there already is gone on with.
    #[arg(long, default_value = "runs/relatedness")]
    #[serde(skip)]
    pub(crate) out: PathBuf,
    /// File of the figures [default: results.json in the folder].
    #[arg(long)]
    #[serde(skip)]
    pub(crate) json: Option<PathBuf>,
}

impl Flags {
    /// Refuses what no other part looks at.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.repeats >= 2, "--repeats {}; intervals need at least 2", self.repeats);
        ensure!(self.cells >= 3, "--cells {}; a ranking needs at least 3", self.cells);
        ensure!(self.radius >= 1, "--radius 0; it must be at least 1");
        ensure!(self.seeds >= 2, "--seeds {}; the noise ceiling needs at least 2", self.seeds);
        // The rest is checked where a configuration is read.
        for config in [self.scratch(), self.joint(), self.one_shot()] {
            SearchConfig::from_toml(&config.plain(), "flags")?;
        }
        Ok(())
    }

    /// Training from scratch.
    pub(crate) fn scratch(&self) -> SearchConfig {
        let settings = ScratchSettings {
            channels: self.channels,
            layers: self.layers,
            epochs: self.scratch_epochs,
            batch: self.batch,
            seeds: self.seeds,
            ..ScratchSettings::default()
        };
        self.config(EvaluatorSettings::FromScratch(settings), self.scratch_rate)
    }

    /// Joint training of one batch.
    pub(crate) fn joint(&self) -> SearchConfig {
        self.config(EvaluatorSettings::SharedWeights(self.shared(1)), self.shared_rate)
    }

    /// The one-shot supernet that scores two batches.
    pub(crate) fn one_shot(&self) -> SearchConfig {
        self.config(EvaluatorSettings::SharedWeights(self.shared(2)), self.shared_rate)
    }

    /// Supernet training at the cost of so many batches.
    pub(crate) fn shared(&self, batches: usize) -> SharedSettings {
        SharedSettings {
            channels: self.channels,
            layers: self.layers,
            epochs: batches * self.shared_epochs,
            warmup_epochs: batches * self.warmup_epochs,
            warmup_batch: self.batch,
            batch: self.batch,
            ..SharedSettings::default()
        }
    }

    fn config(&self, evaluator: EvaluatorSettings, learning_rate: f64) -> SearchConfig {
        let (source, shrink, limit, validation) =
            (self.data.clone(), self.shrink, self.limit, self.validation);
        SearchConfig {
            study: StudySettings { seed: self.seed, workers: self.workers, ..StudySettings::default() },
            space: SpaceSettings { name: self.space.clone(), ..SpaceSettings::default() },
            evaluator,
            data: DataSettings { source, shrink, limit, validation, ..DataSettings::default() },
            training: TrainingSettings {
                learning_rate,
                device: self.device.clone(),
                ..TrainingSettings::default()
            },
            ..SearchConfig::default()
        }
    }
}
