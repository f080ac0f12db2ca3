//! Score by query.

use bonas_study::history::Outcome;

use super::{Axis, Chart, Paint, Shape, TALL, extent};
use crate::report::{Digest, Query};

/// Every score in order, batches as bands, with the best so far as a line. Points are grey where
/// the strategy had no prediction, failures stand at the foot. None without a score.
pub(crate) fn score_by_query(digest: &Digest) -> Option<String> {
    let range = extent(digest.scores().map(|(_, score)| score), 0.08)?;
    let foot = range.start + 0.03 * (range.end - range.start);
    let queries = digest.queries.len() as f64;
    let x = Axis::whole("query", 0.5..queries + 0.5);
    let mut chart = Chart::new("Score by query", x, Axis::new("score", range), TALL);
    bands(digest).into_iter().step_by(2).for_each(|(from, to)| chart.band(from, to));
    chart.line(&best_so_far(digest), Paint::Best);
    for (i, score) in digest.scores() {
        let paint = if digest.queries[i].predicted.is_some() { Paint::Series(0) } else { Paint::Faint };
        chart.point(
            ((i + 1) as f64, score),
            3.5,
            paint,
            &hint(i, &digest.queries[i], &format!("score {score:.4}")),
        );
    }
    for (i, query) in digest.queries.iter().enumerate() {
        if let Outcome::Failed(reason) = &query.outcome {
            let failed = hint(i, query, &format!("failed, {reason}"));
            chart.point(((i + 1) as f64, foot), 4.0, Paint::Failed, &failed);
        }
    }
    if let Some((i, score)) = digest.best() {
        chart.ring(((i + 1) as f64, score), 7.0, Paint::Best);
    }
    legend(&mut chart, digest);
    Some(chart.html())
}

/// Entries for what there is.
fn legend(chart: &mut Chart, digest: &Digest) {
    chart.key(Shape::Line, Paint::Best, "best so far");
    let (mut with, mut without, mut failed) = (false, false, false);
    for query in &digest.queries {
        match (&query.outcome, query.predicted) {
            (Outcome::Failed(_), _) => failed = true,
            (_, Some(_)) => with = true,
            (_, None) => without = true,
        }
    }
    let entries = [
        (with, Paint::Series(0), "chosen with a prediction"),
        (without, Paint::Faint, "chosen without a prediction"),
        (failed, Paint::Failed, "failed"),
    ];
    for (_, paint, name) in entries.into_iter().filter(|entry| entry.0) {
        chart.key(Shape::Point, paint, name);
    }
}

fn hint(place: usize, query: &Query, outcome: &str) -> String {
    let predicted =
        query.predicted.map_or_else(String::new, |p| format!("\npredicted {:.4} ± {:.4}", p.mean, p.sd));
    format!("query {}, round {}: {outcome}{predicted}", place + 1, query.round)
}

/// Where each batch begins and ends on the axis of queries.
fn bands(digest: &Digest) -> Vec<(f64, f64)> {
    let mut from = 0.5;
    let batches = digest.queries.chunk_by(|a, b| (a.round, a.batch) == (b.round, b.batch));
    let band = |batch: &[Query]| {
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
        let html = score_by_query(&Digest::of(&study())).unwrap();
        assert!(html.contains("best so far") && html.contains("failed"));
        assert!(html.contains("query 5, round 1: score 0.7000\npredicted 0.6600 ± 0.0300"), "{html}");
        assert_eq!(html.matches("<circle").count(), 12 + 1, "a point a query and a ring");
    }
}
