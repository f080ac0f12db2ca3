//! Probabilities of operations by epoch.

use std::ops::Range;

use bonas_spaces::families::darts::{PRIMITIVES, WeightTable};
use plotters::prelude::*;

use super::{Area, INK, Plot, extent, failed, label, shade, svg};
use bonas_supernet::differentiable::Epoch;

/// Pixels: room for labels on both sides and on top, a row of an operation, the gap between edges.
const LEFT: i32 = 56;
const RIGHT: i32 = 96;
const TOP: i32 = 26;
const ROW: i32 = 5;
const GAP: i32 = 5;
/// Width of the map itself.
const WIDTH: i32 = 328;
/// Shades that are told apart; neighbours of one shade are one rectangle.
const SHADES: f64 = 48.0;

/// A heat map of the probabilities of a cell (0: normal, 1: reduction or enhancement): a column an
/// epoch, a block an edge, in it a row an operation, `none` first; beside each block the operation
/// that is ahead in the end, `none` left out. Shades span the lowest to the highest probability of
/// both cells. None of an empty trajectory.
pub fn alphas(trajectory: &[Epoch], cell: usize) -> Option<Plot> {
    let tables: Vec<&WeightTable> =
        trajectory.iter().map(|epoch| epoch.weights.get(cell)).collect::<Option<_>>()?;
    let range = probabilities(trajectory)?;
    let edges = tables.first()?.len() as i32;
    let height = TOP + edges * block() + 22;
    let size = ((LEFT + WIDTH + RIGHT) as u32, height as u32);
    Some(svg(size, |area| draw(area, &tables, &range)))
}

/// Lowest and highest probability of both cells over all epochs.
pub(crate) fn probabilities(trajectory: &[Epoch]) -> Option<Range<f64>> {
    extent(trajectory.iter().flat_map(|epoch| epoch.weights.iter().flatten().flatten().copied()), 0.0)
}

/// Height of an edge's block with the gap below it.
fn block() -> i32 {
    PRIMITIVES.len() as i32 * ROW + GAP
}

fn draw(area: &Area<'_>, tables: &[&WeightTable], range: &Range<f64>) -> Result<(), String> {
    let text = |words: String, at: (i32, i32)| area.draw(&Text::new(words, at, label(11))).map_err(failed);
    for (edge, name) in edge_names().into_iter().enumerate() {
        let top = TOP + edge as i32 * block();
        let middle = top + block() / 2 - 8;
        text(name, (6, middle))?;
        for op in 0..PRIMITIVES.len() {
            let values = tables.iter().map(|table| table[edge][op]);
            let row = top + op as i32 * ROW;
            for (from, to, level) in runs(values, range) {
                let span = [(column(from, tables.len()), row), (column(to, tables.len()), row + ROW)];
                area.draw(&Rectangle::new(span, shade(level / SHADES).filled())).map_err(failed)?;
            }
        }
        if let Some(last) = tables.last() {
            text(ahead(&last[edge]).to_owned(), (LEFT + WIDTH + 6, middle))?;
        }
    }
    let foot = TOP + tables[0].len() as i32 * block();
    text("epoch 0".to_owned(), (LEFT, foot + 2))?;
    text((tables.len() - 1).to_string(), (LEFT + WIDTH - 14, foot + 2))?;
    scale(area, range)
}

/// Shades from the lowest to the highest probability, above the map.
fn scale(area: &Area<'_>, range: &Range<f64>) -> Result<(), String> {
    let (from, cells, width) = (LEFT + 60, 32, 5);
    for i in 0..cells {
        let span = [(from + i * width, 6), (from + (i + 1) * width, 16)];
        let colour = shade(f64::from(i) / f64::from(cells - 1));
        area.draw(&Rectangle::new(span, colour.filled())).map_err(failed)?;
    }
    let style = || label(11).color(&INK);
    area.draw(&Text::new(format!("{:.3}", range.start), (LEFT + 24, 5), style())).map_err(failed)?;
    let end = (from + cells * width + 6, 5);
    area.draw(&Text::new(format!("{:.3}", range.end), end, style())).map_err(failed)
}

/// Left side of the column of an epoch.
fn column(epoch: usize, epochs: usize) -> i32 {
    LEFT + WIDTH * epoch as i32 / epochs.max(1) as i32
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
            let svg = alphas(&trajectory(), cell).unwrap().unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("4 \u{2192} 5"));
        }
        // In `trajectory` skips of the normal cell gain with every epoch.
        assert!(alphas(&trajectory(), 0).unwrap().unwrap().contains("skip_connect"));
    }
}
