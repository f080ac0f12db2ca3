//! Surrogate calibration.

use bonas_study::history::Prediction;

use super::{Axis, Chart, Paint, SHORT, extent};
use crate::report::Digest;

/// Predicted score before the evaluation, with a bar of one standard deviation to each side,
/// against the measured one; later rounds lighter. None without a predicted and scored query.
pub(crate) fn calibration(digest: &Digest) -> Option<String> {
    let points: Vec<(usize, Prediction, f64)> =
        digest.predicted().map(|(query, prediction, score)| (query.round, prediction, score)).collect();
    let means = points.iter().map(|point| point.1.mean);
    let y = extent(points.iter().map(|point| point.2).chain(means.clone()), 0.08)?;
    let bars = points.iter().flat_map(|point| [point.1.mean - point.1.sd, point.1.mean + point.1.sd]);
    let x = extent(bars.chain(means), 0.05)?;
    let (low, high) = (x.start.max(y.start), x.end.min(y.end));
    let (x, y) = (Axis::new("predicted score", x), Axis::new("measured score", y));
    let mut chart = Chart::new("Measured against predicted scores", x, y, SHORT);
    if low < high {
        chart.thin((low, low), (high, high), Paint::Faint);
    }
    let rounds: Vec<usize> = points.iter().map(|point| point.0).collect();
    let (first, last) = (rounds.iter().min()?, rounds.iter().max()?);
    let paint = |round: usize| Paint::Shade((round - first) as f64 / (last - first).max(1) as f64);
    for (_, prediction, score) in points.iter().filter(|point| point.1.sd.is_finite()) {
        let end = |sign: f64| (prediction.mean + sign * prediction.sd, *score);
        chart.thin(end(-1.0), end(1.0), Paint::Faint);
    }
    for (round, Prediction { mean, sd }, score) in &points {
        let hint = format!("round {round}: predicted {mean:.4} ± {sd:.4}, measured {score:.4}");
        chart.point((*mean, *score), 3.5, paint(*round), &hint);
    }
    chart.scale("round", &first.to_string(), &last.to_string());
    Some(chart.html())
}
