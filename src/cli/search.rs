//! `bonas search` and `bonas resume`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use bonas::config::{SearchConfig, Settings};
use bonas::observer::Console;
use bonas::report::REPORT_FILE;
use bonas::search::{CONFIG_FILE, Search, Stage, note_environment, write_report};
use bonas::study::journal::{Journal, Seconds};
use bonas::{Observer, StudyError};
use clap::Args;

use super::{environment, interrupt, out, usage};

/// Arguments of `bonas search`.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// The configuration; --print-config shows every key.
    #[arg(required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// Folder for journal, report, summary and winner; made if it is not there.
    #[arg(long, required_unless_present = "print_config")]
    out: Option<PathBuf>,
    /// Print every key, with what it means and its value, and do nothing else.
    #[arg(long)]
    print_config: bool,
}

/// Starts a search.
///
/// # Errors
/// A wrong configuration, a folder that holds a search already, or whatever stops the search.
pub(super) fn search(args: &SearchArgs) -> anyhow::Result<()> {
    let config = match &args.config {
        Some(path) => read(path)?,
        None => SearchConfig::default(),
    };
    if args.print_config {
        return out::text(&config.commented());
    }
    let dir = args.out.as_deref().ok_or_else(|| usage("--out DIR is missing"))?;
    if Journal::exists(dir) {
        let hint = interrupt::hint(dir, "resume");
        return Err(usage(format!(
            "{} holds a search already; {hint}, or give another --out",
            dir.display()
        )));
    }
    guarded(&config, dir)
}

/// Goes on with a search.
///
/// # Errors
/// A folder that holds no search, or whatever stops the search.
pub(super) fn resume(dir: &Path, workers: Option<usize>) -> anyhow::Result<()> {
    let mut config = read_config(dir)?;
    if let Some(workers) = workers {
        config.study.workers = workers;
        config.study.check().map_err(|e| usage(format!("--{}: {}", e.key, e.reason)))?;
    }
    guarded(&config, dir)
}

/// The configuration in a search's folder.
///
/// # Errors
/// Usage errors for a folder that holds no search.
pub(super) fn read_config(dir: &Path) -> anyhow::Result<SearchConfig> {
    let path = dir.join(CONFIG_FILE);
    if !path.exists() {
        return Err(usage(format!("{} holds no search: there is no {CONFIG_FILE} in it", dir.display())));
    }
    read(&path)
}

pub(super) fn read(path: &Path) -> anyhow::Result<SearchConfig> {
    let text =
        std::fs::read_to_string(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))?;
    Ok(SearchConfig::from_toml(&text, &path.display().to_string())?)
}

/// Runs with Ctrl-C in hand, and makes a report of what there is however it ends.
fn guarded(config: &SearchConfig, dir: &Path) -> anyhow::Result<()> {
    let cancel = interrupt::flag(dir, "resume")?;
    let search = Search { config: config.clone(), directory: dir.to_owned(), cancel };
    let mut observe = |stage: Stage, folder: &Path| {
        // Once the settings have been found good; the search does not depend on it.
        if stage == Stage::Search
            && let Err(error) = note_environment(folder, &environment::facts())
        {
            out::error(&error.to_string());
        }
        observers(stage, folder)
    };
    match search.run(&mut observe) {
        Err(StudyError::Interrupted) => {
            // Nothing may be journalled yet; how to go on matters more than the report.
            if let Err(error) = write_report(dir, config) {
                out::error(&format!("no report yet: {error}"));
            }
            Err(anyhow::Error::new(StudyError::Interrupted).context(interrupt::hint(dir, "resume")))
        }
        done => {
            done?;
            out::text(&format!("{}\n", dir.join(REPORT_FILE).display()))
        }
    }
}

/// The observers of a stage: one console.
pub(super) fn observers(stage: Stage, dir: &Path) -> Vec<Box<dyn Observer>> {
    let _ = match stage {
        Stage::Search => Ok(()),
        Stage::Shortlist => out::text("\nShortlist, trained from scratch\n"),
        Stage::Finals => out::text("\nFinal training, from scratch\n"),
    };
    vec![Box::new(console().seconds(Seconds::read(dir)))]
}

/// Bars on a terminal, log lines elsewhere; the table of rounds on standard output.
fn console() -> Console {
    if io::stderr().is_terminal() {
        Console::with_bars(Box::new(io::stdout()))
    } else {
        Console::with_lines(Box::new(io::stdout()), Box::new(io::stderr()))
    }
}
