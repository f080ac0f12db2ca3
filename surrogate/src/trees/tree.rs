//! One regression tree on binned features, grown best split first.

use multiversion::multiversion;
use ndarray::{Array2, ArrayView1};

/// Most bins a feature.
const MAX_BINS: usize = 64;

/// Most leaves a tree.
pub(super) const MAX_LEAVES: usize = 32;

/// Rows that a [`FlatTree`] predicts at once.
pub(super) const ROWS: usize = 64;

/// Features as the numbers of the bins they fall into.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    /// `[feature][row]`.
    bins: Vec<Vec<u8>>,
    /// Upper edges of all bins but the last, a feature.
    edges: Vec<Vec<f32>>,
}

impl Binned {
    /// Bins features `[n, d]` halfway between neighbouring values, or, where there are more than
    /// [`MAX_BINS`] different ones, between quantiles.
    pub(super) fn of(x: &Array2<f32>) -> Self {
        let edges: Vec<Vec<f32>> = x.columns().into_iter().map(edges).collect();
        let bins = x.columns().into_iter().zip(&edges);
        let bins = bins.map(|(column, edges)| column.iter().map(|&v| bin(edges, v)).collect()).collect();
        Self { bins, edges }
    }

    /// Whether a feature has more than one bin.
    pub(super) fn splits(&self, feature: usize) -> bool {
        !self.edges[feature].is_empty()
    }
}

fn bin(edges: &[f32], value: f32) -> u8 {
    edges.partition_point(|&edge| edge < value) as u8
}

fn edges(column: ArrayView1<'_, f32>) -> Vec<f32> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut values = sorted.clone();
    values.dedup();
    if values.len() > MAX_BINS {
        values = (0..MAX_BINS).map(|i| sorted[i * (sorted.len() - 1) / (MAX_BINS - 1)]).collect();
        values.dedup();
    }
    values.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect()
}

/// A split, or a leaf where `left` is 0.
#[derive(Clone, Copy, Debug)]
struct Node {
    feature: u32,
    /// Rows whose feature is at most this go left.
    edge: f32,
    /// Left child; the right one follows it.
    left: u32,
    value: f32,
}

/// A tree as it grows.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// How trees grow; see [`super::BoostParams`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    pub(super) leaves: usize,
    pub(super) min_leaf: usize,
    pub(super) shrink: f64,
}

/// What a tree is grown on.
struct Soil<'a> {
    x: &'a Binned,
    targets: &'a [f64],
    features: &'a [usize],
    growth: Growth,
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: usize,
}

impl Tree {
    /// Grows a tree for `targets` on some rows and features.
    pub(super) fn grow(
        x: &Binned,
        targets: &[f64],
        rows: Vec<u32>,
        features: &[usize],
        growth: Growth,
    ) -> FlatTree {
        let soil = Soil { x, targets, features, growth };
        let mut tree = Self { nodes: Vec::new() };
        let mut leaves = vec![tree.leaf(&soil, rows, growth.leaves > 1)];
        while leaves.len() < growth.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(f64::NEG_INFINITY, |s| s.gain);
            let best = (0..leaves.len()).max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])));
            let Some((at, split)) = best.and_then(|at| Some((at, leaves[at].best?))) else { break };
            let leaf = leaves.swap_remove(at);
            let bins = &x.bins[split.feature];
            let (left, right): (Vec<u32>, Vec<u32>) =
                leaf.rows.iter().partition(|&&row| usize::from(bins[row as usize]) <= split.bin);
            let first = tree.nodes.len() as u32;
            // Nobody asks how the last two might be split.
            let more = leaves.len() + 2 < growth.leaves;
            leaves.push(tree.leaf(&soil, left, more));
            leaves.push(tree.leaf(&soil, right, more));
            let node = &mut tree.nodes[leaf.node];
            (node.feature, node.left) = (split.feature as u32, first);
            node.edge = x.edges[split.feature][split.bin];
        }
        tree.flat()
    }

    fn leaf(&mut self, soil: &Soil<'_>, rows: Vec<u32>, may_split: bool) -> Leaf {
        let sum: f64 = rows.iter().map(|&row| soil.targets[row as usize]).sum();
        let value = sum / (rows.len() as f64 + soil.growth.shrink).max(1.0);
        self.nodes.push(Node { feature: 0, edge: 0.0, left: 0, value: value as f32 });
        let best = if may_split { soil.best_split(&rows, sum) } else { None };
        Leaf { node: self.nodes.len() - 1, best, rows }
    }

    /// The tree as it predicts.
    fn flat(&self) -> FlatTree {
        let mut flat = FlatTree { splits: Vec::new(), values: Vec::new() };
        flat.add(&self.nodes, 0);
        flat
    }
}

/// A tree of at most [`MAX_LEAVES`] leaves, numbered from left to right, that predicts without branches
/// (Lucchese et al., `QuickScorer`, SIGIR 2015): a split that a row goes right of strikes out the leaves left
/// of it, and the row's leaf is the first that nobody strikes out.
#[derive(Clone, Debug)]
pub(super) struct FlatTree {
    /// Feature, edge, and the leaves that stay for rows beyond it.
    splits: Vec<(u32, f32, u32)>,
    values: Vec<f32>,
}

impl FlatTree {
    fn add(&mut self, nodes: &[Node], at: usize) {
        let node = nodes[at];
        if node.left == 0 {
            self.values.push(node.value);
            return;
        }
        let split = self.splits.len();
        self.splits.push((node.feature, node.edge, u32::MAX));
        let first = self.values.len();
        self.add(nodes, node.left as usize);
        for leaf in first..self.values.len() {
            self.splits[split].2 &= !(1 << leaf);
        }
        self.add(nodes, node.left as usize + 1);
    }

    /// Adds the values of some rows to `sums [r]`; `columns [d, ROWS]` has their features, `r <= ROWS`.
    pub(super) fn accumulate(&self, columns: &[f32], sums: &mut [f32]) {
        let mut leaves = [u32::MAX; ROWS];
        strike_out(&self.splits, columns, &mut leaves);
        for (sum, leaf) in sums.iter_mut().zip(leaves) {
            *sum += self.values[leaf.trailing_zeros() as usize];
        }
    }
}

/// Leaves that stay for each row, as [`FlatTree`] says.
#[multiversion(targets("x86_64+avx+avx2"))]
fn strike_out(splits: &[(u32, f32, u32)], columns: &[f32], leaves: &mut [u32; ROWS]) {
    for &(feature, edge, stay) in splits {
        let column = &columns[feature as usize * ROWS..][..ROWS];
        for (leaf, &value) in leaves.iter_mut().zip(column) {
            *leaf &= if value > edge { stay } else { u32::MAX };
        }
    }
}

impl Soil<'_> {
    /// The split with the largest fall of the squared error; ties: the first found.
    fn best_split(&self, rows: &[u32], sum: f64) -> Option<Split> {
        let Growth { min_leaf, shrink, .. } = self.growth;
        if rows.len() < 2 * min_leaf {
            return None;
        }
        let score = |sum: f64, n: usize| sum * sum / (n as f64 + shrink);
        let base = score(sum, rows.len());
        let mut best = Split { gain: 1e-12, feature: usize::MAX, bin: 0 };
        let mut histogram = [(0.0, 0); MAX_BINS];
        for &feature in self.features {
            let edges = self.x.edges[feature].len();
            histogram[..=edges].fill((0.0, 0));
            self.fill(&mut histogram, feature, rows);
            let (mut left, mut n) = (0.0, 0);
            for (bin, &(sum_in, count)) in histogram[..edges].iter().enumerate() {
                left += sum_in;
                n += count as usize;
                let rest = rows.len() - n;
                if n < min_leaf || count == 0 {
                    continue;
                }
                if rest < min_leaf.max(1) {
                    break;
                }
                let gain = score(left, n) + score(sum - left, rest) - base;
                if gain > best.gain {
                    best = Split { gain, feature, bin };
                }
            }
        }
        (best.feature != usize::MAX).then_some(best)
    }

    /// Adds up the targets and the number of the rows in every bin.
    fn fill(&self, histogram: &mut [(f64, u32); MAX_BINS], feature: usize, rows: &[u32]) {
        let bins = &self.x.bins[feature];
        for &row in rows {
            let (sum, count) = &mut histogram[usize::from(bins[row as usize]) % MAX_BINS];
            *sum += self.targets[row as usize];
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWTH: Growth = Growth { leaves: 3, min_leaf: 1, shrink: 0.0 };

    fn grow(x: &Array2<f32>, z: &[f64], growth: Growth) -> FlatTree {
        Tree::grow(&Binned::of(x), z, (0..z.len() as u32).collect(), &[0, 1], growth)
    }

    /// Value of a row of two features.
    fn value(tree: &FlatTree, row: [f32; 2]) -> f32 {
        let (mut columns, mut sum) = ([row[0]; 2 * ROWS], [0.0]);
        columns[ROWS..].fill(row[1]);
        tree.accumulate(&columns, &mut sum);
        sum[0]
    }

    /// Three values on one feature, nothing on the other: two splits find them.
    #[test]
    fn steps_are_found() {
        let x = ndarray::array![[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0], [9.0, 5.0]];
        let tree = grow(&x, &[0.0, 0.0, 4.0, 4.0, 6.0], GROWTH);
        let values: Vec<f32> = [1.0, 2.4, 2.6, 6.4, 6.6].iter().map(|&v| value(&tree, [v, 0.0])).collect();
        assert_eq!(values, [0.0, 0.0, 4.0, 4.0, 6.0]);
    }

    #[test]
    fn leaves_are_not_too_small_nor_too_many_and_shrink() {
        let x = Array2::from_shape_fn((8, 2), |(i, j)| (i * (j + 1)) as f32);
        let z = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 70.0];
        let tree = grow(&x, &z, Growth { leaves: 9, min_leaf: 4, shrink: 0.0 });
        assert_eq!(tree.values.len(), 2);
        assert_eq!((value(&tree, [0.0, 0.0]), value(&tree, [7.0, 14.0])), (1.5, 21.25));
        let tree = grow(&x, &z, Growth { leaves: 2, min_leaf: 4, shrink: 4.0 });
        assert_eq!(value(&tree, [0.0, 0.0]), 0.75);
        let alone = grow(&ndarray::array![[1.0, 1.0]], &[3.0], GROWTH);
        assert_eq!(value(&alone, [7.0, 7.0]), 3.0);
    }

    /// As many leaves as rows: each row's value comes back, in blocks of rows that are filled up.
    #[test]
    fn every_leaf_is_found() {
        let x = Array2::from_shape_fn((MAX_LEAVES, 2), |(i, j)| ((7 * i) % 32 * (1 - j)) as f32);
        let z: Vec<f64> = (0..MAX_LEAVES).map(|i| ((i * i) % 37) as f64 + 0.25 * i as f64).collect();
        let tree = grow(&x, &z, Growth { leaves: MAX_LEAVES, min_leaf: 1, shrink: 0.0 });
        assert_eq!(tree.values.len(), MAX_LEAVES);
        for (row, z) in x.rows().into_iter().zip(&z) {
            assert_eq!(f64::from(value(&tree, [row[0], row[1]])), *z);
        }
    }

    #[test]
    fn many_values_share_bins() {
        let x = Array2::from_shape_fn((1000, 2), |(i, _)| (i as f32).powi(2));
        let binned = Binned::of(&x);
        assert!(binned.edges[0].len() < MAX_BINS && binned.edges[0].len() > MAX_BINS / 2);
        assert!(binned.bins[0].windows(2).all(|w| w[0] <= w[1]));
    }
}
