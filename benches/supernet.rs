//! One training step of a DARTS path, beside the same step in Python's torch.
//!
//! `BONAS_BENCH_PYTHON` names a Python with torch 2.13 (default `python3`); without one only our
//! side is measured. Both sides take turns on one thread, and each ratio is that of the processor
//! time of the fastest steps: what else the machine does can only slow a step down.

// A bench reports to the terminal.
#![allow(clippy::print_stdout)]

mod support;

use std::hint::black_box;
use std::time::Duration;

use bonas::spaces::families::darts::{DARTS_V1, DARTS_V2, Darts, DartsSkeleton};
use bonas::spaces::network::{Norm, OpTable, Skeleton, Union};
use bonas::supernet::model::{Loss, Pass, Path, Placement, Sgd, SgdSettings, Supernet};
use criterion::{Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use support::{Clock, python};
use tch::{Device, Tensor};

const BATCH: i64 = 64;
const CHANNELS: usize = 16;
const LAYERS: usize = 8;
const THREADS: i32 = 1;
const ROUNDS: usize = 3;
const STEPS: usize = 5;

/// A supernet of two published cells, on the path of `DARTS_V2`.
struct Bench {
    net: Supernet,
    path: Path,
    sgd: Sgd,
    images: Tensor,
    labels: Tensor,
}

impl Bench {
    fn new(channels_last: bool) -> anyhow::Result<Self> {
        let space = Darts::new();
        let cells = [space.architecture(&DARTS_V1)?, space.architecture(&DARTS_V2)?];
        let union = Union::of(&cells)?;
        let sizes = DartsSkeleton { channels: CHANNELS, layers: LAYERS, ..DartsSkeleton::cifar() };
        let network = DartsSkeleton { norm: Norm::SEARCH, ..sizes }.network(&union, &OpTable::darts())?;
        let placement = Placement { channels_last, ..Placement::on(Device::Cpu) };
        let net = Supernet::build(&network, placement, &mut ChaCha8Rng::seed_from_u64(0))?;
        let path = net.path(&union.route(&cells[1])?)?;
        let sgd = Sgd::new(SgdSettings::default(), &net)?;
        let values: Vec<f32> = (0..BATCH * 3 * 32 * 32).map(|i| (0.013 * i as f64).sin() as f32).collect();
        let images = Tensor::from_slice(&values).view([BATCH, 3, 32, 32]);
        let labels: Vec<i64> = (0..BATCH).map(|i| i % 10).collect();
        Ok(Self { net, path, sgd, images, labels: Tensor::from_slice(&labels) })
    }

    fn step(&mut self) -> anyhow::Result<f64> {
        let output = self.net.forward(&self.images, &self.path, &mut Pass::train())?;
        let loss = Loss::default().of(&output, &self.labels)?;
        let _norm = self.sgd.step(&self.net, self.path.params(), &loss, 0.025)?;
        Ok(loss.double_value(&[]))
    }

    /// The fastest of some steps, in milliseconds, two left aside.
    fn fastest_ms(&mut self) -> anyhow::Result<f64> {
        let mut best = f64::INFINITY;
        for step in 0..STEPS + 2 {
            let start = Clock::start();
            black_box(self.step()?);
            if step >= 2 {
                best = best.min(start.elapsed_ms());
            }
        }
        Ok(best)
    }
}

/// The fastest step of the Python side, in milliseconds; `None` where its torch is not to be had.
fn python_ms(channels_last: bool) -> Option<f64> {
    let sizes = [("--batch", BATCH.to_string()), ("--channels", CHANNELS.to_string())];
    let sizes = sizes.into_iter().chain([("--layers", LAYERS.to_string()), ("--steps", STEPS.to_string())]);
    let mut arguments: Vec<String> = sizes.flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
    if channels_last {
        arguments.push("--channels-last".to_owned());
    }
    let text = python("supernet_step.py", &arguments)?;
    text.lines().filter_map(|line| line.parse().ok()).reduce(f64::min)
}

fn compare() -> anyhow::Result<()> {
    for channels_last in [false, true] {
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        let mut bench = Bench::new(channels_last)?;
        for _ in 0..ROUNDS {
            ours = ours.min(bench.fastest_ms()?);
            theirs = python_ms(channels_last).map_or(theirs, |ms| ms.min(theirs));
        }
        let layout = if channels_last { "channels last" } else { "channels first" };
        if theirs.is_finite() {
            let ratio = ours / theirs;
            println!("{layout}: {ours:.0} ms, Python's torch {theirs:.0} ms, ratio {ratio:.2}");
        } else {
            println!("{layout}: {ours:.0} ms; no Python with torch to compare with (BONAS_BENCH_PYTHON)");
        }
    }
    Ok(())
}

fn supernet_step(criterion: &mut Criterion) {
    tch::set_num_threads(THREADS);
    if let Err(error) = compare() {
        println!("{error:#}");
    }
    let Ok(mut bench) = Bench::new(true) else { return };
    let mut group = criterion.benchmark_group("supernet");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("step", |b| b.iter(|| bench.step().unwrap_or(f64::NAN)));
    group.finish();
}

criterion_group!(benches, supernet_step);
criterion_main!(benches);
