//! Boosting.
use ndarray::{Array1, Array2};
use rand::Rng;
use rand::seq::{SliceRandom, index};

use super::tree::{Binned, Growth, Tree};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoostParams {
    /// Trees.
    pub trees: usize,
    /// Learning rate.
    pub rate: f64,
    /// Leaves.
    pub leaves: usize,
    /// Min rows a leaf.
    pub min_leaf: usize,
    /// Share of rows.
    pub rows: f64,
    /// Share of columns.
    pub columns: f64,
    /// l2.
    pub shrink: f64,
}

impl Default for BoostParams {
    fn default() -> Self {
        Self { trees: 300, rate: 0.05, leaves: 15, min_leaf: 5, rows: 0.8, columns: 0.5, shrink: 0.0 }
    }
}

/// Fitted.
#[derive(Clone, Debug)]
pub struct Boosted {
    base: f64,
    rate: f64,
    trees: Vec<Tree>,
}

impl BoostParams {
    /// Fit to x [n,d].
    pub fn fit(&self, x: &Array2<f32>, z: &[f64], rng: &mut dyn Rng) -> Boosted {
        let binned = Binned::of(x);
        let n = z.len();
        let base = z.iter().sum::<f64>() / n as f64;
        let mut residual: Vec<f64> = z.iter().map(|z| z - base).collect();
        let live: Vec<usize> = (0..x.ncols()).filter(|&f| !binned.edges[f].is_empty()).collect();
        let rows = ((self.rows * n as f64).round() as usize).clamp(1, n);
        let columns = ((self.columns * live.len() as f64).ceil() as usize).min(live.len());
        let growth = Growth { leaves: self.leaves, min_leaf: self.min_leaf, shrink: self.shrink };
        let mut trees = Vec::with_capacity(self.trees);
        let mut order: Vec<u32> = (0..n as u32).collect();
        let data = x.as_standard_layout();
        for _ in 0..self.trees {
            order.shuffle(rng);
            let mut some: Vec<u32> = order[..rows].to_vec();
            some.sort_unstable();
            let mut features: Vec<usize> =
                index::sample(rng, live.len(), columns).into_iter().map(|i| live[i]).collect();
            features.sort_unstable();
            let tree = Tree::grow(&binned, &residual, some, &features, growth);
            for (r, row) in residual.iter_mut().zip(data.rows()) {
                *r -= self.rate * f64::from(tree.value(row.as_slice().unwrap_or(&[])));
            }
            trees.push(tree);
        }
        Boosted { base, rate: self.rate, trees }
    }
}

impl Boosted {
    /// predict
    pub fn predict(&self, x: &Array2<f32>) -> Array1<f64> {
        let data = x.as_standard_layout();
        let one = |row: &[f32]| self.trees.iter().map(|t| t.value(row)).sum::<f32>();
        data.rows()
            .into_iter()
            .map(|row| self.base + self.rate * f64::from(one(row.as_slice().unwrap_or(&[]))))
            .collect()
    }
}
