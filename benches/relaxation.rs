//! A step of differentiable search (α, then the weights) and its memory: DARTS (8 cells), PC-DARTS
//! and BNAS-v2, with all channels and with one in four, beside the same step in Python's torch.
//!
//! Each network is measured in a process of its own, through the strategy itself, on one thread:
//! the fastest epoch of some, in processor time a step, and the highest resident memory less that
//! before the first step. `BONAS_BENCH_PYTHON` names a Python with torch 2.13 (default `python3`);
//! without one only our side is measured. An argument picks networks by name.

// A bench reports to the terminal.
#![allow(clippy::print_stdout)]

mod support;

use std::env;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bonas::Strategy;
use bonas::spaces::SearchSpace;
use bonas::spaces::families::darts::{BcnnSkeleton, Darts, DartsSkeleton};
use bonas::spaces::network::{Network, Norm, OpTable, Skeleton};
use bonas::study::history::{Fidelity, History};
use bonas::study::rng::stream;
use bonas::study::strategy::Ask;
use bonas::supernet::data::{Augment, Dataset, ImageShape, Images};
use bonas::supernet::differentiable::{Differentiable, Proposes, Relaxing};
use bonas::supernet::model::Placement;
use bonas::supernet::recipe::Sgd;
use bonas::supernet::training::Task;
use support::{Clock, python};
use tch::Device;

const BATCH: usize = 4;
const CHANNELS: usize = 16;
const CLASSES: usize = 2;
const STEPS: usize = 1;
const EPOCHS: usize = 3;
const ROUNDS: usize = 1;
/// Names the network that a process is to measure.
const CHILD: &str = "BONAS_BENCH_RELAXED";

/// Name, whether the network is broad, K of partial channels (with edge normalisation above 1).
const NETWORKS: [(&str, bool, usize); 4] = [
    ("DARTS, 8 cells", false, 1),
    ("PC-DARTS, 8 cells", false, 4),
    ("BNAS-v2, 2+1 cells", true, 1),
    ("BNAS-v2-PC, 2+1 cells", true, 4),
];

/// What one side says of a network.
#[derive(Clone, Copy, Debug)]
struct Cost {
    parameters: f64,
    ms: f64,
    megabytes: f64,
}

fn main() -> Result<()> {
    if let Ok(number) = env::var(CHILD) {
        return measure(number.parse()?);
    }
    let wanted: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    println!(
        "{:24} {:>9} {:>8} {:>12} {:>12} {:>6}",
        "", "ms a step", "MB", "Python's ms", "Python's MB", "ratio"
    );
    let mut costs = Vec::new();
    for (number, (name, broad, partial)) in NETWORKS.into_iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let (mut ours, mut theirs) = (None, None);
        for _ in 0..ROUNDS {
            ours = better(ours, Some(own(number)?));
            theirs = better(theirs, in_python(broad, partial));
        }
        let ours = ours.context("nothing was measured")?;
        row(name, ours, theirs)?;
        costs.push((name, ours));
    }
    if let [(_, darts), others @ ..] = &costs[..] {
        for (name, cost) in others {
            let (time, memory) = (darts.ms / cost.ms, darts.megabytes / cost.megabytes);
            println!("{name}: {time:.1} times as fast as {}, 1/{memory:.1} of its memory", costs[0].0);
        }
    }
    Ok(())
}

fn row(name: &str, ours: Cost, theirs: Option<Cost>) -> Result<()> {
    let Cost { ms, megabytes, .. } = ours;
    match theirs {
        Some(theirs) => {
            ensure!(
                (theirs.parameters - ours.parameters).abs() < 0.5,
                "{name}: {} parameters here, {} in Python",
                ours.parameters,
                theirs.parameters
            );
            let ratio = ms / theirs.ms;
            println!(
                "{name:24} {ms:>9.0} {megabytes:>8.0} {:>12.0} {:>12.0} {ratio:>6.2}",
                theirs.ms, theirs.megabytes
            );
        }
        None => println!("{name:24} {ms:>9.0} {megabytes:>8.0}  (no Python with torch: BONAS_BENCH_PYTHON)"),
    }
    Ok(())
}

/// The quicker of two measurements, with the smaller memory.
fn better(a: Option<Cost>, b: Option<Cost>) -> Option<Cost> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Cost { ms: a.ms.min(b.ms), megabytes: a.megabytes.min(b.megabytes), ..a }),
        (a, b) => a.or(b),
    }
}

/// Our side, in a process of its own.
fn own(number: usize) -> Result<Cost> {
    let output = Command::new(env::current_exe()?).env(CHILD, number.to_string()).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {error}", NETWORKS[number].0);
    cost(&String::from_utf8(output.stdout)?).context("the process printed something else")
}

/// The Python side.
fn in_python(broad: bool, partial: usize) -> Option<Cost> {
    let mut arguments: Vec<String> = [("--batch", BATCH), ("--channels", CHANNELS), ("--partial", partial)]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value.to_string()])
        .collect();
    arguments.extend(["--steps".to_owned(), (STEPS * (EPOCHS - 1)).to_string()]);
    if broad {
        arguments.push("--broad".to_owned());
    }
    cost(&python("relaxed_step.py", &arguments)?)
}

/// Reads "parameters ms megabytes", the last line.
fn cost(text: &str) -> Option<Cost> {
    let numbers: Vec<f64> = text.lines().last()?.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[parameters, ms, megabytes] = &numbers[..] else { return None };
    Some(Cost { parameters, ms, megabytes })
}

/// Measures a network in this process, and prints its cost.
fn measure(number: usize) -> Result<()> {
    let (_, broad, partial) = NETWORKS[number];
    let network = network(broad, partial)?;
    let parameters = network.params();
    let placement = Placement { channels_last: false, ..Placement::on(Device::Cpu) };
    let mut search = Differentiable::new(network, task()?, relaxing(partial > 1), placement, 1)?;
    let space: Arc<dyn SearchSpace> = Arc::new(Darts::new());
    let (history, before) = (History::new(), resident("VmRSS:")?);
    let mut best = f64::INFINITY;
    for round in 0..EPOCHS {
        let ask = Ask {
            space: &space,
            history: &history,
            fidelity: Fidelity::FromScratch,
            round,
            remaining: 1,
            pending: &[],
        };
        let clock = Clock::start();
        search.ask(&ask, &mut stream(1, &[]))?;
        // The first epoch builds the network, too.
        best = if round == 0 { best } else { best.min(clock.elapsed_ms() / STEPS as f64) };
    }
    println!("{parameters} {best} {}", (resident("VmHWM:")? - before) / 1e3);
    Ok(())
}

fn network(broad: bool, partial: usize) -> Result<Network> {
    let (union, ops) = (Darts::new().whole(), OpTable::darts());
    let classes = CLASSES;
    let darts = DartsSkeleton {
        classes,
        channels: CHANNELS,
        norm: Norm::SEARCH,
        partial,
        layers: 8,
        ..DartsSkeleton::cifar()
    };
    let wide = BcnnSkeleton { classes, channels: CHANNELS, partial, ..BcnnSkeleton::search() };
    Ok(if broad { wide.network(&union, &ops)? } else { darts.network(&union, &ops)? })
}

fn relaxing(edge_normalisation: bool) -> Relaxing {
    Relaxing {
        epochs: EPOCHS,
        batch: BATCH,
        sgd: Sgd::default(),
        alpha_learning_rate: 3e-4,
        alpha_weight_decay: 1e-3,
        alpha_start: 0,
        confidence_power: 0.0,
        second_order: false,
        edge_normalisation,
        stop_stable: None,
        stop_skips: None,
        proposes: Proposes::default(),
    }
}

/// Images of the size of CIFAR-10, as many as [`STEPS`] need.
fn task() -> Result<Arc<Task>> {
    let count = 4 * STEPS * BATCH;
    let shape = ImageShape::new(3, 32, 32);
    let images = |count: usize| {
        let pixels = (0..count * 3 * 32 * 32).map(|i| ((i * 2_654_435_761) >> 7) as u8).collect();
        let labels = (0..count).map(|i| (i % CLASSES) as u16).collect();
        Images::new(pixels, labels, shape, vec!["a".into(), "b".into()])
    };
    let dataset = Dataset::new("bench", images(count)?, images(2)?, Augment::none())?;
    Ok(Arc::new(Task::new(&dataset, None, 0.5, None, &mut stream(1, &[]))?))
}

/// A figure of `/proc/self/status`, in kilobytes.
fn resident(key: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is measured on Linux only")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).context("no such line")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
