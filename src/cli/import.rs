//! `bonas import`: known results as the first observations of a search.

use std::path::PathBuf;
use std::sync::Arc;

use bonas::observer::quoted;
use bonas::search::{CONFIG_FILE, KnownResult, Search};
use bonas::study::history::{Outcome, Score};
use bonas::study::journal::Journal;
use bonas::study::table::{Benchmark, ColumnName, Reading, Source};
use bonas::{Folder, build};
use clap::Args;

use super::change::{ConfigArgs, Purpose};
use super::files;
use super::search::expect_same;
use super::{out, placed, searched, usage};

/// Arguments of `bonas import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The search's folder; a search that has begun there has proposed nothing yet.
    dir: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
    /// The table: CSV, plain or gzipped; column `arch` in a notation of the space (docs/notations.md); or `digits`, the
    /// one inside the program.
    #[arg(long, value_name = "TABLE")]
    from: PathBuf,
    /// Column of the scores, in the unit of the search; `a,b` is the mean of two, `-a` turns the sign. Default: the
    /// evaluator's `score`.
    #[arg(long, allow_hyphen_values = true)]
    column: Option<ColumnName>,
    /// Column of a measure that a limit or the second objective reads, where its name is another; may be repeated.
    #[arg(long = "measure", value_name = "NAME=COLUMN", value_parser = renamed)]
    measures: Vec<(String, ColumnName)>,
}

/// Takes the results of a table into a search, which is begun if there is none.
///
/// # Errors
/// A wrong configuration, a folder of something else, errors of the table with file and line, and a search that has
/// proposed something.
pub(super) fn import(args: &ImportArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    let search = search(args)?;
    let space = build::space(&search.config)?;
    search.check_import().map_err(|error| placed(error, |key| args.config.origin(key)))?;
    let columns = columns(args, search.config.columns())?;
    let reading = Reading { columns, skip_missing: true, skip_excluded: true, ..Reading::default() };
    let table = Source::named(&args.from)
        .open(space, &reading)
        .map_err(|error| placed(error, |_| "--from".into()))?;
    let imported =
        search.import(results(&table)).map_err(|error| placed(error, |key| args.config.origin(key)))?;
    let best = best(&table, &search);
    let skipped = table.skipped();
    let known = table.arms().len() - imported;
    let known = if known > 0 { format!(", {known} were known before") } else { String::new() };
    let skipped = if skipped.is_empty() { String::new() } else { skipped.line() };
    out::text(&format!(
        "{skipped}{imported} results are imported into {}{known}; {best}.\n\
         next       bonas resume {}\n",
        dir.display(),
        quoted(dir)
    ))
}

/// The search of the folder, or a new one.
fn search(args: &ImportArgs) -> anyhow::Result<Search> {
    let dir = &args.dir;
    files::expect_own(dir, Folder::Search)?;
    let begun = dir.join(CONFIG_FILE).exists();
    let config = match (args.config.is_given(), begun) {
        (false, true) => searched::read_config(dir)?,
        (false, false) => {
            return Err(usage(format!(
                "{} holds no search; name its configuration: `bonas import {} FILE --from {}`",
                dir.display(),
                quoted(dir),
                quoted(&args.from)
            )));
        }
        (true, true) if Journal::exists(dir) => expect_same(dir, args.config.read(Purpose::Run)?)?,
        (true, _) => args.config.read(Purpose::Run)?,
    };
    Ok(Search { config, directory: dir.clone(), cancel: Arc::default() })
}

/// The columns of the table: of the scores, then of what limits and the second objective read.
fn columns(args: &ImportArgs, mut columns: Vec<ColumnName>) -> anyhow::Result<Vec<ColumnName>> {
    let names = |column: &ColumnName, name: &str| column.parts[..] == [name.to_owned()];
    if let Some((name, _)) =
        args.measures.iter().find(|(name, _)| !columns[1..].iter().any(|column| names(column, name)))
    {
        let read: Vec<&str> =
            columns[1..].iter().flat_map(|column| &column.parts).map(String::as_str).collect();
        let read = if read.is_empty() { "there are none".to_owned() } else { read.join(", ") };
        return Err(usage(format!(
            "--measure {name}: no limit and no second objective of the search reads it; they read: {read}"
        )));
    }
    for column in &mut columns[1..] {
        if let Some((_, of)) = args.measures.iter().find(|(name, _)| names(column, name)) {
            *column = ColumnName { negated: column.negated != of.negated, ..of.clone() };
        }
    }
    if let Some(column) = &args.column {
        columns[0] = column.clone();
    }
    Ok(columns)
}

/// `NAME=COLUMN`.
fn renamed(text: &str) -> Result<(String, ColumnName), String> {
    let (name, column) = text.split_once('=').ok_or("expected NAME=COLUMN, as in latency=lat_ms")?;
    Ok((name.trim().to_owned(), column.parse()?))
}

/// The architectures of a table with their scores and measures.
fn results(table: &Benchmark) -> impl Iterator<Item = KnownResult> + '_ {
    let (scores, others) = (&table.columns()[0], &table.columns()[1..]);
    table.arms().iter().enumerate().map(|(arm, of)| KnownResult {
        architecture: of.architecture.clone(),
        runs: scores.runs(arm).to_vec(),
        measures: others.iter().map(|column| column.mean(arm)).collect(),
    })
}

/// A sentence about the best score of the table that keeps the limits.
fn best(table: &Benchmark, search: &Search) -> String {
    let (fidelity, aims) = (search.config.evaluator.fidelity(), search.config.aims());
    let value = |of: KnownResult| {
        let score = aims.judged(Score::mean_of(of.runs, fidelity), of.measures);
        Outcome::Scored(score).value(fidelity)
    };
    let limits = if aims.bounds.is_empty() { "" } else { " within the limits" };
    match results(table).filter_map(value).reduce(f64::max) {
        Some(best) => format!("the best of the table{limits} is {best}"),
        None if table.arms().is_empty() => "the table has none".to_owned(),
        None => "none of them keeps the limits".to_owned(),
    }
}
