//! Counts on the graphs of an architecture.

use std::sync::Arc;

use bonas_spaces::{Architecture, Role, Vocabulary};

use super::family::{Cuts, Family, Kind};
use super::flow::{Flow, Label};
use super::paths::Paths;
use super::sparse::Sparse;
use super::{names, sparse};

/// Up to this number of operations, all subsets of operations are counted, and labels have columns of their own.
const FEW: usize = 4;
/// Up to this number of operations, all pairs are counted.
const SOME: usize = 8;
/// Up to this number of operations, single operations are counted.
const MANY: usize = 64;

/// Features of one architecture.
///
/// `counts` have fixed positions. `neighbours` and `places` are sparse: named by hashes, in rising order, each
/// name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    /// For each cell the values that [`Layout::features`] lists.
    pub(crate) counts: Vec<f32>,
    /// Kinds of the counts of one cell.
    pub(crate) kinds: Arc<[Kind]>,
    /// Edges by the labels of their ends.
    pub(crate) neighbours: Sparse,
    /// Operations, and the numbers in their names, by distance from the inputs and to the output.
    pub(crate) places: Sparse,
}

/// Which features the architectures of a vocabulary have.
///
/// ```
/// use bonas_surrogate::features::Layout;
/// use bonas_surrogate::testing::toy_cell;
///
/// let cell = toy_cell(&["conv1x1", "skip", "none", "conv3x3", "none", "none"]);
/// let layout = Layout::of(cell.vocabulary());
/// // Isomorphic cells have equal features.
/// assert_eq!(layout.features(&cell), layout.features(&cell.clone()));
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    /// Number of a computing operation by its place in the vocabulary.
    ops: Vec<Option<u16>>,
    k: usize,
    subsets: Vec<Vec<bool>>,
    groups: Vec<Vec<bool>>,
    attributes: Vec<Sparse>,
    kinds: Arc<[Kind]>,
}

impl Layout {
    /// The layout of a vocabulary.
    pub fn of(vocabulary: &Vocabulary) -> Self {
        let computing: Vec<_> = vocabulary.ops().filter(|&op| vocabulary.role(op) == Role::Compute).collect();
        let mut ops = vec![None; vocabulary.len()];
        for (i, op) in computing.iter().enumerate() {
            ops[op.index()] = Some(i as u16);
        }
        let k = computing.len();
        let words: Vec<&str> = computing.iter().map(|&op| vocabulary.name(op)).collect();
        let attributes = if k > SOME { names::attributes(&words) } else { vec![Vec::new(); k] };
        let (subsets, groups) = (subsets(k), groups(k));
        let kinds = kinds(k, &subsets, &groups).into();
        Self { ops, k, subsets, groups, attributes, kinds }
    }

    /// Kinds of the counts of one cell.
    pub(super) fn kinds(&self) -> &Arc<[Kind]> {
        &self.kinds
    }

    /// Features of an architecture of this vocabulary, cell after cell. With `K` computing operations:
    ///
    /// - of every operation: number of nodes, and whether there are any; nodes, edges, edges from inputs straight
    ///   to the output, edges beyond the first between the same two nodes;
    /// - of every subset of operations, over the paths from inputs to the output that use no other operation:
    ///   `√number`, longest, shortest (in operations; -1 and 6 if there is no path). All subsets up to
    ///   `K = 4`; beyond that the empty one, single ones, all but one, all, and pairs up to
    ///   `K = 8`; from `K = 65` on only the empty and the full one;
    /// - of every operation, every pair (`K` from 3 to 8) and all together: the largest, smallest and mean number
    ///   of them on a path;
    /// - of every operation: `ln(1 + n)` of the paths that begin with it, and of those that end with it;
    /// - degrees of the output and of the inputs, largest degrees elsewhere, depth;
    /// - of every pair (`K` from 3 to 8) and of all together, where `K` is at least 2: nodes, `ln(1 + n)` of the paths
    ///   that begin with one of them, and of those that end with one;
    /// - edges by the labels of their ends; operations by distance from the inputs and to the output; with more than
    ///   eight operations, also the numbers in their names, summed by distance.
    pub fn features(&self, architecture: &Architecture) -> Structure {
        let mut s = Structure { kinds: self.kinds.clone(), ..Structure::default() };
        for (c, flow) in self.flows(architecture).enumerate() {
            let (nodes, ends) = (self.nodes(&flow), self.path_ends(&flow));
            sizes(&flow, &nodes, &mut s.counts);
            self.paths_by_subset(&flow, &mut s.counts);
            self.along_paths(&flow, &mut s.counts);
            s.counts.extend(ends.iter().flatten().map(|n| n.ln_1p()));
            degrees(&flow, &mut s.counts);
            self.together(&nodes, &ends, &mut s.counts);
            sparse::neighbours(&flow, c, &mut s.neighbours);
            sparse::places(&flow, c, &self.attributes, &mut s.places);
        }
        sparse::merge(&mut s.neighbours);
        sparse::merge(&mut s.places);
        s
    }

    /// Weisfeiler-Lehman labels after 0, 1, .. `depth` rounds, each with its number of nodes. A round reads both the
    /// predecessors and the successors of a node.
    pub(crate) fn weisfeiler_lehman(&self, architecture: &Architecture, depth: usize) -> Vec<Sparse> {
        let mut rounds = vec![Sparse::new(); depth + 1];
        for (c, flow) in self.flows(architecture).enumerate() {
            sparse::weisfeiler_lehman(&flow, c, &mut rounds);
        }
        rounds.iter_mut().for_each(sparse::merge);
        rounds
    }

    /// Whether the numbers in the operations' names are read.
    pub fn attributes(&self) -> bool {
        self.attributes.iter().any(|a| !a.is_empty())
    }

    fn flows<'a>(&'a self, architecture: &'a Architecture) -> impl Iterator<Item = Flow> + 'a {
        let flow = |cell| Flow::of(cell, architecture.vocabulary(), &self.ops);
        architecture.cells().iter().map(flow)
    }

    /// Number of nodes of each operation.
    fn nodes(&self, flow: &Flow) -> Vec<f32> {
        let mut nodes = vec![0.0f32; self.k];
        for label in &flow.labels {
            if let Label::Op(op) = label {
                nodes[usize::from(*op)] += 1.0;
            }
        }
        nodes
    }

    fn paths_by_subset(&self, flow: &Flow, out: &mut Vec<f32>) {
        for allowed in &self.subsets {
            let Paths { number, longest, shortest, .. } = flow.paths(|op| allowed[op].then_some(1.0));
            let any = number > 0.0;
            out.extend([
                single(number.sqrt()),
                if any { longest } else { -1.0 },
                if any { shortest } else { 6.0 },
            ]);
        }
    }

    fn along_paths(&self, flow: &Flow, out: &mut Vec<f32>) {
        for group in &self.groups {
            let Paths { number, longest, shortest, total } =
                flow.paths(|op| Some(f32::from(u8::from(group[op]))));
            let along = [longest, shortest, single(total / number)];
            out.extend(if number > 0.0 { along } else { [-1.0; 3] });
        }
    }

    /// For each operation the number of paths that begin with it, and of those that end with it.
    fn path_ends(&self, flow: &Flow) -> [Vec<f32>; 2] {
        let (to, from) = flow.paths_through();
        let (mut first, mut last) = (vec![0.0f64; self.k], vec![0.0f64; self.k]);
        for (a, b, times) in flow.edges() {
            if let (true, Label::Op(op)) = (flow.is_input(a), flow.labels[b]) {
                first[usize::from(op)] += f64::from(times) * from[b];
            }
            if let (Label::Op(op), true) = (flow.labels[a], b + 1 == flow.len()) {
                last[usize::from(op)] += f64::from(times) * to[a];
            }
        }
        [first, last].map(|ends| ends.into_iter().map(single).collect())
    }

    /// Adds the counts of each group of operations together.
    fn together(&self, nodes: &[f32], ends: &[Vec<f32>; 2], out: &mut Vec<f32>) {
        for group in self.groups.iter().filter(|group| is_wide(group)) {
            let sum =
                |each: &[f32]| each.iter().zip(group).filter(|(_, within)| **within).map(|(n, _)| n).sum();
            let [first, last] = ends.each_ref().map(|ends| f32::ln_1p(sum(ends)));
            out.extend([sum(nodes), first, last]);
        }
    }
}

/// A number in single precision; one that is too large becomes the square root of the largest, so that sums of a few
/// and their squares are finite.
fn single(number: f64) -> f32 {
    const LARGEST: f64 = 1e18;
    number.min(LARGEST) as f32
}

/// Whether a group has more than one operation.
fn is_wide(group: &[bool]) -> bool {
    group.iter().filter(|within| **within).count() > 1
}

/// Adds the nodes of each operation, whether there are any, and the sizes of the graph.
fn sizes(flow: &Flow, nodes: &[f32], out: &mut Vec<f32>) {
    out.extend(nodes);
    out.extend(nodes.iter().map(|&n| n.min(1.0)));
    let (mut edges, mut again, mut straight) = (0.0f32, 0.0f32, 0.0f32);
    for (from, to, times) in flow.edges() {
        edges += 1.0;
        again += times - 1.0;
        if flow.is_input(from) && to + 1 == flow.len() {
            straight += times;
        }
    }
    out.extend([flow.len() as f32, edges, straight, again]);
}

fn degrees(flow: &Flow, out: &mut Vec<f32>) {
    let n = flow.len();
    let (mut into, mut outof) = (vec![0.0f32; n], vec![0.0f32; n]);
    for (from, to, _) in flow.edges() {
        outof[from] += 1.0;
        into[to] += 1.0;
    }
    let inputs: f32 = (0..n).filter(|&v| flow.is_input(v)).map(|v| outof[v]).sum();
    let inner = |degree: &[f32]| {
        let ops = (0..n).filter(|&v| matches!(flow.labels[v], Label::Op(_)));
        ops.map(|v| degree[v]).fold(0.0, f32::max)
    };
    out.extend([into[n - 1], inputs, inner(&into), inner(&outof), flow.depths()[n - 1]]);
}

/// Kinds of the counts of a cell, in the order in which [`Layout::features`] writes them.
fn kinds(k: usize, subsets: &[Vec<bool>], groups: &[Vec<bool>]) -> Vec<Kind> {
    use Family::{
        Degrees, FewestAlong, LongestPaths, MeanAlong, MostAlong, Nodes, PathEnds, PathNumbers, Presence,
        ShortestPaths, Sizes,
    };
    let mut cuts = Cuts::default();
    let single: Vec<usize> =
        (0..k).map(|i| cuts.number(&(0..k).map(|j| i == j).collect::<Vec<_>>())).collect();
    let of_each = |family: Family| single.iter().map(move |&cut| Kind { family, cut });
    let mut all: Vec<Kind> = of_each(Nodes).chain(of_each(Presence)).collect();
    all.extend([Sizes.of_all()].repeat(4));
    for (sets, families) in
        [(subsets, [PathNumbers, LongestPaths, ShortestPaths]), (groups, [MostAlong, FewestAlong, MeanAlong])]
    {
        for set in sets {
            let cut = cuts.number(set);
            all.extend(families.map(|family| Kind { family, cut }));
        }
    }
    all.extend(of_each(PathEnds).chain(of_each(PathEnds)));
    all.extend([Degrees.of_all()].repeat(5));
    for group in groups.iter().filter(|group| is_wide(group)) {
        let cut = cuts.number(group);
        all.extend([Nodes, PathEnds, PathEnds].map(|family| Kind { family, cut }));
    }
    all
}

/// Subsets of operations that paths may be restricted to.
fn subsets(k: usize) -> Vec<Vec<bool>> {
    if k <= FEW {
        return (0..1usize << k).map(|bits| (0..k).map(|i| bits >> i & 1 == 1).collect()).collect();
    }
    let mut all = vec![vec![false; k]];
    all.extend(singles(k));
    all.extend(singles(k).into_iter().map(|set| set.into_iter().map(|member| !member).collect()));
    all.extend(pairs(k));
    all.push(vec![true; k]);
    all
}

/// Groups of operations that are counted along paths.
fn groups(k: usize) -> Vec<Vec<bool>> {
    let mut all = singles(k);
    all.extend(pairs(k));
    all.push(vec![true; k]);
    all
}

fn singles(k: usize) -> Vec<Vec<bool>> {
    let count = if k <= MANY { k } else { 0 };
    (0..count).map(|i| (0..k).map(|j| i == j).collect()).collect()
}

fn pairs(k: usize) -> Vec<Vec<bool>> {
    // With two operations the only pair is all of them.
    let count = if (3..=SOME).contains(&k) { k } else { 0 };
    let pair = |a: usize, b: usize| (0..k).map(|j| j == a || j == b).collect();
    (0..count).flat_map(|a| (a + 1..k).map(move |b| pair(a, b))).collect()
}

#[cfg(test)]
mod tests {
    use bonas_spaces::families::darts::Darts;
    use bonas_spaces::{Cell, CellGraph, OpId, SearchSpace};
    use petgraph::graph::NodeIndex;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::toy_cell;

    fn features(ops: &[&str]) -> Structure {
        let cell = toy_cell(ops);
        Layout::of(cell.vocabulary()).features(&cell)
    }

    /// in -> conv1x1 -> conv3x3 -> out, and two skips from in to out (one over a node).
    #[test]
    fn counts_by_hand() {
        // Edges (0,1) (0,2) (0,3) (1,2) (1,3) (2,3).
        let s = features(&["conv1x1", "skip", "skip", "conv3x3", "none", "skip"]);
        // Node 2 = in + c3(c1(in)); out = in + node 2.
        assert_eq!(s.counts[..3], [1.0, 1.0, 0.0]); // nodes
        assert_eq!(s.counts[3..6], [1.0, 1.0, 0.0]); // whether any
        assert_eq!(s.counts[6..10], [4.0, 4.0, 2.0, 1.0]); // nodes, edges, straight, again
        assert_eq!(s.counts[10..13], [2f32.sqrt(), 0.0, 0.0]); // no operation: the two skips
        assert_eq!(s.counts[13..16], [2f32.sqrt(), 0.0, 0.0]); // conv1x1 alone
        assert_eq!(s.counts[19..22], [3f32.sqrt(), 2.0, 0.0]); // conv1x1 and conv3x3
        let along = 10 + 3 * 8;
        assert_eq!(s.counts[along..along + 3], [1.0, 0.0, 1.0 / 3.0]); // conv1x1
        let ends = along + 3 * 7;
        assert_eq!(s.counts[ends..ends + 6], [1f32.ln_1p(), 0.0, 0.0, 0.0, 1f32.ln_1p(), 0.0]);
        assert_eq!(s.counts[ends + 6..ends + 11], [2.0, 2.0, 1.0, 1.0, 3.0]);
        let one = 1f32.ln_1p();
        // conv1x1 and conv3x3, conv1x1 and pool, conv3x3 and pool, all.
        assert_eq!(s.counts[ends + 11..], [2.0, one, one, 1.0, one, 0.0, 1.0, 0.0, one, 2.0, one, one]);
        assert_eq!(s.neighbours.len(), 4);
    }

    /// Two hundred dense nodes have 2^198 paths or more: their features are still numbers, and so are those of 1,200.
    #[test]
    fn paths_without_number_are_counted_as_many() {
        let vocabulary = Arc::new(Vocabulary::new(1, [("a", Role::Compute), ("b", Role::Compute)]).unwrap());
        let dense = |n: usize, op: &str| {
            let mut graph = CellGraph::new();
            let label = |i| {
                if i == 0 {
                    OpId::input(0)
                } else if i + 1 == n {
                    OpId::OUTPUT
                } else {
                    vocabulary.id(op).unwrap()
                }
            };
            let nodes: Vec<NodeIndex> = (0..n).map(|i| graph.add_node(label(i))).collect();
            for (j, &to) in nodes.iter().enumerate() {
                for &from in &nodes[j.saturating_sub(150)..j] {
                    graph.add_edge(from, to, OpId::PLAIN);
                }
            }
            let cell = Cell::new(graph, &vocabulary).unwrap();
            Architecture::with_canonical_form(vocabulary.clone(), vec![cell], &[n as u8, op.as_bytes()[0]])
        };
        let layout = Layout::of(&vocabulary);
        for n in [200, 1200] {
            let [a, b] = ["a", "b"].map(|op| layout.features(&dense(n, op)));
            for s in [&a, &b] {
                let named = s.neighbours.iter().chain(&s.places).map(|(_, value)| *value);
                assert!(
                    s.counts.iter().copied().chain(named).all(|v| v.is_finite() && v * v < f32::MAX),
                    "{n}"
                );
            }
            assert_ne!(a.counts, b.counts);
        }
    }

    /// Kinds stand in the order of the counts: every count has one, and they say what is counted by hand above.
    #[test]
    fn every_count_has_its_kind() {
        for k in [1, 2, 3, 4, 5, 9, 70] {
            let vocabulary = Vocabulary::new(1, (0..k).map(|i| (format!("op{i}x"), Role::Compute))).unwrap();
            let layout = Layout::of(&vocabulary);
            let mut graph = CellGraph::new();
            let (input, output) = (graph.add_node(OpId::input(0)), graph.add_node(OpId::OUTPUT));
            graph.add_edge(input, output, vocabulary.id("op0x").unwrap());
            let vocabulary = std::sync::Arc::new(vocabulary);
            let cell = Architecture::new(vocabulary.clone(), vec![Cell::new(graph, &vocabulary).unwrap()]);
            assert_eq!(layout.features(&cell).counts.len(), layout.kinds.len(), "{k}");
        }
        let kinds = features(&["none"; 6]).kinds;
        let of = |at: usize| (kinds[at].family, kinds[at].cut);
        let (along, together) = (10 + 3 * 8, 10 + 3 * 8 + 3 * 7 + 6 + 5);
        // Cuts: conv1x1 | rest, conv3x3 | rest, pool | rest; a set and all others are one.
        assert_eq!([of(0), of(1), of(2)], [1, 2, 3].map(|cut| (Family::Nodes, cut)));
        assert_eq!(
            [of(6), of(10), of(13)],
            [(Family::Sizes, 0), (Family::PathNumbers, 0), (Family::PathNumbers, 1)]
        );
        assert_eq!(of(10 + 3 * 3), (Family::PathNumbers, 3)); // of conv1x1 and conv3x3
        assert_eq!([of(along), of(along + 9)], [(Family::MostAlong, 1), (Family::MostAlong, 3)]);
        assert_eq!([of(together), of(together + 9)], [(Family::Nodes, 3), (Family::Nodes, 0)]);
    }

    #[test]
    fn nothing_passes_a_dead_cell() {
        let s = features(&["none"; 6]);
        assert_eq!(s.counts[6..13], [2.0, 0.0, 0.0, 0.0, 0.0, -1.0, 6.0]);
        assert!(s.counts.iter().all(|x| x.is_finite()) && s.places.is_empty());
    }

    /// A branched cell whose nodes and edges are added in some order.
    fn branched(order: &[usize]) -> Architecture {
        let toy = toy_cell(&["none"; 6]);
        let vocabulary = toy.vocabulary();
        let [one, three, pool] = ["conv1x1", "conv3x3", "pool"].map(|op| vocabulary.id(op).unwrap());
        let labels = [OpId::input(0), one, three, pool, one, OpId::OUTPUT];
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5), (0, 5)];
        let mut graph = CellGraph::new();
        let mut nodes = [NodeIndex::default(); 6];
        for &i in order {
            nodes[i] = graph.add_node(labels[i]);
        }
        for &i in order.iter().chain(&[6, 7]) {
            graph.add_edge(nodes[edges[i].0], nodes[edges[i].1], OpId::PLAIN);
        }
        Architecture::new(vocabulary.clone(), vec![Cell::new(graph, vocabulary).unwrap()])
    }

    #[test]
    fn the_order_of_nodes_does_not_matter() {
        let cells =
            [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 5, 0, 4, 1, 3]].map(|order| branched(&order));
        let layout = Layout::of(cells[0].vocabulary());
        for cell in &cells[1..] {
            assert_eq!(cell.key(), cells[0].key());
            assert_eq!(layout.features(cell), layout.features(&cells[0]));
            assert_eq!(layout.weisfeiler_lehman(cell, 2), layout.weisfeiler_lehman(&cells[0], 2));
        }
    }

    #[test]
    fn widths_stay_bounded_and_equal() {
        let space = Darts::new();
        let layout = Layout::of(space.vocabulary());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let widths: Vec<usize> =
            (0..20).map(|_| layout.features(&space.sample(&mut rng)).counts.len()).collect();
        assert!(widths.iter().all(|&w| w == widths[0] && w < 700), "{widths:?}");
        let many = Vocabulary::new(1, (0..200).map(|i| (format!("op{i}x"), Role::Compute))).unwrap();
        assert!(Layout::of(&many).subsets.len() == 2 && Layout::of(&many).attributes());
    }

    #[test]
    fn weisfeiler_lehman_labels_tell_orders_apart() {
        let labels = |ops| {
            let cell = toy_cell(ops);
            Layout::of(cell.vocabulary()).weisfeiler_lehman(&cell, 1)
        };
        let one = labels(&["conv1x1", "none", "none", "conv3x3", "none", "skip"]);
        let two = labels(&["conv3x3", "none", "none", "conv1x1", "none", "skip"]);
        assert_eq!(one[0], two[0]);
        assert_ne!(one[1], two[1]);
    }
}
