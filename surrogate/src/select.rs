//! From utilities to batches of candidates that are measured together.
//!
//! BONAS trains the cells of a batch in one weight-sharing network, which ranks them better when
//! they are alike. The paper relies on high-utility cells being similar ([`TopK`]);
//! [`Clustered`] makes it so by construction.

use std::cmp::Ordering;
use std::fmt::Debug;

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rand::Rng;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::entry::Entry;
use crate::{Joint, Posterior, SurrogateError};

mod believer;
mod joint;
mod penalise;

pub use believer::KrigingBeliever;
pub use joint::{JointThompson, QExpectedImprovement, QUpperConfidenceBound};
pub use penalise::LocalPenalisation;

const NAME: &str = "batch selection";

/// How many batches are wanted, and how many candidates each should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Number of batches.
    pub count: usize,
    /// Candidates a batch.
    pub size: usize,
}

impl Batches {
    /// Candidates asked for in all.
    pub fn total(self) -> usize {
        self.count.saturating_mul(self.size)
    }
}

/// The joint posterior of some candidates by their indices, if the surrogate has one.
pub type JointOf<'a> = dyn Fn(&[usize]) -> Result<Option<Joint>, SurrogateError> + 'a;

/// What is known of `n` candidates; utilities always, the rest where there is a surrogate that has it.
#[derive(Clone, Copy, Default)]
pub struct Candidates<'a> {
    /// How much each is worth measuring, `[n]`.
    pub utilities: &'a [f64],
    /// Embeddings `[n, d]`, near means related.
    pub embeddings: Option<&'a Array2<f64>>,
    /// What is believed of each score, `[n]`.
    pub posteriors: Option<&'a [Posterior]>,
    /// Posteriors of several together.
    pub joint: Option<&'a JointOf<'a>>,
    /// The best observed score.
    pub incumbent: Option<f64>,
    /// Probability that each keeps all limits, `[n]`; none: all do.
    pub feasibility: Option<&'a [f64]>,
}

impl<'a> Candidates<'a> {
    /// Candidates of which only utilities are known.
    pub fn of(utilities: &'a [f64]) -> Self {
        Self { utilities, ..Self::default() }
    }
}

/// Picks batches of candidates by utility.
///
/// [`crate::testing::check_selection`] tests an implementation.
pub trait Selection: Send + Debug {
    /// Indices of the chosen candidates, one list a batch, each index at most once.
    ///
    /// With `n` candidates, `min(n, count * size)` are chosen; batches are full from the first on,
    /// only the last may be short, and none is empty.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a utility that is NaN, embeddings that are not finite or of
    /// another number of rows, or what it needs and is not there; [`SurrogateError::Setting`] for no
    /// batches or batches of size 0.
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError>;

    /// Whether it looks at embeddings; where it does not, none need be computed.
    fn reads_embeddings(&self) -> bool {
        true
    }

    /// Whether it needs joint posteriors, and refuses candidates without.
    fn reads_joint(&self) -> bool {
        false
    }

    /// Whether the candidate of the highest utility is always the first of the first batch.
    fn takes_best_first(&self) -> bool {
        true
    }
}

/// A selection in [`crate::catalogue`].
pub type SelectionEntry = Entry<dyn Selection, SelectionSettings>;

/// What the selections of [`crate::catalogue`] can be built with; each reads what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectionSettings {
    /// Weight of the standard deviation in an upper confidence bound.
    pub gamma: f64,
}

impl Default for SelectionSettings {
    fn default() -> Self {
        Self { gamma: 0.5 }
    }
}

/// The `count * size` best, cut into batches from the best down; ties by lowest index.
///
/// This is the published selection of BONAS (Shi et al., 2020).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopK;

impl TopK {
    /// "top-k" in the catalogue.
    pub const ENTRY: SelectionEntry =
        Entry::new("top-k", "The best by utility, in order", |_| Ok(Box::new(Self)));
}

impl Selection for TopK {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        _: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        check(candidates, batches)?;
        Ok(cut(&best_first(candidates.utilities, batches.total()), batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }
}

/// Batches of related candidates: grown around good ones inside clusters of the embedding.
///
/// 1. The pool is the `pool_factor * count * size` best candidates by utility.
/// 2. Their embeddings, every column scaled to unit variance over the pool, are clustered by
///    k-means with as many clusters as make an average cluster hold `size` candidates.
/// 3. Each batch starts with the best candidate not yet used and takes the best unused ones of
///    the same cluster; where the cluster has too few, the unused ones nearest to the first
///    (ties: the better one) fill the batch.
///
/// So utility decides *which* region a batch comes from and who of the region goes first; the
/// embedding decides who may go with whom. A larger `pool_factor` gives closer batches of lower
/// utility; at 1 the chosen candidates are those of [`TopK`], regrouped. Without embeddings this is
/// [`TopK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clustered {
    /// Size of the pool as a multiple of the candidates asked for; at least 1.
    pub pool_factor: usize,
}

impl Default for Clustered {
    fn default() -> Self {
        Self { pool_factor: 3 }
    }
}

impl Clustered {
    /// "clusters" in the catalogue.
    pub const ENTRY: SelectionEntry =
        Entry::new("clusters", "Related candidates: the best of each cluster of the embedding", |_| {
            Ok(Box::<Self>::default())
        });
}

impl Selection for Clustered {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        if self.pool_factor == 0 {
            return Err(SurrogateError::setting("pool_factor", 0, "an integer from 1 up"));
        }
        let Some(embeddings) = candidates.embeddings else {
            return TopK.select(candidates, batches, rng);
        };
        check(candidates, batches)?;
        let pool = best_first(candidates.utilities, batches.total().saturating_mul(self.pool_factor));
        let points = standardised(&embeddings.select(Axis(0), &pool));
        let clusters = clusters(&points, pool.len().div_ceil(batches.size), rng)?;
        let groups = grow(&points, &clusters, batches);
        Ok(groups.into_iter().map(|group| group.into_iter().map(|i| pool[i]).collect()).collect())
    }
}

/// Step 3 of [`Clustered`]; points are in order of falling utility.
fn grow(points: &Array2<f64>, clusters: &Array1<usize>, batches: Batches) -> Vec<Vec<usize>> {
    let mut unused: Vec<usize> = (0..points.nrows()).collect();
    let mut groups = Vec::new();
    while groups.len() < batches.count && !unused.is_empty() {
        let first = unused[0];
        let (mut same, mut other): (Vec<usize>, Vec<usize>) =
            unused.iter().partition(|&&i| clusters[i] == clusters[first]);
        let distance = |i: usize| squared_distance(points.row(i), points.row(first));
        other.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        same.extend(other);
        same.truncate(batches.size);
        unused.retain(|i| !same.contains(i));
        groups.push(same);
    }
    groups
}

/// A cluster number a point; one cluster where all points are equal.
fn clusters(points: &Array2<f64>, count: usize, rng: &mut dyn Rng) -> Result<Array1<usize>, SurrogateError> {
    let seed = rng.next_u64();
    if count < 2 || points.iter().all(|&x| x == 0.0) {
        return Ok(Array1::zeros(points.nrows()));
    }
    let data = DatasetBase::from(points.view());
    let model = KMeans::params_with_rng(count, Xoshiro256Plus::seed_from_u64(seed))
        .init_method(KMeansInit::KMeansPlusPlus)
        .n_runs(1)
        .max_n_iterations(50)
        .tolerance(1e-4)
        .fit(&data)
        .map_err(|e| SurrogateError::numeric(NAME, format!("k-means: {e}")))?;
    Ok(model.predict(points))
}

/// Columns with zero mean and unit variance; constant columns become zero.
fn standardised(points: &Array2<f64>) -> Array2<f64> {
    let mut points = points.clone();
    for mut column in points.columns_mut() {
        let mean = column.sum() / column.len() as f64;
        column -= mean;
        let sd = (column.dot(&column) / column.len() as f64).sqrt();
        let scale = if sd > 1e-12 * mean.abs() { 1.0 / sd } else { 0.0 };
        column *= scale;
    }
    points
}

fn squared_distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Indices of the `count` largest, largest first, ties by lowest index.
pub(crate) fn best_first(utilities: &[f64], count: usize) -> Vec<usize> {
    let order = |a: &usize, b: &usize| -> Ordering {
        utilities[*b].partial_cmp(&utilities[*a]).unwrap_or(Ordering::Equal).then(a.cmp(b))
    };
    let mut indices: Vec<usize> = (0..utilities.len()).collect();
    if count < indices.len() {
        indices.select_nth_unstable_by(count, order);
        indices.truncate(count);
    }
    indices.sort_unstable_by(order);
    indices
}

/// A list cut into batches.
fn cut(chosen: &[usize], batches: Batches) -> Vec<Vec<usize>> {
    chosen.chunks(batches.size).map(<[usize]>::to_vec).collect()
}

fn check(candidates: &Candidates<'_>, batches: Batches) -> Result<(), SurrogateError> {
    let Candidates { utilities, embeddings, .. } = *candidates;
    if batches.total() == 0 {
        let value = format!("{} batches of {}", batches.count, batches.size);
        return Err(SurrogateError::setting("batches", value, "at least 1 batch of at least 1"));
    }
    if let Some(i) = utilities.iter().position(|u| u.is_nan()) {
        return Err(SurrogateError::data(NAME, format!("the utility of candidate {i} is NaN")));
    }
    let Some(embeddings) = embeddings else { return Ok(()) };
    if embeddings.nrows() != utilities.len() {
        let reason = format!("{} embeddings for {} candidates", embeddings.nrows(), utilities.len());
        return Err(SurrogateError::data(NAME, reason));
    }
    match embeddings.rows().into_iter().position(|row| row.iter().any(|x| !x.is_finite())) {
        Some(i) => Err(SurrogateError::data(NAME, format!("the embedding of candidate {i} is not finite"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::check_selection;

    #[test]
    fn top_k_takes_the_best_and_breaks_ties_by_index() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let batches = Batches { count: 2, size: 2 };
        let got = TopK.select(&Candidates::of(&[0.1, 0.9, 0.5, 0.9, 0.5]), batches, &mut rng).unwrap();
        assert_eq!(got, [vec![1, 3], vec![2, 4]]);
    }

    /// Ten blobs in eight dimensions; utility knows nothing of them.
    #[test]
    fn clustered_batches_are_closer_than_top_k() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let centres = Array2::from_shape_fn((10, 8), |_| rng.random_range(-5.0..5.0));
        let embeddings =
            Array2::from_shape_fn((400, 8), |(i, j)| centres[[i % 10, j]] + rng.random_range(-1.0..1.0));
        let utilities: Vec<f64> = (0..400).map(|_| rng.random()).collect();
        let batches = Batches { count: 4, size: 8 };
        let mut spread = |selection: &dyn Selection| {
            let candidates = Candidates { embeddings: Some(&embeddings), ..Candidates::of(&utilities) };
            let groups = selection.select(&candidates, batches, &mut rng).unwrap();
            groups.iter().map(|group| within(&embeddings, group)).sum::<f64>() / groups.len() as f64
        };
        let (top, clustered) = (spread(&TopK), spread(&Clustered::default()));
        assert!(clustered < 0.5 * top, "within-group distance {clustered} against {top}");
    }

    fn within(points: &Array2<f64>, group: &[usize]) -> f64 {
        let pairs = group.iter().flat_map(|&i| group.iter().map(move |&j| (i, j))).filter(|(i, j)| i < j);
        let d: Vec<f64> = pairs.map(|(i, j)| squared_distance(points.row(i), points.row(j)).sqrt()).collect();
        d.iter().sum::<f64>() / d.len() as f64
    }

    #[test]
    fn with_no_slack_the_same_candidates_are_regrouped() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let embeddings = Array2::from_shape_fn((50, 3), |_| rng.random_range(-1.0..1.0));
        let utilities: Vec<f64> = (0..50).map(|_| rng.random()).collect();
        let mut chosen = |selection: &dyn Selection| {
            let batches = Batches { count: 3, size: 5 };
            let candidates = Candidates { embeddings: Some(&embeddings), ..Candidates::of(&utilities) };
            let groups = selection.select(&candidates, batches, &mut rng).unwrap();
            let mut all = groups.concat();
            all.sort_unstable();
            all
        };
        assert_eq!(chosen(&TopK), chosen(&Clustered { pool_factor: 1 }));
    }

    #[test]
    fn contract() {
        for selection in [&TopK as &dyn Selection, &Clustered::default(), &Clustered { pool_factor: 1 }] {
            check_selection(selection, 11);
        }
        check_selection(&QExpectedImprovement::default(), 11);
        check_selection(&QUpperConfidenceBound::new(0.5).unwrap(), 11);
        check_selection(&JointThompson::default(), 11);
        check_selection(&LocalPenalisation::default(), 11);
        check_selection(&KrigingBeliever::default(), 11);
    }
}
