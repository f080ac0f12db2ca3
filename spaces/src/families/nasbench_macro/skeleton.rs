//! The network of NAS-Bench-Macro.

use std::sync::Arc;

use super::{LAYERS, OPS};
use crate::error::SpaceError;
use crate::families::links::{Ending, Links};
use crate::network::{
    Layer, Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry, Union,
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
    /// Its size. Published width of the stem: 32.
    pub size: NetworkSize,
}

impl NasBenchMacroSkeleton {
    /// The published network: 32 channels, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        Self {
            size: NetworkSize {
                channels: STEM,
                image: Shape::square(3, 32),
                classes: 10,
                norm: Norm::DISCRETE,
            },
        }
    }

    /// The published network, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "macro",
        about: "chain of eight layers of NAS-Bench-Macro; published: C = 32 after the stem",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self { size: Self::cifar().size.sized(size) }),
    };
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
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links = Links::of(union, "one chain of eight blocks")?;
        self.size.check_channels()?;
        if links.len() != LAYERS {
            return Err(SpaceError::network(format!("{} layers; they must be {LAYERS}", links.len())));
        }
        let mut net = NetworkBuilder::new(self.size.image)?;
        let port = Port {
            input: self.size.image.channels,
            output: self.size.channels,
            stride: 1,
            norm: Norm::DISCRETE,
        };
        let mut last = net.layers("stem", 0, conv_bn_relu(port, 3))?;
        let firsts: Vec<usize> = (0..STAGES.len()).map(|stage| STAGES[..stage].iter().sum()).collect();
        for layer in 0..LAYERS {
            let Shape { channels: input, .. } = net.shape(last);
            let mut port = Port { input, output: input, stride: 1, norm: self.size.norm };
            if firsts.contains(&layer) {
                net.shape(last).check_halving()?;
                port = Port { output: 2 * input, stride: 2, ..port };
            }
            let cell = links.segment(layer, &[port], Ending::default(), ops)?;
            last = net.cell(&format!("layer{layer}"), &[last], 0, cell)?;
        }
        let input = net.shape(last).channels;
        let output = (LAST * self.size.channels).div_ceil(STEM);
        last = net.layers(
            "last",
            last,
            conv_bn_relu(Port { input, output, stride: 1, norm: Norm::DISCRETE }, 1),
        )?;
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}
