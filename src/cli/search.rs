//! `bonas search` and `bonas resume`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use bonas::assemble;
use bonas::config::{SearchConfig, Settings};
use bonas::journal::Journal;
use bonas::observer::Console;
use bonas::report::{REPORT_FILE, write_whole};
use bonas::{Study, StudyError};
use clap::Args;

use super::{interrupt, out, report, usage};

/// The configuration of a search, in its folder, with every key written out.
const CONFIG_FILE: &str = "config.toml";

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
    // What is wrong with the configuration is said before anything is written.
    let (_, space) = assemble::space(&config)?;
    assemble::strategy(&config.strategy, &*space)?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make folder {}", dir.display()))?;
    write_whole(&dir.join(CONFIG_FILE), config.commented().as_bytes())?;
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

fn read(path: &Path) -> anyhow::Result<SearchConfig> {
    let text =
        std::fs::read_to_string(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))?;
    Ok(SearchConfig::from_toml(&text, &path.display().to_string())?)
}

/// Runs with Ctrl-C in hand, and makes a report of what there is however it ends.
fn guarded(config: &SearchConfig, dir: &Path) -> anyhow::Result<()> {
    let cancel = interrupt::flag(dir, "resume")?;
    match run_search(config, dir, &cancel) {
        Err(StudyError::Interrupted) => {
            // Nothing may be journalled yet; how to go on matters more than the report.
            if let Err(error) = report::write(dir, config) {
                out::error(&format!("no report yet: {error}"));
            }
            Err(anyhow::Error::new(StudyError::Interrupted).context(interrupt::hint(dir, "resume")))
        }
        done => Ok(done?),
    }
}

/// The search itself: study, final training, report.
///
/// # Errors
/// [`StudyError`]; the journal stays valid, and the same call goes on from there.
fn run_search(config: &SearchConfig, dir: &Path, cancel: &Arc<AtomicBool>) -> Result<(), StudyError> {
    let (_, space) = assemble::space(config)?;
    let strategy = assemble::strategy(&config.strategy, &*space)?;
    let study = Study::new(space, strategy, assemble::evaluators(config)?)
        .seed(config.study.seed)
        .budget(assemble::budget(&config.study))
        .config(config.identity())
        .directory(dir)
        .observer(Box::new(console().seconds(report::seconds(dir))))
        .cancel(cancel.clone());
    report::note_environment(dir)?;
    study.run()?;
    report::note_embedding(dir, config)?;
    report::write(dir, config)?;
    let _ = out::text(&format!("{}\n", dir.join(REPORT_FILE).display()));
    Ok(())
}

/// Bars on a terminal, log lines elsewhere; the table of rounds on standard output.
pub(super) fn console() -> Console {
    if io::stderr().is_terminal() {
        Console::with_bars(Box::new(io::stdout()))
    } else {
        Console::with_lines(Box::new(io::stdout()), Box::new(io::stderr()))
    }
}
