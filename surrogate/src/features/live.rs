//! From features to columns that tell observations apart.

use std::ops::Range;

use ndarray::Array2;

use super::columns::{Columns, Scale};
use super::family::Kind;
use super::store::Row;

/// The columns that differ among some architectures, centred and with about unit variance among them.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    columns: Columns,
    /// Their places among all columns, rising: first counts, then what is named.
    places: Vec<usize>,
    /// How many are counts.
    counts: usize,
    /// Which of these stand side by side among all columns.
    runs: Vec<Range<usize>>,
    /// For every named column its place among these, if it is one.
    named: Vec<Option<usize>>,
    /// Means, and what values less these are multiplied by.
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Live {
    /// Of some architectures.
    pub(crate) fn of<'a>(structures: impl ExactSizeIterator<Item = Row<'a>> + Clone) -> Self {
        let columns = Columns::of(structures.clone());
        let scale = Scale::of(&columns.matrix(structures));
        let places: Vec<usize> = (0..columns.len()).filter(|&c| scale.is_live(c)).collect();
        let counts = places.partition_point(|&c| c < columns.counts());
        let mut named = vec![None; columns.len() - columns.counts()];
        for (i, &place) in places.iter().enumerate().skip(counts) {
            named[place - columns.counts()] = Some(i);
        }
        let (mean, factor) = places.iter().map(|&place| scale.of_column(place)).unzip();
        Self { columns, runs: runs(&places[..counts]), places, counts, named, mean, factor }
    }

    /// Number of them.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Their places among all columns.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// All columns, constant ones too.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What each of them counts.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.places.iter().map(|&place| self.columns.kind(place))
    }

    /// Writes features to the first columns of `x [m, d]`, `d` at least their number.
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
            let from = &counts[self.places[run.start]..][..run.len()];
            let scales = self.mean[run.clone()].iter().zip(&self.factor[run.clone()]);
            for ((value, count), (mean, factor)) in row[run.clone()].iter_mut().zip(from).zip(scales) {
                *value = (count - mean) * factor;
            }
        }
    }
}

/// Ranges of rising numbers in which each is followed by the next.
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
        let structure = |count: f32, neighbours: &[(u64, f32)], places: &[(u64, f32)]| Structure {
            counts: vec![4.0, count],
            kinds: vec![Family::Nodes.of_all(), Family::Sizes.of_all()].into(),
            neighbours: neighbours.to_vec(),
            places: places.to_vec(),
        };
        let all = Structures::of(&[
            structure(1.0, &[(7, 2.0)], &[]),
            structure(3.0, &[(7, 2.0)], &[(9, 1.0)]),
            structure(2.0, &[(7, 1.0), (8, 5.0)], &[(9, 3.0)]),
            structure(1.0, &[], &[]),
        ]);
        let seen = all.iter().take(2);
        let live = Live::of(seen.clone());
        assert_eq!((live.places(), live.len()), (&[1, 3][..], 2));
        assert_eq!(live.kinds().map(|k| k.family).collect::<Vec<_>>(), [Family::Sizes, Family::Places]);
        let scale = Scale::of(&live.columns.matrix(seen));
        let scaled = |column, value| scale.scaled(column, value);
        let expected =
            ndarray::array![[scaled(1, 2.0), scaled(3, 3.0), 0.0], [scaled(1, 1.0), scaled(3, 0.0), 0.0]];
        // What was there before does not matter, and the last column is not ours.
        let mut x = ndarray::array![[7.0, 7.0, 0.0], [7.0, 7.0, 0.0]];
        live.write(all.iter().skip(2), &mut x);
        assert_eq!(x, expected);
    }

    #[test]
    fn runs_by_hand() {
        assert_eq!(runs(&[2, 3, 4, 7, 9, 10]), [0..3, 3..4, 4..6]);
        assert!(runs(&[]).is_empty());
    }
}
