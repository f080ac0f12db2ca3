//! Training steps of one network, beside PyTorch's.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bonas::spaces::families::darts::{DARTS_V2, Darts, DartsSkeleton};
use bonas::spaces::network::{OpTable, Skeleton, Union};
use bonas::study::rng::stream;
use bonas::supernet::model::{Loss, Pass, Placement, Sgd, SgdSettings, Supernet};
use bonas::tch::{Cuda, Device, Kind, Tensor};
use serde_json::{Value, json};

use super::Arguments;

/// Steps before the first that is timed.
const WARM_UP: usize = 5;

/// Sizes of the network, a batch and a measurement.
#[derive(Clone, Copy)]
struct Size {
    channels: usize,
    layers: usize,
    batch: i64,
    steps: usize,
}

/// Times steps in single and in mixed precision.
pub(crate) fn timed(arguments: &Arguments) -> Result<Vec<Value>> {
    let size = if arguments.pretend {
        Size { channels: 4, layers: 3, batch: 8, steps: 3 }
    } else {
        Size { channels: 16, layers: 8, batch: 64, steps: 100 }
    };
    [false, true].into_iter().map(|mixed| one(size, mixed, arguments.python.as_deref())).collect()
}

fn one(size: Size, mixed: bool, python: Option<&str>) -> Result<Value> {
    let own = step_ms(size, mixed)?;
    let theirs = python.map(|program| python_ms(program, size, mixed)).transpose()?;
    let precision = if mixed { "mixed, channels last" } else { "float32" };
    let beside = theirs.map_or_else(String::new, |ms| format!(", PyTorch {ms:.2} ms"));
    println!("a step, {precision}: {own:.2} ms{beside}");
    let Size { channels, layers, batch, steps } = size;
    Ok(json!({
        "network": "DARTS_V2",
        "channels": channels,
        "layers": layers,
        "batch": batch,
        "precision": precision,
        "steps": steps,
        "ms": own,
        "pytorch_eager_ms": theirs,
    }))
}

/// Mean time of a step with data on the device, in milliseconds.
fn step_ms(size: Size, mixed: bool) -> Result<f64> {
    let Size { channels, layers, batch, steps } = size;
    let device = Device::Cuda(0);
    let union = Union::of(&[Darts::new().architecture(&DARTS_V2)?])?;
    let skeleton = DartsSkeleton { channels, layers, ..DartsSkeleton::cifar() };
    let network = skeleton.network(&union, &OpTable::darts())?;
    let placement = Placement { bf16: mixed, channels_last: mixed, ..Placement::on(device) };
    let net = Supernet::build(&network, placement, &mut stream(0, &[]))?;
    let path = net.path(&union.full_route())?;
    let mut sgd = Sgd::new(SgdSettings::default(), &net)?;
    let values: Vec<f32> = (0..batch * 3 * 32 * 32).map(|i| (0.013 * i as f64).sin() as f32).collect();
    let images = Tensor::from_slice(&values).view([batch, 3, 32, 32]).to_device(device);
    let labels = (Tensor::arange(batch, (Kind::Int64, Device::Cpu)).remainder(10)).to_device(device);
    let mut step = || -> Result<()> {
        let output = net.forward(&images, &path, &mut Pass::train())?;
        let loss = Loss::default().of(&output, &labels)?; // []
        let _norm = sgd.step(&net, path.params(), &loss, 0.025)?;
        Ok(())
    };
    (0..WARM_UP).try_for_each(|_| step())?;
    Cuda::synchronize(0);
    let begun = Instant::now();
    (0..steps).try_for_each(|_| step())?;
    Cuda::synchronize(0);
    Ok(1e3 * begun.elapsed().as_secs_f64() / steps as f64)
}

/// The same in a Python with PyTorch.
fn python_ms(program: &str, size: Size, mixed: bool) -> Result<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/python/supernet_step.py");
    let Size { channels, layers, batch, steps } = size;
    let mut command = Command::new(program);
    command.arg(script).args(["--device", "cuda:0"]);
    command.args(["--channels", &channels.to_string(), "--layers", &layers.to_string()]);
    command.args(["--batch", &batch.to_string(), "--steps", &steps.to_string()]);
    command.args(["--warmup", &WARM_UP.to_string()]);
    if mixed {
        command.args(["--channels-last", "--mixed"]);
    }
    // The libraries of this program are not those of PyTorch.
    let output =
        command.env_remove("LD_LIBRARY_PATH").output().with_context(|| format!("cannot run {program}"))?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{program} {script}: {error}");
    let text = String::from_utf8(output.stdout)?;
    let times: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    ensure!(!times.is_empty(), "{script} printed no time");
    Ok(times.iter().sum::<f64>() / times.len() as f64)
}
