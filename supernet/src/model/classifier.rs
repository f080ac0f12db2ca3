//! A trained network that classifies.
//!
//! Shapes: B images, C channels, H×W pixels, K classes.

use bonas_spaces::network::{Network, Shape};
use bonas_study::rng::stream;
use tch::{Kind, Tensor};

use super::assign::Values;
use super::error::{Result, SupernetError};
use super::net::{Path, Placement, Supernet};
use super::pass::Pass;

/// A trained network that classifies images.
#[derive(Debug)]
pub struct Classifier {
    net: Supernet,
    path: Path,
}

impl Classifier {
    /// The network with its weights. What of the network is not among them does not bear on its logits.
    ///
    /// # Errors
    /// Those of [`Supernet::build`] and [`Supernet::assign`].
    pub fn new(network: &Network, weights: &[Values], placement: Placement) -> Result<Self> {
        let net = Supernet::build(network, placement, &mut stream(0, &[]))?;
        net.assign(weights)?;
        let path = net.path(&network.full_route())?;
        Ok(Self { net, path })
    }

    /// The device that it computes on, such as `cpu` or `cuda:0`.
    pub fn device(&self) -> String {
        match self.net.placement().device {
            tch::Device::Cuda(index) => format!("cuda:{index}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// Probability of each class `[B][K]` for normalised pixels `[B, C, H, W]`.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn probabilities(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        rows(&self.forward(pixels)?.f_softmax(-1, Kind::Float)?)
    }

    /// Logits `[B][K]` for normalised pixels `[B, C, H, W]`.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for another number of pixels, [`SupernetError::NotFinite`] for logits that are not finite,
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        rows(&self.forward(pixels)?)
    }

    /// Computes logits as [`logits`](Self::logits), whatever they are: to see how long it takes, with weights that may be
    /// any.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for another number of pixels, [`SupernetError::Torch`] when memory runs out.
    pub fn run(&self, pixels: &[f32]) -> Result<()> {
        rows(&self.any_logits(pixels)?).map(drop)
    }

    /// Logits `[B, K]`, which are finite.
    fn forward(&self, pixels: &[f32]) -> Result<Tensor> {
        let logits = self.any_logits(pixels)?; // [B, K]
        if !bool::try_from(logits.f_isfinite()?.f_all()?)? {
            return Err(SupernetError::NotFinite { what: "logits" });
        }
        Ok(logits)
    }

    /// Logits `[B, K]`.
    fn any_logits(&self, pixels: &[f32]) -> Result<Tensor> {
        let Shape { channels, height, width } = self.net.image();
        let each = channels * height * width;
        if pixels.is_empty() || !pixels.len().is_multiple_of(each) {
            let reason = format!("{} pixels, and an image has {each}", pixels.len());
            return Err(SupernetError::mismatch("batch", reason));
        }
        let shape = [pixels.len() / each, channels, height, width].map(|n| n as i64);
        let images = Tensor::f_from_slice(pixels)?.f_view(shape)?; // [B, C, H, W]
        let images = images.f_to(self.net.placement().device)?;
        Ok(self.net.forward(&images, &self.path, &mut Pass::eval())?.logits) // [B, K]
    }
}

/// Numbers of single precision, row by row.
fn rows(table: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(Vec::try_from(&table.f_to_kind(Kind::Float)?.f_to(tch::Device::Cpu)?)?)
}
