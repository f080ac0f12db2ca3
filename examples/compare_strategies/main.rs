//! Strategies against each other on the same images, and the collapse of differentiable search.
//!
//! `cargo run --release --example compare_strategies` sets BONAS, BNAS-v2-CLR, BNAS-v2-PC, random
//! search and evolution beside each other; `-- --preset collapse` counts operations without weights
//! by epoch in six differentiable searches. `-- --help` lists the flags. Both go on after a stop.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;
#[path = "../support/interrupt.rs"]
mod interrupt;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bonas::StudyError;
use bonas::config::{ExperimentConfig, Settings, TaskConfig};
use bonas::experiment::Experiment;
use bonas::report::REPORT_FILE;
use bonas::study::cores;
use clap::{Parser, ValueEnum};

/// Compare strategies on the same images: the same seconds of search, the same final training.
#[derive(Debug, Parser)]
struct Flags {
    /// Ready-made configuration.
    #[arg(long, value_enum, default_value = "strategies")]
    preset: Preset,
    /// Configuration file to use in place of a preset.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// Images: digits, cifar10:DIR, mnist:DIR, folder:DIR.
    #[arg(long)]
    data: Option<String>,
    /// Both sides of the images are divided by this, each pixel the mean of a square.
    #[arg(long)]
    shrink: Option<usize>,
    /// Training images used at most; 0: all.
    #[arg(long)]
    limit: Option<usize>,
    /// Seeds of each strategy.
    #[arg(long)]
    seeds: Option<usize>,
    /// Seconds of search for each strategy; 0: every strategy has the budget that it says itself.
    #[arg(long)]
    seconds: Option<f64>,
    /// auto, cpu, cuda or cuda:0,1.
    #[arg(long)]
    device: Option<String>,
    /// Runs at the same time; no result depends on it [default: one a core].
    #[arg(long)]
    threads: Option<usize>,
    /// Folder of runs and results; one that is there already is gone on with.
    #[arg(long, default_value = "runs/compare_strategies")]
    out: PathBuf,
    /// Print every key, with what it means and its value, and do nothing else.
    #[arg(long)]
    print_config: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// BONAS, BNAS-v2-CLR, BNAS-v2-PC, random search and evolution.
    Strategies,
    /// DARTS and the broad network, each plain, with CLR and with partial channels.
    Collapse,
}

impl Flags {
    /// The configuration: preset or file, then the flags.
    fn config(&self) -> Result<ExperimentConfig> {
        let mut config = match (&self.config, self.preset) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                ExperimentConfig::from_toml(&text, &path.display().to_string())?
            }
            (None, Preset::Strategies) => {
                ExperimentConfig::from_toml(include_str!("strategies.toml"), "preset")?
            }
            (None, Preset::Collapse) => ExperimentConfig::from_toml(include_str!("collapse.toml"), "preset")?,
        };
        let settings = &mut config.settings;
        settings.seeds = self.seeds.unwrap_or(settings.seeds);
        settings.seconds = self.seconds.unwrap_or(settings.seconds);
        settings.check().map_err(|e| anyhow::anyhow!("--{}: {}", e.key, e.reason))?;
        let TaskConfig::Images(images) = &mut config.task else {
            bail!("the configuration is of an experiment on a table; run it with bonas compare");
        };
        images.data.source = self.data.clone().unwrap_or_else(|| images.data.source.clone());
        images.data.shrink = self.shrink.unwrap_or(images.data.shrink);
        images.data.limit = self.limit.unwrap_or(images.data.limit);
        images.training.device = self.device.clone().unwrap_or_else(|| images.training.device.clone());
        Ok(config)
    }
}

fn main() -> Result<()> {
    let flags = Flags::parse();
    let config = flags.config()?;
    if flags.print_config {
        print!("{}", config.commented());
        return Ok(());
    }
    let experiment = Experiment {
        threads: flags.threads.unwrap_or_else(cores),
        cancel: interrupt::interrupt()?,
        ..Experiment::new(config, &flags.out)
    };
    match experiment.run(&mut |step| println!("{step}")) {
        Ok(results) => {
            println!("\n{}\n{}", results.text(), flags.out.join(REPORT_FILE).display());
            Ok(())
        }
        Err(StudyError::Interrupted) => {
            println!("Stopped. The same command goes on from here.");
            std::process::exit(130)
        }
        Err(error) => Err(error.into()),
    }
}
