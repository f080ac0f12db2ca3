//! Per-channel mean and standard deviation.

use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

use super::images::Images;

/// Per-channel mean and standard deviation of pixels scaled to `[0, 1]`, each `[c]`.
///
/// A pixel `v` in 0..=255 becomes `(v / 255 - mean) / sd`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation (population) of each channel; positive.
    pub sd: Vec<f32>,
}

impl Normalisation {
    /// Mean 0 and standard deviation 1: pixels stay in `[0, 1]`.
    pub fn identity(channels: usize) -> Self {
        Self { mean: vec![0.0; channels], sd: vec![1.0; channels] }
    }

    /// The constants of the CIFAR-10 training set, red, green, blue, as published with DARTS
    /// (Liu et al. 2019, `cnn/utils.py`).
    pub fn cifar10() -> Self {
        Self {
            mean: vec![0.491_399_68, 0.482_158_27, 0.446_531_24],
            sd: vec![0.247_032_33, 0.243_485_05, 0.261_587_68],
        }
    }

    /// Mean and standard deviation of all of `images`, from exact integer sums.
    ///
    /// A channel of one value only (or no image at all) gets standard deviation 1, so that
    /// nothing is divided by zero.
    pub fn of(images: &Images) -> Self {
        Self::from_sums(images, 0..images.len())
    }

    /// As [`Normalisation::of`], over the images at `indices` only, for example the training part
    /// of a [`Split`](super::Split).
    ///
    /// # Errors
    /// [`StudyError::Setting`] if an index is not one of an image.
    pub fn of_part(images: &Images, indices: &[usize]) -> Result<Self, StudyError> {
        images.check_indices(indices)?;
        Ok(Self::from_sums(images, indices.iter().copied()))
    }

    fn from_sums(images: &Images, indices: impl Iterator<Item = usize>) -> Self {
        let shape = images.shape();
        let plane = shape.height * shape.width;
        let mut sums = vec![Sums::default(); shape.channels];
        for index in indices {
            let image = images.image(index);
            for (sum, channel) in sums.iter_mut().zip(image.chunks_exact(plane)) {
                sum.add(channel);
            }
        }
        let (mean, sd) = sums.iter().map(Sums::mean_and_sd).unzip();
        Self { mean, sd }
    }

    /// That there is a finite mean and a positive deviation for each of `channels`.
    pub(super) fn check(&self, channels: usize) -> Result<(), StudyError> {
        let counts_agree = self.mean.len() == channels && self.sd.len() == channels;
        let sound =
            self.mean.iter().all(|m| m.is_finite()) && self.sd.iter().all(|s| s.is_finite() && *s > 0.0);
        if counts_agree && sound {
            return Ok(());
        }
        Err(StudyError::Setting {
            name: "normalisation".to_owned(),
            reason: format!(
                "mean {:?} and sd {:?} must each have {channels} finite values (one a channel), sd positive",
                self.mean, self.sd
            ),
        })
    }

    /// `(scale, shift)` of each channel, so that a pixel `v` becomes `v * scale + shift`.
    pub fn affine(&self) -> Vec<(f32, f32)> {
        self.mean.iter().zip(&self.sd).map(|(mean, sd)| (1.0 / (255.0 * sd), -mean / sd)).collect()
    }
}

/// Exact sums over the pixels of one channel.
#[derive(Clone, Default)]
struct Sums {
    count: u64,
    sum: u64,
    squares: u64,
}

impl Sums {
    fn add(&mut self, pixels: &[u8]) {
        self.count += pixels.len() as u64;
        self.sum += pixels.iter().map(|&v| u64::from(v)).sum::<u64>();
        self.squares += pixels.iter().map(|&v| u64::from(v) * u64::from(v)).sum::<u64>();
    }

    fn mean_and_sd(&self) -> (f32, f32) {
        let count = self.count.max(1) as f64;
        let mean = self.sum as f64 / count / 255.0;
        // n^2 var = n sum(v^2) - sum(v)^2 in integers: no cancellation.
        let scaled =
            u128::from(self.count) * u128::from(self.squares) - u128::from(self.sum) * u128::from(self.sum);
        let sd = (scaled as f64).sqrt() / count / 255.0;
        (mean as f32, if scaled == 0 { 1.0 } else { sd as f32 })
    }
}
