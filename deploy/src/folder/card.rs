//! The description of a model.

use std::path::Path;
use std::slice;
use std::sync::Arc;

use bonas_spaces::network::{Network, Norm, Shape, Skeleton, SkeletonEntry, SkeletonSize, Union};
use bonas_spaces::{Architecture, SearchSpace};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FORMAT;
use crate::Deployed;
use crate::error::{DeployError, Result};

/// The description of a model: all that is needed to build its network again, and what is known of its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Version of the format of the folder.
    pub format: u32,
    /// Program that wrote the folder, with its version.
    pub program: String,
    /// Search space.
    pub space: SpaceCard,
    /// Architecture in the notation of the space.
    pub architecture: String,
    /// Key of the architecture in hexadecimal.
    pub key: String,
    /// Skeleton around the cells.
    pub skeleton: String,
    /// Width C of the first cells; none: as published.
    pub channels: Option<usize>,
    /// Cells (cells a stage, where the skeleton has stages); none: as published.
    pub layers: Option<usize>,
    /// Images that the network reads.
    pub input: Input,
    /// Name of each class, in the order of the logits.
    pub classes: Vec<String>,
    /// How it was trained; none: the weights are random.
    pub training: Option<Training>,
    /// Trainable parameters.
    pub params: usize,
    /// Multiply-adds for one image.
    pub macs: u64,
}

/// A search space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceCard {
    /// Its name.
    pub name: String,
    /// The text of its space file, for a declared space.
    pub text: Option<String>,
}

/// Images that a network reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels: 1 is grey, 3 is red, green, blue.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Mean of each channel of pixels in `[0, 1]`, which is subtracted.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel of pixels in `[0, 1]`, by which is divided.
    pub std: Vec<f32>,
    /// How it gets them from image files.
    pub reading: Reading,
}

/// How image files become the images that a network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Both sides are divided by this after an image is scaled, each pixel the mean of a square.
    pub shrink: usize,
    /// What transparent images are laid on: red, green, blue.
    pub background: [u8; 3],
    /// What the shorter side is scaled to, in pixels, before the middle is cut out, which is then shrunk; none: the largest
    /// square in the middle is scaled, and nothing is cut off it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<usize>,
}

impl Default for Reading {
    /// Nothing is shrunk or cut off; on white.
    fn default() -> Self {
        Self { shrink: 1, background: [255; 3], resize: None }
    }
}

/// Longest side of an image that is to be shrunk, in pixels.
const LONGEST: usize = 1 << 14;

/// How a model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Every hyper-parameter.
    pub recipe: Value,
    /// Run of the training, from 0: each has a seed of its own.
    pub run: usize,
    /// Images it was trained on.
    pub data: Data,
    /// Its measured accuracy.
    pub accuracy: Accuracy,
}

/// Images that a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Where they were, as the configuration said it.
    pub source: String,
    /// Fingerprint of their files; none for images inside the program.
    pub fingerprint: Option<String>,
    /// Which of them: `train` (all training images, those of a validation part too), or `search` (those that the search trained on).
    pub part: String,
    /// How many.
    pub images: usize,
    /// Share of a folder or manifest without a test part that was its test part, in `(0, 1)`.
    pub test_fraction: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// What became of image files that could not be read.
    pub on_bad: OnBad,
}

/// What becomes of image files that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBad {
    /// The images are refused.
    Stop,
    /// They are left out.
    Skip,
}

/// A measured accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// Share of right answers, in `[0, 1]`.
    pub value: f64,
    /// Images it was measured on: `test`.
    pub split: String,
    /// How many.
    pub images: usize,
}

/// Around an architecture, what a network that is not trained is described by.
#[derive(Clone, Debug, Default)]
pub struct Untrained {
    /// The skeleton; the space's first without one.
    pub skeleton: Option<&'static SkeletonEntry>,
    /// Width C of the first cells; without it as published.
    pub channels: Option<usize>,
    /// Cells (cells a stage, where the skeleton has stages); without it as published.
    pub layers: Option<usize>,
    /// Images that the network reads; without it as published.
    pub image: Option<Shape>,
    /// Number of classes; without it as published.
    pub classes: Option<usize>,
}

impl ModelCard {
    /// Describes the network of an architecture that is not trained. Pixels are not normalised, and classes are numbers.
    ///
    /// # Errors
    /// [`DeployError::Space`] for a space without a network, an unknown skeleton and sizes that do not fit.
    pub fn untrained(
        space: &dyn SearchSpace,
        architecture: &Architecture,
        around: &Untrained,
    ) -> Result<Self> {
        let networks = space.require_network()?;
        let skeleton = around.skeleton.unwrap_or_else(|| networks.skeleton());
        let Untrained { channels, layers, image, classes, .. } = *around;
        let (norm, usual) = (Some(Norm::DISCRETE), SkeletonSize::default());
        let size = SkeletonSize { channels, layers, image, classes, norm, ..usual };
        let union = Union::of(slice::from_ref(architecture))?;
        let network = Deployed::new(&skeleton.build(&size)?.network(&union, &networks.ops())?)?;
        let Shape { channels: planes, height, width } = network.image();
        Ok(Self {
            format: FORMAT,
            program: concat!("bonas ", env!("CARGO_PKG_VERSION")).to_owned(),
            space: SpaceCard { name: space.name().to_owned(), text: space.source().map(str::to_owned) },
            architecture: space.format(architecture)?,
            key: architecture.key().to_string(),
            skeleton: skeleton.name.to_owned(),
            channels,
            layers,
            input: Input {
                channels: planes,
                height,
                width,
                mean: vec![0.0; planes],
                std: vec![1.0; planes],
                reading: Reading::default(),
            },
            classes: (0..network.classes()).map(|class| class.to_string()).collect(),
            training: None,
            params: network.params(),
            macs: network.macs()?,
        })
    }

    /// The card as text.
    ///
    /// # Errors
    /// [`DeployError::Network`] for numbers that JSON has not.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| DeployError::Network(e.to_string()))?;
        Ok(text + "\n")
    }

    /// Reads a card.
    pub(super) fn from_json(file: &Path, bytes: &[u8]) -> Result<Self> {
        let bad = |reason: String| DeployError::folder(file, reason);
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| bad(format!("it is no whole JSON file ({error}); write the folder again")))?;
        match value.get("format").and_then(Value::as_u64) {
            None => return Err(bad("it has no number \"format\": it is no description of a model".into())),
            Some(newer) if newer > u64::from(FORMAT) => {
                return Err(bad(format!(
                    "format {newer}, and this program knows those up to {FORMAT}; take a newer bonas"
                )));
            }
            Some(_) => {}
        }
        let card: Self = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        card.check().map_err(bad)?;
        Ok(card)
    }

    /// What the card says of itself that cannot be.
    fn check(&self) -> std::result::Result<(), String> {
        let Input { channels, height, width, mean, std, reading } = &self.input;
        let side = (*height.max(width)).checked_mul(reading.shrink);
        if reading.shrink != 1 && side.is_none_or(|side| reading.shrink == 0 || side > LONGEST) {
            return Err(format!(
                "input.reading.shrink {} for images of {height}x{width}; it must be 1 or more, and shrink images of at \
                 most {LONGEST} pixels a side",
                reading.shrink
            ));
        }
        if let Some(resize) =
            reading.resize.filter(|&resize| side.is_none_or(|side| resize < side) || resize > LONGEST)
        {
            return Err(format!(
                "input.reading.resize {resize} for images of {height}x{width}; it must be as large as the image before it is \
                 shrunk, and at most {LONGEST}"
            ));
        }
        if mean.len() != *channels || std.len() != *channels {
            return Err(format!(
                "input.mean has {} and input.std {} values; each must have {channels}, one a channel",
                mean.len(),
                std.len()
            ));
        }
        if !mean.iter().all(|m| m.is_finite()) || !std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err("input.mean must be finite, and input.std finite and above 0".into());
        }
        if let Some(Training { data: Data { test_fraction, .. }, .. }) = &self.training
            && !(*test_fraction > 0.0 && *test_fraction < 1.0)
        {
            return Err(format!("training.data.test_fraction {test_fraction}; it must be between 0 and 1"));
        }
        Ok(())
    }

    /// The size of the network.
    pub fn size(&self) -> SkeletonSize {
        let Input { channels, height, width, .. } = self.input;
        SkeletonSize {
            channels: self.channels,
            layers: self.layers,
            image: Some(Shape { channels, height, width }),
            classes: Some(self.classes.len()),
            norm: Some(Norm::DISCRETE),
            ..SkeletonSize::default()
        }
    }

    /// The skeleton in the size of the network.
    ///
    /// # Errors
    /// The part of the card that does not fit, in words.
    pub fn built_skeleton(&self, space: &dyn SearchSpace) -> std::result::Result<Arc<dyn Skeleton>, String> {
        let networks = space.require_network().map_err(|error| error.to_string())?;
        let entry = networks.skeleton_named(&self.skeleton).map_err(|error| format!("skeleton: {error}"))?;
        let entry = networks.trainable(entry).map_err(|error| format!("skeleton: {error}"))?;
        entry.build(&self.size()).map_err(|error| error.to_string())
    }

    /// The network as a skeleton builds it, and as it is deployed.
    ///
    /// # Errors
    /// The part of the card that does not fit, in words.
    pub fn networks(&self, space: &dyn SearchSpace) -> std::result::Result<(Network, Deployed), String> {
        let architecture =
            space.parse(&self.architecture).map_err(|error| format!("architecture: {error}"))?;
        if architecture.key().to_string() != self.key {
            return Err(format!(
                "key {} is not that of the architecture, {}; one of them was changed",
                self.key,
                architecture.key()
            ));
        }
        let networks = space.require_network().map_err(|error| error.to_string())?;
        let skeleton = self.built_skeleton(space)?;
        let union = Union::of(slice::from_ref(&architecture)).map_err(|error| error.to_string())?;
        let network = skeleton.network(&union, &networks.ops()).map_err(|error| error.to_string())?;
        let deployed = Deployed::new(&network).map_err(|error| error.to_string())?;
        if deployed.params() != self.params {
            return Err(format!(
                "params {}, and the network that it describes has {}",
                self.params,
                deployed.params()
            ));
        }
        let macs = deployed.macs().map_err(|error| error.to_string())?;
        if macs != self.macs {
            return Err(format!("macs {}, and the network that it describes has {macs}", self.macs));
        }
        Ok((network, deployed))
    }
}
