//! Probabilities of operations by epoch.

use std::ops::Range;

use bonas_spaces::families::darts::{PRIMITIVES, WeightTable};
use bonas_supernet::differentiable::Epoch;

use super::{Axis, Chart, Side, extent};

/// Pixels of a row of an operation, and rows of the gap between edges.
const ROW: f64 = 5.0;
const GAP: f64 = 1.0;
/// Pixels for labels left and right of the map.
const SIDES: (f64, f64) = (48.0, 104.0);
/// Shades that are told apart; neighbours of one shade are one rectangle.
const SHADES: f64 = 48.0;

/// A heat map of the probabilities of a cell (0: normal, 1: reduction or enhancement): a column an
/// epoch, a block an edge, in it a row an operation, `none` first; beside each block the operation
/// that is ahead in the end, `none` left out. Shades span the lowest to the highest probability of
/// both cells. None of an empty trajectory.
pub(crate) fn alphas(trajectory: &[Epoch], cell: usize) -> Option<String> {
    let tables: Vec<&WeightTable> =
        trajectory.iter().map(|epoch| epoch.weights.get(cell)).collect::<Option<_>>()?;
    let range = probabilities(trajectory)?;
    let block = PRIMITIVES.len() as f64 + GAP;
    let rows = block * tables.first()?.len() as f64;
    let x = Axis::whole("epoch", -0.5..tables.len() as f64 - 0.5);
    let chart =
        Chart::new("Probability of each operation by epoch", x, Axis::rows(rows as usize), ROW * rows);
    let mut chart = chart.with_sides(SIDES.0, SIDES.1);
    for (edge, name) in edge_names().into_iter().enumerate() {
        let top = edge as f64 * block;
        let middle = top + PRIMITIVES.len() as f64 / 2.0;
        chart.text(Side::Left, middle, &name);
        chart.text(Side::Right, middle, ahead(&tables.last()?[edge]));
        for (op, primitive) in PRIMITIVES.iter().enumerate() {
            let (values, row) = (tables.iter().map(|table| table[edge][op]), top + op as f64);
            for (from, to, level) in runs(values, &range) {
                let hint = hint(&name, primitive, from..to, tables[from][edge][op]);
                let [left, right] = [from, to].map(|epoch| epoch as f64 - 0.5);
                chart.tile((left, row), (right, row + 1.0), level / SHADES, &hint);
            }
        }
    }
    chart.scale("probability", &format!("{:.3}", range.start), &format!("{:.3}", range.end));
    Some(chart.html())
}

/// What a rectangle says.
fn hint(edge: &str, operation: &str, epochs: Range<usize>, probability: f64) -> String {
    let last = epochs.end - 1;
    let epochs =
        if epochs.len() > 1 { format!("epochs {} to {last}", epochs.start) } else { format!("epoch {last}") };
    format!("{edge} {operation}: {probability:.3}, {epochs}")
}

/// Lowest and highest probability of both cells over all epochs.
fn probabilities(trajectory: &[Epoch]) -> Option<Range<f64>> {
    extent(trajectory.iter().flat_map(|epoch| epoch.weights.iter().flatten().flatten().copied()), 0.0)
}

/// Runs of epochs of one shade: first epoch, the one after the last, shade.
fn runs(values: impl Iterator<Item = f64>, range: &Range<f64>) -> Vec<(usize, usize, f64)> {
    let span = (range.end - range.start).max(f64::MIN_POSITIVE);
    let levels: Vec<f64> = values.map(|p| ((p - range.start) / span * SHADES).round()).collect();
    let mut from = 0;
    let run = |part: &[f64]| {
        let to = from + part.len();
        (std::mem::replace(&mut from, to), to, part[0])
    };
    levels.chunk_by(|a, b| (a - b).abs() < 0.5).map(run).collect()
}

/// The operation with the highest probability, `none` left out.
fn ahead(row: &[f64; 8]) -> &'static str {
    let best = (1..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)));
    best.map_or("", |op| PRIMITIVES[op])
}

/// Names of the 14 edges: the inputs are 0 and 1, the intermediate nodes 2 to 5.
fn edge_names() -> Vec<String> {
    (2..6).flat_map(|to| (0..to).map(move |from| format!("{from} \u{2192} {to}"))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;
    use crate::report::testing::trajectory;

    #[test]
    fn neighbours_of_one_shade_are_one_rectangle() {
        let found = runs([0.0, 0.001, 0.5, 1.0, 1.0].into_iter(), &(0.0..1.0));
        assert_eq!(found, [(0, 2, 0.0), (2, 3, 24.0), (3, 5, 48.0)]);
        assert_eq!(runs([0.125].into_iter(), &(0.125..0.125)), [(0, 1, 0.0)]);
    }

    #[test]
    fn edges_and_operations_have_their_names() {
        assert_eq!(edge_names().len(), 14);
        assert_eq!((&*edge_names()[0], &*edge_names()[13]), ("0 \u{2192} 2", "4 \u{2192} 5"));
        // `none` is never ahead, and of equals the first is.
        assert_eq!(ahead(&[0.9, 0.0, 0.0, 0.05, 0.05, 0.0, 0.0, 0.0]), "skip_connect");
    }

    #[test]
    fn every_cell_has_a_map() {
        assert!(alphas(&[], 0).is_none() && alphas(&trajectory(), 2).is_none());
        for cell in 0..2 {
            assert!(alphas(&trajectory(), cell).unwrap().contains("4 \u{2192} 5"));
        }
        // In `trajectory` skips of the normal cell gain with every epoch.
        let html = alphas(&trajectory(), 0).unwrap();
        assert!(html.contains(">skip_connect</text>"));
        assert!(html.contains("0 \u{2192} 2 skip_connect: 0.325, epoch 2"), "{html}");
        assert!(html.contains("0 \u{2192} 2 none: 0.125, epochs 0 to 2"));
    }
}
