//! `bonas search`, and what it shares with `bonas resume`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::config::SearchConfig;
use bonas::observer::{Console, Ending, Overall, quoted};
use bonas::report::REPORT_FILE;
use bonas::search::{CONFIG_FILE, Search, Stage, StagePlan, difference, note_environment, write_report};
use bonas::spaces::SearchSpace;
use bonas::study::journal::{Journal, Seconds};
use bonas::supernet::evaluator::Unit;
use bonas::{Folder, Observer, StudyError, build};
use clap::Args;

use super::change::{ConfigArgs, Purpose};
use super::files;
use super::interrupt::{self, Interrupt};
use super::searched::{print_ending, read};
use super::{data, environment, out, placed, plan, session, usage};

/// What a search waits for after the first Ctrl-C.
const WAITS_FOR: &str = "the epoch or the proposal under way";
/// The same where programs evaluate, which are ended at once.
const WAITS_FOR_PROPOSAL: &str = "the proposal under way";

/// Arguments of `bonas search`.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Folder for journal, report, summary and winner; an unfinished search there goes on if its configuration
    /// is the same. Without it: runs/ and the name of the file or the preset.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the configuration, and parameters and memory of the networks it leads to, and do nothing else.
    #[arg(long)]
    dry_run: bool,
    /// Print every key, with what it means and its value, and do nothing else.
    #[arg(long)]
    print_config: bool,
}

/// Starts a search, or goes on with the same one.
///
/// # Errors
/// A wrong configuration, a folder of something else, or whatever stops the search.
pub(super) fn search(args: &SearchArgs) -> anyhow::Result<()> {
    if args.print_config {
        return out::text(&args.config.read(Purpose::Print)?.commented());
    }
    let config = args.config.read(Purpose::Run)?;
    let origin = |key: &str| args.config.origin(key);
    if args.dry_run {
        return plan::print(&config).map_err(|error| match error.downcast() {
            Ok(error) => placed(error, origin),
            Err(other) => other,
        });
    }
    let dir = args.out.clone().map_or_else(|| args.config.folder(), Ok)?;
    files::expect_own(&dir, Folder::Search)?;
    let config = if Journal::exists(&dir) && dir.join(CONFIG_FILE).exists() {
        expect_same(&dir, config)?
    } else {
        config
    };
    guarded(&config, &dir, &origin)
}

/// Refuses to go on with a search that was begun with another configuration. One with the budget that the search was
/// extended to is the one that it began with.
pub(super) fn expect_same(dir: &Path, config: SearchConfig) -> anyhow::Result<SearchConfig> {
    let path = dir.join(CONFIG_FILE);
    let search = Search { config, directory: dir.to_owned(), cancel: Arc::default() };
    let config = search.by_kept_space()?.config;
    let Some([there, here]) = difference(&path, &config)? else { return Ok(config) };
    if files::begin_anew(dir, &path)? {
        return Ok(config);
    }
    let budget = config.study.architectures;
    let mut begun = config;
    begun.study.architectures = read(&path)?.study.architectures;
    if difference(&path, &begun)?.is_none() {
        let search = Search { config: begun.clone(), directory: dir.to_owned(), cancel: Arc::default() };
        if search.extended()? == Some(budget) {
            return Ok(begun);
        }
        return Err(usage(format!(
            "--out: {} holds this search with another budget ({there} there, {here} here); extend it with \
             `bonas resume {} --budget {budget}`, or give another --out",
            dir.display(),
            quoted(dir)
        )));
    }
    Err(usage(format!(
        "--out: {} holds a search with another configuration ({there} there, {here} here); go on with that one: \
         `bonas resume {}`, or give another --out",
        dir.display(),
        quoted(dir)
    )))
}

/// Says which rows of a table the search starts without.
fn show_skipped(search: &Search, told: impl FnOnce(StudyError) -> anyhow::Error) -> anyhow::Result<()> {
    let skipped = search.transfer_skipped().map_err(told)?;
    if skipped.is_empty() {
        return Ok(());
    }
    out::text(&format!("strategy.transfer: {}", skipped.line()))
}

/// Says what there is to say of the images, and reads them where networks are trained on them.
pub(super) fn show_images(
    config: &SearchConfig,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<()> {
    #[cfg(feature = "torch")]
    if config.trains() {
        let SearchConfig { images, data, relative_to, finals, .. } = config;
        return out::text(&data::described(images, data, relative_to, finals, told)?);
    }
    if config.evaluator.follows_up() && config.evaluator.unit() == Unit::Own {
        data::show_skipped(&config.data, &config.relative_to, told)
    } else {
        Ok(())
    }
}

/// Runs with Ctrl-C in hand, makes a report of what there is however it ends, and prints what came of it.
pub(super) fn guarded(
    config: &SearchConfig,
    dir: &Path,
    origin: &dyn Fn(&str) -> String,
) -> anyhow::Result<()> {
    let mut search = Search { config: config.clone(), directory: dir.to_owned(), cancel: Arc::default() };
    let told = |error| placed(with_report(error, dir), origin);
    if config.evaluator.told().is_some() {
        show_skipped(&search, told)?;
        return session::begin(&search).map_err(|error| match error.downcast() {
            Ok(error) => told(error),
            Err(other) => other,
        });
    }
    if let Some(summary) = search.finished().map_err(told)? {
        out::text("Nothing is left to do here; another --out begins another search.\n")?;
        return print_ending(&summary, config, dir);
    }
    show_skipped(&search, told)?;
    // While images are decoded Ctrl-C ends the process: nothing is under way that is worth waiting for.
    show_images(config, told)?;
    let waits_for = if config.evaluator.follows_up() { WAITS_FOR_PROPOSAL } else { WAITS_FOR };
    let interrupt = Interrupt::listen(waits_for, interrupt::hint(dir, "resume"))?;
    search.cancel = interrupt.flag.clone();
    let mut planned = config.clone();
    planned.study.architectures = search.extended()?.unwrap_or(config.study.architectures);
    let line = Overall::new(StagePlan::of(&planned));
    // Only short training makes small architectures look good.
    let space = config.evaluator.network().map(|_| build::space(config)).transpose().map_err(told)?;
    let mut observe = |stage: Stage, folder: &Path| {
        // Once the settings have been found good; the search does not depend on it.
        if stage == Stage::Search {
            match note_environment(folder, config, &environment::facts()) {
                Ok(moved) => moved.iter().for_each(|moved| out::error(&format!("warning: {moved}"))),
                Err(error) => out::error(&error.to_string()),
            }
        }
        let watched = space.as_ref().filter(|_| stage == Stage::Search);
        observers(&line, stage_title(stage, config), folder, watched)
    };
    let done = search.run(&mut observe);
    line.clear();
    match done {
        Err(StudyError::Interrupted) => {
            // Nothing may be journalled yet; how to go on matters more than the report.
            match write_report(dir, config) {
                Ok(summary) => {
                    let space = build::space(config)?;
                    out::text(&format!(
                        "\n{}\n",
                        Ending::new(&summary, &*space, dir, &*config.evaluator).state()
                    ))?;
                }
                Err(error) => out::error(&format!("no report yet: {error}")),
            }
            interrupt.explain(Err(StudyError::Interrupted), origin)
        }
        done => print_ending(&done.map_err(told)?, config, dir),
    }
}

/// The error, with the report that shows more of what the evaluator could not do.
fn with_report(error: StudyError, dir: &Path) -> StudyError {
    let report = dir.join(REPORT_FILE);
    match error {
        StudyError::Evaluator(reason) if report.is_file() => {
            StudyError::Evaluator(format!("{reason}; see {}", report.display()))
        }
        other => other,
    }
}

/// What is printed above the table of a stage.
pub(super) fn stage_title(stage: Stage, config: &SearchConfig) -> &'static str {
    match (stage, config.evaluator.unit()) {
        (Stage::Search, _) => "",
        (Stage::Shortlist, Unit::Own) => "\nShortlist, scored again\n",
        (Stage::Finals, Unit::Own) => "\nFinal runs of the program\n",
        (Stage::Shortlist, _) => "\nShortlist, trained from scratch\n",
        (Stage::Finals, _) => "\nFinal training, from scratch\n",
    }
}

/// The observers of a stage: the table of rounds on standard output, with a warning when a search in the given space drifts,
/// and the line of the whole command.
pub(super) fn observers(
    line: &Overall,
    title: &str,
    dir: &Path,
    space: Option<&Arc<dyn SearchSpace>>,
) -> Vec<Box<dyn Observer>> {
    let _ = line.aside(|| out::text(title));
    let seconds = Seconds::read(dir);
    let watch = line.stage(seconds.total());
    let console = Console::new(Box::new(io::stdout()), Box::new(io::stderr()));
    let console = console.above(line.clone()).seconds(seconds);
    let console = match space {
        Some(space) => console.watching_drift(space.clone()),
        None => console,
    };
    vec![Box::new(console), watch]
}
