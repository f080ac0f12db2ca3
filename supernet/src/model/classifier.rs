//! A trained network that classifies.
//!
//! Shapes: B images, C channels, H×W pixels, K classes.

use std::path::Path as FilePath;

use bonas_spaces::network::{Network, Shape};
use bonas_study::rng::stream;
use tch::{Kind, Tensor};

use super::checkpoint::load_named;
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
    /// The network with weights from a safetensors file; `names` has the name of each tensor there, and its name in the
    /// network. What of the network is not named does not bear on its logits.
    ///
    /// # Errors
    /// [`SupernetError::Checkpoint`] naming a tensor that the file lacks or that does not fit, [`SupernetError::Mismatch`]
    /// for a name that is not of the network.
    pub fn load(
        network: &Network,
        file: &FilePath,
        names: &[(String, String)],
        placement: Placement,
    ) -> Result<Self> {
        let net = Supernet::build(network, placement, &mut stream(0, &[]))?;
        load_named(file, &net, names)?;
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
    /// [`SupernetError::Mismatch`] for another number of pixels, [`SupernetError::NotFinite`] for logits that are not finite,
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn probabilities(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        let Shape { channels, height, width } = self.net.image();
        let each = channels * height * width;
        if pixels.is_empty() || !pixels.len().is_multiple_of(each) {
            let reason = format!("{} pixels, and an image has {each}", pixels.len());
            return Err(SupernetError::mismatch("batch", reason));
        }
        let shape = [pixels.len() / each, channels, height, width].map(|n| n as i64);
        let images = Tensor::f_from_slice(pixels)?.f_view(shape)?; // [B, C, H, W]
        let images = images.f_to(self.net.placement().device)?;
        let logits = self.net.forward(&images, &self.path, &mut Pass::eval())?.logits; // [B, K]
        if !bool::try_from(logits.f_isfinite()?.f_all()?)? {
            return Err(SupernetError::NotFinite { what: "logits" });
        }
        let probabilities = logits.f_softmax(-1, Kind::Float)?.f_to(tch::Device::Cpu)?; // [B, K]
        Ok(Vec::try_from(&probabilities)?)
    }
}
