//! From batches of images to tensors, and from logits to accuracies.
//!
//! Shapes: B images, C channels, H×W pixels.

use bonas_study::StudyError;
use tch::{Kind, Tensor};

use crate::data::{Batch, BatchOptions, Loader};
use crate::model::{Mode, Pass, Path, Placement, Statistics, Supernet, SupernetError, accuracy};

/// Images a batch when only scores are computed.
const SCORING_BATCH: usize = 256;
/// Images a batch, at most, when statistics are re-estimated.
const STATISTICS_BATCH: usize = 256;

/// A batch on the device: images `[B, C, H, W]`, labels `[B]`.
///
/// # Errors
/// [`SupernetError::Torch`] when memory runs out.
pub fn images_and_labels(batch: &Batch, placement: Placement) -> Result<(Tensor, Tensor), SupernetError> {
    let shape = [batch.n, batch.shape.channels, batch.shape.height, batch.shape.width].map(|n| n as i64);
    let images = Tensor::f_from_slice(&batch.pixels)?.f_view(shape)?; // [B, C, H, W]
    let labels = Tensor::f_from_slice(&batch.labels)?; // [B]
    Ok((images.f_to(placement.device)?.f_to_kind(placement.kind)?, labels.f_to(placement.device)?))
}

/// BatchNorm statistics of a path's own maps, from un-augmented images: the mean over batches as
/// equal in size as can be, for each weighs the same.
///
/// # Errors
/// [`StudyError::Failed`] when libtorch fails, [`StudyError::Setting`] for a bad index.
pub fn estimate(
    net: &Supernet,
    path: &Path,
    loader: &Loader,
    indices: &[usize],
) -> Result<Statistics, StudyError> {
    let equal = indices.len().div_ceil(indices.len().div_ceil(STATISTICS_BATCH).max(1));
    let mut batches = loader.ordered(indices, BatchOptions::new(equal))?;
    let mut statistics = Statistics::new();
    while let Some(batch) = batches.next_batch() {
        let (images, _) = images_and_labels(batch, net.placement())?;
        net.forward(&images, path, &mut Pass::new(Mode::Estimate(&mut statistics)))?;
    }
    Ok(statistics)
}

/// Share of the images at `indices` that the network classifies rightly, in `[0, 1]`. `pass` makes
/// the pass of each batch, and so chooses the BatchNorm statistics.
///
/// # Errors
/// [`StudyError::Failed`] when libtorch fails, [`StudyError::Evaluator`] for logits that are not finite,
/// [`StudyError::Setting`] for a bad index.
pub fn score<'a>(
    net: &Supernet,
    path: &Path,
    loader: &Loader,
    indices: &[usize],
    mut pass: impl FnMut() -> Pass<'a>,
) -> Result<f64, StudyError> {
    let mut hits = Tensor::f_zeros([], (Kind::Int64, net.placement().device)).map_err(SupernetError::from)?; // []
    let mut sum = Tensor::f_zeros([], (Kind::Double, net.placement().device)).map_err(SupernetError::from)?; // []
    let mut batches = loader.ordered(indices, BatchOptions::new(SCORING_BATCH))?;
    while let Some(batch) = batches.next_batch() {
        let (images, labels) = images_and_labels(batch, net.placement())?;
        let logits = net.forward(&images, path, &mut pass())?.logits; // [B, K]
        hits += accuracy(&logits, &labels)?;
        // Not finite as soon as one logit is not.
        sum += logits.f_sum(Kind::Double).map_err(SupernetError::from)?; // []
    }
    // One wait for the device.
    let both = hits.f_to_kind(Kind::Double).and_then(|hits| Tensor::f_stack(&[hits, sum], 0)); // [2]
    let both = Vec::<f64>::try_from(&both.map_err(SupernetError::from)?).map_err(SupernetError::from)?;
    if !both[1].is_finite() {
        let reason =
            "its logits are not finite: training diverged; lower the learning rate or the gradient clip";
        return Err(StudyError::Evaluator(reason.into()));
    }
    Ok(both[0] / indices.len() as f64)
}
