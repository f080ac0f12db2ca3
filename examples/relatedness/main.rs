//! Does joint training of related cells rank them better? The central claim of BONAS (Shi et al.
//! 2020, section 3.3) as an experiment: Kendall's tau-b between scores with shared weights and
//! scores from scratch, for one-shot and joint supernets, on random and on related cells.
//!
//! A repeat draws two batches of `--cells` cells, without looking at any score:
//!
//! * *random*: drawn uniformly from the space;
//! * *related*: a cell drawn uniformly, the centre, and cells 1 to `--radius` random edits
//!   (operation or source of an edge) away from it.
//!
//! Each batch is ranked twice, by supernets that take the same steps:
//!
//! * *joint*: the supernet of this batch alone, `--shared-epochs` epochs, one cell a step;
//! * *one-shot*: the supernet of the whole space, trained by uniform single paths. One supernet
//!   scores both batches of the repeat, and so is trained for twice the epochs.
//!
//! So a scored cell costs the same in all four conditions: `--shared-epochs` / `--cells` passes
//! over the training images. The truth is each cell's accuracy from scratch, the mean of
//! `--seeds` runs. All scores are on the same held-out images.
//!
//! Related cells differ less in truth, which makes them harder to rank by whatever means. Hence
//! beside every tau its noise ceiling: tau between the from-scratch accuracies of two seeds on the
//! same batch; and tau between one seed and the mean of the others, which is what a run from
//! scratch reaches as a score. (A perfect ranker would do somewhat better than either, for the
//! truth is a mean of seeds.) Intervals are bootstrapped over repeats; both supernets score the
//! same batches, so their difference is paired.
//!
//! The defaults are for the embedded digits and cells of NAS-Bench-201, 240 images to train on and
//! 958 to score on: there cells differ by more than two seeds of one cell do. Cells of DARTS differ
//! by less at every budget that was tried, on these digits (`--space darts --layers 3`).
//!
//! `cargo run --release --example relatedness` runs it on the embedded digits; `-- --help` lists
//! the flags. Results are journalled: the same command goes on after a stop.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;
mod cells;
mod costs;
mod figures;
mod flags;
#[path = "../support/interrupt.rs"]
mod interrupt;
mod statistics;
mod studies;
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use bonas::StudyError;
use bonas::study::journal::{write_json, write_whole};
use clap::Parser;
use figures::Results;
use flags::Flags;

fn main() -> Result<()> {
    let flags = Flags::parse();
    match run(&flags, &interrupt::interrupt()?) {
        Err(error) if matches!(error.downcast_ref(), Some(StudyError::Interrupted)) => {
            println!("Stopped. The same command goes on from here.");
            std::process::exit(130)
        }
        outcome => outcome,
    }
}

fn run(flags: &Flags, cancel: &Arc<AtomicBool>) -> Result<()> {
    flags.check()?;
    let repeats = cells::draw(flags)?;
    let costs = costs::costs(flags, &repeats)?;
    println!("{}", table::costs(flags, &costs));
    let measured = studies::measure(flags, &repeats, cancel)?;
    let results = Results::of(flags, costs, measured);
    let json = flags.json.clone().unwrap_or_else(|| flags.out.join("results.json"));
    write_json(&json, &results)?;
    write_whole(&flags.out.join("results.md"), table::markdown(&results).as_bytes())?;
    println!("\n{}\n{}", table::plain(&results), json.display());
    Ok(())
}
