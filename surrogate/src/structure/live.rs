//! From features to columns that tell observations apart.

use ndarray::Array2;

use super::columns::{Columns, Scale};
use super::counts::Structure;
use super::family::Kind;

/// The columns that differ among some architectures, centred and with about unit variance among them.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    columns: Columns,
    scale: Scale,
    /// Their places among all columns, rising: first counts, then what is named.
    places: Vec<usize>,
    /// How many are counts.
    counts: usize,
    /// For every named column its place among these, if it is one.
    named: Vec<Option<usize>>,
}

impl Live {
    /// Of some architectures.
    pub(crate) fn of<'a>(structures: impl ExactSizeIterator<Item = &'a Structure> + Clone) -> Self {
        let columns = Columns::of(structures.clone());
        let scale = Scale::of(&columns.matrix(structures));
        let places: Vec<usize> = (0..columns.len()).filter(|&c| scale.is_live(c)).collect();
        let counts = places.partition_point(|&c| c < columns.counts());
        let mut named = vec![None; columns.len() - columns.counts()];
        for (i, &place) in places.iter().enumerate().skip(counts) {
            named[place - columns.counts()] = Some(i);
        }
        Self { columns, scale, places, counts, named }
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

    /// Features `[m, len + extra]`; the last `extra` columns are zero.
    pub(crate) fn matrix<'a>(
        &self,
        structures: impl ExactSizeIterator<Item = &'a Structure>,
        extra: usize,
    ) -> Array2<f32> {
        let width = self.len() + extra;
        let scales: Vec<(f32, f32)> = self.places.iter().map(|&place| self.scale.of_column(place)).collect();
        let mut absent: Vec<f32> = scales.iter().map(|(mean, factor)| -mean * factor).collect();
        absent.resize(width, 0.0);
        let mut x = Array2::zeros((structures.len(), width));
        for (structure, mut row) in structures.zip(x.rows_mut()) {
            let Some(row) = row.as_slice_mut() else { continue };
            row[self.counts..].copy_from_slice(&absent[self.counts..]);
            for ((value, &place), (mean, factor)) in
                row[..self.counts].iter_mut().zip(&self.places).zip(&scales)
            {
                *value = (structure.counts[place] - mean) * factor;
            }
            for (name, value) in structure.neighbours.iter().chain(&structure.places) {
                if let Some(i) = self.columns.named(*name).and_then(|named| self.named[named]) {
                    let (mean, factor) = scales[i];
                    row[i] = (value - mean) * factor;
                }
            }
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::Family;

    /// Of two counts and two named features one each is constant; what is left is what scaling all gives.
    #[test]
    fn constant_columns_are_left_out() {
        let structure = |count: f32, neighbours: &[(u64, f32)], places: &[(u64, f32)]| Structure {
            counts: vec![4.0, count],
            kinds: vec![Family::Nodes.of_all(), Family::Sizes.of_all()].into(),
            neighbours: neighbours.to_vec(),
            places: places.to_vec(),
        };
        let seen = [structure(1.0, &[(7, 2.0)], &[]), structure(3.0, &[(7, 2.0)], &[(9, 1.0)])];
        let live = Live::of(seen.iter());
        assert_eq!((live.places(), live.len()), (&[1, 3][..], 2));
        assert_eq!(live.kinds().map(|k| k.family).collect::<Vec<_>>(), [Family::Sizes, Family::Places]);
        let asked = [structure(2.0, &[(7, 1.0), (8, 5.0)], &[(9, 3.0)]), structure(1.0, &[], &[])];
        let scaled = |column, value| live.scale.scaled(column, value);
        let expected =
            ndarray::array![[scaled(1, 2.0), scaled(3, 3.0), 0.0], [scaled(1, 1.0), scaled(3, 0.0), 0.0]];
        assert_eq!(live.matrix(asked.iter(), 1), expected);
    }
}
