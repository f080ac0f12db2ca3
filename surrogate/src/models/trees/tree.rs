//! One regression tree on binned features; the best split is grown first.

use multiversion::multiversion;
use ndarray::{Array2, ArrayView1};

/// Most bins per feature.
const MAX_BINS: usize = 64;

/// Most leaves per tree.
pub(super) const MAX_LEAVES: usize = 32;

/// Number of rows that a [`FlatTree`] predicts at a time.
pub(super) const ROWS: usize = 64;

/// Features as the numbers of their bins.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    /// `[feature][row]`.
    bins: Vec<Vec<u8>>,
    /// Upper edges of all bins but the last, per feature.
    edges: Vec<Vec<f32>>,
}

impl Binned {
    /// Bins features `[n, d]` halfway between neighbouring values, or between quantiles where there are more than
    /// [`MAX_BINS`] values.
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
    /// Rows with a feature of at most this value go left.
    edge: f32,
    /// The left child; the right one follows it.
    left: u32,
    value: f32,
}

/// A growing tree.
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

/// The data that a tree is grown on.
struct Soil<'a> {
    x: &'a Binned,
    targets: &'a [f64],
    features: &'a [usize],
    growth: Growth,
}

/// A leaf that can be split.
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
            // The last two leaves are never split.
            let more = leaves.len() + 2 < growth.leaves;
            leaves.push(tree.leaf(&soil, left, more));
            leaves.push(tree.leaf(&soil, right, more));
            let node = &mut tree.nodes[leaf.node];
            (node.feature, node.left) = (split.feature as u32, first);
            node.edge = x.edges[split.feature][split.bin];
        }
        FlatTree::of(&tree.nodes)
    }

    fn leaf(&mut self, soil: &Soil<'_>, rows: Vec<u32>, may_split: bool) -> Leaf {
        let sum: f64 = rows.iter().map(|&row| soil.targets[row as usize]).sum();
        let value = sum / (rows.len() as f64 + soil.growth.shrink).max(1.0);
        self.nodes.push(Node { feature: 0, edge: 0.0, left: 0, value: value as f32 });
        let best = if may_split { soil.best_split(&rows, sum) } else { None };
        Leaf { node: self.nodes.len() - 1, best, rows }
    }
}

/// A tree that predicts without branches. Every split chooses, for [`ROWS`] rows at a time, between the results of
/// its two sides.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct FlatTree {
    /// Each split chooses between values and earlier splits.
    splits: Vec<FlatSplit>,
    root: Side,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct FlatSplit {
    feature: usize,
    edge: f32,
    /// The result of rows whose feature is at most `edge`.
    left: Side,
    right: Side,
}

/// The result of one side of a split.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum Side {
    Value(f32),
    /// The choice of an earlier split.
    Split(usize),
}

/// Scratch space for the choices of a tree's splits.
pub(super) type Chosen = [[f32; ROWS]; MAX_LEAVES];

/// Empty scratch space.
pub(super) fn nothing_chosen() -> Chosen {
    [[0.0; ROWS]; MAX_LEAVES]
}

impl FlatTree {
    fn of(nodes: &[Node]) -> Self {
        let mut splits = Vec::new();
        let root = Self::side(nodes, 0, &mut splits);
        Self { splits, root }
    }

    fn side(nodes: &[Node], at: usize, splits: &mut Vec<FlatSplit>) -> Side {
        let Node { feature, edge, left, value } = nodes[at];
        if left == 0 {
            return Side::Value(value);
        }
        let [left, right] = [0, 1].map(|i| Self::side(nodes, left as usize + i, splits));
        splits.push(FlatSplit { feature: feature as usize, edge, left, right });
        Side::Split(splits.len() - 1)
    }

    /// Features that the tree reads, some more than once.
    pub(super) fn features(&self) -> impl Iterator<Item = usize> + '_ {
        self.splits.iter().map(|split| split.feature)
    }

    /// Adds the predictions of some rows to `sums [r]`; `columns [d, ROWS]` has their features, and `r <= ROWS`.
    pub(super) fn accumulate(&self, columns: &[f32], chosen: &mut Chosen, sums: &mut [f32]) {
        choose(&self.splits, columns, chosen);
        match self.root {
            Side::Value(value) => sums.iter_mut().for_each(|sum| *sum += value),
            Side::Split(root) => sums.iter_mut().zip(&chosen[root]).for_each(|(sum, value)| *sum += value),
        }
    }
}

/// Computes the choice of every split for each row.
#[multiversion(targets("x86_64+avx+avx2"))]
fn choose(splits: &[FlatSplit], columns: &[f32], chosen: &mut Chosen) {
    for (i, &FlatSplit { feature, edge, left, right }) in splits.iter().enumerate() {
        let (before, own) = chosen.split_at_mut(i);
        let own = &mut own[0];
        let goes_right = columns[feature * ROWS..][..ROWS].iter().map(|&value| value > edge);
        match (left, right) {
            (Side::Value(a), Side::Value(b)) => pick(own, goes_right, |_| a, |_| b),
            (Side::Value(a), Side::Split(b)) => pick(own, goes_right, |_| a, |row| before[b][row]),
            (Side::Split(a), Side::Value(b)) => pick(own, goes_right, |row| before[a][row], |_| b),
            (Side::Split(a), Side::Split(b)) => {
                pick(own, goes_right, |row| before[a][row], |row| before[b][row]);
            }
        }
    }
}

/// Writes the result of one side of a split for each row.
#[inline(always)]
#[allow(clippy::inline_always)] // To become part of vector code.
fn pick(
    own: &mut [f32; ROWS],
    goes_right: impl Iterator<Item = bool>,
    left: impl Fn(usize) -> f32,
    right: impl Fn(usize) -> f32,
) {
    for (row, (own, goes_right)) in own.iter_mut().zip(goes_right).enumerate() {
        let (left, right) = (left(row), right(row));
        *own = if goes_right { right } else { left };
    }
}

/// Number of features whose histograms are filled at once, so that the sum of a row does not wait for the row
/// before.
const ABREAST: usize = 4;

/// Rows of a leaf by the bin of one feature.
#[derive(Clone, Copy)]
struct Histogram {
    /// Sum of the targets and number of the rows in each bin; zero in empty bins.
    bins: [[f64; 2]; MAX_BINS],
    /// One bit per bin: whether it has rows.
    filled: u64,
}

/// Candidate splits of a leaf; both sides have rows.
struct Cuts {
    /// Sum of the targets and number of the rows on the left.
    left: [f64; ABREAST * MAX_BINS],
    n: [f64; ABREAST * MAX_BINS],
    /// Feature and bin of each candidate.
    at: [(u32, u32); ABREAST * MAX_BINS],
    len: usize,
}

impl Soil<'_> {
    /// The split with the largest decrease of the squared error; the first found wins a tie.
    fn best_split(&self, rows: &[u32], sum: f64) -> Option<Split> {
        if rows.len() < 2 * self.growth.min_leaf {
            return None;
        }
        let targets: Vec<f64> = rows.iter().map(|&row| self.targets[row as usize]).collect();
        let mut histograms = [Histogram { bins: [[0.0; 2]; MAX_BINS], filled: 0 }; ABREAST];
        let mut cuts = Cuts::none();
        let mut best = Split { gain: 1e-12, feature: usize::MAX, bin: 0 };
        for features in self.features.chunks(ABREAST) {
            self.fill(&mut histograms, features, rows, &targets);
            cuts.len = 0;
            for (&feature, histogram) in features.iter().zip(&mut histograms) {
                cuts.take(feature as u32, histogram, rows.len() as f64, self.growth.min_leaf as f64);
            }
            cuts.best(sum, rows.len() as f64, self.growth.shrink, &mut best);
        }
        (best.feature != usize::MAX).then_some(best)
    }

    /// Fills the empty histograms of at most [`ABREAST`] features.
    fn fill(&self, histograms: &mut [Histogram; ABREAST], features: &[usize], rows: &[u32], targets: &[f64]) {
        // With fewer features the last one is repeated; the copies are not read.
        let bins: [&[u8]; ABREAST] =
            std::array::from_fn(|i| &self.x.bins[features[i.min(features.len() - 1)]][..]);
        for (&row, target) in rows.iter().zip(targets) {
            for (histogram, bins) in histograms.iter_mut().zip(bins) {
                let bin = usize::from(bins[row as usize]) % MAX_BINS;
                let [sum, n] = &mut histogram.bins[bin];
                *sum += target;
                *n += 1.0;
                histogram.filled |= 1 << bin;
            }
        }
    }
}

impl Cuts {
    fn none() -> Self {
        let zeros = [0.0; ABREAST * MAX_BINS];
        Self { left: zeros, n: zeros, at: [(0, 0); ABREAST * MAX_BINS], len: 0 }
    }

    /// Adds a candidate behind each bin with rows, where both sides have at least `min_leaf` rows, and empties the
    /// histogram.
    fn take(&mut self, feature: u32, histogram: &mut Histogram, rows: f64, min_leaf: f64) {
        let (mut left, mut n, mut len) = (0.0, 0.0, self.len);
        while histogram.filled != 0 {
            let bin = histogram.filled.trailing_zeros();
            histogram.filled &= histogram.filled - 1;
            let [sum, count] = std::mem::take(&mut histogram.bins[bin as usize % MAX_BINS]);
            left += sum;
            n += count;
            let at = len % self.at.len();
            (self.left[at], self.n[at], self.at[at]) = (left, n, (feature, bin));
            len += usize::from(n >= min_leaf && rows - n >= min_leaf.max(1.0));
        }
        self.len = len;
    }

    /// Replaces `best` by the candidate with the largest decrease of the squared error, if that is larger.
    fn best(&self, sum: f64, rows: f64, shrink: f64, best: &mut Split) {
        let score = |sum: f64, n: f64| sum * sum / (n + shrink);
        let base = score(sum, rows);
        let cuts = self.left[..self.len].iter().zip(&self.n[..self.len]);
        let mut gains = [0.0; ABREAST * MAX_BINS];
        for (gain, (&left, &n)) in gains.iter_mut().zip(cuts) {
            *gain = score(left, n) + score(sum - left, rows - n) - base;
        }
        for (&gain, &(feature, bin)) in gains[..self.len].iter().zip(&self.at) {
            if gain > best.gain {
                *best = Split { gain, feature: feature as usize, bin: bin as usize };
            }
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
        tree.accumulate(&columns, &mut nothing_chosen(), &mut sum);
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
        assert_eq!(tree.splits.len(), 1);
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
        assert_eq!(tree.splits.len(), MAX_LEAVES - 1);
        for (row, z) in x.rows().into_iter().zip(&z) {
            assert_eq!(f64::from(value(&tree, [row[0], row[1]])), *z);
        }
    }

    /// The split found is the first best of all that there are, tried one by one.
    #[test]
    fn no_split_is_better() {
        let x = Array2::from_shape_fn((60, 7), |(i, j)| ((i * (5 + 3 * j) + j) % (3 + 9 * j)) as f32);
        let targets: Vec<f64> = (0..60).map(|i| ((i * i) % 17) as f64 - 8.0).collect();
        let binned = Binned::of(&x);
        for (min_leaf, rows) in
            [(1, (0..60).collect()), (4, (0..60).step_by(3).collect()), (1, vec![5, 9, 33])]
        {
            let rows: Vec<u32> = rows;
            let growth = Growth { leaves: 3, min_leaf, shrink: 1.0 };
            let soil = Soil { x: &binned, targets: &targets, features: &[6, 0, 2, 4, 5, 1, 3], growth };
            let sum = |rows: &[u32]| rows.iter().map(|&row| targets[row as usize]).sum::<f64>();
            let score = |rows: &[u32]| sum(rows).powi(2) / (rows.len() as f64 + 1.0);
            let mut expected = (1e-9, 0, 0);
            for &feature in soil.features {
                for bin in 0..binned.edges[feature].len() {
                    let is_left = |row: &u32| usize::from(binned.bins[feature][*row as usize]) <= bin;
                    let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&row| is_left(row));
                    let gain = score(&left) + score(&right) - score(&rows);
                    if left.len().min(right.len()) >= min_leaf && gain > expected.0 + 1e-9 {
                        expected = (gain, feature, bin);
                    }
                }
            }
            let found = soil.best_split(&rows, sum(&rows)).unwrap();
            assert_eq!((found.feature, found.bin), (expected.1, expected.2));
            assert!((found.gain - expected.0).abs() < 1e-9);
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
