//! Values of named groups, a row each.

use super::{Axis, Chart, Paint, Shape, Side, extent};

/// Pixels of a row.
const ROW: f64 = 44.0;

/// A row: a name, and the values that it has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strip {
    /// Written above the values.
    pub(crate) name: String,
    /// Its values.
    pub(crate) values: Vec<f64>,
}

/// Every value as a point, the mean of each row as a stroke. `unit` is what one value is, for
/// example "one training". None without a value.
pub(crate) fn strips(rows: &[Strip], title: &str, unit: &str) -> Option<String> {
    let x = extent(rows.iter().flat_map(|row| row.values.iter().copied()), 0.06)?;
    let mut chart = Chart::new(title, Axis::new(title, x), Axis::rows(rows.len()), ROW * rows.len() as f64);
    for (i, row) in rows.iter().enumerate() {
        let (top, middle) = (i as f64 + 0.3, i as f64 + 0.68);
        chart.text(Side::Inside, top, &row.name);
        let mean = row.values.iter().sum::<f64>() / row.values.len() as f64;
        if !row.values.is_empty() {
            chart.stroke((mean, middle), 9.0, Paint::Best, &format!("{}: mean {mean:.2}", row.name));
        }
        for &value in &row.values {
            chart.point((value, middle), 4.5, Paint::Series(0), &format!("{}: {value:.2}", row.name));
        }
    }
    chart.key(Shape::Point, Paint::Series(0), unit);
    chart.key(Shape::Line, Paint::Best, "mean");
    Some(chart.html())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_point_and_every_row_has_its_mean() {
        assert!(strips(&[], "accuracy", "one").is_none());
        let row = |name: &str, values: &[f64]| Strip { name: name.into(), values: values.to_vec() };
        let html = strips(&[row("winner", &[91.0, 93.0]), row("none yet", &[])], "accuracy", "one").unwrap();
        assert_eq!(html.matches("<circle").count(), 2);
        assert!(html.contains("winner: mean 92.00") && html.contains("none yet") && !html.contains("NaN"));
    }
}
