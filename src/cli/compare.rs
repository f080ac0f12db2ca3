//! `bonas compare`: strategies against each other, on a table or on images.

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bonas::config::{ExperimentConfig, Settings};
use bonas::experiment::{Experiment, Step};
use bonas::report::REPORT_FILE;
use bonas::study::cores;
use bonas::{Folder, StudyError};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::change::no_comparison;
use super::files;
use super::{data, interrupt, out, placed, positive, usage};

/// Arguments of `bonas compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The configuration: strategies, and a table or images; without it every strategy on the table inside the
    /// program. --print-config shows every key.
    config: Option<PathBuf>,
    /// Folder for summary.json, report.html and every run; an experiment that was stopped goes on there.
    #[arg(long, required_unless_present = "print_config")]
    out: Option<PathBuf>,
    /// The table, in place of the configuration's path; `digits` is the one inside the program.
    #[arg(long)]
    table: Option<PathBuf>,
    /// Seeds of each strategy, in place of the configuration's.
    #[arg(long)]
    seeds: Option<usize>,
    /// Runs at the same time; without it one a core. No result depends on it.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
    /// Print every key, with what it means and its value, and do nothing else.
    #[arg(long)]
    print_config: bool,
}

/// Runs an experiment, or goes on with it, and prints its figures.
///
/// # Errors
/// A wrong configuration or table, or whatever stops a run.
pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let mut config = match &args.config {
        Some(path) => read(path)?,
        None => ExperimentConfig::default(),
    };
    if let Some(seeds) = args.seeds {
        config.settings.seeds = seeds;
        config.settings.check().map_err(|e| usage(format!("--{}: {}", e.key, e.reason)))?;
    }
    if args.print_config {
        return out::text(&config.commented());
    }
    let directory = args.out.clone().ok_or_else(|| usage("--out DIR is missing"))?;
    files::expect_own(&directory, Folder::Comparison)?;
    let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut experiment = Experiment {
        table: args.table.clone(),
        folder: folder.to_owned(),
        threads: args.threads.map_or_else(cores, NonZeroUsize::get),
        ..Experiment::new(config, directory)
    };
    // While images are decoded Ctrl-C ends the process: nothing is under way that is worth waiting for.
    show_images(&experiment, folder, |error| placed(error, |key| args.origin(key)))?;
    let hint = "the same command goes on where it stopped".to_owned();
    experiment.cancel = interrupt::flag_with(hint.clone())?;
    let start = Instant::now();
    let bar = bar();
    let done = experiment.run(&mut |step| show(&bar, &step));
    bar.finish_and_clear();
    match done {
        Err(StudyError::Interrupted) => Err(anyhow::Error::new(StudyError::Interrupted).context(hint)),
        Err(error) => Err(placed(error, |key| args.origin(key))),
        Ok(results) => {
            let text = results.text();
            let page = experiment.directory.join(REPORT_FILE);
            out::text(&format!("{text}\n{:.1} s; {}\n", start.elapsed().as_secs_f64(), page.display()))
        }
    }
}

/// Says what there is to say of the images of a comparison on images.
fn show_images(
    experiment: &Experiment,
    folder: &Path,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<()> {
    let Some(config) = experiment.config.images() else { return Ok(()) };
    #[cfg(feature = "torch")]
    if experiment.config.strategies.iter().any(|strategy| config.search(strategy, 1).trains()) {
        return out::text(&data::described(&experiment.images, &config.data, folder, &config.finals, told)?);
    }
    data::show_skipped(&config.data, folder, told)
}

impl CompareArgs {
    /// Where a setting comes from: a flag, or a key of the configuration.
    fn origin(&self, key: &str) -> String {
        match (key, &self.config) {
            ("out", _) => "--out".to_owned(),
            ("table" | "table.path", _) if self.table.is_some() => "--table".to_owned(),
            (key, Some(file)) => format!("{}: {key}", file.display()),
            (key, None) => key.to_owned(),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<ExperimentConfig> {
    let text = files::read(path)?;
    ExperimentConfig::from_toml(&text, &path.display().to_string())
        .map_err(|error| no_comparison(error, &text))
}

/// Moves the bar, and writes a line on standard error for what takes long enough to be worth one.
fn show(bar: &ProgressBar, step: &Step<'_>) {
    if let Step::Begun { done, total } | Step::Done { done, total, .. } = step {
        bar.set_length(*total as u64);
        bar.set_position(*done as u64);
    }
    let is_worth_a_line = match step {
        Step::Planned(_) => true,
        Step::Begun { .. } => false,
        Step::Done { result, .. } => !result.is_empty(),
    };
    if is_worth_a_line {
        bar.suspend(|| out::error(&step.to_string()));
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
