//! The heads of the seven tasks of TransNAS-Bench-101.

use crate::error::SpaceError;
use crate::network::{Conv, Counted, Layer, NetworkBuilder, NetworkSize, Norm, Shape, UnitId};

/// A task of TransNAS-Bench-101, with the head that its networks have (Duan et al. 2021; yawen-d/TransNASBench,
/// `decoder.py` and the files of `configs/train_from_scratch`).
///
/// Networks for [`Task::Object`] and [`Task::Scene`] are classifiers, which can be trained here. Those of the other tasks
/// are counted only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `class_object`: a linear classifier of 75 classes.
    Object,
    /// `class_scene`: a linear classifier of 47 classes.
    Scene,
    /// `room_layout`: a linear layer with nine outputs, for regression.
    RoomLayout,
    /// `jigsaw`: the network reads nine tiles of 64×64 pixels, and a linear layer chooses one of 1,000 permutations.
    Jigsaw,
    /// `segmentsemantic`: a decoder of eight convolutions to 17 classes a pixel.
    Segmentation,
    /// `normal`: a decoder of 14 convolutions to surface normals, three channels a pixel.
    Normal {
        /// Whether the discriminator is counted that training has besides.
        discriminator: bool,
    },
    /// `autoencoder`: the same network as for `normal`, for the image itself.
    Autoencoder {
        /// Whether the discriminator is counted that training has besides.
        discriminator: bool,
    },
}

/// Tiles of an image in `jigsaw`.
const TILES: usize = 9;

/// Width of the stem in which the published widths of heads stand.
const STEM: usize = 64;

impl Task {
    /// The published size: C = 64, 3×256×256 (`jigsaw`: tiles of 3×64×64), and the outputs of the task as classes.
    pub const fn published(self) -> NetworkSize {
        let (side, classes) = match self {
            Self::Object => (256, 75),
            Self::Scene => (256, 47),
            Self::RoomLayout => (256, 9),
            Self::Jigsaw => (64, 1_000),
            Self::Segmentation => (256, 17),
            Self::Normal { .. } | Self::Autoencoder { .. } => (256, 3),
        };
        NetworkSize { channels: STEM, image: Shape::square(3, side), classes, norm: Norm::DISCRETE }
    }

    /// The task whose training has a discriminator counted besides, if it has one.
    #[must_use]
    pub const fn with_discriminator(self, discriminator: bool) -> Self {
        match self {
            Self::Normal { .. } => Self::Normal { discriminator },
            Self::Autoencoder { .. } => Self::Autoencoder { discriminator },
            other => other,
        }
    }

    /// Whether it is classification.
    pub const fn is_classification(self) -> bool {
        matches!(self, Self::Object | Self::Scene)
    }

    /// Adds the head behind the last map; returns its unit, and that of the discriminator if it is counted.
    ///
    /// Dense heads double the map until it has the size of the image. Their widths are proportional to that of the stem.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for fewer than two classes, or an image that a dense head cannot be as large as.
    pub(super) fn head(
        self,
        net: &mut NetworkBuilder,
        last: UnitId,
        size: &NetworkSize,
    ) -> Result<(UnitId, Option<UnitId>), SpaceError> {
        let (layers, discriminator) = match self {
            Self::Object | Self::Scene | Self::RoomLayout => {
                return Ok((net.classifier("classifier", last, size.classes)?, None));
            }
            Self::Jigsaw => {
                let tiles = net.tiles("tiles", last, TILES)?;
                return Ok((net.classifier("classifier", tiles, size.classes)?, None));
            }
            Self::Segmentation => (segmentation(doublings(net, last)?, size), false),
            Self::Normal { discriminator } | Self::Autoencoder { discriminator } => {
                (generator(doublings(net, last)?, size), discriminator)
            }
        };
        let head = stack(net, "decoder", last, &layers)?;
        Ok((head, if discriminator { Some(critic(net, size)?) } else { None }))
    }
}

/// How often the last map must be doubled to have the size of the image.
fn doublings(net: &NetworkBuilder, last: UnitId) -> Result<u32, SpaceError> {
    let (image, map) = (net.shape(0), net.shape(last));
    let fits = |n: &u32| (map.height << n, map.width << n) == (image.height, image.width);
    (2..=6).find(fits).ok_or_else(|| {
        SpaceError::network(format!(
            "a dense head doubles the last map, {map}, two to six times, and never has the {}x{} pixels of the image; \
             choose sides that halve evenly",
            image.height, image.width
        ))
    })
}

/// A 3×3 convolution of a head.
#[derive(Clone, Copy, Debug)]
struct Step {
    output: usize,
    /// Whether it is transposed and of stride 2, and doubles the map.
    doubles: bool,
    /// Whether BatchNorm and an activation follow.
    inner: bool,
}

impl Step {
    fn inner(output: usize, doubles: bool) -> Self {
        Self { output, doubles, inner: true }
    }

    fn last(output: usize) -> Self {
        Self { output, doubles: false, inner: false }
    }

    /// Its costs: the kernel is applied to each pixel of the smaller map, and adds a bias to each of the result.
    fn counted(self, before: Shape) -> Result<Counted, SpaceError> {
        let conv = Conv::same(before.channels, self.output, 3, 1);
        let map = Layer::Conv(conv).output(before)?;
        let shift = u32::from(self.doubles);
        let shape = Shape { height: map.height << shift, width: map.width << shift, ..map };
        let norm_params = if self.inner { 2 * self.output } else { 0 };
        Ok(Counted {
            shape,
            params: conv.weights() + self.output + norm_params,
            norm_params,
            macs: Layer::Conv(conv).macs(before)?,
            activations: (1 + 2 * u64::from(self.inner)) * shape.len() as u64,
        })
    }
}

/// Decoder for segmentation: 1,024 channels, halved five times, the last times with the map doubled.
fn segmentation(doublings: u32, size: &NetworkSize) -> Vec<Step> {
    let width = |halvings: u32| size.width(1024 >> halvings, STEM);
    let mut steps = vec![Step::inner(width(0), false)];
    steps.extend((1..=5).map(|i| Step::inner(width(i), i > 6 - doublings)));
    steps.extend([Step::inner(width(5), true), Step::last(size.classes)]);
    steps
}

/// Decoder for images: pairs of convolutions, of which the second doubles the map where the network has halved it as often.
fn generator(doublings: u32, size: &NetworkSize) -> Vec<Step> {
    // Published width, and from how many doublings on it doubles the map.
    let published: [(usize, u32); 13] = [
        (1024, u32::MAX),
        (1024, u32::MAX),
        (512, 6),
        (512, u32::MAX),
        (256, 5),
        (128, u32::MAX),
        (64, 4),
        (64, u32::MAX),
        (32, 3),
        (32, u32::MAX),
        (16, 0),
        (32, u32::MAX),
        (16, 0),
    ];
    let inner = |(width, from): (usize, u32)| Step::inner(size.width(width, STEM), doublings >= from);
    published.into_iter().map(inner).chain([Step::last(size.classes)]).collect()
}

/// Adds the convolutions of a head; returns the unit of the last.
fn stack(net: &mut NetworkBuilder, name: &str, input: UnitId, steps: &[Step]) -> Result<UnitId, SpaceError> {
    let mut last = input;
    for (i, step) in steps.iter().enumerate() {
        let counted = step.counted(net.shape(last))?;
        last = net.counted(&format!("{name}{i}"), &[last], counted);
    }
    Ok(last)
}

/// Adds the discriminator, which reads the image and what the network made of it: seven convolutions with bias and spectral
/// normalisation, which has no parameters.
fn critic(net: &mut NetworkBuilder, size: &NetworkSize) -> Result<UnitId, SpaceError> {
    let conv = |kernel, stride, output| (kernel, stride, output);
    let widths = [conv(5, 4, 64), conv(5, 4, 128), conv(5, 4, 256)];
    let same = [conv(3, 1, 256), conv(3, 1, 512), conv(3, 1, 512)];
    let image = net.shape(0);
    let mut shape = Shape { channels: image.channels + size.classes, ..image };
    let mut total = Counted { shape, params: 0, norm_params: 0, macs: 0, activations: 0 };
    let scaled = |(kernel, stride, output)| (kernel, stride, size.width(output, STEM));
    for (kernel, stride, output) in widths.into_iter().chain(same).map(scaled).chain([conv(3, 1, 1)]) {
        let layer = Layer::Conv(Conv::same(shape.channels, output, kernel, stride));
        total.macs += layer.macs(shape)?;
        shape = layer.output(shape)?;
        total.params += layer.params() + output;
        total.activations += 2 * shape.len() as u64;
    }
    total.shape = Shape::square(1, 1);
    Ok(net.counted("discriminator", &[0], total))
}

/// The catalogue's entry of a skeleton for a task.
macro_rules! for_task {
    ($skeleton:ident, $name:literal, $about:literal, $task:expr) => {
        &$crate::network::SkeletonEntry {
            name: $name,
            about: $about,
            auxiliary: matches!($task, Task::Normal { .. } | Task::Autoencoder { .. }),
            relaxable: false,
            make: &|size| std::sync::Arc::new($skeleton::of($task.with_discriminator(size.auxiliary), size)),
        }
    };
}

pub(super) use for_task;

#[cfg(test)]
mod tests;
