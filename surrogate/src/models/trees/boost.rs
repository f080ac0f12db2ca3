//! Gradient boosting of regression trees for the squared error.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rand::Rng;
use rand::seq::{SliceRandom, index};

use super::tree::{Binned, FlatTree, Growth, MAX_LEAVES, ROWS, Tree, nothing_chosen};
use crate::SurrogateError;

/// Settings of boosting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoostParams {
    /// Number of trees; at least 1.
    pub trees: usize,
    /// Factor of each tree's prediction, the learning rate; in `(0, 1]`.
    pub rate: f64,
    /// Most leaves of a tree, 2 to 32.
    pub leaves: usize,
    /// Fewest observations in a leaf, at least 1.
    pub min_leaf: usize,
    /// Share of the observations that a tree is grown on, drawn for each tree; in `(0, 1]`.
    pub rows: f64,
    /// Share of the features that a tree is grown on, drawn for each tree; in `(0, 1]`.
    pub columns: f64,
    /// Number of observations with residual 0 that each leaf is assumed to have besides its own; at least 0.
    pub shrink: f64,
}

impl Default for BoostParams {
    fn default() -> Self {
        Self { trees: 120, rate: 0.1, leaves: 12, min_leaf: 1, rows: 0.8, columns: 0.3, shrink: 1.0 }
    }
}

/// Features of the training data, as trees are grown on them.
#[derive(Debug)]
pub(super) struct TrainingFeatures {
    binned: Binned,
    /// Features that have more than one bin.
    splittable: Vec<usize>,
    /// Features in blocks of rows; see [`blocks`].
    blocks: Vec<Vec<f32>>,
}

/// A fitted sum of trees.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Boosted {
    base: f64,
    rate: f64,
    trees: Vec<FlatTree>,
}

impl BoostParams {
    pub(super) fn check(&self) -> Result<(), SurrogateError> {
        let counts = [("trees", self.trees, 1), ("leaves", self.leaves, 2), ("min_leaf", self.min_leaf, 1)];
        for (name, value, least) in counts {
            if value < least {
                let range = if least == 1 { "at least 1" } else { "at least 2" };
                return Err(SurrogateError::setting(name, value, range));
            }
        }
        if self.leaves > MAX_LEAVES {
            return Err(SurrogateError::setting("leaves", self.leaves, "at most 32"));
        }
        for (name, share) in [("rate", self.rate), ("rows", self.rows), ("columns", self.columns)] {
            if !(share > 0.0 && share <= 1.0) {
                return Err(SurrogateError::setting(name, share, "above 0 and at most 1"));
            }
        }
        if self.shrink.is_finite() && self.shrink >= 0.0 {
            return Ok(());
        }
        Err(SurrogateError::setting("shrink", self.shrink, "a finite number from 0 up"))
    }

    /// Fits to at least one row of data with targets `[n]`. Also returns the residuals of all targets, `[n]`.
    pub(super) fn fit(
        &self,
        data: &TrainingFeatures,
        targets: &[f64],
        mut rows: Vec<u32>,
        rng: &mut dyn Rng,
    ) -> (Boosted, Vec<f64>) {
        let n = rows.len();
        let base = rows.iter().map(|&row| targets[row as usize]).sum::<f64>() / n as f64;
        let mut residuals: Vec<f64> = targets.iter().map(|z| z - base).collect();
        let sampled = ((self.rows * n as f64).round() as usize).clamp(1, n);
        let columns =
            ((self.columns * data.splittable.len() as f64).ceil() as usize).min(data.splittable.len());
        let growth = Growth { leaves: self.leaves, min_leaf: self.min_leaf, shrink: self.shrink };
        let mut chosen = nothing_chosen();
        let mut boosted = Boosted { base, rate: self.rate, trees: Vec::with_capacity(self.trees) };
        for _ in 0..self.trees {
            rows.shuffle(rng);
            let features: Vec<usize> = index::sample(rng, data.splittable.len(), columns)
                .into_iter()
                .map(|i| data.splittable[i])
                .collect();
            let tree = Tree::grow(&data.binned, &residuals, rows[..sampled].to_vec(), &features, growth);
            for (residuals, columns) in residuals.chunks_mut(ROWS).zip(&data.blocks) {
                let mut values = [0.0; ROWS];
                tree.accumulate(columns, &mut chosen, &mut values[..residuals.len()]);
                residuals.iter_mut().zip(values).for_each(|(r, v)| *r -= self.rate * f64::from(v));
            }
            boosted.trees.push(tree);
        }
        (boosted, residuals)
    }
}

impl TrainingFeatures {
    /// Prepares features `x [n, d]`.
    pub(super) fn of(x: &Array2<f32>) -> Self {
        let binned = Binned::of(x);
        let splittable = (0..x.ncols()).filter(|&f| binned.splits(f)).collect();
        Self { binned, splittable, blocks: blocks(x) }
    }
}

impl Boosted {
    /// Predictions `[m]` of each model for features `x [m, d]`.
    pub(super) fn predict(models: &[Self], x: &Array2<f32>) -> Vec<Array1<f64>> {
        let mut sums = vec![vec![0.0; x.nrows()]; models.len()];
        let mut used = vec![false; x.ncols()];
        let trees = || models.iter().flat_map(|model| &model.trees);
        trees().flat_map(FlatTree::features).for_each(|feature| used[feature] = true);
        let used: Vec<usize> = (0..x.ncols()).filter(|&feature| used[feature]).collect();
        let (mut columns, mut chosen) = (vec![0.0; x.ncols() * ROWS], nothing_chosen());
        for start in (0..x.nrows()).step_by(ROWS) {
            let end = (start + ROWS).min(x.nrows());
            transpose(x.slice(s![start..end, ..]), &used, &mut columns);
            for (model, sums) in models.iter().zip(&mut sums) {
                let sums = &mut sums[start..end];
                model.trees.iter().for_each(|tree| tree.accumulate(&columns, &mut chosen, sums));
            }
        }
        let of = |(model, sums): (&Self, Vec<f32>)| {
            sums.into_iter().map(|sum| model.base + model.rate * f64::from(sum)).collect()
        };
        models.iter().zip(sums).map(of).collect()
    }
}

/// `x [n, d]` in blocks of [`ROWS`] rows, each as columns `[d, ROWS]`; the last block is padded.
fn blocks(x: &Array2<f32>) -> Vec<Vec<f32>> {
    let all: Vec<usize> = (0..x.ncols()).collect();
    let block = |rows: ArrayView2<'_, f32>| {
        let mut columns = vec![0.0; x.ncols() * ROWS];
        transpose(rows, &all, &mut columns);
        columns
    };
    x.axis_chunks_iter(Axis(0), ROWS).map(block).collect()
}

/// Writes some features of `rows [r, d]`, `r <= ROWS`, as columns `[d, ROWS]`.
fn transpose(rows: ArrayView2<'_, f32>, features: &[usize], columns: &mut [f32]) {
    let Some(values) = rows.to_slice() else { unreachable!("rows of row-major arrays are slices") };
    for &feature in features {
        let column = &mut columns[feature * ROWS..][..ROWS];
        for (value, row) in column.iter_mut().zip(values.chunks_exact(rows.ncols())) {
            *value = row[feature];
        }
    }
}
