//! Toy cells and scores.

use std::sync::Arc;

use bonas_spaces::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Observation;

/// An architecture of a space with one operation, which no other space has.
pub(super) fn foreign_architecture() -> Architecture {
    let vocabulary =
        Vocabulary::new(1, [("foreign", Role::Compute)]).unwrap_or_else(|e| panic!("a vocabulary: {e}"));
    let mut graph = CellGraph::new();
    let (input, output) = (graph.add_node(OpId::input(0)), graph.add_node(OpId::OUTPUT));
    graph.add_edge(input, output, vocabulary.id("foreign").unwrap_or_else(|e| panic!("{e}")));
    let cell = Cell::new(graph, &vocabulary).unwrap_or_else(|e| panic!("a cell: {e}"));
    Architecture::new(Arc::new(vocabulary), vec![cell])
}

/// Names and roles of the toy cells' operations.
const TOY_OPS: [(&str, Role); 5] = [
    ("none", Role::Zero),
    ("skip", Role::Identity),
    ("conv1x1", Role::Compute),
    ("conv3x3", Role::Compute),
    ("pool", Role::Compute),
];

/// Edges of a toy cell: four tensors, with one operation between any two.
const TOY_EDGES: [(u32, u32); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// A toy cell with four nodes (input, two sums, output) and one operation per edge, in the order
/// (0,1) (0,2) (0,3) (1,2) (1,3) (2,3). Operations: none, skip, conv1x1, conv3x3, pool.
///
/// # Panics
/// For an unknown operation, or a number of operations other than six.
pub fn toy_cell(ops: &[&str]) -> Architecture {
    assert_eq!(ops.len(), TOY_EDGES.len(), "a toy cell has six operations");
    let vocabulary = Vocabulary::new(1, TOY_OPS).unwrap_or_else(|e| panic!("{e}"));
    let mut graph = CellGraph::new();
    let nodes = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT].map(|label| graph.add_node(label));
    for ((from, to), op) in TOY_EDGES.into_iter().zip(ops) {
        let op = vocabulary.id(op).unwrap_or_else(|e| panic!("{e}"));
        graph.add_edge(nodes[from as usize], nodes[to as usize], op);
    }
    let cell = Cell::new(graph, &vocabulary).unwrap_or_else(|e| panic!("{e}"));
    Architecture::new(Arc::new(vocabulary), vec![cell])
}

/// `count` toy cells with random operations.
pub fn toy_architectures(count: usize, seed: u64) -> Vec<Architecture> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut op = || TOY_OPS[rng.random_range(0..TOY_OPS.len())].0;
    (0..count).map(|_| toy_cell(&[op(), op(), op(), op(), op(), op()])).collect()
}

/// A made-up score in `(0, 1)` that depends on what a cell computes. Operations on long paths are
/// worth more; a path from input to output is worth most.
pub fn toy_score(architecture: &Architecture) -> f64 {
    let vocabulary = architecture.vocabulary();
    let mut logit = 0.0;
    for graph in architecture.op_graphs() {
        let mut depth = vec![0.0f64; graph.len()];
        let mut edges: Vec<_> = graph.edges().collect();
        edges.sort_unstable();
        for (from, to) in edges {
            depth[to] = depth[to].max(depth[from] + 1.0);
        }
        for (op, depth) in graph.labels().zip(&depth) {
            logit += match vocabulary.name(op) {
                "conv1x1" => 0.3 + 0.1 * depth,
                "conv3x3" => 0.6 + 0.1 * depth,
                "pool" => 0.1 - 0.2 * depth,
                "output" => 0.4 * depth.min(1.0),
                _ => 0.0,
            };
        }
    }
    1.0 / (1.0 + f64::exp(-logit))
}

/// `count` random toy cells with their toy scores.
pub fn toy_observations(count: usize, seed: u64) -> Vec<Observation> {
    let observe = |architecture: Architecture| {
        let score = toy_score(&architecture);
        Observation::new(architecture, score)
    };
    toy_architectures(count, seed).into_iter().map(observe).collect()
}

/// An indicator of the architectures of `toy_observations(60, 4)` and `toy_architectures(300, 5)`. `indicator` also
/// gets a running number.
#[cfg(test)]
pub(crate) fn toy_known(indicator: impl Fn(usize, &Architecture) -> f64) -> crate::PriorKnowledge {
    let all = toy_architectures(60, 4).into_iter().chain(toy_architectures(300, 5));
    let values: std::collections::BTreeMap<_, f64> =
        all.enumerate().map(|(i, a)| (a.key(), indicator(i, &a))).collect();
    crate::PriorKnowledge::new(&values.into_iter().collect::<Vec<_>>()).unwrap()
}
