//! `bonas tabulate`: every cell of a space trained from scratch, as a table.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `bonas tabulate`.
#[derive(Debug, Args)]
pub(super) struct TabulateArgs {
    /// A search's configuration: [space], [data], [training], [latency] and [final] count, and `study.seed`
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
    use bonas::Folder;
    use bonas::observer::Overall;
    use bonas::search::{TABLE_FILE, Tabulate};

    use super::interrupt::{self, Interrupt};
    use super::{files, out, placed, search, searched};

    let config = searched::read(&args.config)?;
    files::expect_own(&args.out, Folder::Table)?;
    let interrupt = Interrupt::listen("the epoch of every training under way", interrupt::same_command())?;
    let tabulate = Tabulate {
        config,
        ops: args.ops.clone(),
        sample: args.sample,
        networks: args.networks,
        directory: args.out.clone(),
        cancel: interrupt.flag.clone(),
    };
    let origin = |key: &str| match key {
        "ops" | "sample" => format!("--{key}"),
        key => format!("{}: {key}", args.config.display()),
    };
    let line = Overall::new(tabulate.stages().map_err(|error| placed(error, origin))?);
    let done = tabulate.run(&mut |stage, folder| {
        search::observers(&line, search::stage_title(stage, &tabulate.config), folder, None)
    });
    line.clear();
    let done = interrupt.explain(done, origin)?;
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
