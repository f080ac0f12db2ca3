//! Encodings for predictors: the dense graph encoding of BONAS, and path counts.
//!
//! Use [`dense`] for graph networks and [`path_counts`] for models that read a fixed set of features.
//! Shapes: n = nodes of a cell (padded, without its global node), d = feature columns, c = cells,
//! N = rows of all cells together.

use std::collections::BTreeMap;

use ndarray::{Array2, s};
use petgraph::Outgoing;
use petgraph::graph::NodeIndex;

use crate::graph::{OpGraph, OpId, Role, Vocabulary};

/// Column of an operation in the one-hot code.
///
/// The inputs come first, then the searchable operations in the vocabulary's order, then the output; the
/// global node has the last column, [`columns`]` - 1`. `None` for [`OpId::PLAIN`], which no node of an
/// [`OpGraph`] carries, and for labels outside the vocabulary.
pub fn column(vocabulary: &Vocabulary, op: OpId) -> Option<usize> {
    match op {
        OpId::PLAIN => None,
        OpId::OUTPUT => Some(vocabulary.len() - 2),
        _ => vocabulary.contains(op).then(|| op.index() - OpId::input(0).index()),
    }
}

/// Number of feature columns d: inputs, operations, output and global node.
pub fn columns(vocabulary: &Vocabulary) -> usize {
    vocabulary.len()
}

/// The cells of an architecture as two matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// `[N, N]`: row v holds a 1 at v and at every node that v reads.
    pub adjacency: Array2<f64>,
    /// `[N, d]`: one-hot operations in the order of [`column()`].
    pub features: Array2<f64>,
    /// `[c]`: row of the global node of each cell.
    pub globals: Vec<usize>,
}

/// The encoding of BONAS (Shi et al. 2020; BONAS `predictors/utils/gcn_utils.py`).
///
/// The adjacency A of a cell is padded to `max_nodes` with unconnected nodes without features; a larger
/// cell is not cut. Then a global node is added, to which every node points, padded ones included:
/// Ã = (A⁺ + I)ᵀ, not normalised. N = Σ over cells of (n + 1).
///
/// Several cells become one block-diagonal matrix with a global node for each, as in `NASLib` for DARTS.
///
/// ```
/// use bonas_spaces::SearchSpace;
/// use bonas_spaces::families::nasbench101::NasBench101;
/// use bonas_spaces::graph::encoding;
///
/// let cell = NasBench101::new().parse("111|conv3x3-bn-relu")?;
/// let dense = encoding::dense(cell.op_graphs(), cell.vocabulary(), 7);
/// assert_eq!(dense.adjacency.dim(), (8, 8));
/// assert_eq!(dense.features.dim(), (8, 6));
/// assert_eq!(dense.globals, [7]);
/// # Ok::<(), bonas_spaces::SpaceError>(())
/// ```
pub fn dense(cells: &[OpGraph], vocabulary: &Vocabulary, max_nodes: usize) -> Dense {
    let sizes = cells.iter().map(|cell| cell.len().max(max_nodes) + 1);
    let total = sizes.clone().sum();
    let mut adjacency = Array2::eye(total);
    let mut features = Array2::zeros((total, columns(vocabulary)));
    let mut globals = Vec::with_capacity(cells.len());
    let mut start = 0;
    for (cell, size) in cells.iter().zip(sizes) {
        let global = start + size - 1;
        for (from, to) in cell.edges() {
            adjacency[(start + to, start + from)] = 1.0;
        }
        adjacency.slice_mut(s![global, start..=global]).fill(1.0);
        for (node, op) in cell.labels().enumerate() {
            if let Some(column) = column(vocabulary, op) {
                features[(start + node, column)] = 1.0;
            }
        }
        features[(global, columns(vocabulary) - 1)] = 1.0;
        globals.push(global);
        start += size;
    }
    Dense { adjacency, features, globals }
}

/// A path: the index of its cell, and its labels from an input on, without the output.
pub type Path = (usize, Vec<OpId>);

/// Number of occurrences of each path from an input to the output, over paths of at most `max_ops`
/// operations.
///
/// BANANAS (White et al. 2021) records only whether a path occurs. The number of different paths can grow
/// like kˡ with k operations and length l; `max_ops` bounds it.
pub fn path_counts(cells: &[OpGraph], vocabulary: &Vocabulary, max_ops: usize) -> BTreeMap<Path, u64> {
    let mut counts = BTreeMap::new();
    for (cell, graph) in cells.iter().enumerate() {
        for (path, count) in cell_paths(graph, vocabulary, max_ops) {
            counts.insert((cell, path), count);
        }
    }
    counts
}

fn cell_paths(graph: &OpGraph, vocabulary: &Vocabulary, max_ops: usize) -> BTreeMap<Vec<OpId>, u64> {
    let dag = graph.graph();
    // Paths that end just before each node; nodes come in topological order.
    let mut before: Vec<BTreeMap<Vec<OpId>, u64>> = vec![BTreeMap::new(); graph.len()];
    for (v, op) in graph.labels().enumerate() {
        let arriving = std::mem::take(&mut before[v]);
        if op == OpId::OUTPUT {
            return arriving;
        }
        let is_input = vocabulary.role(op) == Role::Input;
        let arriving = if is_input { BTreeMap::from([(Vec::new(), 1)]) } else { arriving };
        for (mut path, count) in arriving {
            // The input that a path starts with is no operation.
            if path.len() > max_ops {
                continue;
            }
            path.push(op);
            for next in dag.neighbors_directed(NodeIndex::new(v), Outgoing) {
                let paths = before[next.index()].entry(path.clone()).or_insert(0);
                *paths = paths.saturating_add(count);
            }
        }
    }
    BTreeMap::new()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::array;

    use super::*;
    use crate::families::darts::Darts;
    use crate::families::nasbench101::NasBench101;
    use crate::families::nasbench201::NasBench201;
    use crate::space::SearchSpace;

    /// Spec A1.
    #[test]
    fn vector_of_a_conv_beside_a_skip() {
        let cell = NasBench101::new().parse("111|conv3x3-bn-relu").unwrap();
        let dense = dense(cell.op_graphs(), cell.vocabulary(), 4);
        let adjacency = array![
            [1., 0., 0., 0., 0.],
            [1., 1., 0., 0., 0.],
            [1., 1., 1., 0., 0.],
            [0., 0., 0., 1., 0.],
            [1., 1., 1., 1., 1.]
        ];
        // input, conv1x1, conv3x3, maxpool, output, global
        let features = array![
            [1., 0., 0., 0., 0., 0.],
            [0., 0., 1., 0., 0., 0.],
            [0., 0., 0., 0., 1., 0.],
            [0., 0., 0., 0., 0., 0.],
            [0., 0., 0., 0., 0., 1.]
        ];
        assert_eq!(dense, Dense { adjacency, features, globals: vec![4] });
    }

    #[test]
    fn larger_cells_are_not_cut_and_cells_do_not_mix() {
        let pair = Darts::new().parse("DARTS_V2").unwrap();
        let sizes: Vec<usize> = pair.op_graphs().iter().map(OpGraph::len).collect();
        let dense = dense(pair.op_graphs(), pair.vocabulary(), 2);
        let total = sizes[0] + sizes[1] + 2;
        assert_eq!(dense.adjacency.dim(), (total, total));
        assert_eq!(dense.globals, [sizes[0], total - 1]);
        let border = sizes[0] + 1;
        assert!(dense.adjacency.slice(s![..border, border..]).iter().all(|&x| x == 0.));
        assert!(dense.adjacency.slice(s![border.., ..border]).iter().all(|&x| x == 0.));
        assert_eq!(dense.features.iter().filter(|&&x| x > 0.).count(), total);
    }

    #[test]
    fn columns_of_a_vocabulary() {
        let space = Darts::new();
        let vocabulary = space.vocabulary();
        assert_eq!(columns(vocabulary), 2 + 7 + 1 + 1);
        let ids = [OpId::input(0), OpId::input(1), vocabulary.id("max_pool_3x3").unwrap(), OpId::OUTPUT];
        assert_eq!(ids.map(|op| column(vocabulary, op)), [0, 1, 2, 9].map(Some));
        assert_eq!(column(vocabulary, OpId::PLAIN), None);
    }

    #[test]
    fn paths_are_counted() {
        let space = NasBench201::new();
        let text = "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|avg_pool_3x3~1|avg_pool_3x3~2|";
        let cell = space.parse(text).unwrap();
        let [conv, pool] = ["nor_conv_1x1", "avg_pool_3x3"].map(|op| space.vocabulary().id(op).unwrap());
        let input = OpId::input(0);
        let short = BTreeMap::from([((0, vec![input]), 1)]);
        assert_eq!(path_counts(cell.op_graphs(), cell.vocabulary(), 0), short);
        let mut all = short;
        all.insert((0, vec![input, conv, pool]), 2);
        assert_eq!(path_counts(cell.op_graphs(), cell.vocabulary(), 9), all);
        assert_eq!(path_counts(cell.op_graphs(), cell.vocabulary(), 1).len(), 1);
    }

    #[test]
    fn a_cell_that_passes_nothing_on_has_no_path() {
        let none = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
        let dead = NasBench201::new().parse(none).unwrap();
        assert!(path_counts(dead.op_graphs(), dead.vocabulary(), 9).is_empty());
    }
}
