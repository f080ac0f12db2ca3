//! Feature columns; constant columns are dropped.

use std::ops::Range;

use ndarray::Array2;

use super::columns::{Columns, Scale};
use super::family::{Family, Kind};
use super::store::Row;

/// The columns that are not constant among some architectures, centred and scaled to about unit variance.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct VaryingColumns {
    columns: Columns,
    /// Positions among all columns, rising: counts first, then sparse features.
    positions: Vec<usize>,
    /// Number of the columns that are counts.
    counts: usize,
    /// Ranges of these columns that are adjacent among all columns.
    runs: Vec<Range<usize>>,
    /// For each sparse column its position among the varying ones, if it varies.
    named: Vec<Option<usize>>,
    /// Columns of operations that none of the architectures has.
    unseen: Vec<usize>,
    /// Means of the columns, and factors of the centred values.
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl VaryingColumns {
    /// The columns that vary among some architectures.
    pub(crate) fn of<'a>(structures: impl ExactSizeIterator<Item = Row<'a>> + Clone) -> Self {
        let columns = Columns::of(structures.clone());
        let scale = Scale::of(&columns.matrix(structures));
        let positions: Vec<usize> = (0..columns.len()).filter(|&c| scale.varies(c)).collect();
        let counts = positions.partition_point(|&c| c < columns.counts());
        let mut named = vec![None; columns.len() - columns.counts()];
        for (i, &position) in positions.iter().enumerate().skip(counts) {
            named[position - columns.counts()] = Some(i);
        }
        let is_presence = |c: usize| columns.kind(c).family == Family::Presence;
        let never = |c: &usize| is_presence(*c) && !scale.varies(*c) && scale.of_column(*c).0 == 0.0;
        let unseen = (0..columns.counts()).filter(never).collect();
        let (mean, factor) = positions.iter().map(|&position| scale.of_column(position)).unzip();
        Self { columns, runs: runs(&positions[..counts]), positions, counts, named, unseen, mean, factor }
    }

    /// Number of operations, cell by cell, that an architecture has and none of those that the columns are of.
    pub(crate) fn unseen(&self, structure: Row<'_>) -> usize {
        self.unseen.iter().filter(|&&c| structure.counts[c] > 0.0).count()
    }

    /// Number of varying columns.
    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Positions among all columns.
    pub(crate) fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// All columns, including constant ones.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What each varying column counts.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.positions.iter().map(|&position| self.columns.kind(position))
    }

    /// Writes scaled features to the first columns of `x [m, d]`; `d` is at least the number of varying columns.
    pub(crate) fn write<'a>(&self, structures: impl Iterator<Item = Row<'a>>, x: &mut Array2<f32>) {
        let absent: Vec<f32> = (self.counts..self.len()).map(|i| -self.mean[i] * self.factor[i]).collect();
        for (structure, mut row) in structures.zip(x.rows_mut()) {
            let Some(row) = row.as_slice_mut() else { unreachable!("rows of row-major arrays are slices") };
            self.write_counts(structure.counts, row);
            row[self.counts..self.len()].copy_from_slice(&absent);
            for &(name, value) in structure.named().into_iter().flatten() {
                if let Some(i) = self.columns.named(name).and_then(|named| self.named[named]) {
                    row[i] = (value - self.mean[i]) * self.factor[i];
                }
            }
        }
    }

    fn write_counts(&self, counts: &[f32], row: &mut [f32]) {
        for run in &self.runs {
            let from = &counts[self.positions[run.start]..][..run.len()];
            let scales = self.mean[run.clone()].iter().zip(&self.factor[run.clone()]);
            for ((value, count), (mean, factor)) in row[run.clone()].iter_mut().zip(from).zip(scales) {
                *value = (count - mean) * factor;
            }
        }
    }
}

/// Ranges of consecutive numbers in a rising list.
fn runs(numbers: &[usize]) -> Vec<Range<usize>> {
    let mut start = 0;
    let range = |run: &[usize]| {
        start += run.len();
        start - run.len()..start
    };
    numbers.chunk_by(|a, b| a + 1 == *b).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Family, Structure, Structures};

    /// Of two counts and two named features one each is constant; what is left is what scaling all gives.
    #[test]
    fn constant_columns_are_left_out() {
        let structure = |count: f32, neighbours: &[(u64, f32)], positions: &[(u64, f32)]| Structure {
            counts: vec![4.0, count],
            kinds: vec![Family::Nodes.of_all(), Family::Sizes.of_all()].into(),
            neighbours: neighbours.to_vec(),
            places: positions.to_vec(),
        };
        let all = Structures::of(&[
            structure(1.0, &[(7, 2.0)], &[]),
            structure(3.0, &[(7, 2.0)], &[(9, 1.0)]),
            structure(2.0, &[(7, 1.0), (8, 5.0)], &[(9, 3.0)]),
            structure(1.0, &[], &[]),
        ]);
        let observed = all.iter().take(2);
        let varying = VaryingColumns::of(observed.clone());
        assert_eq!((varying.positions(), varying.len()), (&[1, 3][..], 2));
        assert_eq!(varying.kinds().map(|k| k.family).collect::<Vec<_>>(), [Family::Sizes, Family::Places]);
        let scale = Scale::of(&varying.columns.matrix(observed));
        let scaled = |column, value| scale.scaled(column, value);
        let expected =
            ndarray::array![[scaled(1, 2.0), scaled(3, 3.0), 0.0], [scaled(1, 1.0), scaled(3, 0.0), 0.0]];
        // What was there before does not matter, and the last column is not ours.
        let mut x = ndarray::array![[7.0, 7.0, 0.0], [7.0, 7.0, 0.0]];
        varying.write(all.iter().skip(2), &mut x);
        assert_eq!(x, expected);
    }

    #[test]
    fn runs_by_hand() {
        assert_eq!(runs(&[2, 3, 4, 7, 9, 10]), [0..3, 3..4, 4..6]);
        assert!(runs(&[]).is_empty());
    }
}
