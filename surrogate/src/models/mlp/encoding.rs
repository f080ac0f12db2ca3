//! Architectures as sparse 0/1 vectors.

use std::collections::{BTreeMap, BTreeSet};

use bonas_spaces::graph::encoding::path_counts;
use bonas_spaces::{Architecture, OpGraph};

/// Longest path that is encoded, in operations.
const MAX_OPS: usize = 8;

/// The meaning of a coordinate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
enum Feature {
    /// A path from an input to the output: its cell, and its labels.
    Path(usize, Vec<usize>),
    /// A cell, a position in its order, and the label there.
    Place(usize, usize, usize),
}

/// Numbers the features of the training architectures; features that none of them has are left out.
///
/// Path encoding (White et al., BANANAS, AAAI 2021): a coordinate for each input-output path of at
/// most [`MAX_OPS`] operations, 1 where the path occurs. If no training graph branches, a path would be the whole
/// architecture; a coordinate then stands for a label at a position (the categorical encoding of White et al.,
/// NeurIPS 2020).
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Encoder {
    places: bool,
    numbers: BTreeMap<Feature, usize>,
}

impl Encoder {
    pub(super) fn of(architectures: &[&Architecture]) -> Self {
        let places = architectures.iter().all(|a| a.op_graphs().iter().all(is_chain));
        let all: BTreeSet<Feature> = architectures.iter().flat_map(|a| features(a, places)).collect();
        Self { places, numbers: all.into_iter().enumerate().map(|(i, feature)| (feature, i)).collect() }
    }

    /// Number of coordinates, at least 1.
    pub(super) fn len(&self) -> usize {
        self.numbers.len().max(1)
    }

    /// The coordinates that are 1, rising.
    pub(super) fn encode(&self, architecture: &Architecture) -> Vec<u32> {
        let known = |feature| self.numbers.get(&feature).map(|&number| number as u32);
        let mut ones: Vec<u32> = features(architecture, self.places).into_iter().filter_map(known).collect();
        ones.sort_unstable();
        ones
    }
}

fn features(architecture: &Architecture, places: bool) -> Vec<Feature> {
    if places {
        let of_cell = |(cell, graph): (usize, &OpGraph)| {
            let labels = graph.labels().enumerate();
            labels.map(|(place, op)| Feature::Place(cell, place, op.index())).collect::<Vec<_>>()
        };
        return architecture.op_graphs().iter().enumerate().flat_map(of_cell).collect();
    }
    let counts = path_counts(architecture.op_graphs(), architecture.vocabulary(), MAX_OPS);
    counts
        .into_keys()
        .map(|(cell, ops)| Feature::Path(cell, ops.iter().map(|op| op.index()).collect()))
        .collect()
}

/// Whether every node reads at most one node and is read by at most one.
fn is_chain(graph: &OpGraph) -> bool {
    let (mut into, mut out) = (vec![0; graph.len()], vec![0; graph.len()]);
    for (from, to) in graph.edges() {
        out[from] += 1;
        into[to] += 1;
    }
    into.iter().chain(&out).all(|&degree| degree <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::toy_cell;

    /// in -> conv1x1 -> conv3x3 -> out beside a skip: the paths `conv1x1 conv3x3` and the empty one.
    #[test]
    fn paths_of_a_cell_and_of_others() {
        let skip_and_chain = toy_cell(&["conv1x1", "none", "skip", "conv3x3", "none", "skip"]);
        let chain = toy_cell(&["conv1x1", "none", "none", "conv3x3", "none", "skip"]);
        let other = toy_cell(&["conv3x3", "none", "skip", "conv3x3", "none", "skip"]);
        let encoder = Encoder::of(&[&skip_and_chain]);
        assert_eq!((encoder.len(), encoder.encode(&skip_and_chain)), (2, vec![0, 1]));
        assert_eq!(encoder.encode(&chain).len(), 1);
        assert_eq!(encoder.encode(&other).len(), 1, "an unknown path is left out");
    }

    /// in -> conv1x1 -> conv3x3 -> out has four places; another chain shares the ends.
    #[test]
    fn chains_are_encoded_by_place() {
        let chain = toy_cell(&["conv1x1", "none", "none", "conv3x3", "none", "skip"]);
        let other = toy_cell(&["conv3x3", "none", "none", "conv3x3", "none", "skip"]);
        let encoder = Encoder::of(&[&chain]);
        assert_eq!(encoder.encode(&chain), [0, 1, 2, 3]);
        assert_eq!(encoder.encode(&other).len(), 3);
    }
}
