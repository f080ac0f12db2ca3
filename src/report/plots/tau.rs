//! Rank agreement by round.

use super::{Axis, Chart, Paint, SHORT};
use crate::report::RoundRow;

/// Kendall's tau-b between predictions before the evaluation and scores, round by round. None
/// without a round that has one.
pub(crate) fn tau_by_round(rows: &[RoundRow]) -> Option<String> {
    let points: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((row.round as f64, row.tau?))).collect();
    let (first, last) = (points.first()?.0 - 0.5, points.last()?.0 + 0.5);
    let low = if points.iter().any(|point| point.1 < 0.0) { -1.05 } else { -0.05 };
    let (x, y) = (Axis::whole("round", first..last), Axis::new("Kendall's tau", low..1.05));
    let mut chart = Chart::new("Kendall's tau by round", x, y, SHORT);
    chart.thin((first, 0.0), (last, 0.0), Paint::Faint);
    for &(round, tau) in &points {
        chart.thin((round, 0.0), (round, tau), Paint::Series(0));
        chart.point((round, tau), 4.5, Paint::Series(0), &format!("round {round}: tau {tau:.3}"));
    }
    Some(chart.html())
}
