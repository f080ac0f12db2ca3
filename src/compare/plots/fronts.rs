//! Two objectives: hypervolume by queries, and the fronts.

use plotters::prelude::*;

use super::curves::{Axes, Curve, draw};
use crate::compare::{FrontPoint, ObjectiveSummary, StrategySummary, Summary};
use crate::report::Plot;
use crate::report::plots::{Area, INK, colour, decimals, extent, failed, label, mesh, svg};

const SIZE: (u32, u32) = (860, 420);

/// Hypervolume of the front found, mean with its 95 % interval.
pub(in crate::compare) fn hypervolume(summary: &Summary) -> Option<Plot> {
    let objective = summary.objective.as_ref()?;
    let curves: Vec<Curve<'_>> = summary.strategies.iter().filter_map(curve).collect();
    let start = super::curves::start(summary);
    let values = curves.iter().flat_map(|c| c.points.iter().skip(start).map(|(_, y, _)| *y));
    let y = extent(values.chain([objective.hypervolume]), 0.04)?;
    let axes = Axes { y, title: "hypervolume of the front found".into() };
    Some(svg(SIZE, |area| draw(area, summary.budget, &axes, &curves, true)))
}

fn curve(strategy: &StrategySummary) -> Option<Curve<'_>> {
    let root = (strategy.seeds as f64).sqrt();
    let points = strategy.pareto.as_ref()?.curve.iter();
    let point =
        |p: &crate::compare::ParetoPoint| (p.queries as f64, p.hypervolume_mean, p.hypervolume_sd / root);
    Some(Curve { name: &strategy.name, points: points.map(point).collect() })
}

/// The table's front and those that the first seed's studies found, by what is reported.
pub(in crate::compare) fn fronts(summary: &Summary) -> Option<Plot> {
    let objective = summary.objective.as_ref()?;
    Some(svg(SIZE, |area| draw_fronts(area, summary, objective)))
}

/// The second objective on the horizontal axis, in the direction of its column.
fn draw_fronts(area: &Area<'_>, summary: &Summary, objective: &ObjectiveSummary) -> Result<(), String> {
    let (sign, name) = match objective.report.strip_prefix('-') {
        Some(name) => (-1.0, name),
        None => (1.0, objective.report.as_str()),
    };
    let found: Vec<(&str, &[FrontPoint])> = summary
        .strategies
        .iter()
        .filter_map(|s| Some((s.name.as_str(), s.pareto.as_ref()?.front.as_slice())))
        .collect();
    let all = || found.iter().flat_map(|(_, front)| front.iter()).chain(&objective.front);
    let x = extent(all().map(|p| sign * p.second), 0.05).ok_or("no front")?;
    let y = extent(all().map(|p| p.report), 0.05).ok_or("no front")?;
    let places = (decimals(&x), decimals(&y));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    mesh!(chart, name, summary.report.as_str(), |x: &f64| { format!("{x:.0$}", places.0) }, |y: &f64| {
        format!("{y:.0$}", places.1)
    })?;
    let place = |p: &FrontPoint| (sign * p.second, p.report);
    let line = LineSeries::new(objective.front.iter().map(place), INK.stroke_width(1));
    let stroke = |(x, y)| PathElement::new([(x, y), (x + 16, y)], INK.stroke_width(1));
    chart.draw_series(line).map_err(failed)?.label("the table").legend(stroke);
    for (i, (name, front)) in found.into_iter().enumerate() {
        let mark = move |at| Circle::new(at, 4, colour(i).filled());
        let series = chart.draw_series(front.iter().map(place).map(mark)).map_err(failed)?;
        series.label(name).legend(move |(x, y)| Circle::new((x + 8, y), 4, colour(i).filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .label_font(label(13))
        .draw()
        .map_err(failed)
}
