//! The network of NAS-Bench-Macro.

use std::sync::Arc;

use super::{LAYERS, OPS};
use crate::error::SpaceError;
use crate::families::links::{Ending, Links};
use crate::network::{
    Layer, Network, NetworkBuilder, Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry, SkeletonSize, Union,
    conv_bn_relu, inverted_residual, shortcut,
};

/// Published width of the stem, to which all widths are in proportion.
const STEM: usize = 32;
/// Published width of the last 1×1 convolution.
const LAST: usize = 1280;
/// Number of searched layers of each stage; the first of a stage has stride 2 and doubles the width.
const STAGES: [usize; 3] = [2, 3, 3];

/// The network of NAS-Bench-Macro (Su et al. 2021; xiusu/NAS-Bench-Macro, `train/model.py`).
///
/// It has a 3×3 convolution, eight searched layers in three stages, a 1×1 convolution, global average pooling
/// and a linear classifier. A stage halves the map and doubles the width in its first layer. Activations are
/// ReLU. The identity is a 1×1 convolution with BatchNorm where it has a stride.
///
/// `params` and `flops` of the benchmark are [`Network::params`] and [`Network::macs`] of this network: its
/// `flops` count multiply-adds of convolutions and the classifier, and nothing of BatchNorm.
#[derive(Clone, Debug)]
pub struct NasBenchMacroSkeleton {
    /// Width of the stem, to which all widths are proportional. Published: 32.
    pub channels: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Normalisation of the searched layers.
    pub norm: Norm,
}

impl NasBenchMacroSkeleton {
    /// The published network: 32 channels, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        Self { channels: STEM, image: Shape::square(3, 32), classes: 10, norm: Norm::DISCRETE }
    }

    /// The published network, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "macro",
        about: "chain of eight layers of NAS-Bench-Macro; published: C = 32 after the stem",
        auxiliary: false,
        relaxable: false,
        make: |size| Arc::new(Self::cifar().sized(size)),
    };

    /// The space fixes the number of layers, so `layers` is ignored.
    fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
        }
    }
}

impl OpTable {
    /// The three blocks of NAS-Bench-Macro (Su et al. 2021, `train/model.py`).
    pub fn nasbench_macro() -> Self {
        let [identity, small, large] = OPS;
        Self::new()
            .with(identity, shortcut)
            .with(small, |port| inverted_residual(port, 3, 3, &Layer::Relu))
            .with(large, |port| inverted_residual(port, 6, 5, &Layer::Relu))
    }
}

impl Skeleton for NasBenchMacroSkeleton {
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links = Links::of(union, "one chain of eight blocks")?;
        if links.len() != LAYERS || !(1..=1 << 12).contains(&self.channels) {
            return Err(SpaceError::network(format!(
                "{} layers, channels = {}; they must be {LAYERS}, and 1 to 4096",
                links.len(),
                self.channels
            )));
        }
        let mut net = NetworkBuilder::new(self.image)?;
        let port =
            Port { input: self.image.channels, output: self.channels, stride: 1, norm: Norm::DISCRETE };
        let mut last = net.layers("stem", 0, conv_bn_relu(port, 3))?;
        let firsts: Vec<usize> = (0..STAGES.len()).map(|stage| STAGES[..stage].iter().sum()).collect();
        for layer in 0..LAYERS {
            let Shape { channels: input, .. } = net.shape(last);
            let mut port = Port { input, output: input, stride: 1, norm: self.norm };
            if firsts.contains(&layer) {
                net.shape(last).check_halving()?;
                port = Port { output: 2 * input, stride: 2, ..port };
            }
            let cell = links.segment(layer, &[port], Ending::default(), ops)?;
            last = net.cell(&format!("layer{layer}"), &[last], 0, cell)?;
        }
        let input = net.shape(last).channels;
        let output = (LAST * self.channels).div_ceil(STEM);
        last = net.layers(
            "last",
            last,
            conv_bn_relu(Port { input, output, stride: 1, norm: Norm::DISCRETE }, 1),
        )?;
        let head = net.classifier("classifier", last, self.classes)?;
        Ok(net.finish(head, None))
    }
}
