//! One regression tree on binned features, grown best split first.

use ndarray::{Array2, ArrayView1};

/// Most bins a feature.
const MAX_BINS: usize = 64;

/// Features as the numbers of the bins they fall into.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    /// `[feature][row]`.
    pub(super) bins: Vec<Vec<u8>>,
    /// Upper edges of all bins but the last, a feature.
    pub(super) edges: Vec<Vec<f32>>,
}

impl Binned {
    /// Bins features `[n, d]` at their quantiles; bins hold whole values.
    pub(super) fn of(x: &Array2<f32>) -> Self {
        let edges: Vec<Vec<f32>> = x.columns().into_iter().map(edges).collect();
        let bins = x.columns().into_iter().zip(&edges);
        let bins = bins.map(|(column, edges)| column.iter().map(|&v| bin(edges, v)).collect()).collect();
        Self { bins, edges }
    }
}

fn bin(edges: &[f32], value: f32) -> u8 {
    edges.partition_point(|&edge| edge < value) as u8
}

/// Edges halfway between neighbouring values; at most [`MAX_BINS`] bins of about equal number.
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

/// A split, or a leaf where `feature` is none.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Rows whose value is at most `edge` go left.
    feature: u32,
    edge: f32,
    /// Left child; the right one follows it. 0: a leaf.
    left: u32,
    value: f32,
}

/// A fitted tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// How trees grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    pub(super) leaves: usize,
    pub(super) min_leaf: usize,
    /// Rows of value 0 that every leaf is thought to hold besides its own.
    pub(super) shrink: f64,
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    sum: f64,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: u8,
}

impl Tree {
    /// Grows a tree for `targets` on some rows and features.
    pub(super) fn grow(
        x: &Binned,
        targets: &[f64],
        rows: Vec<u32>,
        features: &[usize],
        growth: Growth,
    ) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        let mut leaves = vec![tree.leaf(x, targets, rows, features, growth)];
        while leaves.len() < growth.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(f64::NEG_INFINITY, |s| s.gain);
            let Some(at) = (0..leaves.len())
                .max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])).then(b.cmp(&a)))
            else {
                break;
            };
            let Some(split) = leaves[at].best else { break };
            let leaf = leaves.swap_remove(at);
            let bins = &x.bins[split.feature];
            let (left, right): (Vec<u32>, Vec<u32>) =
                leaf.rows.iter().partition(|&&row| bins[row as usize] <= split.bin);
            let first = tree.nodes.len();
            leaves.push(tree.leaf(x, targets, left, features, growth));
            leaves.push(tree.leaf(x, targets, right, features, growth));
            let node = &mut tree.nodes[leaf.node];
            node.feature = split.feature as u32;
            node.edge = x.edges[split.feature][usize::from(split.bin)];
            node.left = first as u32;
        }
        tree
    }

    fn leaf(
        &mut self,
        x: &Binned,
        targets: &[f64],
        rows: Vec<u32>,
        features: &[usize],
        growth: Growth,
    ) -> Leaf {
        let sum: f64 = rows.iter().map(|&row| targets[row as usize]).sum();
        let value = sum / (rows.len() as f64 + growth.shrink);
        self.nodes.push(Node { feature: 0, edge: 0.0, left: 0, value: value as f32 });
        let best = best_split(x, targets, &rows, sum, features, growth);
        Leaf { node: self.nodes.len() - 1, rows, sum, best }
    }

    /// Value of a row of features.
    pub(super) fn value(&self, row: &[f32]) -> f32 {
        let mut node = &self.nodes[0];
        while node.left > 0 {
            let right = u32::from(row[node.feature as usize] > node.edge);
            node = &self.nodes[(node.left + right) as usize];
        }
        node.value
    }
}

/// The split with the largest fall of the squared error; ties: the first feature, the first bin.
fn best_split(
    x: &Binned,
    targets: &[f64],
    rows: &[u32],
    sum: f64,
    features: &[usize],
    growth: Growth,
) -> Option<Split> {
    if rows.len() < 2 * growth.min_leaf {
        return None;
    }
    let mut best: Option<Split> = None;
    let score = |sum: f64, n: u32| sum * sum / (f64::from(n) + growth.shrink);
    let base = score(sum, rows.len() as u32) + 1e-12;
    for &feature in features.iter().filter(|&&f| !x.edges[f].is_empty()) {
        let mut sums = [0.0f64; MAX_BINS];
        let mut counts = [0u32; MAX_BINS];
        let bins = &x.bins[feature];
        for &row in rows {
            let bin = usize::from(bins[row as usize]) & (MAX_BINS - 1);
            sums[bin] += targets[row as usize];
            counts[bin] += 1;
        }
        let (mut left, mut n) = (0.0, 0u32);
        for bin in 0..x.edges[feature].len() {
            left += sums[bin];
            n += counts[bin];
            let rest = rows.len() as u32 - n;
            if (n as usize) < growth.min_leaf || counts[bin] == 0 {
                continue;
            }
            if (rest as usize) < growth.min_leaf {
                break;
            }
            let gain = score(left, n) + score(sum - left, rest) - base;
            if gain > best.map_or(0.0, |b| b.gain) {
                best = Some(Split { gain, feature, bin: bin as u8 });
            }
        }
    }
    best
}
