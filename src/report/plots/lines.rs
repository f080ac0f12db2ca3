//! Lines over epochs.

use plotters::prelude::*;

use super::{Area, Plot, colour, decimals, extent, failed, label, mesh, svg};
use bonas_supernet::differentiable::Epoch;

/// A named line, one value an epoch from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What the legend says.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

/// Lines by epoch. None without a value.
pub fn lines(lines: &[Line], y_title: &str) -> Option<Plot> {
    let y = extent(lines.iter().flat_map(|line| line.values.iter().copied()).chain([0.0]), 0.06)?;
    let epochs = lines.iter().map(|line| line.values.len()).max().filter(|&n| n > 0)?;
    Some(svg((860, 340), |area| draw(area, lines, epochs, &y, y_title)))
}

/// Operations without weights (skips and pools) and skips alone in each of the cells by epoch.
/// `cells` are the cells' names.
pub fn weight_free_by_epoch(trajectory: &[Epoch], cells: &[&str]) -> Option<Plot> {
    let line = |cell: usize, what: &str, count: fn(&Epoch) -> [usize; 2]| {
        let cell_name = cells.get(cell).map_or_else(|| format!("cell {cell}"), |name| format!("{name} cell"));
        let values = trajectory.iter().map(|epoch| count(epoch)[cell] as f64).collect();
        Line { name: format!("{cell_name}: {what}"), values }
    };
    let both = |cell| [line(cell, "skips and pools", |e| e.weight_free), line(cell, "skips", |e| e.skips)];
    lines(&[both(0), both(1)].concat(), "operations of 8")
}

fn draw(
    area: &Area<'_>,
    lines: &[Line],
    epochs: usize,
    y: &std::ops::Range<f64>,
    y_title: &str,
) -> Result<(), String> {
    let places = decimals(y);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(-0.5..epochs as f64 - 0.5, y.clone())
        .map_err(failed)?;
    let whole = |x: &f64| if (x - x.round()).abs() < 1e-6 { format!("{x:.0}") } else { String::new() };
    mesh!(chart, "epoch", y_title, whole, |y: &f64| format!("{y:.places$}"))?;
    for (i, line) in lines.iter().enumerate() {
        let points: Vec<_> = line.values.iter().enumerate().map(|(e, &v)| (e as f64, v)).collect();
        let style = colour(i).stroke_width(2);
        let stroke = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style);
        let series = LineSeries::new(points.iter().copied(), style);
        chart.draw_series(series).map_err(failed)?.label(line.name.as_str()).legend(stroke);
        let dots = points.iter().map(|&point| Circle::new(point, 2, colour(i).filled()));
        chart.draw_series(dots).map_err(failed)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .label_font(label(13))
        .draw()
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::trajectory;

    #[test]
    fn there_is_a_line_a_cell_and_count() {
        assert!(weight_free_by_epoch(&[], &[]).is_none());
        let svg = weight_free_by_epoch(&trajectory(), &["normal", "reduction"]).unwrap().unwrap();
        for name in ["normal cell: skips and pools", "reduction cell: skips"] {
            assert!(svg.contains(name), "{name}");
        }
        assert!(weight_free_by_epoch(&trajectory(), &[]).unwrap().unwrap().contains("cell 1: skips"));
    }
}
