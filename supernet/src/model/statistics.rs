//! Means and variances of batch normalisation.
//!
//! Shapes: C channels.

use tch::{Device, Kind, Tensor};

use super::error::Result;

/// Mean and variance of the maps that one batch normalisation reads.
#[derive(Debug)]
pub(super) struct Moments {
    /// `[C]`.
    pub(super) mean: Tensor,
    /// `[C]`, unbiased, as PyTorch keeps it.
    pub(super) variance: Tensor,
    /// Batches averaged so far.
    batches: usize,
}

impl Moments {
    pub(super) fn new(channels: i64, kind: Kind, device: Device) -> Result<Self> {
        let mean = Tensor::f_zeros([channels], (kind, device))?;
        let variance = Tensor::f_ones([channels], (kind, device))?;
        Ok(Self { mean, variance, batches: 0 })
    }

    /// Weight of the next batch in an exact average over all batches: 1/i for the i-th.
    pub(super) fn next_weight(&mut self) -> f64 {
        self.batches += 1;
        1.0 / self.batches as f64
    }
}

/// Batch-normalisation statistics along one path of a network.
///
/// They are the path's own: a network's running statistics, and those estimated for other paths,
/// stay as they are. Several paths that share a layer may thus be evaluated side by side.
#[derive(Debug, Default)]
pub struct Statistics(pub(super) Vec<Option<Moments>>);

impl Statistics {
    /// Statistics of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mean and variance `[C]` of a normalisation, if the path has it, by its position in
    /// [`super::Supernet::norms`].
    pub fn get(&self, norm: usize) -> Option<(&Tensor, &Tensor)> {
        self.0.get(norm)?.as_ref().map(|m| (&m.mean, &m.variance))
    }

    /// Batches that were averaged.
    pub fn batches(&self) -> usize {
        self.0.iter().flatten().map(|m| m.batches).max().unwrap_or(0)
    }

    pub(super) fn entry(&mut self, norm: usize, channels: i64, like: (Kind, Device)) -> Result<&mut Moments> {
        if self.0.len() <= norm {
            self.0.resize_with(norm + 1, || None);
        }
        let slot = &mut self.0[norm];
        let moments = match slot.take() {
            Some(moments) => moments,
            None => Moments::new(channels, like.0, like.1)?,
        };
        Ok(slot.insert(moments))
    }
}
