//! Map of the surrogate's embedding.

use plotters::prelude::*;

use super::{GREY, INK, ORANGE, Plot, decimals, extent, failed, label, mesh, shade, svg};
use crate::report::Digest;
use crate::report::pca::Plane;

/// The queries in the plane of the two principal components of `vectors`, `[queries, d]`,
/// coloured by score, the best one ringed. None if the rows are not the queries.
pub fn embedding(digest: &Digest, plane: &Plane) -> Option<Plot> {
    if plane.points.len() != digest.queries.len() {
        return None;
    }
    Some(svg((620, 440), |area| {
        let (left, right) = area.split_horizontally(540);
        draw(digest, plane, &left)?;
        colour_bar(digest, &right)
    }))
}

fn draw(digest: &Digest, plane: &Plane, area: &super::Area<'_>) -> Result<(), String> {
    let nothing = || "no finite point".to_owned();
    let x = extent(plane.points.iter().map(|p| p.0), 0.06).ok_or_else(nothing)?;
    let y = extent(plane.points.iter().map(|p| p.1), 0.06).ok_or_else(nothing)?;
    let (x_places, y_places) = (decimals(&x), decimals(&y));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    let axis = |name: &str, share: f64| format!("{name} component ({:.0} % of the variance)", 100.0 * share);
    let (first, second) = (axis("first", plane.explained.0), axis("second", plane.explained.1));
    mesh!(chart, first, second, |v: &f64| format!("{v:.x_places$}"), |v: &f64| format!("{v:.y_places$}"))?;
    let scale = scale(digest);
    let failures = (0..plane.points.len()).filter(|&i| digest.score(&digest.queries[i]).is_none());
    let cross = |i: usize| Cross::new(plane.points[i], 3, GREY.stroke_width(1));
    chart.draw_series(failures.map(cross)).map_err(failed)?;
    let dot = |(i, score): (usize, f64)| Circle::new(plane.points[i], 4, scale(score).mix(0.85).filled());
    chart.draw_series(digest.scores().map(dot)).map_err(failed)?;
    if let Some((i, _)) = digest.best() {
        let ring = Circle::new(plane.points[i], 8, ORANGE.stroke_width(2));
        chart.draw_series([ring]).map_err(failed)?;
    }
    Ok(())
}

/// Colours by score, over the range of scores.
fn scale(digest: &Digest) -> impl Fn(f64) -> RGBColor {
    let range = extent(digest.scores().map(|s| s.1), 0.0).unwrap_or(0.0..1.0);
    move |score| shade((score - range.start) / (range.end - range.start))
}

fn colour_bar(digest: &Digest, area: &super::Area<'_>) -> Result<(), String> {
    let Some(range) = extent(digest.scores().map(|s| s.1), 0.0) else { return Ok(()) };
    let (top, height, steps) = (40, 320, 64);
    for step in 0..steps {
        let from = top + height * step / steps;
        let colour = shade(1.0 - (f64::from(step) + 0.5) / f64::from(steps));
        let bar = Rectangle::new([(4, from), (20, top + height * (step + 1) / steps)], colour.filled());
        area.draw(&bar).map_err(failed)?;
    }
    area.draw(&Rectangle::new([(4, top), (20, top + height)], INK.mix(0.3))).map_err(failed)?;
    let places = decimals(&range).max(2);
    for (value, y) in [(range.end, top), (range.start, top + height)] {
        area.draw(&Text::new(format!("{value:.places$}"), (25, y - 6), label(13))).map_err(failed)?;
    }
    area.draw(&Text::new("score", (4, top - 22), label(13))).map_err(failed)
}
