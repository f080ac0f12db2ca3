//! The flags, and the configuration of each supernet.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bonas::config::{
    BatchNormKind, DataSettings, EvaluatorSettings, IndicatorSettings, SearchConfig, SpaceSettings,
    StudySettings,
};
use clap::Parser;
use serde::Serialize;

/// Measure how well indicators of BatchNorm-only supernets rank the cells of a space.
#[derive(Clone, Debug, Parser, Serialize)]
pub(crate) struct Flags {
    /// Search space: nasbench201, nasbench101, nasbench1shot1-1 (to -3), or another with a supernet whose
    /// cells can be listed or stand in a table.
    #[arg(long, default_value = "nasbench201")]
    pub(crate) space: String,
    /// Images: digits, cifar10:DIR, mnist:DIR (Fashion-MNIST too), folder:DIR.
    #[arg(long, default_value = "digits")]
    pub(crate) data: String,
    /// Both sides of the images are divided by this, each pixel the mean of a square.
    #[arg(long, default_value_t = 1)]
    pub(crate) shrink: usize,
    /// Training images used at most; 0: all.
    #[arg(long, default_value_t = 0)]
    pub(crate) limit: usize,
    /// Table of accuracies (CSV, plain or gzipped) to rank against; without one multiply-adds are
    /// taken in their place.
    #[arg(long)]
    pub(crate) table: Option<PathBuf>,
    /// Column of the table, or several of which the mean is taken: test1,test2,test3.
    #[arg(long, default_value = "c10_test_e200")]
    pub(crate) column: String,
    /// Unique cells scored by the indicators that cost next to nothing; 0: all.
    #[arg(long, default_value_t = 0)]
    pub(crate) cells: usize,
    /// Of these, cells scored by every indicator.
    #[arg(long, default_value_t = 300)]
    pub(crate) costly: usize,
    /// Supernets of each variant, with seeds 1, 2, ..
    #[arg(long, default_value_t = 3)]
    pub(crate) seeds: u64,
    /// Width of the supernets' first stage.
    #[arg(long, default_value_t = 8)]
    pub(crate) channels: usize,
    /// Cells a stage.
    #[arg(long, default_value_t = 1)]
    pub(crate) layers: usize,
    /// Epochs of a supernet.
    #[arg(long, default_value_t = 10)]
    pub(crate) epochs: usize,
    /// Images a step of a supernet.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch: usize,
    /// Learning rate of a supernet at the start.
    #[arg(long, default_value_t = 0.25)]
    pub(crate) learning_rate: f64,
    /// Images of kernels, patterns and predictions.
    #[arg(long, default_value_t = 16)]
    pub(crate) images: usize,
    /// Passes of Monte-Carlo BatchNorm.
    #[arg(long, default_value_t = 8)]
    pub(crate) passes: usize,
    /// Whether the classifier trains too.
    #[arg(long)]
    pub(crate) classifier: bool,
    /// With a table and all its cells: indicators to give BONAS as prior knowledge, from the supernets
    /// of seed 1: macs, params, NET:bn-gamma or NET:expressivity with NET published-1 or unbiased-1.
    #[arg(long, value_delimiter = ',')]
    #[serde(skip)]
    pub(crate) prior: Vec<String>,
    /// Random splits of the table that the prior's ranking is measured on.
    #[arg(long, default_value_t = 100)]
    #[serde(skip)]
    pub(crate) prior_splits: usize,
    /// Searches with each prior.
    #[arg(long, default_value_t = 100)]
    #[serde(skip)]
    pub(crate) prior_seeds: usize,
    /// Share of the pool that an indicator keeps as a filter.
    #[arg(long, default_value_t = 0.25)]
    #[serde(skip)]
    pub(crate) prior_share: f64,
    /// Supernets at a time.
    #[arg(long, default_value_t = 2)]
    #[serde(skip)]
    pub(crate) workers: usize,
    /// Folder of the results; the same command goes on from what is there.
    #[arg(long, default_value = "runs/bnnas")]
    #[serde(skip)]
    pub(crate) out: PathBuf,
}

/// One supernet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net {
    pub(crate) variant: BatchNormKind,
    pub(crate) seed: u64,
}

/// The variants, with their names.
pub(crate) const VARIANTS: [(BatchNormKind, &str); 2] =
    [(BatchNormKind::Published, "published"), (BatchNormKind::Unbiased, "unbiased")];

impl Net {
    pub(crate) fn name(self) -> String {
        let named = VARIANTS.iter().find(|(variant, _)| *variant == self.variant);
        format!("{}-{}", named.map_or("other", |(_, name)| name), self.seed)
    }
}

impl Flags {
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.costly >= 20, "--costly {}: it must be at least 20", self.costly);
        ensure!(self.seeds >= 1, "--seeds 0: it must be at least 1");
        ensure!(self.workers >= 1, "--workers 0: it must be at least 1");
        let named = |prior: &String| {
            let of_net = VARIANTS.iter().any(|(_, name)| {
                [format!("{name}-1:bn-gamma"), format!("{name}-1:expressivity")].contains(prior)
            });
            of_net || ["macs", "params"].contains(&prior.as_str())
        };
        if let Some(prior) = self.prior.iter().find(|prior| !named(prior)) {
            anyhow::bail!(
                "--prior {prior}: it must be macs, params, or NET:bn-gamma or NET:expressivity with NET published-1 or unbiased-1"
            );
        }
        let judged = self.prior.is_empty() || (self.table.is_some() && self.cells == 0);
        ensure!(judged, "--prior: it needs a --table, and --cells 0");
        ensure!(self.prior_splits >= 1, "--prior-splits 0: it must be at least 1");
        ensure!(self.prior_seeds >= 1, "--prior-seeds 0: it must be at least 1");
        let share = self.prior_share > 0.0 && self.prior_share <= 1.0;
        ensure!(share, "--prior-share {}: it must be above 0 and at most 1", self.prior_share);
        let whole = self.cells == 0 || self.cells >= self.costly;
        ensure!(whole, "--cells {}: it must be 0 or at least --costly {}", self.cells, self.costly);
        Ok(())
    }

    /// All supernets, the seeds of a variant side by side.
    pub(crate) fn nets(&self) -> Vec<Net> {
        let seeds = 1..=self.seeds;
        seeds.flat_map(|seed| VARIANTS.map(|(variant, _)| Net { variant, seed })).collect()
    }

    /// The configuration of a supernet.
    pub(crate) fn config(&self, net: Net) -> SearchConfig {
        SearchConfig {
            study: StudySettings { seed: net.seed, ..StudySettings::default() },
            space: SpaceSettings { name: self.space.clone(), ..SpaceSettings::default() },
            evaluator: EvaluatorSettings::Indicator(self.settings(net)),
            data: DataSettings {
                source: self.data.clone(),
                shrink: self.shrink,
                limit: self.limit,
                ..DataSettings::default()
            },
            ..SearchConfig::default()
        }
    }

    pub(crate) fn settings(&self, net: Net) -> IndicatorSettings {
        IndicatorSettings {
            batch_norm: net.variant,
            classifier: self.classifier,
            channels: self.channels,
            layers: self.layers,
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate,
            images: self.images,
            passes: self.passes,
            ..IndicatorSettings::default()
        }
    }
}
