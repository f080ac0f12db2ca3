//! `bonas predict`: how well surrogates rank a table.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bonas::StudyError;
use bonas::config::{BonasSettings, PriorKind, SurrogateName, TableSettings, Transfer};
use bonas::observer::Counter;
use bonas::predict::{Diverged, FORMAT, Plan, Rows, measure_watched};
use bonas::spaces::catalogue::{nearest, unknown};
use bonas::study::cores;
use bonas::study::journal::write_json;
use bonas::study::strategy::{Count, Knowledge, Start};
use bonas::study::table::{Benchmark, Column, ColumnName, Limit, Merge, Reading, Source};
use clap::{Args, ValueEnum};

use super::interrupt::Interrupt;
use super::{files, out, placed, positive, usage};

/// Arguments of `bonas predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// Search space of the table, or `file:PATH` of a space file.
    #[arg(long, requires = "table")]
    space: Option<String>,
    /// The table: CSV, plain or gzipped; column `arch` in a notation of the space (docs/notations.md); or `digits`, the one
    /// inside the program. Without it that one, with `val` to train on and `test` to rank.
    #[arg(long, requires_all = ["space", "train_on"])]
    table: Option<PathBuf>,
    /// Column that surrogates are trained on; `a,b` is the mean of two, `-a` turns the sign.
    #[arg(long, allow_hyphen_values = true)]
    train_on: Option<ColumnName>,
    /// Column that ranks are compared with; without it the one trained on (without --table: test).
    #[arg(long, allow_hyphen_values = true)]
    rank: Option<ColumnName>,
    /// Numbers of training rows.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 100, 200, 400])]
    sizes: Vec<usize>,
    /// Random splits of each size.
    #[arg(long, default_value_t = 10)]
    splits: usize,
    /// Surrogates by name, with commas between (`bonas list surrogates` names them); without it the one
    /// that strategy bonas uses.
    #[arg(long, value_delimiter = ',')]
    surrogate: Vec<String>,
    /// What the surrogates know beforehand: auto, none, macs or params, as strategy bonas.
    #[arg(long, default_value = "auto")]
    prior: String,
    /// Columns of numbers that are known of every architecture before it is measured, such as parameters or a zero-cost
    /// score, with commas between: features beside the graph for surrogates that take a prior. network.depth, network.width,
    /// network.resolution, network.macs and network.params are counted on the network of the space.
    #[arg(long, value_delimiter = ',', requires = "table", allow_hyphen_values = true)]
    features: Vec<ColumnName>,
    /// Scores on another task that they start from: none, digits, study:FOLDER or table:FILE:COLUMN.
    #[arg(long, default_value_t)]
    transfer: Transfer,
    /// What becomes of isomorphic rows.
    #[arg(long, value_enum, default_value_t = MergeKind::Raw)]
    merge: MergeKind,
    /// Share of the training rows that are replaced by runs that diverged, to see what surrogates make of them.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    diverged: f64,
    /// Value that these get, in the unit of the column; without it the lowest of the table.
    #[arg(long, requires = "diverged", allow_hyphen_values = true)]
    diverged_value: Option<f64>,
    /// Leave rows out that lack an architecture or a number (empty, -, ?, NA, N/A, NaN, null, None); they are counted.
    #[arg(long)]
    skip_missing: bool,
    /// Leave rows out that are beyond a limit such as "params <= 2.5".
    #[arg(long)]
    limit: Vec<Limit>,
    /// Seed of the splits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; without it one a core.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
    /// Also write the figures to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What becomes of isomorphic rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MergeKind {
    /// Every row counts by itself.
    Raw,
    /// They become one architecture with the mean of their values.
    Isomorphic,
    /// They become one architecture with the value of the first.
    First,
    /// As isomorphic, also for rows with one text and different values, which are an error else.
    Repeats,
}

impl MergeKind {
    pub(super) fn merge(self) -> Merge {
        match self {
            Self::Raw => Merge::Raw,
            Self::Isomorphic => Merge::Mean,
            Self::First => Merge::First,
            Self::Repeats => Merge::Repeats,
        }
    }
}

/// Prints a row a surrogate and training size.
///
/// # Errors
/// Usage errors for unknown names, errors of the table with file and line.
pub(super) fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    let kinds = surrogates(&args.surrogate)?;
    let json = expect_places(args)?;
    let prior = prior(&args.prior)?;
    expect_features(args)?;
    let table = open(args)?;
    let (space, columns) = (&**table.space(), table.columns());
    let (own, columns) = columns.split_at(own_columns(args).count());
    let knowledge = offering(&table, own)?;
    let features = &args.features;
    let start = Start { prior, transfer: &args.transfer, features };
    let task = knowledge.source_task(&args.transfer, space).map_err(as_flag)?;
    if let Some(task) = &task {
        task.check(&table, &columns.iter().map(Column::name).collect::<Vec<_>>()).map_err(as_flag)?;
    }
    // What a surrogate does not take is said before any is measured.
    for &kind in &kinds {
        knowledge.surrogate(kind, start, space).map_err(as_flag)?;
    }
    let plan = plan(args, own.len(), table.columns().len() - 1);
    let interrupt =
        Interrupt::listen("every split under way", "nothing is kept: give the command again".to_owned())?;
    let (mut line, mut done) = (Counter::new("Predict", "splits"), 0);
    let all = kinds.len() * plan.sizes.len() * plan.splits;
    let mut watch = || {
        done += 1;
        line.set(done, all);
        !interrupt.flag.load(Ordering::SeqCst)
    };
    let mut rows = Vec::new();
    for kind in kinds {
        let make = || knowledge.surrogate(kind, start, space);
        let measured = measure_watched(&table, &make, &plan, &mut watch);
        rows.extend(interrupt.explain(measured, flag)?);
    }
    drop(line);
    let rows = Rows {
        format: FORMAT,
        space: table.space().name().to_owned(),
        table: source(args).to_string(),
        fingerprint: table.fingerprint().to_owned(),
        train_on: columns[0].name().to_string(),
        rank: columns[columns.len() - 1].name().to_string(),
        features: features.iter().map(ToString::to_string).collect(),
        architectures: table.arms().len(),
        skipped: table.skipped().clone(),
        transfer_skipped: task.as_ref().map(|task| task.skipped.clone()).unwrap_or_default(),
        seed: args.seed,
        diverged: args.diverged,
        diverged_value: args.diverged_value,
        prior: prior.name().to_owned(),
        transfer: args.transfer.to_string(),
        transfer_digest: task.map(|task| task.digest.clone()),
        rows,
    };
    if let Some(path) = &json {
        write_json(path, &rows)?;
    }
    out::text(&rows.text())
}

/// Columns of a table that surrogates can take as features.
fn offering(table: &Benchmark, columns: &[Column]) -> anyhow::Result<Knowledge> {
    columns.iter().try_fold(Knowledge::default(), |knowledge, column| {
        let numbers = table.knowledge(column).map_err(as_flag)?;
        Ok(knowledge.offering(column.name().clone(), numbers))
    })
}

fn plan(args: &PredictArgs, train_on: usize, rank: usize) -> Plan {
    Plan {
        sizes: args.sizes.clone(),
        splits: args.splits,
        seed: args.seed,
        train_on,
        rank,
        diverged: Diverged { share: args.diverged, value: args.diverged_value },
        threads: args.threads.map_or_else(cores, NonZeroUsize::get),
    }
}

/// Refuses paths that cannot be read or written, before anything is measured; returns where the JSON goes.
fn expect_places(args: &PredictArgs) -> anyhow::Result<Option<PathBuf>> {
    if let Source::File(path) = source(args) {
        files::expect_file(&path, "--table")?;
    }
    args.json.as_deref().map(|path| place(path, args)).transpose()
}

fn place(path: &Path, args: &PredictArgs) -> anyhow::Result<PathBuf> {
    let place = files::expect_place(path, "--json", "leave --json out, the figures are printed without it")?;
    if let Source::File(table) = source(args) {
        files::expect_other(&place, "--json", &table, "--table")?;
    }
    if let Transfer::Table { table: Source::File(table), .. } = &args.transfer {
        files::expect_other(&place, "--json", table, "--transfer")?;
    }
    Ok(place)
}

/// The features that are columns of the table.
fn own_columns(args: &PredictArgs) -> impl Iterator<Item = &ColumnName> {
    args.features.iter().filter(|feature| Count::named(&feature.to_string()).is_none())
}

/// What is wrong with a feature that is no column of the table and looks like a count of a network.
fn misspelt_count(args: &PredictArgs, error: &StudyError) -> Option<String> {
    let counts = Count::ALL.map(Count::name);
    let error = error.to_string();
    own_columns(args).map(ToString::to_string).find_map(|name| {
        let near = name.starts_with("network.") || nearest(&name, counts).is_some();
        let told = || {
            let unknown = unknown("feature", &name, counts);
            format!("--features: {unknown}, or a column of the table, which has none of this name")
        };
        (near && error.contains(&format!("unknown column `{name}`"))).then(told)
    })
}

/// Refuses features that are what surrogates are to predict.
fn expect_features(args: &PredictArgs) -> anyhow::Result<()> {
    let predicted = || args.train_on.iter().chain(&args.rank).flat_map(|column| &column.parts);
    for feature in &args.features {
        if let Some(part) = feature.parts.iter().find(|part| predicted().any(|predicted| predicted == *part))
        {
            return Err(usage(format!(
                "--features: {part} is what is to be predicted, so it is not known before"
            )));
        }
    }
    Ok(())
}

pub(super) fn prior(name: &str) -> anyhow::Result<PriorKind> {
    PriorKind::named(name).map_err(|e| usage(format!("--prior: {}", e.replace("variant", "prior"))))
}

/// The flag that stands for a key of strategy `bonas` here.
fn flag(key: &str) -> String {
    format!("--{}", key.strip_prefix("strategy.").unwrap_or(key))
}

/// An error of a key of strategy `bonas` as one of the flag that stands for it here.
pub(super) fn as_flag(error: StudyError) -> anyhow::Error {
    placed(error, flag)
}

fn surrogates(names: &[String]) -> anyhow::Result<Vec<SurrogateName>> {
    if names.is_empty() {
        return Ok(vec![BonasSettings::default().surrogate]);
    }
    let named = |name: &String| SurrogateName::named(name).map_err(|e| usage(format!("--surrogate: {e}")));
    names.iter().map(named).collect()
}

fn open(args: &PredictArgs) -> anyhow::Result<Benchmark> {
    let embedded = TableSettings::embedded();
    let name = args.space.as_ref().unwrap_or(&embedded.space);
    let space = bonas::build::named_space(name, Path::new("")).map_err(usage)?;
    let train_on = args.train_on.clone().map_or_else(|| embedded.search.parse(), Ok).map_err(usage)?;
    let default_rank = args.table.is_none().then(|| embedded.report.parse()).transpose().map_err(usage)?;
    let rank = args.rank.clone().or(default_rank).filter(|rank| *rank != train_on);
    let reading = Reading {
        columns: own_columns(args).cloned().chain([train_on]).chain(rank).collect(),
        merge: args.merge.merge(),
        skip_missing: args.skip_missing,
        limits: args.limit.clone(),
        ..Reading::default()
    };
    source(args).open(space, &reading).map_err(|error| match misspelt_count(args, &error) {
        Some(text) => usage(text),
        None => as_flag(error),
    })
}

fn source(args: &PredictArgs) -> Source {
    args.table.as_deref().map_or(Source::Embedded, Source::named)
}
