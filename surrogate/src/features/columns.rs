//! Matrices of features.

use std::sync::Arc;

use ndarray::{Array1, Array2};

use super::counts::Layout;
use super::family::{Family, Kind};
use super::store::Row;
use crate::error::SurrogateError;
use crate::saved::Saved;

/// Most sparse features of a kind that get a column.
const MAX_NAMED: usize = 400;

/// Added to the variance of a column before the column is scaled, in the column's own unit. A feature that occurs
/// in one architecture of a hundred is then not scaled up tenfold.
const VARIANCE_FLOOR: f64 = 0.1;

/// Which feature stands in which column.
///
/// Sparse features get columns in the order in which they are first observed. More architectures therefore add
/// columns at the end and move none: what a model learnt about a column stays valid.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Columns {
    counts: usize,
    /// Kinds of the counts of one cell.
    kinds: Arc<[Kind]>,
    /// The column of each numbered sparse feature, counted from the first sparse column.
    named: Vec<Option<usize>>,
    /// Whether each sparse column describes the place of an operation.
    is_place: Vec<bool>,
}

impl Columns {
    /// Columns for the features of these architectures. Later architectures may have sparse features without a
    /// column; those are left out.
    pub(crate) fn of<'a>(structures: impl IntoIterator<Item = Row<'a>>) -> Self {
        let mut columns = Self::default();
        let mut free = [MAX_NAMED; 2];
        for structure in structures {
            columns.counts = structure.counts.len();
            columns.kinds = structure.kinds.clone();
            for (kind, features) in structure.named().into_iter().enumerate() {
                for &(name, _) in features {
                    if free[kind] > 0 && columns.named(name).is_none() {
                        columns.add(name, kind == 1);
                        free[kind] -= 1;
                    }
                }
            }
        }
        columns
    }

    fn add(&mut self, name: u32, is_place: bool) {
        let name = name as usize;
        self.named.resize(self.named.len().max(name + 1), None);
        self.named[name] = Some(self.is_place.len());
        self.is_place.push(is_place);
    }

    /// Whether an architecture has as many counts as there are columns for counts.
    pub(crate) fn matches(&self, structure: Row<'_>) -> bool {
        structure.counts.len() == self.counts
    }

    /// Refuses columns that were saved by a program that counts other features in the same space.
    ///
    /// # Errors
    /// [`SurrogateError::File`].
    pub(crate) fn expect_of(&self, saved: &Saved) -> Result<(), SurrogateError> {
        let Some(home) = saved.home() else { return Ok(()) };
        if Layout::of(&home.vocabulary()?).kinds() == &self.kinds {
            return Ok(());
        }
        let reason = "this program computes other features than the one that saved it; fit and save it again";
        Err(SurrogateError::file(reason))
    }

    /// Number of columns.
    pub(crate) fn len(&self) -> usize {
        self.counts + self.is_place.len()
    }

    /// Number of columns for counts, which come before those of sparse features.
    pub(crate) fn counts(&self) -> usize {
        self.counts
    }

    /// The column of a sparse feature, counted from the first sparse column.
    pub(crate) fn named(&self, name: u32) -> Option<usize> {
        self.named.get(name as usize).copied().flatten()
    }

    /// What a column counts.
    pub(crate) fn kind(&self, column: usize) -> Kind {
        match column.checked_sub(self.counts) {
            None => self.kinds[column % self.kinds.len()],
            Some(named) if self.is_place[named] => Family::Places.of_all(),
            Some(_) => Family::Neighbours.of_all(),
        }
    }

    /// Number of cuts of the operations that the columns distinguish.
    pub(crate) fn cuts(&self) -> usize {
        self.kinds.iter().map(|kind| kind.cut).max().unwrap_or(0)
    }

    /// Writes the features of an architecture to a row of [`Self::len`] zeros.
    pub(crate) fn write(&self, structure: Row<'_>, row: &mut [f32]) {
        row[..self.counts].copy_from_slice(structure.counts);
        for &(name, value) in structure.named().into_iter().flatten() {
            if let Some(column) = self.named(name) {
                row[self.counts + column] = value;
            }
        }
    }

    /// Features `[n, d]`.
    pub(crate) fn matrix<'a>(&self, structures: impl ExactSizeIterator<Item = Row<'a>>) -> Array2<f32> {
        let mut x = Array2::zeros((structures.len(), self.len()));
        for (structure, mut row) in structures.zip(x.rows_mut()) {
            if let Some(row) = row.as_slice_mut() {
                self.write(structure, row);
            }
        }
        x
    }
}

/// Gives each row of `x [m, d]` the values in some columns that another row has: row `i` those of row `from[i]`.
pub(crate) fn exchange(x: &mut Array2<f32>, columns: &[usize], from: &[usize]) {
    for &column in columns {
        let values = x.column(column).to_vec();
        x.column_mut(column).iter_mut().zip(from).for_each(|(value, &other)| *value = values[other]);
    }
}

/// The families of some columns, each once, in the order of [`Family::ALL`].
pub(crate) fn families(kinds: impl Iterator<Item = Kind>) -> Vec<Family> {
    let mut there = [false; Family::COUNT];
    kinds.for_each(|kind| there[kind.family.index()] = true);
    Family::ALL.into_iter().filter(|family| there[family.index()]).collect()
}

/// Centre and scale of columns.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Scale {
    mean: Array1<f32>,
    /// Factor of each centred column; 0 for a constant one.
    factor: Array1<f32>,
}

impl Scale {
    /// Centres each column and gives it about unit variance.
    pub(crate) fn of(x: &Array2<f32>) -> Self {
        let n = x.nrows().max(1) as f64;
        let (mut mean, mut factor) = (Vec::with_capacity(x.ncols()), Vec::with_capacity(x.ncols()));
        for column in x.columns() {
            let centre = column.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let variance = column.iter().map(|&v| (f64::from(v) - centre).powi(2)).sum::<f64>() / n;
            mean.push(centre as f32);
            factor.push(if variance > 1e-9 {
                (variance + VARIANCE_FLOOR).sqrt().recip() as f32
            } else {
                0.0
            });
        }
        Self { mean: mean.into(), factor: factor.into() }
    }

    /// Whether a column is not constant among the observations.
    pub(crate) fn varies(&self, column: usize) -> bool {
        self.factor[column] > 0.0
    }

    /// Mean of a column, and the factor of its centred values.
    pub(crate) fn of_column(&self, column: usize) -> (f32, f32) {
        (self.mean[column], self.factor[column])
    }

    /// A scaled value of a column.
    pub(crate) fn scaled(&self, column: usize, value: f32) -> f32 {
        let (mean, factor) = self.of_column(column);
        (value - mean) * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Structure, Structures};

    fn structure(counts: &[f32], neighbours: &[(u64, f32)]) -> Structure {
        let (kinds, places) = (vec![Family::Nodes.of_all()].into(), vec![(99, 1.0)]);
        Structure { counts: counts.to_vec(), kinds, neighbours: neighbours.to_vec(), places }
    }

    #[test]
    fn more_architectures_move_no_column() {
        let observed =
            Structures::of(&[structure(&[1.0], &[(7, 2.0)]), structure(&[3.0], &[(5, 1.0), (7, 1.0)])]);
        let (few, all) = (Columns::of(observed.iter().take(1)), Columns::of(observed.iter()));
        assert_eq!((few.len(), all.len()), (3, 4));
        assert_eq!(all.matrix(observed.iter()), ndarray::array![[1., 2., 1., 0.], [3., 1., 1., 1.]]);
        assert_eq!(few.matrix(observed.iter().skip(1)), ndarray::array![[3.0, 1.0, 1.0]]);
        let families: Vec<Family> = (0..3).map(|c| all.kind(c).family).collect();
        assert_eq!(families, [Family::Nodes, Family::Neighbours, Family::Places]);
    }

    #[test]
    fn constant_columns_vanish() {
        let scale = Scale::of(&ndarray::array![[1.0, 4.0], [3.0, 4.0]]);
        assert!((scale.scaled(0, 3.0) - 1.0 / 1.1f32.sqrt()).abs() < 1e-6);
        assert!(scale.scaled(1, 9.0) == 0.0 && scale.varies(0) && !scale.varies(1));
    }
}
