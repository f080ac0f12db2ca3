//! How long a network takes.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::Context;
use bonas::report::Latency;
use bonas::study::statistics::quantile;
use bonas::supernet::model::Classifier;

use super::model::Model;
use super::out;

/// Runs before those that are measured, and of these the fewest and the most.
const WARM_UP: usize = 5;
const FEWEST: usize = 10;
const MOST: usize = 100;
/// Time after which no further run of a size begins, once there are enough.
const ENOUGH: Duration = Duration::from_secs(3);

/// Times a network for batches of some sizes: of grey images, as pixels do not change the work. From pixels in memory to
/// probabilities in memory, so that a device has done all of it.
///
/// A size that cannot be timed, as where it does not fit into memory, is left out with a warning.
pub(super) fn measure(model: &Model, classifier: &Classifier, batches: &[NonZeroUsize]) -> Vec<Latency> {
    let timed = |&batch: &NonZeroUsize| {
        let warn = |error| out::error(&format!("warning: --latency {batch} is not measured: {error:#}"));
        of_batch(model, classifier, batch.get()).map_err(warn).ok()
    };
    batches.iter().filter_map(timed).collect()
}

fn of_batch(model: &Model, classifier: &Classifier, batch: usize) -> anyhow::Result<Latency> {
    let pixels = grey(model.shape().pixels(), batch)?;
    for _ in 0..WARM_UP {
        model.probabilities(classifier, &pixels)?;
    }
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < FEWEST || (times.len() < MOST && begun.elapsed() < ENOUGH) {
        let start = Instant::now();
        model.probabilities(classifier, &pixels)?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    Ok(Latency {
        batch,
        median_ms: quantile(&times, 0.5),
        p95_ms: quantile(&times, 0.95),
        runs: times.len(),
        device: classifier.device(),
        threads: usize::try_from(bonas::tch::get_num_threads()).unwrap_or(1),
    })
}

/// The pixels of a batch.
fn grey(pixels: usize, batch: usize) -> anyhow::Result<Vec<f32>> {
    let size = pixels.checked_mul(batch).context("it has more pixels than memory can have")?;
    let mut grey = Vec::new();
    grey.try_reserve_exact(size).context("its pixels do not fit into memory")?;
    grey.resize(size, 0.0);
    Ok(grey)
}

/// The times as a table; empty where nothing was measured.
pub(super) fn text(latency: &[Latency]) -> String {
    let Some(first) = latency.first() else { return String::new() };
    let mut text = format!(
        "\nlatency on {}, {} threads\n{:>7} {:>12} {:>12} {:>10}\n",
        first.device, first.threads, "batch", "median ms", "95 % below", "images/s"
    );
    for one in latency {
        let each = 1e3 * one.batch as f64 / one.median_ms;
        let _ = writeln!(text, "{:>7} {:>12.3} {:>12.3} {each:>10.0}", one.batch, one.median_ms, one.p95_ms);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_too_large_is_an_error() {
        assert_eq!(grey(4, 2).unwrap(), [0.0; 8]);
        assert!(grey(usize::MAX, 2).unwrap_err().to_string().contains("more pixels"));
        assert!(grey(usize::MAX / 8, 2).unwrap_err().to_string().contains("do not fit"));
    }
}
