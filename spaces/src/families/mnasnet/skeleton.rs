//! The network of `MnasNet` in `Accel-NASBench`.

use std::sync::Arc;

use super::{Block, EXPANSIONS, FIRST, FURTHER, OPS, SQUEEZE, STAGES, blocks};
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::links::{Ending, Links};
use crate::network::{
    Conv, Layer, Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry,
    Union, UnitId,
};

/// Published width of the stem, to which all widths are in proportion.
pub(super) const STEM: usize = 32;
/// Published widths of the stages.
pub(super) const WIDTHS: [usize; STAGES] = [16, 24, 40, 80, 112, 192, 320];
/// Strides of the first layer of each stage.
pub(super) const STRIDES: [usize; STAGES] = [1, 2, 2, 2, 1, 2, 1];
/// Width of the last 1×1 convolution by that of the last stage.
const LAST: usize = 4;
/// Width that enters a layer by that of its squeeze.
const SQUEEZED: usize = 4;

/// The network of `MnasNet` in `Accel-NASBench` (Ahmad et al. 2024; afzalxo/ANB-DatasetCollection,
/// `models/accelbenchnet.py`): that of `EfficientNet-B0` (Tan and Le 2019) with other layers.
///
/// It has a 3×3 convolution of stride 2, seven stages of inverted residuals, a 1×1 convolution, global average
/// pooling and a linear classifier. Activations are `SiLU`. A layer adds its input where stride and width allow it.
///
/// `params` of the benchmark is [`Network::params`]. Its `macs` are [`Network::macs`] and four for each output of
/// BatchNorm, h·w + 1 for each channel of an h×w map that squeeze-and-excitation averages, and 64,000 for the last
/// average.
///
/// Networks share weights where they differ in kernels only, since widths follow from all else.
#[derive(Clone, Debug)]
pub struct MnasNetSkeleton {
    /// Its size. Published width of the stem: 32.
    pub size: NetworkSize,
}

impl MnasNetSkeleton {
    /// The published network: 32 channels, 3×224×224, 1000 classes.
    pub fn imagenet() -> Self {
        Self {
            size: NetworkSize {
                channels: STEM,
                image: Shape::square(3, 224),
                classes: 1000,
                norm: Norm::DISCRETE,
            },
        }
    }

    /// The published network, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "mnasnet",
        about: "seven stages of inverted residuals of Accel-NASBench; published: C = 32 after the stem",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self { size: Self::imagenet().size.sized(size) }),
    };

    /// Adds a layer of a stage, whose first link is `first`, and returns the link after it.
    fn layer(
        &self,
        stack: &mut Stack<'_>,
        name: &str,
        first: usize,
        (block, output, stride): (Block, usize, usize),
    ) -> Result<usize, SpaceError> {
        let before = stack.net.shape(stack.last);
        if stride > 1 {
            before.check_halving()?;
        }
        let (input, norm) = (before.channels, self.size.norm);
        let inner = usize::from(EXPANSIONS[usize::from(block.expansion)]) * input;
        let depthwise = Port { input: inner, output: inner, stride, norm };
        // The squeeze is narrower than what enters the layer, not than its own map.
        let around = Port { input, output: inner, stride: 1, norm };
        let expand = (block.expansion > 0).then_some(around);
        let ports: Vec<Port> =
            expand.into_iter().chain([depthwise]).chain(block.squeeze.then_some(around)).collect();
        let project = Layer::Conv(Conv::pointwise(inner, output));
        let layers = vec![project, Layer::BatchNorm { channels: output, affine: norm.affine }];
        let ending = Ending { layers, residual: stride == 1 && input == output };
        let cell = stack.links.segment(first, &ports, ending, stack.ops)?;
        stack.last = stack.net.cell(name, &[stack.last], 0, cell)?;
        Ok(first + ports.len())
    }
}

/// A network under construction.
struct Stack<'a> {
    links: Links<'a>,
    ops: &'a OpTable,
    net: NetworkBuilder,
    last: UnitId,
}

/// Convolution, BatchNorm, `SiLU`.
fn conv_bn_silu(conv: Conv, affine: bool) -> Vec<Layer> {
    vec![Layer::Conv(conv), Layer::BatchNorm { channels: conv.output, affine }, Layer::Silu]
}

impl OpTable {
    /// The operations of a layer of `MnasNet` in `Accel-NASBench` (Ahmad et al. 2024), but for its last convolution:
    /// expansions, depthwise convolutions and squeeze-and-excitation. The port of the last has the width of what
    /// enters the layer as its input, of which the squeeze is a quarter.
    pub fn mnasnet() -> Self {
        let expand = |port: Port| conv_bn_silu(Conv::pointwise(port.input, port.output), port.norm.affine);
        let depthwise = |kernel| {
            move |port: Port| {
                conv_bn_silu(Conv::depthwise(port.output, kernel, port.stride, 1), port.norm.affine)
            }
        };
        let squeeze = |port: Port| {
            let squeeze = (port.input / SQUEEZED).max(1);
            vec![Layer::SqueezeExcite { channels: port.output, squeeze, hard: false }]
        };
        let [expand4, expand6, first3, first5, further3, further5, excite] = OPS;
        Self::new()
            .with(expand4, expand)
            .with(expand6, expand)
            .with(first3, depthwise(3))
            .with(first5, depthwise(5))
            .with(further3, depthwise(3))
            .with(further5, depthwise(5))
            .with(excite, squeeze)
    }
}

/// The stages of a union whose choices differ in kernels only.
fn stages(links: Links<'_>) -> Result<[Block; STAGES], SpaceError> {
    let kind = |op| match Chains::position(op) {
        FIRST..FURTHER => FIRST,
        FURTHER..SQUEEZE => FURTHER,
        place => place,
    };
    let mut places = Vec::with_capacity(links.len());
    for link in 0..links.len() {
        let ops = links.ops(link);
        if ops.iter().any(|&op| kind(op) != kind(ops[0])) {
            return Err(SpaceError::network(format!(
                "{} operations at place {link}: only networks that differ in kernels can share weights; train \
                 others from scratch",
                ops.len()
            )));
        }
        places.extend(ops.first().map(|&op| kind(op)));
    }
    blocks(&places)
}

impl Skeleton for MnasNetSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links =
            Links::of_operations(union, &OPS, "networks of one chain of operations, all of the same length")?;
        self.size.check_channels()?;
        let stages = stages(links)?;
        let mut net = NetworkBuilder::new(self.size.image)?;
        self.size.image.check_halving()?;
        let stem = Conv::same(self.size.image.channels, self.size.width(STEM, STEM), 3, 2);
        let last = net.layers("stem", 0, conv_bn_silu(stem, true))?;
        let (mut stack, mut link) = (Stack { links, ops, net, last }, 0);
        for (stage, block) in stages.into_iter().enumerate() {
            for layer in 0..block.layers {
                let stride = if layer == 0 { STRIDES[stage] } else { 1 };
                let name = format!("stage{stage}.layer{layer}");
                link = self.layer(
                    &mut stack,
                    &name,
                    link,
                    (block, self.size.width(WIDTHS[stage], STEM), stride),
                )?;
            }
        }
        let Stack { mut net, last, .. } = stack;
        let width = net.shape(last).channels;
        let last = net.layers("last", last, conv_bn_silu(Conv::pointwise(width, LAST * width), true))?;
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}
