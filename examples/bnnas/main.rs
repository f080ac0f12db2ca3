//! How well do indicators of BatchNorm-only supernets rank cells? BN-NAS (Chen et al. 2021), BNNAS++
//! (our definitions of its terms) and the baselines that they must beat, on NAS-Bench-201 or, with
//! `--space`, NAS-Bench-101 and others.
//!
//! For each seed two supernets are trained by uniform single paths, everything frozen but BatchNorm:
//! *published*, where convolutions alone have one, and *unbiased*, with one after every operation. Each
//! then scores cells of the space by every indicator. Printed are, mean and standard deviation over
//! seeds:
//!
//! * Kendall's tau-b with a column of a table, and with multiply-adds;
//! * the same inside five buckets of multiply-adds of equal size, the smallest first;
//! * the share of convolutions among the best hundredth.
//!
//! Synflow, NASWOT, linear regions and the kernel of all weights read a network at random initialisation,
//! which is the same for both supernets of a seed: they stand with the published one.
//!
//! The table's accuracies come from CIFAR-10 at 200 epochs; a supernet trained on other images is
//! ranked against them all the same, and the output says which images it saw. Test accuracies are
//! read to judge, never to choose.
//!
//! `cargo run --release --example bnnas` runs on the embedded digits; `-- --table FILE` adds a table,
//! `-- --help` lists the flags. Values are kept cell by cell: the same command goes on after a stop.
//! To search with these indicators: `bonas search examples/bnnas/nasbench201.toml --out runs/bn`.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;
mod figures;
mod flags;
#[path = "../support/interrupt.rs"]
mod interrupt;
mod measure;
mod prior;

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use bonas::StudyError;
use bonas::spaces::SearchSpace;
use bonas::spaces::catalogue::SPACES;
use bonas::study::journal::{write_json, write_whole};
use bonas::study::table::{Benchmark, Reading};
use clap::Parser;
use figures::{Figure, mean_sd};
use flags::Flags;
use measure::{Cell, Values, measure};
use rand::seq::SliceRandom;

fn main() -> Result<()> {
    let (flags, cancel) = (Flags::parse(), interrupt::interrupt()?);
    match run(&flags, &cancel) {
        Err(error) if matches!(error.downcast_ref(), Some(StudyError::Interrupted)) => {
            println!("Stopped. The same command goes on from here.");
            std::process::exit(130)
        }
        outcome => outcome,
    }
}

fn run(flags: &Flags, cancel: &Arc<AtomicBool>) -> Result<()> {
    flags.check()?;
    keep_flags(flags)?;
    let (cells, target) = cells(flags)?;
    let nets = flags.nets();
    let mut values: Vec<Option<Result<Values>>> = nets.iter().map(|_| None).collect();
    let work = |i: usize| measure(flags, nets[i], &cells, cancel);
    bonas::study::parallel(nets.len(), flags.workers, work, |i, result| {
        let go_on = result.is_ok();
        values[i] = Some(result);
        go_on
    });
    let values = values.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let macs = values
        .first()
        .and_then(|v| v.get(&bonas::supernet::indicator::Indicator::MACS))
        .context("no seed")?;
    let target = target.unwrap_or_else(|| macs.clone());
    let figures = figures::figures(flags, &nets, &values, &cells, &target);
    println!("{}", text(flags, &cells, &figures)?);
    let few = flags.costly.min(cells.len());
    let tau = bonas::surrogate::metrics::kendall_tau_b(&macs[..few], &target[..few]).unwrap_or(f64::NAN);
    println!("multiply-adds rank the {few} cells that all indicators scored with tau {tau:.3}\n");
    write_json(&flags.out.join("figures.json"), &figures)?;
    println!("{}", flags.out.join("figures.json").display());
    if let (Some(table), false) = (&flags.table, flags.prior.is_empty()) {
        println!("\n{}", prior::head(flags));
        prior::priors(flags, table, &nets, &values, &cells, cancel)?;
    }
    Ok(())
}

/// Writes the flags that results depend on, or refuses a folder that has others.
fn keep_flags(flags: &Flags) -> Result<()> {
    let (path, own) = (flags.out.join("flags.json"), serde_json::to_string_pretty(flags)?);
    std::fs::create_dir_all(&flags.out).with_context(|| format!("cannot make {}", flags.out.display()))?;
    match std::fs::read_to_string(&path) {
        Ok(found) if found != own => {
            bail!("{}: it has results of other flags; take another --out", flags.out.display())
        }
        Ok(_) => Ok(()),
        Err(_) => Ok(write_whole(&path, own.as_bytes())?),
    }
}

/// The cells, each key once, in a random order that is always the same, and their column of the table.
fn cells(flags: &Flags) -> Result<(Vec<Cell>, Option<Vec<f64>>)> {
    let (mut found, target) = if let Some(path) = &flags.table {
        from_table(flags, path)?
    } else {
        let (space, mut seen) = (space(flags)?, HashSet::new());
        let Some(all) = space.enumerate() else {
            bail!("--space {}: its cells cannot be listed; give them with --table", flags.space)
        };
        let all = all.filter(|a| seen.insert(a.key()));
        let cell = |a| Ok(Cell { text: space.format(&a)?, architecture: a });
        (all.map(cell).collect::<Result<Vec<_>>>()?, None)
    };
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.shuffle(&mut bonas::study::rng::stream(0, &[]));
    if flags.cells > 0 {
        order.truncate(flags.cells);
    }
    let target = target.map(|target| order.iter().map(|&i| target[i]).collect());
    found = order.iter().map(|&i| found[i].clone()).collect();
    Ok((found, target))
}

fn from_table(flags: &Flags, path: &Path) -> Result<(Vec<Cell>, Option<Vec<f64>>)> {
    let (table, space) = table(flags, path)?;
    let cell = |arm: &bonas::study::table::Arm| {
        Ok(Cell { text: space.format(&arm.architecture)?, architecture: arm.architecture.clone() })
    };
    Ok((table.arms().iter().map(cell).collect::<Result<_>>()?, Some(table.columns()[0].means())))
}

fn space(flags: &Flags) -> Result<Arc<dyn SearchSpace>> {
    Ok(SPACES.get(&flags.space)?.space())
}

/// The table with its one column.
fn table(flags: &Flags, path: &Path) -> Result<(Benchmark, Arc<dyn SearchSpace>)> {
    let (column, space) = (flags.column.parse().map_err(anyhow::Error::msg)?, space(flags)?);
    let reading = Reading { columns: vec![column], ..Reading::default() };
    Ok((Benchmark::open(path, space.clone(), &reading)?, space))
}

fn text(flags: &Flags, cells: &[Cell], figures: &[Figure]) -> Result<String> {
    let target = match &flags.table {
        Some(_) => flags.column.clone(),
        None => "multiply-adds (no --table)".to_owned(),
    };
    let mut text = format!(
        "{}: supernets on {} ({} images at most), C = {}, {} cell(s) a stage, {} epochs of batch {}, classifier {}; {} seeds\n\
         {} cells; kernels, patterns and passes of {} images; target: {target}\n\
         share of convolutions over all cells: {:.3}\n\n\
         {:<10} {:<15} {:>6} {:>15} {:>15}  {:<33} {:>15}\n",
        flags.space,
        flags.data,
        if flags.limit > 0 { flags.limit.to_string() } else { "all".into() },
        flags.channels,
        flags.layers,
        flags.epochs,
        flags.batch,
        if flags.classifier { "trained" } else { "frozen" },
        flags.seeds,
        cells.len(),
        flags.images,
        mean_sd(&figures::convolutions(cells)).0,
        "supernet",
        "indicator",
        "cells",
        "tau",
        "tau with macs",
        "tau by macs, smallest fifth first",
        "conv in top 1%",
    );
    for figure in figures {
        // Where all scores are equal, as patterns that all differ are, there is no tau.
        let both = |values: &[f64]| match mean_sd(values) {
            (mean, _) if mean.is_nan() => "-".to_owned(),
            (mean, sd) if sd.is_nan() => format!("{mean:.3}"),
            (mean, sd) => format!("{mean:.3} ({sd:.3})"),
        };
        let buckets: Vec<String> = figure.buckets.iter().map(|b| format!("{:>6.3}", mean_sd(b).0)).collect();
        writeln!(
            text,
            "{:<10} {:<15} {:>6} {:>15} {:>15} {} {:>15}",
            figure.variant,
            figure.indicator,
            figure.cells,
            both(&figure.tau),
            both(&figure.tau_macs),
            buckets.join(" "),
            both(&figure.convolutions),
        )?;
    }
    Ok(text)
}
