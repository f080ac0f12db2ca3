//! `bonas compare`: strategies against each other on a table; on images, `contest`.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bonas::StudyError;
use bonas::compare::{Compare, Results, Step, Summary, resolve};
use bonas::config::{CompareConfig, ContestConfig};
use bonas::report::REPORT_FILE;
use bonas::study::cores;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::contest::contest;
use super::{interrupt, out, usage};

/// Arguments of `bonas compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The configuration: a table and the strategies, or, with [[arm]]s, searches on images; without it
    /// every strategy on the table inside the program. --print-config shows every key.
    config: Option<PathBuf>,
    /// Folder for results.csv, summary.json, report.html and the studies done; a comparison that
    /// was stopped goes on there.
    #[arg(long, required_unless_present = "print_config")]
    out: Option<PathBuf>,
    /// The table, in place of the configuration's path; `digits` is the one inside the program.
    #[arg(long)]
    pub(super) table: Option<PathBuf>,
    /// Studies a strategy, in place of the configuration's.
    #[arg(long)]
    pub(super) seeds: Option<usize>,
    /// Studies at the same time; without it one a core. No result depends on it.
    #[arg(long)]
    pub(super) threads: Option<usize>,
    /// Print every key, with what it means and its value, and do nothing else.
    #[arg(long)]
    pub(super) print_config: bool,
}

/// Runs a comparison, or goes on with it, and prints a line a strategy.
///
/// # Errors
/// A wrong configuration or table, or whatever stops a study.
pub(super) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let mut config = match &args.config {
        Some(path) => {
            let (text, origin) = (read(path)?, path.display().to_string());
            if ContestConfig::is_in(&text, &origin)? {
                return contest(args, &text, &origin);
            }
            CompareConfig::from_toml(&text, &origin)?
        }
        None => CompareConfig::default(),
    };
    if let Some(seeds) = args.seeds {
        config.compare.seeds = seeds;
        check(&config)?;
    }
    if args.print_config {
        return out::text(&config.commented());
    }
    let directory = args.folder()?;
    let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let hint = "the same command goes on where it stopped".to_owned();
    let compare = Compare {
        source: resolve(&config, args.table.as_deref(), folder)?,
        config,
        folder: folder.to_owned(),
        cancel: interrupt::flag_with(hint.clone())?,
        threads: args.threads.unwrap_or_else(cores),
        directory,
    };
    let start = Instant::now();
    let bar = bar();
    let done = compare.run(&mut |step: Step<'_>| {
        bar.set_length(step.total as u64);
        bar.set_position(step.done as u64);
    });
    bar.finish_and_clear();
    match done {
        Err(StudyError::Interrupted) => Err(anyhow::Error::new(StudyError::Interrupted).context(hint)),
        done => {
            let text = text(&done?);
            let page = compare.directory.join(REPORT_FILE);
            out::text(&format!("{text}\n{:.1} s; {}\n", start.elapsed().as_secs_f64(), page.display()))
        }
    }
}

impl CompareArgs {
    /// The folder of `--out`.
    pub(super) fn folder(&self) -> anyhow::Result<PathBuf> {
        self.out.clone().ok_or_else(|| usage("--out DIR is missing"))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))
}

fn check(config: &CompareConfig) -> anyhow::Result<()> {
    use bonas::config::Settings;
    config.compare.check().map_err(|e| usage(format!("--{}: {}", e.key, e.reason)))
}

/// A bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} studies, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Hypervolume, and queries beyond a limit, of every strategy, where there are any.
fn aims(summary: &Summary) -> String {
    let mut text = String::new();
    for limit in &summary.constraints {
        let who = if limit.known { "known" } else { "seen when queried" };
        let _ = writeln!(
            text,
            "limit {} ({who}): {} keep it, {} do not",
            limit.limit, limit.feasible, limit.infeasible
        );
    }
    if let Some(objective) = &summary.objective {
        let [first, second] = objective.reference;
        let _ = writeln!(
            text,
            "second objective {}; hypervolume by {} and {} from ({first}, {second}); the table's front has {:.6}",
            objective.search, summary.report, objective.report, objective.hypervolume
        );
    }
    for s in summary.strategies.iter().filter(|s| s.infeasible_mean.is_some() || s.pareto.is_some()) {
        let _ = write!(text, "{:20}", s.name);
        if let Some(pareto) = &s.pareto {
            let (last, of) = (pareto.last, summary.objective.as_ref().map_or(f64::NAN, |o| o.hypervolume));
            let _ = write!(
                text,
                " hypervolume {:.4} ±{:.4} ({:.2} %), oracle {:.4}",
                last.hypervolume_mean,
                last.hypervolume_sd,
                100.0 * last.hypervolume_mean / of,
                last.oracle_mean
            );
        }
        if let Some(queries) = s.infeasible_mean {
            let _ = write!(text, " {queries:.1} queries beyond a limit");
        }
        text.push('\n');
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// A line a strategy.
fn text(results: &Results) -> String {
    let summary = &results.summary;
    let what = if summary.oracle { "oracle experiment, searched and reported" } else { "searched" };
    let reported = if summary.oracle { String::new() } else { format!(", reported {}", summary.report) };
    let mut text = format!(
        "{} of {} architectures, {} seeds, {} queries; {what} {}{reported}\n\n{:20} {:>19} {:>8}   {:>24} {:>6} {:>7}   {:>15} {:>8}\n",
        summary.space,
        summary.architectures,
        summary.seeds,
        summary.budget,
        summary.search,
        "strategy",
        "found: mean ±sd",
        "oracle",
        "queries to best: mean ±sd",
        "median",
        "found",
        "ask ms mean/p95",
        "study s",
    );
    for (s, times) in summary.strategies.iter().zip(&results.timings.strategies) {
        let more = if s.to_optimum.found < 1.0 { ">" } else { "" };
        let _ = writeln!(
            text,
            "{:20} {:>11.4} ±{:<6.3} {:>8.4}   {:>16} ±{:<6.1} {:>6} {:>6.0}%   {:>8.2}/{:<6.2} {:>8.4}",
            s.name,
            s.last.report_mean,
            s.last.report_sd,
            s.last.oracle_mean,
            format!("{more}{:.1}", s.to_optimum.mean),
            s.to_optimum.sd,
            s.to_optimum.median,
            100.0 * s.to_optimum.found,
            times.ask_ms.mean,
            times.ask_ms.p95,
            times.wall_s,
        );
    }
    text + &aims(summary)
}
