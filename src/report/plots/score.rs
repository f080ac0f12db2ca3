//! Score by query.

use std::ops::Range;

use plotters::prelude::*;

use super::{BAND, BLUE, GREY, ORANGE, Plot, RED, decimals, extent, failed, label, mesh, svg};
use crate::report::Digest;
use bonas_study::history::Outcome;

/// Every score in order, batches as bands, with the best so far as a line. Points are grey where
/// the strategy had no prediction, failures stand as crosses at the foot. None without a score.
pub fn score_by_query(digest: &Digest) -> Option<Plot> {
    let y = extent(digest.scores().map(|(_, score)| score), 0.08)?;
    Some(svg((860, 380), |area| draw(digest, area, y)))
}

fn draw(digest: &Digest, area: &super::Area<'_>, y: Range<f64>) -> Result<(), String> {
    let n = digest.queries.len() as f64;
    let places = decimals(&y);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.5..n + 0.5, y.clone())
        .map_err(failed)?;
    let bands = bands(digest).into_iter().step_by(2);
    let band = |(from, to)| Rectangle::new([(from, y.start), (to, y.end)], BAND.filled());
    chart.draw_series(bands.map(band)).map_err(failed)?;
    mesh!(chart, "query", "score", |x: &f64| format!("{x:.0}"), |y: &f64| format!("{y:.places$}"))?;

    let point = |(i, score): (usize, f64)| {
        let colour = if digest.queries[i].predicted.is_some() { BLUE } else { GREY };
        Circle::new(((i + 1) as f64, score), 3, colour.mix(0.8).filled())
    };
    chart.draw_series(digest.scores().map(point)).map_err(failed)?;
    let failures = digest.queries.iter().enumerate().filter(|(_, q)| matches!(q.outcome, Outcome::Failed(_)));
    let foot = y.start + 0.03 * (y.end - y.start);
    let cross = |(i, _)| Cross::new(((i + 1) as f64, foot), 4, RED.stroke_width(2));
    chart.draw_series(failures.map(cross)).map_err(failed)?;
    let line = LineSeries::new(best_so_far(digest), ORANGE.stroke_width(2));
    chart.draw_series(line).map_err(failed)?.label("best so far").legend(stroke);
    if let Some((i, score)) = digest.best() {
        let ring = Circle::new(((i + 1) as f64, score), 6, ORANGE.stroke_width(2));
        chart.draw_series([ring]).map_err(failed)?;
    }
    legend(&mut chart)
}

fn stroke((x, y): (i32, i32)) -> PathElement<(i32, i32)> {
    PathElement::new([(x, y), (x + 16, y)], ORANGE.stroke_width(2))
}

fn legend<'a, C>(chart: &mut ChartContext<'a, SVGBackend<'a>, C>) -> Result<(), String>
where
    C: CoordTranslate,
{
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .label_font(label(13))
        .draw()
        .map_err(failed)
}

/// Where each batch begins and ends on the axis of queries.
fn bands(digest: &Digest) -> Vec<(f64, f64)> {
    let mut from = 0.5;
    let batches = digest.queries.chunk_by(|a, b| (a.round, a.batch) == (b.round, b.batch));
    let band = |batch: &[crate::report::Query]| {
        let to = from + batch.len() as f64;
        (std::mem::replace(&mut from, to), to)
    };
    batches.map(band).collect()
}

/// A staircase of the best score so far.
fn best_so_far(digest: &Digest) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut best = f64::NEG_INFINITY;
    for (i, score) in digest.scores() {
        if score > best {
            if best.is_finite() {
                steps.push(((i + 1) as f64, best));
            }
            best = score;
            steps.push(((i + 1) as f64, best));
        }
    }
    steps.push((digest.queries.len() as f64 + 0.5, best));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::study;

    #[test]
    fn bands_are_batches_and_steps_rise() {
        let digest = Digest::of(&study());
        assert_eq!(bands(&digest), vec![(0.5, 4.5), (4.5, 8.5), (8.5, 12.5)]);
        let steps = best_so_far(&digest);
        assert!(steps.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1), "{steps:?}");
    }

    #[test]
    fn is_drawn_once_there_is_a_score() {
        assert!(score_by_query(&Digest::default()).is_none());
        let svg = score_by_query(&Digest::of(&study())).unwrap().unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("best so far"));
    }
}
