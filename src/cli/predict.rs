//! `bonas predict`: how well surrogates rank a table.

use std::path::PathBuf;
use std::sync::Arc;

use bonas::assemble;
use bonas::config::{BonasSettings, SurrogateKind};
use bonas::pool::cores;
use bonas::predict::{FORMAT, Plan, Rows, measure};
use bonas::registry;
use bonas::report::write_json;
use bonas::table::{Benchmark, ColumnName, Limit, Merge, Reading};
use clap::{Args, ValueEnum};

use super::{out, usage};

/// Arguments of `bonas predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// Search space of the table.
    #[arg(long)]
    space: String,
    /// The table: CSV, plain or gzipped; column `arch` in the space's notation.
    #[arg(long)]
    table: PathBuf,
    /// Column that surrogates are trained on; `a,b` is the mean of two, `-a` turns the sign.
    #[arg(long, allow_hyphen_values = true)]
    train_on: ColumnName,
    /// Column that ranks are compared with; without it the one trained on.
    #[arg(long, allow_hyphen_values = true)]
    rank: Option<ColumnName>,
    /// Numbers of training rows.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 100, 200, 400])]
    sizes: Vec<usize>,
    /// Random splits of each size.
    #[arg(long, default_value_t = 10)]
    splits: usize,
    /// Surrogates by name, with commas between; without it the one that strategy bonas uses.
    #[arg(long, value_delimiter = ',')]
    surrogate: Vec<String>,
    /// What becomes of isomorphic rows.
    #[arg(long, value_enum, default_value_t = MergeKind::Raw)]
    merge: MergeKind,
    /// Leave rows out that lack a number.
    #[arg(long)]
    skip_missing: bool,
    /// Leave rows out that are beyond a limit such as "params <= 2.5".
    #[arg(long)]
    limit: Vec<Limit>,
    /// Seed of the splits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; without it one a core.
    #[arg(long)]
    threads: Option<usize>,
    /// Also write the figures to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What becomes of isomorphic rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum MergeKind {
    /// Every row counts by itself.
    Raw,
    /// They become one architecture with the mean of their values.
    Isomorphic,
    /// They become one architecture with the value of the first.
    First,
}

/// Prints a row a surrogate and training size.
///
/// # Errors
/// Usage errors for unknown names, errors of the table with file and line.
pub(super) fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    let kinds = surrogates(&args.surrogate)?;
    let table = open(args)?;
    let columns = table.columns();
    let plan = Plan {
        sizes: args.sizes.clone(),
        splits: args.splits,
        seed: args.seed,
        train_on: 0,
        rank: columns.len() - 1,
        threads: args.threads.unwrap_or_else(cores),
    };
    let mut rows = Vec::new();
    for kind in kinds {
        rows.extend(measure(&table, &|| assemble::surrogate(kind), &plan)?);
    }
    let rows = Rows {
        format: FORMAT,
        space: args.space.clone(),
        table: args.table.display().to_string(),
        fingerprint: table.fingerprint().to_owned(),
        train_on: columns[plan.train_on].name().to_string(),
        rank: columns[plan.rank].name().to_string(),
        architectures: table.arms().len(),
        seed: args.seed,
        rows,
    };
    if let Some(path) = &args.json {
        write_json(path, &rows)?;
    }
    out::text(&rows.text())
}

fn surrogates(names: &[String]) -> anyhow::Result<Vec<SurrogateKind>> {
    if names.is_empty() {
        return Ok(vec![BonasSettings::default().surrogate]);
    }
    names.iter().map(|name| SurrogateKind::named(name).map_err(usage)).collect()
}

fn open(args: &PredictArgs) -> anyhow::Result<Benchmark> {
    let space = registry::space(&args.space).map_err(usage)?.space();
    let rank = args.rank.clone().filter(|rank| *rank != args.train_on);
    let reading = Reading {
        columns: [Some(args.train_on.clone()), rank].into_iter().flatten().collect(),
        merge: match args.merge {
            MergeKind::Raw => Merge::Raw,
            MergeKind::Isomorphic => Merge::Mean,
            MergeKind::First => Merge::First,
        },
        skip_missing: args.skip_missing,
        limits: args.limit.clone(),
    };
    Ok(Benchmark::open(&args.table, Arc::clone(&space), &reading)?)
}
