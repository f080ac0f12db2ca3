//! Rank agreement by round.

use plotters::prelude::*;

use super::{BLUE, GREY, Plot, failed, mesh, svg};
use crate::report::RoundRow;

/// Kendall's tau-b between predictions before the evaluation and scores, round by round. None
/// without a round that has one.
pub fn tau_by_round(rows: &[RoundRow]) -> Option<Plot> {
    let points: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((row.round as f64, row.tau?))).collect();
    (!points.is_empty()).then(|| svg((480, 420), |area| draw(&points, area)))
}

fn draw(points: &[(f64, f64)], area: &super::Area<'_>) -> Result<(), String> {
    let ends = points.first().zip(points.last()).map_or((0.0, 1.0), |(a, b)| (a.0 - 0.5, b.0 + 0.5));
    let low = if points.iter().any(|p| p.1 < 0.0) { -1.05 } else { -0.05 };
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(ends.0..ends.1, low..1.05)
        .map_err(failed)?;
    let whole = |x: &f64| if (x - x.round()).abs() < 1e-6 { format!("{x:.0}") } else { String::new() };
    mesh!(chart, "round", "Kendall tau", whole, |y: &f64| format!("{y:.1}"))?;
    let zero = PathElement::new([(ends.0, 0.0), (ends.1, 0.0)], GREY.stroke_width(1));
    chart.draw_series([zero]).map_err(failed)?;
    let stem = |&(x, y): &(f64, f64)| PathElement::new([(x, 0.0), (x, y)], BLUE.mix(0.5).stroke_width(2));
    chart.draw_series(points.iter().map(stem)).map_err(failed)?;
    chart.draw_series(points.iter().map(|&p| Circle::new(p, 4, BLUE.filled()))).map_err(failed)?;
    Ok(())
}
