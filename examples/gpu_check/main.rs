//! What a machine's GPUs do with searches and training steps, beside its CPU: `cargo xtask gpu-check` runs it.
//!
//! `cargo run --release --example gpu_check -- --out FILE [--python PROGRAM] [--pretend]`

#![allow(clippy::print_stdout, reason = "figures, for whoever runs it")]

#[path = "../support/allocator.rs"]
mod allocator;

mod searches;
mod steps;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bonas::supernet::device::{devices, load_cuda_backend};
use bonas::tch::{Device, Kind, Tensor};
use serde_json::{Value, json};

/// What the command line says.
struct Arguments {
    /// The file that is written.
    out: PathBuf,
    /// A Python with PyTorch, to compare steps with.
    python: Option<String>,
    /// Whether the devices are host memory.
    pretend: bool,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut read = Self { out: PathBuf::from("gpu-check.json"), python: None, pretend: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--out" => read.out = PathBuf::from(value()?),
                "--python" => read.python = Some(value()?),
                "--pretend" => read.pretend = true,
                other => bail!("{other} is none of --out FILE, --python PROGRAM and --pretend"),
            }
        }
        Ok(read)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    let gpus = devices("cuda")?;
    println!("GPUs       {}", gpus.len());
    check_devices(gpus[0])?;
    let searches = searches::compared(gpus.len())?;
    let steps = steps::timed(&arguments)?;
    let timings = if arguments.pretend {
        "meaningless: the devices are pretended, and compute on the CPU"
    } else {
        "wall time, the device synchronised at the end"
    };
    println!("timings    {timings}");
    let passed = searches.iter().all(|search| search["passed"] == json!(true));
    let found = json!({
        "format": 1,
        "passed": passed,
        "pretend": arguments.pretend,
        "timings": timings,
        "setup": setup(gpus.len())?,
        "searches": searches,
        "steps": steps,
    });
    std::fs::write(&arguments.out, serde_json::to_string_pretty(&found)? + "\n")
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    println!("written    {}", arguments.out.display());
    ensure!(passed, "a search on the GPU differs from the CPU's by more than its tolerance");
    Ok(())
}

/// A device computes, and refuses what is on another.
fn check_devices(gpu: Device) -> Result<()> {
    let host = Tensor::from_slice(&[1.0_f32, 2.0]);
    let there = host.f_to_device(gpu).with_context(|| format!("{gpu:?} takes no tensor"))?;
    let sum = there.f_add(&there)?.f_sum(Kind::Float)?.double_value(&[]);
    ensure!((sum - 6.0).abs() < 1e-9, "{gpu:?} says that 1 + 1 + 2 + 2 is {sum}");
    ensure!(there.f_add(&host).is_err(), "{gpu:?} adds a tensor of the CPU to its own");
    Ok(())
}

/// The devices and what drives them.
fn setup(gpus: usize) -> Result<Value> {
    let query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    let listed =
        Command::new("nvidia-smi").args(query).output().ok().filter(|output| output.status.success());
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    Ok(json!({
        "gpus": gpus,
        "backend": load_cuda_backend()?.to_string(),
        "cudnn": bonas::tch::Cuda::cudnn_is_available(),
        "nvidia_smi": listed.map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()),
    }))
}
