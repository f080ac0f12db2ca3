//! Order, checks and distances that selections share.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView1};

use super::{Batches, Candidates};
use crate::SurrogateError;

/// Name in errors.
pub(super) const NAME: &str = "batch selection";

/// Columns with zero mean and unit variance; constant columns become zero.
pub(super) fn standardised(points: &Array2<f64>) -> Array2<f64> {
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

pub(super) fn squared_distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Indices of the `count` largest values, largest first; the lowest index wins a tie.
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

/// Cuts a list into batches.
pub(super) fn cut(chosen: &[usize], batches: Batches) -> Vec<Vec<usize>> {
    chosen.chunks(batches.size).map(<[usize]>::to_vec).collect()
}

pub(super) fn check(candidates: &Candidates<'_>, batches: Batches) -> Result<(), SurrogateError> {
    let Candidates { utilities, embeddings, .. } = *candidates;
    if batches.total() == 0 {
        let value = format!("{} batches of {}", batches.count, batches.size);
        return Err(SurrogateError::setting("batches", value, "at least 1 batch of at least 1 candidate"));
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
