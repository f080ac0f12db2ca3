//! The same searches on the CPU and on GPUs.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bonas::config::SearchConfig;
use bonas::search::Search;
use bonas::study::Journalled;
use serde_json::{Value, json};

/// What all searches have; their architectures do not depend on scores.
const COMMON: &str = r#"
[study]
seed = 3
architectures = 4
[space]
name = "nasbench201"
[strategy]
name = "random"
batch = 2
[data]
limit = 400
[shortlist]
cells = 0
[final]
seeds = 0
"#;

/// Names, evaluators, and how far the mean of scores may be apart: sums are in another order on a GPU, and training makes
/// more of it. A share of a hundred images is four of them.
const SEARCHES: [(&str, &str, f64); 4] = [
    (
        "shared weights",
        "name = \"shared-weights\"\nchannels = 4\nlayers = 1\nepochs = 4\nbatch = 32\nwarmup_batch = 32\n\
         statistics_images = 64",
        0.04,
    ),
    ("from scratch", "name = \"from-scratch\"\nchannels = 4\nlayers = 1\nepochs = 3\nbatch = 32", 0.04),
    (
        "indicator",
        "name = \"indicator\"\nindicator = \"synflow\"\nchannels = 4\nlayers = 1\nimages = 16",
        1e-3,
    ),
    ("mixed precision", "name = \"from-scratch\"\nchannels = 4\nlayers = 1\nepochs = 3\nbatch = 32", 0.08),
];

/// Runs each on both sides; with two GPUs or more, a worker on each of two.
pub(crate) fn compared(gpus: usize) -> Result<Vec<Value>> {
    let workers = gpus.min(2);
    SEARCHES.iter().map(|search| one(search, workers).with_context(|| search.0)).collect()
}

fn one(&(name, evaluator, tolerance): &(&str, &str, f64), workers: usize) -> Result<Value> {
    let mixed = if name == "mixed precision" { "precision = \"mixed\"\nchannels_last = true\n" } else { "" };
    let run = |device: &str| -> Result<(Vec<f64>, f64)> {
        let folder = tempfile::tempdir()?;
        let text = format!("{COMMON}\n[evaluator]\n{evaluator}\n[training]\ndevice = \"{device}\"\n{mixed}");
        let text = text.replace("[study]\n", &format!("[study]\nworkers = {workers}\n"));
        let begun = Instant::now();
        let scores = scores(SearchConfig::from_toml(&text, name)?, folder.path())?;
        Ok((scores, begun.elapsed().as_secs_f64()))
    };
    let (cpu, cpu_seconds) = run("cpu")?;
    let (gpu, gpu_seconds) = run("cuda")?;
    ensure!(
        cpu.len() == gpu.len() && !cpu.is_empty(),
        "{} scores on the CPU, {} on the GPU",
        cpu.len(),
        gpu.len()
    );
    // Indicators have scales of their own.
    let apart = |(one, other): (&f64, &f64)| (one - other).abs() / one.abs().max(1.0);
    let difference = cpu.iter().zip(&gpu).map(apart).sum::<f64>() / cpu.len() as f64;
    let passed = difference <= tolerance;
    let verdict = if passed { "ok" } else { "DIFFERS" };
    println!(
        "{name:<16} {verdict:<8} mean difference {difference:.2e} of {tolerance} ({gpu_seconds:.1} s, CPU {cpu_seconds:.1} s)"
    );
    Ok(json!({
        "name": name,
        "workers": workers,
        "passed": passed,
        "tolerance": tolerance,
        "mean_difference": difference,
        "cpu": {"scores": cpu, "seconds": cpu_seconds},
        "gpu": {"scores": gpu, "seconds": gpu_seconds},
    }))
}

/// The scores of a search, in the order of its architectures.
fn scores(config: SearchConfig, folder: &Path) -> Result<Vec<f64>> {
    let space = bonas::build::space(&config)?;
    let fidelity = config.evaluator.fidelity();
    let search = Search { config, directory: folder.to_owned(), cancel: std::sync::Arc::default() };
    search.run(&mut |_, _| Vec::new())?;
    let study = Journalled::read(folder, &space)?;
    let values = study.history.evaluations().iter().map(|evaluation| evaluation.outcome.value(fidelity));
    values.map(|value| value.context("an architecture has no score")).collect()
}
