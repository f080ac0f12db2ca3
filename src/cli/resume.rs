//! `bonas resume`: a search goes on, with what may be changed of it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::StudyError;
use bonas::config::SearchConfig;
use bonas::observer::quoted;
use bonas::search::{CONFIG_FILE, Search};
use clap::Args;

use super::change::ChangeArgs;
use super::files;
use super::search::guarded;
use super::{change, out, placed, positive, usage};

/// Arguments of `bonas resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The search's folder.
    dir: PathBuf,
    /// Workers from here on; the history is the same for every number.
    #[arg(long, allow_negative_numbers = true)]
    workers: Option<usize>,
    /// Where to compute from here on: auto, cpu, cuda or cuda:0,1.
    #[arg(long)]
    device: Option<String>,
    /// Unique architectures to evaluate in all. With more than before a search that is finished goes on.
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    budget: Option<NonZeroUsize>,
    /// Go on though the images have changed since the search began. The journal records it, and scores before and
    /// after are taken as if they were of the same images.
    #[arg(long)]
    accept_data: bool,
    /// Change a key that the evaluated scores do not depend on, those of [shortlist] and [final] for good, for
    /// example `--set final.seeds=5`; may be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

/// Goes on with a search.
///
/// # Errors
/// A folder that holds no search, a change that cannot be made, or whatever stops the search.
pub(super) fn resume(args: &ResumeArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    files::expect_search(dir)?;
    let path = dir.join(CONFIG_FILE);
    let text = files::read(&path)?;
    let shown = path.display().to_string();
    let begun = change::resolved(change::search_config(&text, &shown)?, Some(&path))?;
    let changes = ChangeArgs::of(args.set.clone(), args.workers, args.device.clone());
    let mut config = change::resolved(changes.made(&text, &shown)?, Some(&path))?;
    if let Some(workers) = args.workers {
        config.evaluator.keep_devices(workers);
    }
    expect_same_scores(&begun, &config, &changes, (dir, &text))?;
    let origin = |key: &str| format!("{}: {key}", changes.flag_of(key).unwrap_or_else(|| shown.clone()));
    let mut search = Search { config: begun, directory: dir.clone(), cancel: Arc::default() };
    if args.accept_data
        && let Some([before, here]) = search.accept_data().map_err(|error| placed(error, origin))?
    {
        out::text(&format!(
            "The data with fingerprint {here} are accepted in place of those with {before}.\n"
        ))?;
    }
    search.follow_up_with(&config.shortlist, &config.finals).map_err(|error| placed(error, origin))?;
    if let Some(budget) = args.budget {
        extend(&search, budget.get(), &origin)?;
    }
    guarded(&config, dir, &origin)
}

/// Gives the search another budget, and says so.
fn extend(search: &Search, budget: usize, origin: &dyn Fn(&str) -> String) -> anyhow::Result<()> {
    let before = search.extended()?.unwrap_or(search.config.study.architectures);
    search.extend(budget).map_err(|error| match error {
        StudyError::Setting { name, reason } if name == "budget" => {
            usage(format!("--budget {budget}: {reason}"))
        }
        other => placed(other, origin),
    })?;
    if before == budget {
        return Ok(());
    }
    out::text(&format!("The budget is {budget} architectures from here on; it was {before}.\n"))
}

/// Refuses a change of what the scores depend on, by the flag that makes it.
fn expect_same_scores(
    begun: &SearchConfig,
    config: &SearchConfig,
    changes: &ChangeArgs,
    (dir, text): (&Path, &str),
) -> anyhow::Result<()> {
    if config.identity() == begun.identity() {
        return Ok(());
    }
    let differs = |changed: &SearchConfig| changed.identity() != begun.identity();
    let flag = changes.first_that(text, differs)?.unwrap_or_default();
    let folder = quoted(dir);
    if flag.starts_with("--set study.architectures") {
        return Err(usage(format!("{flag}: take --budget, which changes the number of architectures")));
    }
    Err(usage(format!(
        "{flag}: the scores of this search depend on it. To change it, begin another search: \
         `bonas search {folder}/{CONFIG_FILE} {flag} --out ANOTHER`"
    )))
}
