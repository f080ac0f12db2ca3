//! Map of the surrogate's embedding.

use super::{Axis, Chart, Paint, TALL, extent};
use crate::report::Digest;
use crate::report::pca::Plane;

/// The queries in the plane of the two principal components of their embedding, coloured by score,
/// the best one ringed. None if the points are not the queries.
pub(crate) fn embedding(digest: &Digest, plane: &Plane) -> Option<String> {
    if plane.points.len() != digest.queries.len() {
        return None;
    }
    let axis = |name: &str, share: f64, values: Vec<f64>| {
        let title = format!("{name} component, {:.0} % of the variance", 100.0 * share);
        Some(Axis::new(&title, extent(values, 0.06)?))
    };
    let x = axis("first", plane.explained.0, plane.points.iter().map(|p| p.0).collect())?;
    let y = axis("second", plane.explained.1, plane.points.iter().map(|p| p.1).collect())?;
    let mut chart = Chart::new("Embedding of the architectures", x, y, TALL);
    for (i, query) in digest.queries.iter().enumerate().filter(|(_, query)| digest.score(query).is_none()) {
        chart.point(
            plane.points[i],
            3.0,
            Paint::Faint,
            &format!("query {}, round {}: failed", i + 1, query.round),
        );
    }
    let range = extent(digest.scores().map(|score| score.1), 0.0).unwrap_or(0.0..1.0);
    for (i, score) in digest.scores() {
        let paint = Paint::Shade((score - range.start) / (range.end - range.start));
        let hint = format!("query {}, round {}: score {score:.4}", i + 1, digest.queries[i].round);
        chart.point(plane.points[i], 4.5, paint, &hint);
    }
    if let Some((i, _)) = digest.best() {
        chart.ring(plane.points[i], 8.0, Paint::Best);
    }
    chart.scale("score", &format!("{:.4}", range.start), &format!("{:.4}", range.end));
    Some(chart.html())
}
