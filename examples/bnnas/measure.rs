//! Values of every indicator for every cell, kept line by line so that a stop loses nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use bonas::StudyError;
use bonas::build::Trainings;
use bonas::config::BatchNormKind;
use bonas::spaces::Architecture;
use bonas::study::evaluator::Monitor;
use bonas::supernet::indicator::{Indicator, Probe};
use bonas::supernet::model::Placement;
use tch::Device;

use crate::flags::{Flags, Net};

/// Indicators that cost next to nothing a cell.
pub(crate) const CHEAP: [Indicator; 4] =
    [Indicator::MACS, Indicator::PARAMS, Indicator::BN_GAMMA, Indicator::EXPRESSIVITY];
/// Those that cost passes through the trained network.
pub(crate) const TRAINED: [Indicator; 2] = [Indicator::TRAINABILITY, Indicator::UNCERTAINTY];
/// Those that cost passes through one at random initialisation, which is the same whatever BatchNorm the
/// supernet of a seed has: measured once a seed, with the published one.
pub(crate) const UNTRAINED: [Indicator; 4] =
    [Indicator::SYNFLOW, Indicator::NASWOT, Indicator::LINEAR_REGIONS, Indicator::NTK];

/// A cell and its text.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) architecture: Architecture,
    pub(crate) text: String,
}

/// By indicator one value a cell, in the order of the cells; the costly ones for the first cells only.
pub(crate) type Values = BTreeMap<Indicator, Vec<f64>>;

/// Prints how far a supernet is.
struct Progress<'a> {
    name: String,
    cancel: &'a AtomicBool,
}

impl Monitor for Progress<'_> {
    fn step(&self, done: u64, total: u64, stage: &str) {
        eprintln!("{}: {stage} {}/{total}", self.name, done + 1);
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::SeqCst)
    }
}

/// Trains a supernet and scores the cells with it, or goes on from what its folder holds.
pub(crate) fn measure(flags: &Flags, net: Net, cells: &[Cell], cancel: &AtomicBool) -> Result<Values> {
    tch::set_num_threads(1);
    let folder = flags.out.join(net.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let config = flags.config(net);
    let plan = flags.settings(net).plan(&Trainings::new(&config)?.networks, &folder)?;
    let progress = Progress { name: net.name(), cancel };
    let probe = plan.prepare(Placement::on(Device::Cpu), &progress)?;
    let mut values = Values::new();
    let (first, _) = cells.split_at(flags.costly.min(cells.len()));
    let mut parts: Vec<(&str, &[Indicator], &[Cell])> =
        vec![("cheap", &CHEAP, cells), ("trained", &TRAINED, first)];
    if net.variant == BatchNormKind::Published {
        parts.push(("untrained", &UNTRAINED, first));
    }
    for (name, indicators, cells) in parts {
        let path = folder.join(format!("{name}.csv"));
        let rows = score(&path, &probe, indicators, cells, &progress)?;
        for (i, &indicator) in indicators.iter().enumerate() {
            values.insert(indicator, rows.iter().map(|row| row[i]).collect());
        }
    }
    Ok(values)
}

/// Scores cells by indicators, a line each, after the lines that are there.
fn score(
    path: &Path,
    probe: &Probe,
    indicators: &[Indicator],
    cells: &[Cell],
    progress: &Progress<'_>,
) -> Result<Vec<Vec<f64>>> {
    let mut rows = read(path, indicators, cells)?;
    let mut file = rewritten(path, indicators, cells, &rows)?;
    let (before, mut seconds) = (rows.len(), vec![0.0; indicators.len()]);
    for cell in &cells[rows.len()..] {
        if progress.cancelled() {
            return Err(StudyError::Interrupted.into());
        }
        if rows.len().is_multiple_of(500) {
            progress.step(rows.len() as u64, cells.len() as u64, "cells");
        }
        let mut row = Vec::with_capacity(indicators.len());
        for (&indicator, seconds) in indicators.iter().zip(&mut seconds) {
            let start = Instant::now();
            row.push(probe.score(indicator, &cell.architecture)?);
            *seconds += start.elapsed().as_secs_f64();
        }
        writeln!(file, "{}", line(cell, &row))?;
        rows.push(row);
    }
    let count = (rows.len() - before) as f64;
    for (indicator, seconds) in indicators.iter().zip(seconds).filter(|_| count > 0.0) {
        eprintln!("{}: {}, {:.2} ms a cell", progress.name, indicator.name(), 1e3 * seconds / count);
    }
    Ok(rows)
}

fn line(cell: &Cell, row: &[f64]) -> String {
    let numbers: Vec<String> = row.iter().map(f64::to_string).collect();
    format!("{},{}", cell.text, numbers.join(","))
}

fn head(indicators: &[Indicator]) -> String {
    let names: Vec<&str> = indicators.iter().map(|i| i.name()).collect();
    format!("arch,{}", names.join(","))
}

/// The whole lines that an earlier run left.
fn read(path: &Path, indicators: &[Indicator], cells: &[Cell]) -> Result<Vec<Vec<f64>>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Vec::new()) };
    let Some(end) = text.rfind('\n') else { return Ok(Vec::new()) };
    let mut lines = text[..end].lines();
    if lines.next() != Some(&head(indicators)) {
        bail!("{}: it is of another program; remove it", path.display());
    }
    let mut rows = Vec::new();
    for (line, cell) in lines.zip(cells) {
        let numbers = line.strip_prefix(&cell.text).and_then(|rest| rest.strip_prefix(','));
        let numbers = numbers.with_context(|| format!("{}: other cells; remove it", path.display()))?;
        let row: Vec<f64> = numbers.split(',').map(str::parse).collect::<Result<_, _>>()?;
        rows.push(row);
    }
    Ok(rows)
}

/// The file with the head and these rows, open to go on with.
fn rewritten(path: &Path, indicators: &[Indicator], cells: &[Cell], rows: &[Vec<f64>]) -> Result<File> {
    let mut text = head(indicators) + "\n";
    for (cell, row) in cells.iter().zip(rows) {
        text = text + &line(cell, row) + "\n";
    }
    bonas::study::journal::write_whole(path, text.as_bytes())?;
    Ok(OpenOptions::new().append(true).open(path)?)
}
