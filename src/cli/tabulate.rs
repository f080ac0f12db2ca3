//! `bonas tabulate`: every cell of a space trained from scratch, as a table.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `bonas tabulate`.
#[derive(Debug, Args)]
pub(super) struct TabulateArgs {
    /// A search's configuration: [space], [data], [training] and [final] count, and `study.seed`
    /// and `study.workers`.
    config: PathBuf,
    /// Folder for the table and what is trained; a run that was stopped goes on from there.
    #[arg(long)]
    out: PathBuf,
    /// Only cells of these operations, with commas between; without it of all.
    #[arg(long, value_delimiter = ',')]
    ops: Vec<String>,
    /// Only so many of these cells, drawn with `study.seed`: to try a recipe before the whole space.
    #[arg(long)]
    sample: Option<usize>,
    /// Networks a seed: the value of a seed is their mean accuracy.
    #[arg(long, default_value = "1")]
    networks: NonZero<usize>,
}

/// Trains every cell and writes the table.
///
/// # Errors
/// A wrong configuration, or whatever stops a training.
#[cfg(feature = "torch")]
pub(super) fn tabulate(args: &TabulateArgs) -> anyhow::Result<()> {
    use bonas::search::{TABLE_FILE, Tabulate};

    use super::{interrupt, out, search};

    let tabulate = Tabulate {
        config: search::read(&args.config)?,
        ops: args.ops.clone(),
        sample: args.sample,
        networks: args.networks,
        directory: args.out.clone(),
        cancel: interrupt::flag_with("the same command goes on where it stopped".to_owned())?,
    };
    let done = tabulate.run(&mut |stage, folder| search::observers(stage, folder))?;
    let tau = |tau: Option<f64>| tau.map_or_else(|| "undefined".to_owned(), |tau| format!("{tau:.3}"));
    out::text(&format!(
        "{} cells, {} failed, {:.0} s of training; tau between two seeds: validation {}, test {}; between the \
         columns {}\n{}\n",
        done.cells,
        done.failed,
        done.seconds,
        tau(done.tau_val),
        tau(done.tau_test),
        tau(done.tau),
        args.out.join(TABLE_FILE).display()
    ))
}

/// Training needs libtorch.
///
/// # Errors
/// A usage error that says so.
#[cfg(not(feature = "torch"))]
pub(super) fn tabulate(args: &TabulateArgs) -> anyhow::Result<()> {
    let TabulateArgs { config, out, ops, sample, networks } = args;
    let what = format!(
        "{}, {}, {} operations, sample {sample:?}, {networks} networks a seed",
        config.display(),
        out.display(),
        ops.len()
    );
    Err(super::usage(format!(
        "training the cells of {what} needs libtorch, and this program was built without it (feature torch)"
    )))
}
