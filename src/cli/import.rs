//! `bonas import`: known results as the first observations of a search.

use std::path::PathBuf;
use std::sync::Arc;

use bonas::observer::quoted;
use bonas::search::{CONFIG_FILE, Search};
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
    /// Column of the scores, in the unit of the search; `a,b` is the mean of two, `-a` turns the sign.
    #[arg(long, default_value = "score", allow_hyphen_values = true)]
    column: ColumnName,
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
    let reading = Reading { columns: vec![args.column.clone()], skip_missing: true, ..Reading::default() };
    let table = Source::named(&args.from)
        .open(space, &reading)
        .map_err(|error| placed(error, |_| "--from".into()))?;
    let best = table.columns()[0].means().into_iter().reduce(f64::max).unwrap_or(f64::NAN);
    let imported =
        search.import(scores(&table)).map_err(|error| placed(error, |key| args.config.origin(key)))?;
    let skipped = table.skipped();
    let known = table.arms().len() - imported;
    let known = if known > 0 { format!(", {known} were known before") } else { String::new() };
    let skipped = if skipped.is_empty() { String::new() } else { skipped.line() };
    out::text(&format!(
        "{skipped}{imported} results are imported into {}{known}; the best of the table is {best}.\n\
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

/// The architectures of a table with the measurements of its one column.
fn scores(table: &Benchmark) -> impl Iterator<Item = (bonas::spaces::Architecture, Vec<f64>)> + '_ {
    let column = &table.columns()[0];
    table.arms().iter().enumerate().map(|(arm, of)| (of.architecture.clone(), column.runs(arm).to_vec()))
}
