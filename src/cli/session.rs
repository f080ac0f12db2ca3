//! `bonas ask`, `bonas tell` and `bonas abandon`: searches whose scores are told.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bonas::config::SearchConfig;
use bonas::observer::quoted;
use bonas::report::Summary;
use bonas::search::{CONFIG_FILE, Search, note_environment};
use bonas::spaces::SearchSpace;
use bonas::study::Trial;
use bonas::study::evaluator::Described;
use bonas::study::history::{EndReason, Prediction, Progress};
use bonas::{Event, Observer, Outcome, Session, StudyError, build};
use clap::Args;
use serde::Serialize;

use super::searched::{print_ending, read_config};
use super::{environment, out, placed, positive, usage};

/// How long a command waits for others that work in the same folder.
const PATIENCE: Duration = Duration::from_mins(1);

/// Arguments of `bonas ask`.
#[derive(Debug, Args)]
pub(super) struct AskArgs {
    /// The search's folder, begun by `bonas search` with evaluator `told`.
    dir: PathBuf,
    /// Architectures to hand out.
    #[arg(short = 'n', long, default_value = "1", value_parser = positive, allow_negative_numbers = true)]
    count: NonZeroUsize,
    /// Hand out nothing, and print what was handed out and is not told yet.
    #[arg(long, conflicts_with = "count")]
    pending: bool,
    /// Print one JSON object, with the architectures as graphs, in place of a line each.
    #[arg(long)]
    json: bool,
}

/// Arguments of `bonas tell`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("result").required(true).multiple(true)))]
pub(super) struct TellArgs {
    /// The search's folder.
    dir: PathBuf,
    /// Number of the trial, as `bonas ask` printed it.
    trial: u64,
    /// Its score; higher is better.
    #[arg(long, allow_negative_numbers = true, group = "result")]
    score: Option<f64>,
    /// Another number by name, for limits and the second objective; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = measure, group = "result")]
    measure: Vec<(String, f64)>,
    /// There is no score, and why.
    #[arg(long, value_name = "REASON", conflicts_with_all = ["score", "measure"], group = "result")]
    failed: Option<String>,
}

/// Arguments of `bonas abandon`.
#[derive(Debug, Args)]
pub(super) struct AbandonArgs {
    /// The search's folder.
    dir: PathBuf,
    /// Number of the trial.
    trial: u64,
}

/// Name and value of a measure.
fn measure(text: &str) -> Result<(String, f64), String> {
    let wrong = || format!("{text:?} is not NAME=VALUE with a number as value");
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    match value.trim().parse() {
        Ok(value) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value)),
        _ => Err(wrong()),
    }
}

/// What `bonas ask --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    trials: Vec<TrialJson<'a>>,
    /// Trials that are handed out and not told yet, these included.
    pending: usize,
    /// Architectures with an outcome.
    told: usize,
    /// Why the search is over; null while it goes on.
    ended: Option<EndReason>,
}

#[derive(Serialize)]
struct TrialJson<'a> {
    id: u64,
    round: usize,
    batch: usize,
    predicted: Option<Prediction>,
    architecture: Described<'a>,
}

/// Shows warnings, and nothing else.
struct Warnings;

impl Observer for Warnings {
    fn event(&mut self, _: &Event, _: bool) {}

    fn progress(&mut self, progress: &Progress<'_>) {
        if let Progress::Warning(text) = progress {
            out::error(&format!("warning: {text}"));
        }
    }
}

fn warnings() -> Vec<Box<dyn Observer>> {
    vec![Box::new(Warnings)]
}

/// A search that is told, opened.
struct Opened {
    search: Search,
    space: Arc<dyn SearchSpace>,
    session: Session,
}

impl Opened {
    /// Opens the search in a folder.
    fn at(dir: &Path) -> anyhow::Result<Self> {
        let config = read_config(dir)?;
        let origin = |key: &str| format!("{}: {key}", dir.join(CONFIG_FILE).display());
        let search = Search { config, directory: dir.to_owned(), cancel: Arc::default() };
        let opened =
            build::space(&search.config).and_then(|space| Ok((space, search.open(PATIENCE, warnings())?)));
        let (space, session) = opened.map_err(|error| placed(error, origin))?;
        Ok(Self { search, space, session })
    }

    fn config(&self) -> &SearchConfig {
        &self.search.config
    }

    /// One line: how far the search has come.
    fn state(&self) -> String {
        let (told, pending) = (self.session.told(), self.session.pending().len());
        format!("{told} told, {pending} pending")
    }

    /// Writes the report if the search is over.
    fn report(self) -> anyhow::Result<Option<Summary>> {
        Ok(self.search.close(self.session)?)
    }

    /// Says what was done, and prints what the search came to if it is over. The report is there whatever happens to the output.
    fn conclude(self, done: &str) -> anyhow::Result<()> {
        let (config, dir) = (self.search.config.clone(), self.search.directory.clone());
        let summary = self.report();
        out::text(done)?;
        match summary? {
            Some(summary) => print_ending(&summary, &config, &dir),
            None => Ok(()),
        }
    }
}

/// Begins a search that is told, or says where one is.
///
/// # Errors
/// Settings that do not fit, and errors of the folder.
pub(super) fn begin(search: &Search) -> anyhow::Result<()> {
    let (dir, space) = (&search.directory, build::space(&search.config)?);
    let opened = Opened { session: search.open(PATIENCE, warnings())?, search: search.clone(), space };
    for moved in note_environment(dir, &search.config, &environment::facts())? {
        out::error(&format!("warning: {moved}"));
    }
    if opened.session.ended().is_some() {
        return opened.conclude("");
    }
    let folder = quoted(dir);
    out::text(&format!(
        "The search in {} is open: {}. Architectures are evaluated elsewhere.\n\n\
         bonas ask {folder}                        hands one out (-n 4: four; --json: as graphs)\n\
         bonas tell {folder} TRIAL --score SCORE   takes its score\n\
         bonas abandon {folder} TRIAL              gives it up\n\
         bonas report {folder}                     makes the report of what there is\n",
        dir.display(),
        opened.state()
    ))
}

/// Hands out architectures.
///
/// # Errors
/// A folder without such a search, and whatever stops the strategy.
pub(super) fn ask(args: &AskArgs) -> anyhow::Result<()> {
    let mut opened = Opened::at(&args.dir)?;
    let trials =
        if args.pending { opened.session.pending() } else { opened.session.ask(args.count.get())? };
    if args.json {
        out::text(&(json(&opened, &trials)? + "\n"))?;
        return opened.report().map(drop);
    }
    for trial in &trials {
        out::text(&format!("{}\t{}\n", trial.id, opened.space.format(&trial.architecture)?))?;
    }
    if trials.is_empty() && !args.pending {
        out::error(&match opened.session.ended() {
            Some(_) => "the search is over".to_owned(),
            None => format!("nothing more to hand out before a pending trial is told ({})", opened.state()),
        });
    }
    opened.report().map(drop)
}

fn json(opened: &Opened, trials: &[Trial]) -> anyhow::Result<String> {
    let described = |trial| -> Result<TrialJson<'_>, StudyError> {
        let &Trial { id, ref architecture, predicted, round, batch } = trial;
        let architecture = Described::of(&*opened.space, architecture)?;
        Ok(TrialJson { id, round, batch, predicted, architecture })
    };
    let answer = Answer {
        trials: trials.iter().map(described).collect::<Result<_, _>>()?,
        pending: opened.session.pending().len(),
        told: opened.session.told(),
        ended: opened.session.ended(),
    };
    Ok(serde_json::to_string(&answer)?)
}

/// Takes the outcome of a trial.
///
/// # Errors
/// A trial that is not pending, a score that is no number, measures that are missing.
pub(super) fn tell(args: &TellArgs) -> anyhow::Result<()> {
    let mut opened = Opened::at(&args.dir)?;
    let outcome = outcome(args, opened.config())?;
    let before = opened.session.history().best(opened.session.fidelity()).map(|(_, score)| score);
    opened.session.tell(args.trial, outcome)?;
    let best = opened.session.history().best(opened.session.fidelity()).map(|(_, score)| score);
    let new = if best > before { ", the best so far" } else { "" };
    let done = format!("trial {} is told{new} ({})\n", args.trial, opened.state());
    opened.conclude(&done)
}

fn outcome(args: &TellArgs, config: &SearchConfig) -> anyhow::Result<Outcome> {
    if let Some(reason) = &args.failed {
        // One line, without what a terminal would obey.
        let shown: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let reason = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        if reason.is_empty() {
            return Err(usage("--failed: give a reason"));
        }
        return Ok(Outcome::Failed(reason));
    }
    let mut measures: BTreeMap<String, f64> = BTreeMap::new();
    let score = args.score.map(|score| ("score".to_owned(), score));
    for (name, value) in score.into_iter().chain(args.measure.iter().cloned()) {
        if measures.insert(name.clone(), value).is_some() {
            return Err(usage(format!("--measure: {name} is there twice; name each once")));
        }
    }
    let told = config.evaluator.told().ok_or_else(|| usage("the scores of this search are not told"))?;
    told.outcome(&measures).map_err(|reason| usage(format!("trial {}: {reason}", args.trial)))
}

/// Gives a trial up.
///
/// # Errors
/// A trial that is not pending.
pub(super) fn abandon(args: &AbandonArgs) -> anyhow::Result<()> {
    let mut opened = Opened::at(&args.dir)?;
    opened.session.abandon(args.trial)?;
    let done = format!("trial {} is given up ({})\n", args.trial, opened.state());
    opened.conclude(&done)
}
