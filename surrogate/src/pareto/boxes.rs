//! The region that no point of a front dominates, cut into boxes.
//!
//! The last objective is cut at the points' scores. In each slab the region is that of the points that reach the
//! slab's top, in one objective less; a box that is also in the slab above grows into it. So a front of `n` points in
//! three objectives has `2n + 1` boxes (as many as in Lacour, Klamroth and Fonseca, "A box decomposition algorithm to
//! compute the hypervolume indicator", Computers & Operations Research, 2017).

use super::Point;

/// A box: for each objective its lower and its upper end, as places among the levels; one place beyond the last level
/// is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell<const M: usize> {
    low: [usize; M],
    high: [usize; M],
}

/// Disjoint boxes that fill the region above a reference point that no point of a front dominates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Boxes<const M: usize> {
    /// For each objective the reference and the scores of the points, rising.
    levels: [Vec<f64>; M],
    cells: Vec<Cell<M>>,
}

impl<const M: usize> Boxes<M> {
    /// The boxes of points that are above `reference` in every score.
    pub(super) fn of(points: &[Point<M>], reference: Point<M>) -> Self {
        let levels: [Vec<f64>; M] = std::array::from_fn(|k| {
            let mut levels: Vec<f64> = points.iter().map(|point| point[k]).chain([reference[k]]).collect();
            levels.sort_unstable_by(f64::total_cmp);
            levels.dedup();
            levels
        });
        let place = |point: &Point<M>| -> [usize; M] {
            std::array::from_fn(|k| levels[k].partition_point(|level| *level < point[k]))
        };
        let places: Vec<[usize; M]> = points.iter().map(place).collect();
        let open = std::array::from_fn(|k| levels[k].len());
        Self { cells: undominated(&places, M, &open), levels }
    }

    /// Sum over the boxes of the product over the objectives of `E max(yₖ - lₖ, 0) - E max(yₖ - uₖ, 0)`, where `l` and
    /// `u` are the box's ends, given the expected excess of objective `k` over a threshold.
    pub(super) fn sum(&self, excess: impl Fn(usize, f64) -> f64) -> f64 {
        let of = |k: usize| self.levels[k].iter().map(|level| excess(k, *level)).chain([0.0]).collect();
        let excesses: [Vec<f64>; M] = std::array::from_fn(of);
        let side = |cell: &Cell<M>, k: usize| excesses[k][cell.low[k]] - excesses[k][cell.high[k]];
        self.cells.iter().map(|cell| (0..M).map(|k| side(cell, k)).product::<f64>()).sum()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }
}

/// The boxes in the first `dims` objectives that no point dominates; the other ends of the boxes are 0.
fn undominated<const M: usize>(places: &[[usize; M]], dims: usize, open: &[usize; M]) -> Vec<Cell<M>> {
    let last = dims - 1;
    if last == 0 {
        let mut cell = Cell { low: [0; M], high: [0; M] };
        cell.low[0] = places.iter().map(|place| place[0]).max().unwrap_or(0);
        cell.high[0] = open[0];
        return vec![cell];
    }
    let mut levels: Vec<usize> = places.iter().map(|place| place[last]).chain([0]).collect();
    levels.sort_unstable();
    levels.dedup();
    let (mut done, mut growing): (Vec<Cell<M>>, Vec<Cell<M>>) = (Vec::new(), Vec::new());
    for (i, &bottom) in levels.iter().enumerate() {
        let top = levels.get(i + 1).copied().unwrap_or(open[last]);
        let reaching: Vec<[usize; M]> = places.iter().copied().filter(|place| place[last] >= top).collect();
        let mut slab = undominated(&reaching, last, open);
        for cell in &mut slab {
            let base = |other: &Cell<M>| {
                (other.low[..last] == cell.low[..last]) && other.high[..last] == cell.high[..last]
            };
            let below = growing.iter().position(base);
            cell.low[last] = below.map_or(bottom, |at| growing.swap_remove(at).low[last]);
            cell.high[last] = top;
        }
        done.append(&mut growing);
        growing = slab;
    }
    done.append(&mut growing);
    done
}
