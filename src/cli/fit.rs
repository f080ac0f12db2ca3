//! `bonas fit`: a surrogate in a file.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bonas::StudyError;
use bonas::build;
use bonas::config::{SurrogateName, TableSettings};
use bonas::rank::{Model, Recipe, Training};
use bonas::search::CONFIG_FILE;
use bonas::spaces::SearchSpace;
use bonas::spaces::catalogue::SPACES;
use bonas::study::Journalled;
use bonas::study::journal::{JOURNAL_FILE, Journal};
use bonas::study::table::{ColumnName, Limit, Reading, Source};
use clap::Args;

use super::files;
use super::predict::{MergeKind, as_flag, prior};
use super::{out, positive, searched, usage};

/// Arguments of `bonas fit`.
#[derive(Debug, Args)]
pub(super) struct FitArgs {
    /// Search space of the table, or `file:PATH` of a space file.
    #[arg(long, requires = "table")]
    space: Option<String>,
    /// The table: CSV, plain or gzipped; column `arch` in a notation of the space (docs/notations.md); or `digits`, the one
    /// inside the program. Without it that one, with `val` to train on.
    #[arg(long, requires_all = ["space", "train_on"])]
    table: Option<PathBuf>,
    /// Column that the surrogate is trained on; `a,b` is the mean of two, `-a` turns the sign.
    #[arg(long, allow_hyphen_values = true)]
    train_on: Option<ColumnName>,
    /// Fit to the scores of the search in this folder, finished or not, in place of a table.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["space", "table", "train_on", "merge", "skip_missing", "limit"])]
    search: Option<PathBuf>,
    /// The surrogate (`bonas list surrogates` names them); without it the one that strategy bonas uses.
    #[arg(long)]
    surrogate: Option<String>,
    /// What it knows beforehand: auto, none, macs or params, as strategy bonas.
    #[arg(long, default_value = "auto")]
    prior: String,
    /// Fit to so many of the architectures, drawn at random; without it to all. The time of some surrogates
    /// is cubic in this number.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    sample: Option<NonZeroUsize>,
    /// What becomes of isomorphic rows.
    #[arg(long, value_enum, default_value_t = MergeKind::Raw)]
    merge: MergeKind,
    /// Leave rows out that lack an architecture or a number (empty, -, ?, NA, N/A, NaN, null, None); they are counted.
    #[arg(long)]
    skip_missing: bool,
    /// Leave rows out that are beyond a limit such as "params <= 2.5".
    #[arg(long)]
    limit: Vec<Limit>,
    /// Seed of the sample and of the fit.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File for the model; one that is there is replaced.
    #[arg(long)]
    out: PathBuf,
}

/// Fits a surrogate and writes its file.
///
/// # Errors
/// Usage errors for unknown names, errors of the table with file and line.
pub(super) fn fit(args: &FitArgs) -> anyhow::Result<()> {
    let place = place(args)?;
    let surrogate =
        args.surrogate.as_deref().map_or_else(|| Ok(SurrogateName::default()), SurrogateName::named);
    let surrogate = surrogate.map_err(|e| usage(format!("--surrogate: {e}")))?;
    let recipe = Recipe { surrogate, prior: prior(&args.prior)?, seed: args.seed };
    let (space, training) = match &args.search {
        Some(folder) => of_search(folder)?,
        None => of_table(args)?,
    };
    let training = match args.sample {
        Some(count) => training.sample(count.get(), args.seed),
        None => training,
    };
    let begun = Instant::now();
    let model = Model::fit(space, &training, &recipe).map_err(as_flag)?;
    model.write(&place)?;
    out::text(&format!(
        "{} fitted to {} architectures of {} in {:.1} s\n{}{}\n",
        surrogate.name(),
        training.len(),
        model.space().name(),
        begun.elapsed().as_secs_f64(),
        training.skipped().line(),
        args.out.display()
    ))
}

/// Where the model goes: not where something is read.
fn place(args: &FitArgs) -> anyhow::Result<PathBuf> {
    let place = files::expect_place(&args.out, "--out", "give the path of a file")?;
    if let Some(Source::File(table)) = args.table.as_deref().map(Source::named) {
        files::expect_other(&place, "--out", &table, "--table")?;
    }
    if let Some(folder) = &args.search {
        for name in [CONFIG_FILE, JOURNAL_FILE] {
            files::expect_other(&place, "--out", &folder.join(name), "--search")?;
        }
    }
    Ok(place)
}

/// The rows of a table.
fn of_table(args: &FitArgs) -> anyhow::Result<(std::sync::Arc<dyn SearchSpace>, Training)> {
    let embedded = TableSettings::embedded();
    let source = args.table.as_deref().map_or(Source::Embedded, Source::named);
    if let Source::File(path) = &source {
        files::expect_file(path, "--table")?;
    }
    let name = args.space.as_ref().unwrap_or(&embedded.space);
    let space = build::named_space(name, Path::new("")).map_err(usage)?;
    let train_on = args.train_on.clone().map_or_else(|| embedded.search.parse(), Ok).map_err(usage)?;
    let reading = Reading {
        columns: vec![train_on],
        merge: args.merge.merge(),
        skip_missing: args.skip_missing,
        limits: args.limit.clone(),
        ..Reading::default()
    };
    let table = source.open(space.clone(), &reading).map_err(as_flag)?;
    Ok((space, Training::of_table(&table, 0)))
}

/// The scores of a search.
fn of_search(folder: &Path) -> anyhow::Result<(std::sync::Arc<dyn SearchSpace>, Training)> {
    files::expect_search(folder)?;
    let config = searched::read_config(folder)?;
    if !Journal::exists(folder) {
        return Err(usage(format!("--search: the search in {} has not begun", folder.display())));
    }
    let study = Journalled::read(folder, &build::space(&config)?)?;
    let training =
        Training::of_history(&study.history, config.evaluator.fidelity(), folder.display().to_string());
    if training.is_empty() {
        let reason = "no architecture has a score yet; go on with the search".into();
        return Err(StudyError::Data { path: folder.to_owned(), reason }.into());
    }
    // The list may hold what the search's own space, a table say, does not.
    let space = build::space(&config)?;
    let space = match space.source() {
        Some(_) => space,
        None => SPACES.get(space.name()).map_err(usage)?.space(),
    };
    Ok((space, training))
}
