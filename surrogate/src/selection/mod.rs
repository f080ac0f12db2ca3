//! Selections: from utilities to batches of candidates that are measured together.
//!
//! Use [`KrigingBeliever`] where candidates are measured independently, so that a batch does not repeat itself.
//! Use [`Clustered`] where a batch trains in one weight-sharing network, which ranks its cells better when they
//! are alike. [`TopK`] is the published selection of BONAS, which relies on useful cells being similar.
//!
//! ```
//! use bonas_surrogate::selection::{Batches, Candidates, Selection, TopK};
//! use rand::SeedableRng;
//!
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let batches = Batches { count: 2, size: 2 };
//! let chosen = TopK.select(&Candidates::of(&[0.1, 0.9, 0.5, 0.8, 0.3]), batches, &mut rng)?;
//! assert_eq!(chosen, [vec![1, 3], vec![2, 4]]);
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```

use bonas_spaces::catalogue::Catalogue;
use std::fmt::Debug;

use ndarray::Array2;
use rand::Rng;

use crate::SurrogateError;
use crate::acquisition::Scale;
use crate::entry::PartEntry;
use crate::posterior::{Joint, Posterior};

pub(crate) mod belief;
mod believer;
mod clusters;
mod joint;
mod log_improvement;
mod penalise;
pub(crate) mod pick;
mod top_k;

pub use believer::KrigingBeliever;
pub use clusters::Clustered;
pub use joint::{JointThompson, QExpectedImprovement, QUpperConfidenceBound};
pub use log_improvement::QLogExpectedImprovement;
pub use penalise::LocalPenalisation;
pub use top_k::TopK;

/// The number of batches, and the number of candidates in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Number of batches.
    pub count: usize,
    /// Candidates per batch.
    pub size: usize,
}

impl Batches {
    /// Number of candidates in all batches.
    pub fn total(self) -> usize {
        self.count.saturating_mul(self.size)
    }
}

/// The joint posterior of the candidates with these indices; `None` if the surrogate has none.
pub type JointOf<'a> = dyn Fn(&[usize]) -> Result<Option<Joint>, SurrogateError> + 'a;

/// What is known about `n` candidates: utilities always, the rest if the surrogate has it.
#[derive(Clone, Copy, Default)]
pub struct Candidates<'a> {
    /// Utility of each candidate, `[n]`.
    pub utilities: &'a [f64],
    /// What the utilities are.
    pub scale: Scale,
    /// Embeddings `[n, d]`, in which near means related.
    pub embeddings: Option<&'a Array2<f64>>,
    /// Posterior of each score, `[n]`.
    pub posteriors: Option<&'a [Posterior]>,
    /// Joint posterior of several candidates.
    pub joint: Option<&'a JointOf<'a>>,
    /// The best observed score.
    pub incumbent: Option<f64>,
    /// Probability `[n]` that each candidate keeps all limits; `None`: all do.
    pub feasibility: Option<&'a [f64]>,
}

impl<'a> Candidates<'a> {
    /// Candidates with utilities only.
    pub fn of(utilities: &'a [f64]) -> Self {
        Self { utilities, ..Self::default() }
    }
}

/// Picks batches of candidates by utility.
///
/// [`crate::testing::check_selection`] tests an implementation.
pub trait Selection: Send + Debug {
    /// Indices of the chosen candidates, one list per batch, each index at most once.
    ///
    /// Of `n` candidates, `min(n, count * size)` are chosen. Every batch but the last is full, and none is empty.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a NaN utility, embeddings that are not finite or have another number of rows, or
    /// missing embeddings, posteriors or joint posteriors that the selection needs; [`SurrogateError::Setting`] for no
    /// batches or batches of size 0.
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError>;

    /// Whether it reads embeddings; otherwise none need be computed.
    fn reads_embeddings(&self) -> bool {
        true
    }

    /// Whether it needs a joint posterior and refuses candidates without one.
    fn reads_joint(&self) -> bool {
        false
    }

    /// Whether the first candidate of the first batch is always the one with the highest utility.
    fn takes_best_first(&self) -> bool {
        true
    }
}

/// Every selection.
pub static SELECTIONS: Catalogue<SelectionEntry> = Catalogue::new(
    "selection",
    &[
        &TopK::ENTRY,
        &Clustered::ENTRY,
        &KrigingBeliever::ENTRY,
        &QExpectedImprovement::ENTRY,
        &QLogExpectedImprovement::ENTRY,
        &QUpperConfidenceBound::ENTRY,
        &JointThompson::ENTRY,
        &LocalPenalisation::ENTRY,
    ],
);

/// A selection in [`crate::catalogue`].
pub type SelectionEntry = PartEntry<dyn Selection, SelectionSettings>;

/// Settings for the selections of [`crate::catalogue`]; each reads what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectionSettings {
    /// Weight of the standard deviation in an upper confidence bound.
    pub gamma: f64,
    /// Whether expected improvement is that of the true score, without the noise of a measurement.
    pub noise_free: bool,
}

impl Default for SelectionSettings {
    fn default() -> Self {
        Self { gamma: 0.5, noise_free: false }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::pick::squared_distance;
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
        assert_eq!(chosen(&TopK), chosen(&Clustered { shortlist_factor: 1 }));
    }

    #[test]
    fn contract_without_slack() {
        check_selection(&Clustered { shortlist_factor: 1 }, 11);
    }
}
