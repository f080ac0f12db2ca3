//! Values by queries, a line a strategy.

use std::ops::Range;

use crate::experiment::table::{Point, StrategySummary, Summary};
use crate::report::markup::number;
use crate::report::plots::{Axis, Chart, Paint, Shape, columns, extent};

/// Pixels of a chart's height.
pub(super) const HEIGHT: f64 = 360.0;

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
pub(in crate::experiment::table) fn found(summary: &Summary) -> Option<String> {
    let line = |point: &Point| point.report_mean;
    let title = format!("{} of the best by {}", summary.report, summary.search);
    let curves = curves(summary, &line);
    Some(draw(summary.budget, &Axis::new(&title, range(summary, &line)?), &curves, true))
}

/// Best report value of all queried, mean.
pub(in crate::experiment::table) fn oracle(summary: &Summary) -> Option<String> {
    let line = |point: &Point| point.oracle_mean;
    let title = format!("best {} queried", summary.report);
    let curves = curves(summary, &line);
    Some(draw(summary.budget, &Axis::new(&title, range(summary, &line)?), &curves, false))
}

/// Share of the runs that have found the table's best. None if no run has.
pub(in crate::experiment::table) fn optimum(summary: &Summary) -> Option<String> {
    summary.strategies.iter().find(|strategy| strategy.to_optimum.found > 0.0)?;
    let curves = curves(summary, &|point| point.optimum_share);
    let y = Axis::new("share of runs that found the best", -0.02..1.02);
    Some(draw(summary.budget, &y, &curves, false))
}

fn curves<'a>(summary: &'a Summary, line: &Line<'_>) -> Vec<Curve<'a>> {
    let curve = |strategy: &'a StrategySummary| {
        let root = (strategy.seeds as f64).sqrt();
        let point = |p: &Point| (p.queries as f64, line(p), p.report_sd / root);
        Curve { name: &strategy.label, points: strategy.curve.iter().map(point).collect() }
    };
    summary.strategies.iter().map(curve).collect()
}

/// The first query that counts for the range of values, and that intervals are drawn from.
pub(super) fn start(budget: usize) -> usize {
    (budget / WARM_UP).min(budget.saturating_sub(1))
}

fn range(summary: &Summary, line: &Line<'_>) -> Option<Range<f64>> {
    let start = start(summary.budget);
    let values = summary.strategies.iter().flat_map(|strategy| strategy.curve[start..].iter().map(line));
    extent(values.chain([summary.optimum.report]), 0.04)
}

/// A line a strategy, its interval as a band where `intervals` are asked for.
pub(super) fn draw(budget: usize, y: &Axis, curves: &[Curve<'_>], intervals: bool) -> String {
    let x = Axis::whole("unique architectures queried", 1.0..(budget as f64).max(2.0));
    let mut chart = Chart::new(&y.title, x, y.clone(), HEIGHT);
    for (i, curve) in curves.iter().enumerate().filter(|_| intervals) {
        chart.area(&band(curve, start(budget), &y.range), Paint::Series(i));
    }
    for (i, curve) in curves.iter().enumerate() {
        let points = curve.points.iter().map(|&(x, y, _)| (x, y));
        let inside: Vec<(f64, f64)> = points.filter(|point| y.range.contains(&point.1)).collect();
        chart.line(&inside, Paint::Series(i));
        chart.key(Shape::Line, Paint::Series(i), curve.name);
    }
    for (queries, from, to) in columns(1, budget) {
        let values: Vec<String> =
            curves.iter().filter_map(|curve| value(curve, queries, intervals)).collect();
        chart.column(from, to, &format!("{queries} queries\n{}", values.join("\n")));
    }
    chart.html()
}

/// What a strategy has after so many queries, as text.
fn value(curve: &Curve<'_>, queries: usize, intervals: bool) -> Option<String> {
    let &(_, mean, error) = curve.points.get(queries - 1)?;
    let half = TWO_SIDED_95 * error;
    let interval = if intervals { format!(" ± {}", number(half)) } else { String::new() };
    Some(format!("{}: {}{interval}", curve.name, number(mean)))
}

/// Outline of the 95 % interval of the mean from a point on, there and back, kept inside the axis.
fn band(curve: &Curve<'_>, start: usize, y: &Range<f64>) -> Vec<(f64, f64)> {
    let end = |sign: f64| {
        move |&(x, mean, error): &(f64, f64, f64)| {
            (x, (mean + sign * TWO_SIDED_95 * error).clamp(y.start, y.end))
        }
    };
    let points = curve.points.iter().skip(start);
    points.clone().map(end(1.0)).chain(points.rev().map(end(-1.0))).collect()
}
