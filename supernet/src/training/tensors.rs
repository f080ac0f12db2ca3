//! From batches of images to tensors, and statistics of them.
//!
//! Shapes: B images, C channels, H×W pixels.

use bonas_study::StudyError;
use tch::Tensor;

use crate::data::{Batch, BatchOptions, Loader};
use crate::model::{Mode, Pass, Path, Placement, Statistics, Supernet, SupernetError};

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
