//! Surrogate calibration.

use plotters::prelude::*;

use super::{GREY, INK, Plot, decimals, extent, failed, mesh, shade, svg};
use crate::report::Digest;
use bonas_study::history::Prediction;

/// Predicted score before the evaluation, with a bar of one standard deviation to each side,
/// against the measured one; later rounds lighter. None without a predicted and scored query.
pub fn calibration(digest: &Digest) -> Option<Plot> {
    let points: Vec<_> =
        digest.predicted().map(|(q, prediction, score)| (q.round, prediction, score)).collect();
    (!points.is_empty()).then(|| svg((480, 420), |area| draw(&points, area)))
}

fn draw(points: &[(usize, Prediction, f64)], area: &super::Area<'_>) -> Result<(), String> {
    let nothing = || "no finite prediction".to_owned();
    let means = points.iter().map(|p| p.1.mean);
    let y = extent(points.iter().map(|p| p.2).chain(means.clone()), 0.08).ok_or_else(nothing)?;
    let bars = points.iter().flat_map(|p| [p.1.mean - p.1.sd, p.1.mean + p.1.sd]);
    let x = extent(bars.chain(means), 0.05).ok_or_else(nothing)?;
    let (x_places, y_places) = (decimals(&x), decimals(&y));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x.clone(), y.clone())
        .map_err(failed)?;
    let x_label = |v: &f64| format!("{v:.x_places$}");
    mesh!(chart, "predicted before evaluation, ±1 sd", "measured", x_label, |v: &f64| format!(
        "{v:.y_places$}"
    ))?;
    let (low, high) = (x.start.max(y.start), x.end.min(y.end));
    if low < high {
        let diagonal = PathElement::new([(low, low), (high, high)], GREY.stroke_width(1));
        chart.draw_series([diagonal]).map_err(failed)?;
    }
    let last = points.iter().map(|p| p.0).max().unwrap_or(0).max(1) as f64;
    let colour = |round: usize| shade(0.1 + 0.8 * round as f64 / last);
    let bar = |&(round, p, score): &(usize, Prediction, f64)| {
        PathElement::new(
            [(p.mean - p.sd, score), (p.mean + p.sd, score)],
            colour(round).mix(0.45).stroke_width(1),
        )
    };
    chart.draw_series(points.iter().filter(|p| p.1.sd.is_finite()).map(bar)).map_err(failed)?;
    let dot = |&(round, p, score): &(usize, Prediction, f64)| {
        Circle::new((p.mean, score), 3, colour(round).filled())
    };
    chart.draw_series(points.iter().map(dot)).map_err(failed)?;
    let rim = |&(_, p, score): &(usize, Prediction, f64)| Circle::new((p.mean, score), 3, INK.mix(0.25));
    chart.draw_series(points.iter().map(rim)).map_err(failed)?;
    Ok(())
}
