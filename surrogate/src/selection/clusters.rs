//! Batches of related candidates.

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array1, Array2, Axis};
use rand::Rng;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use super::pick::{NAME, best_first, check, squared_distance, standardised};
use super::{Batches, Candidates, Selection, SelectionEntry, TopK};
use crate::SurrogateError;
use crate::entry::PartEntry;

/// Batches of related candidates, grown around good ones inside clusters of the embedding.
///
/// 1. The shortlist is the `shortlist_factor * count * size` best candidates by utility.
/// 2. Their embeddings, with each column scaled to unit variance over the shortlist, are clustered by
///    k-means. The number of clusters makes an average cluster hold `size` candidates.
/// 3. Each batch starts with the best unused candidate and takes the best unused ones of
///    the same cluster. If the cluster has too few, the unused ones nearest to the first fill the batch
///    (the better one wins a tie).
///
/// So utility decides which region a batch comes from and which of its candidates go first; the embedding decides
/// which candidates go together. A larger `shortlist_factor` gives closer batches of lower utility. At 1 the
/// candidates are those of [`TopK`], regrouped. Without embeddings this is [`TopK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clustered {
    /// Size of the shortlist as a multiple of the candidates that are asked for; at least 1.
    pub shortlist_factor: usize,
}

impl Default for Clustered {
    fn default() -> Self {
        Self { shortlist_factor: 3 }
    }
}

impl Clustered {
    /// "clusters" in the catalogue.
    pub const ENTRY: SelectionEntry =
        PartEntry::new("clusters", "Related candidates: the best of each cluster of the embedding", |_| {
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
        if self.shortlist_factor == 0 {
            return Err(SurrogateError::setting("shortlist_factor", 0, "an integer from 1 up"));
        }
        let Some(embeddings) = candidates.embeddings else {
            return TopK.select(candidates, batches, rng);
        };
        check(candidates, batches)?;
        let shortlist =
            best_first(candidates.utilities, batches.total().saturating_mul(self.shortlist_factor));
        let points = standardised(&embeddings.select(Axis(0), &shortlist));
        let clusters = clusters(&points, shortlist.len().div_ceil(batches.size), rng)?;
        let groups = grow(&points, &clusters, batches);
        Ok(groups.into_iter().map(|group| group.into_iter().map(|i| shortlist[i]).collect()).collect())
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

/// The cluster of each point; a single cluster if all points are equal.
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
