//! Two objectives: hypervolume by queries, and the fronts.

use super::curves::{Curve, HEIGHT, draw};
use crate::experiment::table::{FrontPoint, ObjectiveSummary, StrategySummary, Summary};
use crate::report::plots::{Axis, Chart, Paint, Shape, extent};

/// Hypervolume of the front found, mean with its 95 % interval.
pub(in crate::experiment::table) fn hypervolume(summary: &Summary) -> Option<String> {
    let objective = summary.objective.as_ref()?;
    let curves: Vec<Curve<'_>> = summary.strategies.iter().filter_map(curve).collect();
    let start = super::curves::start(summary.budget);
    let values = curves.iter().flat_map(|c| c.points.iter().skip(start).map(|(_, y, _)| *y));
    let y = extent(values.chain([objective.hypervolume]), 0.04)?;
    Some(draw(summary.budget, &Axis::new("hypervolume of the front found", y), &curves, true))
}

fn curve(strategy: &StrategySummary) -> Option<Curve<'_>> {
    let root = (strategy.seeds as f64).sqrt();
    let points = strategy.pareto.as_ref()?.curve.iter();
    let point = |p: &crate::experiment::table::ParetoPoint| {
        (p.queries as f64, p.hypervolume_mean, p.hypervolume_sd / root)
    };
    Some(Curve { name: &strategy.label, points: points.map(point).collect() })
}

/// The table's front and those that the first seed's runs found, by what is reported; the second
/// objective on the horizontal axis, in the direction of its column.
pub(in crate::experiment::table) fn fronts(summary: &Summary) -> Option<String> {
    let objective = summary.objective.as_ref()?;
    let found: Vec<(&str, &[FrontPoint])> = summary
        .strategies
        .iter()
        .filter_map(|s| Some((s.label.as_str(), s.pareto.as_ref()?.front.as_slice())))
        .collect();
    let (sign, name) = direction(objective);
    let all = || found.iter().flat_map(|(_, front)| front.iter()).chain(&objective.front);
    let x = Axis::new(name, extent(all().map(|p| sign * p.second), 0.05)?);
    let y = Axis::new(&summary.report, extent(all().map(|p| p.report), 0.05)?);
    let place = |p: &FrontPoint| (sign * p.second, p.report);
    let mut chart = Chart::new("Pareto fronts", x, y, HEIGHT);
    chart.line(&objective.front.iter().map(place).collect::<Vec<_>>(), Paint::Faint);
    chart.key(Shape::Line, Paint::Faint, "the table's front");
    for (i, (strategy, front)) in found.into_iter().enumerate() {
        for point in front {
            let (second, report) = (sign * point.second, point.report);
            let hint = format!("{strategy}\n{} {report}\n{name} {second}\n{}", summary.report, point.arch);
            chart.point(place(point), 4.5, Paint::Series(i), &hint);
        }
        chart.key(Shape::Point, Paint::Series(i), strategy);
    }
    Some(chart.html())
}

/// Sign that turns the second objective, where higher is better, into its column, and that
/// column's name.
fn direction(objective: &ObjectiveSummary) -> (f64, &str) {
    objective.report.strip_prefix('-').map_or((1.0, &*objective.report), |name| (-1.0, name))
}
