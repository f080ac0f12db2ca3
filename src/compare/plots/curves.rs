//! Values by queries, a line a strategy.

use std::ops::Range;

use plotters::prelude::*;

use crate::compare::{Point, StrategySummary, Summary};
use crate::report::Plot;
use crate::report::plots::{Area, colour, decimals, extent, failed, label, mesh, svg};

const SIZE: (u32, u32) = (860, 420);

/// 95 % of a normal law lie within so many standard deviations.
const TWO_SIDED_95: f64 = 1.959_964;

/// The first part of the budget is left out of the range of values, where every strategy draws at
/// random and single cells are far from all that matters.
const WARM_UP: usize = 10;

/// A line through the points of a strategy.
type Line<'a> = dyn Fn(&Point) -> f64 + 'a;

/// A strategy's line: queries, mean, and the standard error of that.
pub(super) struct Curve<'a> {
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64, f64)>,
}

/// Report value of the best by search, mean with its 95 % interval.
pub(in crate::compare) fn found(summary: &Summary) -> Option<Plot> {
    let line = |point: &Point| point.report_mean;
    let y = range(summary, &line)?;
    let axes = Axes { y, title: format!("{} of the best by {}", summary.report, summary.search) };
    Some(svg(SIZE, |area| draw(area, summary.budget, &axes, &curves(summary, &line), true)))
}

/// Best report value of all queried, mean.
pub(in crate::compare) fn oracle(summary: &Summary) -> Option<Plot> {
    let line = |point: &Point| point.oracle_mean;
    let axes = Axes { y: range(summary, &line)?, title: format!("best {} queried", summary.report) };
    Some(svg(SIZE, |area| draw(area, summary.budget, &axes, &curves(summary, &line), false)))
}

/// Share of the studies that have found the table's best. None if no study has.
pub(in crate::compare) fn optimum(summary: &Summary) -> Option<Plot> {
    summary.strategies.iter().find(|strategy| strategy.to_optimum.found > 0.0)?;
    let axes = Axes { y: -0.02..1.02, title: "share of studies that found the best".into() };
    let curves = curves(summary, &|point| point.optimum_share);
    Some(svg(SIZE, |area| draw(area, summary.budget, &axes, &curves, false)))
}

pub(super) struct Axes {
    pub(super) y: Range<f64>,
    pub(super) title: String,
}

fn curves<'a>(summary: &'a Summary, line: &Line<'_>) -> Vec<Curve<'a>> {
    let curve = |strategy: &'a StrategySummary| {
        let root = (strategy.seeds as f64).sqrt();
        let point = |p: &Point| (p.queries as f64, line(p), p.report_sd / root);
        Curve { name: &strategy.name, points: strategy.curve.iter().map(point).collect() }
    };
    summary.strategies.iter().map(curve).collect()
}

/// The first query that counts for the range of values.
pub(super) fn start(summary: &Summary) -> usize {
    (summary.budget / WARM_UP).min(summary.budget.saturating_sub(1))
}

fn range(summary: &Summary, line: &Line<'_>) -> Option<Range<f64>> {
    let start = start(summary);
    let values = summary.strategies.iter().flat_map(|strategy| strategy.curve[start..].iter().map(line));
    extent(values.chain([summary.optimum.report]), 0.04)
}

pub(super) fn draw(
    area: &Area<'_>,
    budget: usize,
    axes: &Axes,
    curves: &[Curve<'_>],
    bands: bool,
) -> Result<(), String> {
    let places = decimals(&axes.y);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(1.0..(budget as f64).max(2.0), axes.y.clone())
        .map_err(failed)?;
    mesh!(
        chart,
        "unique architectures queried",
        axes.title.as_str(),
        |x: &f64| format!("{x:.0}"),
        |y: &f64| { format!("{y:.places$}") }
    )?;
    for (i, curve) in curves.iter().enumerate().filter(|_| bands) {
        let area = Polygon::new(band(curve, &axes.y), colour(i).mix(0.15).filled());
        chart.draw_series([area]).map_err(failed)?;
    }
    for (i, curve) in curves.iter().enumerate() {
        let points = curve.points.iter().map(|(x, y, _)| (*x, *y));
        let inside = points.filter(|(_, y)| axes.y.contains(y));
        let series = LineSeries::new(inside, colour(i).stroke_width(2));
        let stroke = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour(i).stroke_width(2));
        chart.draw_series(series).map_err(failed)?.label(curve.name).legend(stroke);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .label_font(label(13))
        .draw()
        .map_err(failed)
}

/// Outline of the 95 % interval of the mean, there and back, kept inside the axis.
fn band(curve: &Curve<'_>, y: &Range<f64>) -> Vec<(f64, f64)> {
    let end = |sign: f64| {
        move |&(x, mean, error): &(f64, f64, f64)| {
            (x, (mean + sign * TWO_SIDED_95 * error).clamp(y.start, y.end))
        }
    };
    curve.points.iter().map(end(1.0)).chain(curve.points.iter().rev().map(end(-1.0))).collect()
}
