//! BONAS on the DARTS space, from images to a trained winner.
//!
//! `cargo run --release --example bonas_darts` searches a cell on the embedded digits in a few
//! minutes; `-- --help` lists the flags, `-- --dry-run` says what would be done.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;
#[path = "../support/interrupt.rs"]
mod interrupt;
mod table;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bonas::Observer;
use bonas::config::SearchConfig;
use bonas::observer::Console;
use bonas::search::{Search, Stage};
use bonas::study::journal::Seconds;
use clap::{Parser, ValueEnum};

/// Search a DARTS cell with BONAS, then train it from scratch beside random cells.
#[derive(Debug, Parser)]
struct Flags {
    /// Ready-made configuration.
    #[arg(long, value_enum, default_value = "demo")]
    preset: Preset,
    /// Configuration file to use in place of a preset.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// Change one key of the configuration, for example `--set final.seeds=5`; may be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Images: digits, cifar10:DIR, mnist:DIR, folder:DIR (short for --set data.source=...).
    #[arg(long)]
    data: Option<String>,
    /// Seed (short for --set study.seed=...).
    #[arg(long)]
    seed: Option<u64>,
    /// Batches trained at the same time (short for --set study.workers=...).
    #[arg(long)]
    workers: Option<usize>,
    /// auto, cpu, cuda or cuda:0,1 (short for --set training.device=...).
    #[arg(long)]
    device: Option<String>,
    /// Folder of the search; one that is there already is gone on with.
    #[arg(long, default_value = "runs/bonas_darts")]
    out: PathBuf,
    /// Say what would be done, with parameter counts and memory, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// The embedded 8x8 digits, minutes on two cores.
    Demo,
    /// The published configuration for CIFAR-10, for GPUs.
    Paper,
}

impl Flags {
    /// The configuration: preset or file, then `--set`, then the short flags.
    fn config(&self) -> Result<SearchConfig> {
        let (text, origin) = match (&self.config, self.preset) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                (text, path.display().to_string())
            }
            (None, Preset::Demo) => (include_str!("demo.toml").to_owned(), "preset demo".to_owned()),
            (None, Preset::Paper) => (include_str!("paper.toml").to_owned(), "preset paper".to_owned()),
        };
        let mut table: toml::Table = text.parse().with_context(|| format!("{origin} is not TOML"))?;
        for assignment in self.assignments() {
            let Some((key, value)) = assignment.split_once('=') else {
                bail!("--set {assignment}: expected SECTION.KEY=VALUE");
            };
            let Some((section, key)) = key.split_once('.') else {
                bail!("--set {assignment}: expected a section before the key, for example study.seed");
            };
            let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
            let Some(section) = section.as_table_mut() else { bail!("--set {assignment}: not a section") };
            section.insert(key.to_owned(), value_of(value));
        }
        Ok(SearchConfig::from_toml(&toml::to_string(&table)?, &origin)?)
    }

    fn assignments(&self) -> Vec<String> {
        let short = [
            self.data.as_ref().map(|v| format!("data.source={v}")),
            self.seed.map(|v| format!("study.seed={v}")),
            self.workers.map(|v| format!("study.workers={v}")),
            self.device.as_ref().map(|v| format!("training.device={v}")),
        ];
        self.set.iter().cloned().chain(short.into_iter().flatten()).collect()
    }
}

/// A TOML value, or the text itself where it is none.
fn value_of(text: &str) -> toml::Value {
    let parsed: Result<toml::Table, _> = format!("x = {text}").parse();
    parsed.ok().and_then(|mut t| t.remove("x")).unwrap_or_else(|| text.to_owned().into())
}

fn main() -> std::process::ExitCode {
    match run(&Flags::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<()> {
    let config = flags.config()?;
    if flags.dry_run {
        return table::plan(&config);
    }
    let search = Search { config, directory: flags.out.clone(), cancel: interrupt::interrupt()? };
    let outcome = search.run(&mut |stage, folder| {
        let title = match stage {
            Stage::Search => "Search",
            Stage::Shortlist => "\nShortlist, trained from scratch",
            Stage::Finals => "\nFinal training, from scratch",
        };
        println!("{title}");
        vec![console(folder)]
    });
    match outcome {
        Ok(()) => table::results(&flags.out),
        Err(bonas::StudyError::Interrupted) => {
            println!(
                "Stopped. The same command goes on from here, and so does `bonas resume {}`.",
                flags.out.display()
            );
            std::process::exit(130)
        }
        Err(error) => Err(error.into()),
    }
}

fn console(folder: &Path) -> Box<dyn Observer> {
    let table = Box::new(std::io::stdout());
    let console = if std::io::stderr().is_terminal() {
        Console::with_bars(table)
    } else {
        Console::with_lines(table, Box::new(std::io::stderr()))
    };
    Box::new(console.seconds(Seconds::read(folder)))
}
