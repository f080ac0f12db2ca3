//! Numbers with intervals, a row each.

use super::{Axis, Chart, Paint, Shape, Side, extent};
use crate::report::markup::number;

/// Pixels of a row.
const ROW: f64 = 36.0;

/// A row: a name, a number, and the ends of its interval where it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Written above the number.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) ends: Option<(f64, f64)>,
}

/// Every number as a point, its interval as a line, and zero as a faint one. None without a row.
pub(crate) fn intervals(rows: &[Measured], title: &str, unit: &str) -> Option<String> {
    let all = rows.iter().flat_map(|row| {
        let (low, high) = row.ends.unwrap_or((row.value, row.value));
        [row.value, low, high, 0.0]
    });
    let x = extent(all, 0.06)?;
    if rows.is_empty() {
        return None;
    }
    let count = rows.len() as f64;
    let mut chart = Chart::new(title, Axis::new(title, x), Axis::rows(rows.len()), ROW * count);
    chart.thin((0.0, 0.0), (0.0, count), Paint::Faint);
    for (i, row) in rows.iter().enumerate() {
        let (top, middle) = (i as f64 + 0.3, i as f64 + 0.72);
        chart.text(Side::Inside, top, &row.name);
        let hint = format!("{}: {}", row.name, number(row.value));
        let hint = row.ends.map_or_else(
            || hint.clone(),
            |(low, high)| {
                chart.bar((low, middle), high, Paint::Series(0));
                format!("{hint}, {} to {}", number(low), number(high))
            },
        );
        chart.point((row.value, middle), 4.5, Paint::Series(0), &hint);
    }
    chart.key(Shape::Point, Paint::Series(0), unit);
    if rows.iter().any(|row| row.ends.is_some()) {
        chart.key(Shape::Line, Paint::Series(0), "95 % interval");
    }
    Some(chart.html())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_point_and_an_interval_a_line() {
        assert!(intervals(&[], "effect", "effect").is_none());
        let row = |name: &str, value, ends| Measured { name: name.into(), value, ends };
        let rows = [row("conv <3>", 0.25, Some((0.125, 0.5))), row("skip", -0.5, None)];
        let html = intervals(&rows, "effect", "effect").unwrap();
        assert_eq!((html.matches("<circle").count(), html.matches("class=\"bar").count()), (2, 1));
        assert!(html.contains("conv &lt;3&gt;: 0.2500, 0.1250 to 0.5000") && html.contains("skip: -0.5000<"));
        assert!(html.contains("class=\"thin faint\""));
    }
}
