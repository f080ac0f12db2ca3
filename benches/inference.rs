//! A finished network on one thread: libtorch and tract here, PyTorch and ONNX Runtime in Python.
//!
//! `BONAS_BENCH_PYTHON` names a Python with torch 2.13 and onnxruntime, such as the one that `cargo xtask deploy` makes,
//! `target/python/deploy/bin/python` (default `python3`); without them only our side is measured. All sides run the same exported
//! files, and take turns; a figure is the fastest of all runs, since what else the machine does can only slow a run down.

// A bench reports to the terminal.
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "the clock is for longer steps: the system counts processor time by ticks")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use bonas::build::classifier;
use bonas::deploy::folder::{CARD_FILE, ModelCard, Untrained, WEIGHTS_FILE, Weights};
use bonas::deploy::onnx::{BatchNorm, Session, model};
use bonas::deploy::pytorch::{About, source};
use bonas::spaces::SearchSpace;
use bonas::spaces::families::darts::{DARTS_V2, Darts};
use bonas::spaces::families::nasbench201::NasBench201;
use bonas::spaces::network::Shape;
use bonas::study::rng::stream;
use bonas::supernet::model::{Classifier, Placement};
use criterion::{Criterion, criterion_group, criterion_main};
use support::python;

const BATCHES: [usize; 2] = [1, 32];
const ROUNDS: usize = 3;
/// Runs of each side and round, of which the first ones warm up.
const RUNS: usize = 25;
const WARM_UP: usize = 5;
/// The best cell of NAS-Bench-201 on CIFAR-10 (Dong and Yang 2020).
const CELL: &str =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|";

/// A network in every form that is run.
struct Network {
    name: &'static str,
    folder: tempfile::TempDir,
    libtorch: Classifier,
    /// The ONNX file whose batch normalisation is folded into convolutions.
    folded: Vec<u8>,
    image: Shape,
}

impl Network {
    /// Writes the exported files of a network with random weights into a folder.
    fn new(name: &'static str, space: &dyn SearchSpace, text: &str, layers: usize) -> anyhow::Result<Self> {
        let size = Untrained {
            skeleton: None,
            channels: Some(16),
            layers: Some(layers),
            image: None,
            classes: None,
        };
        let card = ModelCard::untrained(space, &space.parse(text)?, &size)?;
        let (built, network) = card.networks(space).map_err(anyhow::Error::msg)?;
        let weights = Weights::drawn(&network, &card.key, &mut stream(0, &[]))?;
        let folder = tempfile::tempdir()?;
        let onnx = |norm| model(&network, &weights, &card, norm);
        let about = About {
            lines: vec![name.to_owned()],
            cells: space.cell_names(),
            classes: &card.classes,
            input: &card.input,
        };
        let folded = onnx(BatchNorm::Folded)?;
        for (file, bytes) in [
            ("model.py", source(&network, &about)?.into_bytes()),
            (WEIGHTS_FILE, weights.bytes().to_vec()),
            (CARD_FILE, card.to_json()?.into_bytes()),
            ("model.onnx", onnx(BatchNorm::Kept)?),
            ("folded.onnx", folded.clone()),
        ] {
            std::fs::write(folder.path().join(file), bytes)?;
        }
        let libtorch = classifier(&built, &network, &weights, Placement::on(tch::Device::Cpu))?;
        Ok(Self { name, folder, libtorch, folded, image: network.image() })
    }

    fn pixels(&self, batch: usize) -> Vec<f32> {
        (0..batch * self.image.len()).map(|i| (0.013 * i as f64).sin() as f32).collect()
    }

    /// Milliseconds of the fastest runs on our side.
    fn ours(&self, batch: usize) -> anyhow::Result<Vec<(String, f64)>> {
        let pixels = self.pixels(batch);
        let session = Session::new(&self.folded, self.image, batch)?;
        let libtorch = fastest(|| Ok(self.libtorch.run(&pixels)?))?;
        let tract = fastest(|| {
            session.logits(&pixels)?;
            Ok(())
        })?;
        Ok(vec![("libtorch".to_owned(), libtorch), ("tract, folded".to_owned(), tract)])
    }

    /// The same in Python; empty where it lacks the packages.
    fn theirs(&self, batch: usize) -> Vec<(String, f64)> {
        let numbers = [batch, RUNS, WARM_UP].map(|number| number.to_string());
        let arguments = [&[path(self.folder.path())], &numbers[..]].concat();
        let printed = python("inference.py", &arguments).unwrap_or_default();
        let line = |line: &str| {
            let (name, ms) = line.rsplit_once(' ')?;
            Some((name.to_owned(), ms.parse().ok()?))
        };
        printed.lines().filter_map(line).collect()
    }
}

fn path(folder: &Path) -> String {
    folder.display().to_string()
}

/// Milliseconds of the fastest run.
fn fastest(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for i in 0..RUNS {
        let start = Instant::now();
        run()?;
        if i >= WARM_UP {
            best = best.min(1e3 * start.elapsed().as_secs_f64());
        }
    }
    Ok(best)
}

fn networks() -> anyhow::Result<Vec<Network>> {
    let darts = Darts::new();
    let genotype = darts.format(&darts.architecture(&DARTS_V2)?)?;
    Ok(vec![
        Network::new("NAS-Bench-201, C = 16, 5 cells a stage", &NasBench201::new(), CELL, 5)?,
        Network::new("DARTS_V2, C = 16, 8 cells", &darts, &genotype, 8)?,
    ])
}

fn compare(networks: &[Network]) -> anyhow::Result<()> {
    for network in networks {
        for batch in BATCHES {
            let mut best: BTreeMap<String, f64> = BTreeMap::new();
            for _ in 0..ROUNDS {
                for (name, ms) in network.ours(batch)?.into_iter().chain(network.theirs(batch)) {
                    let known = best.entry(name).or_insert(f64::INFINITY);
                    *known = known.min(ms);
                }
            }
            let figures: Vec<String> = best.iter().map(|(name, ms)| format!("{name} {ms:.2} ms")).collect();
            println!("{}, batch {batch}, one thread: {}", network.name, figures.join(", "));
        }
    }
    Ok(())
}

fn inference(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    let networks = match networks() {
        Ok(networks) => networks,
        Err(error) => return println!("{error:#}"),
    };
    if let Err(error) = compare(&networks) {
        println!("{error:#}");
    }
    let mut group = criterion.benchmark_group("inference");
    group.sample_size(20);
    for network in &networks {
        let pixels = network.pixels(1);
        group.bench_function(network.name, |b| b.iter(|| network.libtorch.run(&pixels).is_ok()));
    }
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);
