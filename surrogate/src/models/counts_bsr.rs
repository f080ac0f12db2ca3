//! Bayesian sigmoid regression on structural counts.
//!
//! The counts follow GRAF (Kadlecová et al., 2024) and path encodings (White et al., 2019), over the pruned
//! op-on-node graphs of an architecture. They are defined for any labelled DAG; paths are counted by dynamic
//! programming and never listed.

use bonas_spaces::{Architecture, OpGraph, OpId, Role, Vocabulary};
use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rand::Rng;

use crate::chunks::in_chunks;
use crate::entry::PartEntry;
use crate::guard::{in_one_space, in_saved_space};
use crate::models::bsr::{Bsr, BsrParams};
use crate::surrogate::SurrogateEntry;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

const NAME: &str = "counts-bsr";

/// The regression is cubic in the number of features; beyond this number it takes minutes.
const MAX_FEATURES: usize = 1500;

/// Structural counts of an architecture, cell after cell; see [`feature_count`] for the number.
///
/// With `K` computing operations, every cell gives
/// - nodes, edges, `ln(1 + paths)` from inputs to output, edges from inputs straight to the output;
/// - for every operation: nodes, their summed depth, the largest and smallest number on any path, `ln(1 +
///   occurrences over all paths)`;
/// - for every subset of operations of size 0, 1, 2 and `K`, over the paths that use no other
///   operation: `ln(1 + paths)`, longest path (edges; 0 if there is none), `1 / shortest` (0 if
///   there is none);
/// - edges between every two labels (inputs as one label, the output);
/// - edges that leave inputs, edges that enter the output, largest in- and out-degree elsewhere.
fn features(architecture: &Architecture) -> Vec<f64> {
    let vocabulary = architecture.vocabulary();
    let subsets = subsets(computing(vocabulary).len());
    let mut features = Vec::with_capacity(feature_count(vocabulary) * architecture.cells().len());
    for graph in architecture.op_graphs() {
        let view = View::of(graph, vocabulary);
        view.sizes(&mut features);
        view.operations(&mut features);
        view.paths_by_subset(&subsets, &mut features);
        view.neighbours(&mut features);
        view.degrees(&mut features);
    }
    features
}

/// Number of features per cell of a space with this vocabulary: `8 + 5K + 3 subsets + (K + 1)²`.
fn feature_count(vocabulary: &Vocabulary) -> usize {
    let k = computing(vocabulary).len();
    8 + 5 * k + 3 * subsets(k).len() + (k + 1) * (k + 1)
}

/// Operations that stay in a pruned graph.
fn computing(vocabulary: &Vocabulary) -> Vec<OpId> {
    vocabulary.ops().filter(|&op| vocabulary.role(op) == Role::Compute).collect()
}

/// Masks of allowed operations, ordered by size, then by index.
fn subsets(k: usize) -> Vec<Vec<bool>> {
    let mask = |members: &[usize]| (0..k).map(|i| members.contains(&i)).collect::<Vec<_>>();
    let mut all = vec![mask(&[])];
    all.extend((0..k).map(|i| mask(&[i])));
    all.extend((0..k).flat_map(|i| (i + 1..k).map(move |j| [i, j])).map(|pair| mask(&pair)));
    if k > 2 {
        all.push(vec![true; k]);
    }
    all
}

/// The label of a node of a pruned graph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Input,
    Op(usize),
    Output,
}

/// A graph with numbered labels `0..k` and lists of predecessors; nodes are in topological order.
struct View {
    k: usize,
    labels: Vec<Label>,
    edges: Vec<(usize, usize)>,
    before: Vec<Vec<usize>>,
}

/// Number, longest and shortest of the paths from inputs to a node.
#[derive(Clone, Copy)]
struct Paths {
    number: f64,
    longest: f64,
    shortest: f64,
}

const NO_PATH: Paths = Paths { number: 0.0, longest: f64::NEG_INFINITY, shortest: f64::INFINITY };

impl View {
    fn of(graph: &OpGraph, vocabulary: &Vocabulary) -> Self {
        let ops = computing(vocabulary);
        let label = |op: OpId| match vocabulary.role(op) {
            Role::Input => Label::Input,
            _ => ops.iter().position(|&o| o == op).map_or(Label::Output, Label::Op),
        };
        let edges: Vec<_> = graph.edges().collect();
        let mut before = vec![Vec::new(); graph.len()];
        for &(from, to) in &edges {
            before[to].push(from);
        }
        Self { k: ops.len(), labels: graph.labels().map(label).collect(), edges, before }
    }

    /// Paths to the output. The length of a path is the sum of `length` over its nodes; paths lead only through nodes
    /// whose `length` is defined.
    fn paths(&self, length: impl Fn(Label) -> Option<f64>) -> Paths {
        let mut to: Vec<Paths> = Vec::with_capacity(self.labels.len());
        for (node, &label) in self.labels.iter().enumerate() {
            let start = if label == Label::Input {
                Paths { number: 1.0, longest: 0.0, shortest: 0.0 }
            } else {
                NO_PATH
            };
            let reached = self.before[node].iter().map(|&i| to[i]).fold(start, |a, b| Paths {
                number: a.number + b.number,
                longest: a.longest.max(b.longest),
                shortest: a.shortest.min(b.shortest),
            });
            to.push(length(label).map_or(NO_PATH, |step| Paths {
                longest: reached.longest + step,
                shortest: reached.shortest + step,
                ..reached
            }));
        }
        to.last().copied().unwrap_or(NO_PATH)
    }

    fn sizes(&self, features: &mut Vec<f64>) {
        let straight =
            self.edges.iter().filter(|&&(a, b)| self.is(a, Label::Input) && self.is(b, Label::Output));
        let all = self.paths(|_| Some(1.0));
        features.extend([self.labels.len() as f64, self.edges.len() as f64, all.number.ln_1p()]);
        features.push(straight.count() as f64);
    }

    fn operations(&self, features: &mut Vec<f64>) {
        let (depth, through) = (self.depths(), self.paths_through());
        for op in (0..self.k).map(Label::Op) {
            let nodes: Vec<usize> = (0..self.labels.len()).filter(|&node| self.is(node, op)).collect();
            let along = self.paths(|label| Some(f64::from(u8::from(label == op))));
            let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
            features.push(nodes.len() as f64);
            features.push(nodes.iter().map(|&node| depth[node]).sum());
            features.extend([finite(along.longest), finite(along.shortest)]);
            features.push(nodes.iter().map(|&node| through[node]).sum::<f64>().ln_1p());
        }
    }

    fn paths_by_subset(&self, subsets: &[Vec<bool>], features: &mut Vec<f64>) {
        for allowed in subsets {
            let paths = self.paths(|label| match label {
                Label::Input => Some(0.0),
                Label::Op(op) => allowed[op].then_some(1.0),
                Label::Output => Some(1.0),
            });
            features.extend([paths.number.ln_1p(), paths.longest.max(0.0), 1.0 / paths.shortest]);
        }
    }

    /// Edges from (inputs, operations) to (operations, output).
    fn neighbours(&self, features: &mut Vec<f64>) {
        let width = self.k + 1;
        let mut counts = vec![0.0; width * width];
        for &(from, to) in &self.edges {
            let row = if let Label::Op(op) = self.labels[from] { op + 1 } else { 0 };
            let column = if let Label::Op(op) = self.labels[to] { op } else { self.k };
            counts[row * width + column] += 1.0;
        }
        features.extend(counts);
    }

    fn degrees(&self, features: &mut Vec<f64>) {
        let (mut into, mut out) = (vec![0.0; self.labels.len()], vec![0.0; self.labels.len()]);
        for &(from, to) in &self.edges {
            out[from] += 1.0;
            into[to] += 1.0;
        }
        let total = |degrees: &[f64], label| self.nodes(label).map(|node| degrees[node]).sum::<f64>();
        features.extend([total(&out, Label::Input), total(&into, Label::Output)]);
        let inner = |degrees: &[f64]| {
            let ops = (0..self.labels.len()).filter(|&node| matches!(self.labels[node], Label::Op(_)));
            ops.map(|node| degrees[node]).fold(0.0, f64::max)
        };
        features.extend([inner(&into), inner(&out)]);
    }

    /// Longest distance of every node from the inputs, in edges.
    fn depths(&self) -> Vec<f64> {
        let mut depth = Vec::with_capacity(self.labels.len());
        for before in &self.before {
            let deepest = before.iter().map(|&i: &usize| depth[i] + 1.0).fold(0.0, f64::max);
            depth.push(deepest);
        }
        depth
    }

    /// Number of input-output paths through every node.
    fn paths_through(&self) -> Vec<f64> {
        let n = self.labels.len();
        let (mut to, mut from) = (vec![0.0; n], vec![0.0; n]);
        for node in 0..n {
            let reached: f64 = self.before[node].iter().map(|&i| to[i]).sum();
            to[node] = reached + f64::from(u8::from(self.is(node, Label::Input)));
        }
        from[n - 1] = 1.0;
        for node in (0..n).rev() {
            self.before[node].iter().for_each(|&i| from[i] += from[node]);
        }
        to.iter().zip(&from).map(|(a, b)| a * b).collect()
    }

    fn is(&self, node: usize, label: Label) -> bool {
        self.labels[node] == label
    }

    fn nodes(&self, label: Label) -> impl Iterator<Item = usize> + '_ {
        (0..self.labels.len()).filter(move |&node| self.is(node, label))
    }
}

/// Bayesian sigmoid regression ([`Bsr`]) on structural counts: BONAS without a network and without libtorch.
///
/// Scores must be in `[0, 1]`. The embedding is the counts themselves. Their number grows with the square of the
/// number of operations, so use it for vocabularies of at most about twenty. Fitting draws no random numbers.
#[derive(Clone, Copy, Debug)]
pub struct CountsBsr {
    /// Settings of the regression.
    pub bsr: BsrParams,
}

impl Default for CountsBsr {
    fn default() -> Self {
        Self { bsr: Bsr::params() }
    }
}

impl CountsBsr {
    /// "counts-bsr" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        PartEntry::new(NAME, "Bayesian sigmoid regression on structural counts", |()| {
            Ok(Box::<Self>::default())
        });
}

impl Surrogate for CountsBsr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check_like(&self, example: &Architecture) -> Result<(), SurrogateError> {
        check_size(&[example])
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn knows_noise(&self) -> bool {
        true
    }

    fn needs_fractions(&self) -> bool {
        true
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            let architectures: Vec<&Architecture> = observations.iter().map(|o| &o.architecture).collect();
            check_size(&architectures)?;
            let scores: Array1<f64> = observations.iter().map(|o| o.score).collect();
            let data = Dataset::new(matrix(&architectures)?, scores);
            Ok(Box::new(FittedCountsBsr { model: self.bsr.fit(&data)? }))
        })
    }

    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedCountsBsr| Ok(Box::new(fitted)))
    }
}

fn check_size(architectures: &[&Architecture]) -> Result<(), SurrogateError> {
    let count = |a: &&Architecture| feature_count(a.vocabulary()) * a.cells().len();
    match architectures.iter().map(count).max() {
        Some(features) if features > MAX_FEATURES => {
            let reason = format!(
                "{features} features per architecture, because the space has so many operations; it takes at most {MAX_FEATURES}; use a surrogate that has no such limit, trees for example"
            );
            Err(SurrogateError::data(NAME, reason))
        }
        _ => Ok(()),
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct FittedCountsBsr {
    model: Bsr,
}

impl Predict for FittedCountsBsr {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        in_chunks(
            candidates,
            |_| Ok(()),
            |candidates, (): &mut ()| self.model.posteriors(&matrix(&candidates.iter().collect::<Vec<_>>())?),
        )
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        Ok(Some(matrix(&candidates.iter().collect::<Vec<_>>())?))
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}

/// Features of many architectures, `[n, d]`.
fn matrix(architectures: &[&Architecture]) -> Result<Array2<f64>, SurrogateError> {
    let mut values = Vec::new();
    let mut width = None;
    for (i, architecture) in architectures.iter().enumerate() {
        let row = features(architecture);
        let first = *width.get_or_insert(row.len());
        if row.len() != first {
            let reason = format!(
                "architecture {i} has {} features, the first {first}; all must belong to one space",
                row.len()
            );
            return Err(SurrogateError::data(NAME, reason));
        }
        values.extend(row);
    }
    Array2::from_shape_vec((architectures.len(), width.unwrap_or(0)), values)
        .map_err(|e| SurrogateError::data(NAME, e.to_string()))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{check_surrogate, toy_architectures, toy_cell, toy_observations, toy_score};

    /// in -> conv1x1 -> conv3x3 -> out with a skip from in to out.
    #[test]
    fn counts_by_hand() {
        let architecture = toy_cell(&["conv1x1", "skip", "none", "conv3x3", "none", "none"]);
        // Edges (0,1) (0,2) (0,3) (1,2) (1,3) (2,3): node 1 = c1(in), node 2 = in + c3(node 1); node 2
        // never reaches the output over `none`, so that nothing but in and out is left.
        let empty = features(&architecture);
        assert_eq!(empty.len(), feature_count(architecture.vocabulary()));
        assert_eq!(empty[..4], [2.0, 0.0, 0.0, 0.0]);
        let chain = features(&toy_cell(&["conv1x1", "none", "skip", "conv3x3", "none", "skip"]));
        assert_eq!(chain[..4], [4.0, 4.0, 2f64.ln_1p(), 1.0]);
        assert_eq!(chain[4..9], [1.0, 1.0, 1.0, 0.0, 1f64.ln_1p()]); // conv1x1
        assert_eq!(chain[9..14], [1.0, 2.0, 1.0, 0.0, 1f64.ln_1p()]); // conv3x3
        assert_eq!(chain[14..19], [0.0; 5]); // pool
        assert_eq!(chain[19..22], [1f64.ln_1p(), 1.0, 1.0]); // no operation: the skip
        assert_eq!(chain[31..34], [2f64.ln_1p(), 3.0, 1.0]); // conv1x1 and conv3x3
    }

    #[test]
    fn ranks_unseen_cells() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fitted = CountsBsr::default().fit(&toy_observations(100, 2), &mut rng).unwrap();
        let candidates = toy_architectures(300, 3);
        let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let tau = kendall_tau_b(&means, &truth).unwrap();
        assert!(tau > 0.7, "tau {tau}");
    }

    #[test]
    fn contract() {
        check_surrogate(&CountsBsr::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
        let published = CountsBsr { bsr: Bsr::published() };
        check_surrogate(&published, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }
}
