//! One training step that moves BatchNorm only beside one that moves everything, on the same path:
//! processor time and peak memory.
//!
//! Backward through a frozen convolution computes no gradient by its weight, and none at all before
//! the first trainable BatchNorm; what is left is the forward pass and the gradient by the maps.
//! Peak memory is measured in a process of its own for each case (Linux), less that of the same
//! process before its first step.

// A bench reports to the terminal.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, bail};
use bonas::spaces::SearchSpace;
use bonas::spaces::families::mobilenet::{BN_NAS, MobileNet, MobileNetSkeleton};
use bonas::spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
use bonas::spaces::network::{NetworkSize, Norm, OpTable, Shape, Skeleton, Union};
use bonas::supernet::model::{Loss, Pass, Path, Placement, Sgd, SgdSettings, Supernet, Trainable};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Tensor};

const BATCH: i64 = 64;
const STEPS: usize = 8;
/// Set in the processes that measure memory: network and variant.
const CASE: &str = "BONAS_BENCH_BN_ONLY";
const NETWORKS: [&str; 2] = ["nasbench201", "mobilenet"];
const VARIANTS: [(&str, Trainable); 4] = [
    ("everything", Trainable::All),
    ("every BatchNorm", Trainable::Norms { classifier: false }),
    ("BatchNorm of operations", Trainable::OperationNorms { classifier: false }),
    ("the same and classifier", Trainable::OperationNorms { classifier: true }),
];

struct Step {
    net: Supernet,
    path: Path,
    sgd: Sgd,
    images: Tensor,
    labels: Tensor,
}

impl Step {
    fn new(network: &str, trainable: Trainable) -> anyhow::Result<Self> {
        tch::set_num_threads(1);
        let image = Shape::square(3, 32);
        let (union, described, architecture) = match network {
            "nasbench201" => {
                let space = NasBench201::new();
                let cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|";
                let skeleton =
                    NasBench201Skeleton { cells: 1, norm: Norm::UNBIASED, ..NasBench201Skeleton::cifar() };
                let union = space.whole();
                (union.clone(), skeleton.network(&union, &OpTable::nasbench201())?, space.parse(cell)?)
            }
            "mobilenet" => {
                let space = MobileNet::fixed_depth();
                let skeleton = MobileNetSkeleton {
                    size: NetworkSize { channels: 20, image, classes: 10, norm: Norm::DISCRETE },
                };
                let union: Union = space.whole();
                (union.clone(), skeleton.network(&union, &OpTable::mobilenet())?, space.parse(BN_NAS)?)
            }
            other => bail!("{CASE}: no network {other}"),
        };
        let placement = Placement::on(Device::Cpu);
        let net = Supernet::build(&described, placement, &mut ChaCha8Rng::seed_from_u64(0))?;
        let net = net.train_only(trainable)?;
        let path = net.path(&union.route(&architecture)?)?;
        let sgd = Sgd::new(SgdSettings { weight_decay: 0.0, ..SgdSettings::default() }, &net)?;
        let values: Vec<f32> = (0..BATCH * 3 * 32 * 32).map(|i| (0.013 * i as f64).sin() as f32).collect();
        let images = Tensor::from_slice(&values).view([BATCH, 3, 32, 32]);
        let labels: Vec<i64> = (0..BATCH).map(|i| i % 10).collect();
        Ok(Self { net, path, sgd, images, labels: Tensor::from_slice(&labels) })
    }

    fn run(&mut self) -> anyhow::Result<f64> {
        let output = self.net.forward(&self.images, &self.path, &mut Pass::train())?;
        let loss = Loss::default().of(&output, &self.labels)?;
        let _norm = self.sgd.step(&self.net, self.path.params(), &loss, 0.025)?;
        Ok(loss.double_value(&[]))
    }
}

/// Processor time of this thread where the system tells it (Linux), else time on the wall.
fn clock_ms(start: Instant) -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent_ns: Option<f64> = text.split(' ').next().and_then(|word| word.parse().ok());
    spent_ns.map_or_else(|| 1e3 * start.elapsed().as_secs_f64(), |ns| 1e-6 * ns)
}

/// The fastest of some steps, in milliseconds, two left aside; with them the numbers that train on
/// the path.
fn fastest_ms(network: &str, trainable: Trainable) -> anyhow::Result<(f64, usize)> {
    let (mut step, start, mut best) = (Step::new(network, trainable)?, Instant::now(), f64::INFINITY);
    for i in 0..STEPS + 2 {
        let before = clock_ms(start);
        black_box(step.run()?);
        if i >= 2 {
            best = best.min(clock_ms(start) - before);
        }
    }
    let numbers = step.path.params().iter().map(|&id| step.net.params().tensor(id).numel()).sum();
    Ok((best, numbers))
}

/// A line of /proc/self/status, in KiB.
fn status_kib(key: &str) -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line =
        text.lines().find_map(|line| line.strip_prefix(key)).context("no such line in /proc/self/status")?;
    Ok(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
}

/// In a process of its own: prints the peak of three steps above what there was before, in MiB.
fn measure_memory(case: &str) -> anyhow::Result<()> {
    let (network, variant) = case.split_once('/').context("expected NETWORK/VARIANT")?;
    let (_, trainable) = VARIANTS.iter().find(|(name, _)| *name == variant).context("no such variant")?;
    let mut step = Step::new(network, *trainable)?;
    let before = status_kib("VmRSS")?;
    for _ in 0..3 {
        black_box(step.run()?);
    }
    println!("{}", (status_kib("VmHWM")? - before) / 1024.0);
    Ok(())
}

/// Peak of a case in MiB, where the system tells it.
fn peak_mib(network: &str, variant: &str) -> Option<f64> {
    let mut command = Command::new(env::current_exe().ok()?);
    let output = command.env(CASE, format!("{network}/{variant}")).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn main() -> anyhow::Result<()> {
    if let Ok(case) = env::var(CASE) {
        return measure_memory(&case);
    }
    println!("one step of {BATCH} images of 3x32x32, one thread, fastest of {STEPS}");
    for network in NETWORKS {
        let mut whole = (f64::NAN, f64::NAN);
        for (name, trainable) in VARIANTS {
            let (ms, numbers) = fastest_ms(network, trainable)?;
            let mib = peak_mib(network, name).unwrap_or(f64::NAN);
            if trainable == Trainable::All {
                whole = (ms, mib);
            }
            println!(
                "{network:<12} {name:<24} {numbers:>8} numbers {ms:>7.1} ms ({:.2}) {mib:>6.0} MiB ({:.2})",
                ms / whole.0,
                mib / whole.1
            );
        }
    }
    Ok(())
}
