//! From batches of images to tensors, and statistics of them.
//!
//! Shapes: B images, C channels, H×W pixels.

use bonas_study::StudyError;
use tch::{Device, Kind, Tensor};

use crate::data::{Batch, BatchOptions, Batches, Loader};
use crate::device;
use crate::model::{Mode, Pass, Path, Placement, Statistics, Supernet, SupernetError};

/// Images a batch, at most, when statistics are re-estimated.
const STATISTICS_BATCH: usize = 256;

/// Where images begin behind integers that are sent with them: a multiple of what GPUs load at once, in bytes.
const ALIGNMENT: i64 = 256;

/// A batch on the device.
#[derive(Debug)]
pub(super) struct Sent {
    /// Images `[B, C, H, W]`.
    pub(super) images: Tensor,
    /// Labels `[B]`.
    pub(super) labels: Tensor,
    /// Other integers of the batch, `[N]`.
    pub(super) others: Tensor,
}

/// Batches for a device: for a GPU the next is made while it computes. On the CPU that would take cores from it.
pub(crate) fn made_for(batches: Batches, placement: Placement) -> Batches {
    match placement.device {
        Device::Cpu => batches,
        _ => batches.ahead(),
    }
}

/// A batch on the device: images `[B, C, H, W]`, labels `[B]`.
///
/// # Errors
/// [`SupernetError::Torch`] when memory runs out.
pub fn images_and_labels(batch: &Batch, placement: Placement) -> Result<(Tensor, Tensor), SupernetError> {
    let Sent { images, labels, .. } = sent(batch, &[], placement)?;
    Ok((images, labels))
}

/// A batch on the device, and integers `[N]` along with it. All of it is one copy, for which nothing waits.
pub(super) fn sent(batch: &Batch, others: &[i64], placement: Placement) -> Result<Sent, SupernetError> {
    let shape = [batch.n, batch.shape.channels, batch.shape.height, batch.shape.width].map(|n| n as i64);
    let pixels = Tensor::f_from_slice(&batch.pixels)?; // [B·C·H·W]
    let (labels, others) = (Tensor::f_from_slice(&batch.labels)?, Tensor::f_from_slice(others)?);
    let [images, labels, others] = match placement.device {
        Device::Cpu => [pixels, labels, others],
        device => together([&pixels, &labels, &others], device)?,
    };
    Ok(Sent { images: images.f_view(shape)?.f_to_kind(placement.kind)?, labels, others })
}

/// Tensors `[n]` on a device, which go there as the bytes of one.
fn together(tensors: [&Tensor; 3], device: Device) -> Result<[Tensor; 3], SupernetError> {
    let mut parts = Vec::with_capacity(6);
    let mut places = [(0, 0); 3];
    let mut end = 0;
    for (tensor, place) in tensors.into_iter().zip(&mut places) {
        let bytes = tensor.f_view_dtype(Kind::Uint8)?;
        *place = (end, bytes.size()[0]);
        let gap = (-bytes.size()[0]).rem_euclid(ALIGNMENT);
        end += bytes.size()[0] + gap;
        parts.extend([bytes, Tensor::f_zeros([gap], (Kind::Uint8, Device::Cpu))?]);
    }
    let all = device::sent(&Tensor::f_cat(&parts, 0)?, device)?;
    let mut there = tensors.map(Tensor::shallow_clone);
    for (tensor, (start, length)) in there.iter_mut().zip(places) {
        *tensor = all.f_narrow(0, start, length)?.f_view_dtype(tensor.kind())?;
    }
    Ok(there)
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
    let batches = loader.ordered(indices, BatchOptions::new(equal))?;
    let mut batches = made_for(batches, net.placement());
    let mut statistics = Statistics::new();
    while let Some(batch) = batches.next_batch() {
        let (images, _) = images_and_labels(batch, net.placement())?;
        net.forward(&images, path, &mut Pass::new(Mode::Estimate(&mut statistics)))?;
    }
    Ok(statistics)
}
