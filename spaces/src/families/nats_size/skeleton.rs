//! The network of the size space of NATS-Bench.

use std::sync::Arc;

use super::{PLACES, WIDTHS};
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::links::Links;
use crate::families::nasbench201::residual_reduction;
use crate::families::trellis::Trellis;
use crate::graph::OpId;
use crate::network::{
    Conv, Layer, Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry,
    Union, parts, relu_conv_bn, shortcut,
};

/// Largest published width, to which all widths are in proportion.
const LARGEST: usize = WIDTHS[WIDTHS.len() - 1];

/// Operations of the network.
const STEM: &str = "stem";
const CONV: &str = "nor_conv_3x3";
const SKIP: &str = "skip_connect";
const REDUCTION: &str = "reduction";

/// The fixed cell: `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`.
const CELL: [(usize, usize, &str); 6] =
    [(0, 1, CONV), (0, 2, CONV), (1, 2, CONV), (0, 3, SKIP), (1, 3, CONV), (2, 3, CONV)];

/// The network of NATS-Bench's size space (Dong et al. 2021; D-X-Y/AutoDL-Projects, `InferTinyCellNet.py`).
///
/// It has a stem, cell, residual block of stride 2, cell, residual block, cell, BatchNorm, ReLU, global average pooling
/// and a linear classifier. The first width is that of the stem and the first cell, and each other one that of the next
/// part. The cell is that of NAS-Bench-201 with the best validation accuracy on CIFAR-100. Its skip is a 1×1 convolution
/// with BatchNorm where it changes the width.
///
/// Networks share weights: those of an operation are the first channels of the widest at its place. BatchNorm is that of
/// one width before and one behind it, since the skip differs with both.
///
/// `params` of the benchmark is [`Network::params`]; its `flops` are [`Network::macs`] and one for each class.
#[derive(Clone, Debug)]
pub struct NatsSizeSkeleton {
    /// Its size. `channels` is what a width of 64 becomes; published: 64.
    pub size: NetworkSize,
}

impl NatsSizeSkeleton {
    /// The published network: widths as they are written, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        let image = Shape::square(3, 32);
        Self { size: NetworkSize { channels: LARGEST, image, classes: 10, norm: Norm::DISCRETE } }
    }

    /// The published network, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "nats-size",
        about: "three cells and two residual blocks of NATS-Bench size; published: C = 64 for the width 64",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self { size: Self::cifar().size.sized(size) }),
    };

    /// Channels of a width.
    fn width(&self, op: OpId) -> usize {
        self.size.width(WIDTHS[Chains::position(op)], LARGEST)
    }
}

impl OpTable {
    /// What the network of NATS-Bench's size space is made of (Dong et al. 2021, `cell_operations.py`).
    pub fn nats_size() -> Self {
        Self::new()
            .with(STEM, |port| {
                let conv = Layer::Conv(Conv::same(port.input, port.output, 3, port.stride));
                vec![conv, Layer::BatchNorm { channels: port.output, affine: port.norm.affine }]
            })
            .with(CONV, |port| relu_conv_bn(port, 3))
            .with(SKIP, shortcut)
            .with(REDUCTION, residual_reduction)
    }
}

/// The parts of the network: place of the width, operation, name. A cell is the operation of its convolutions.
const PARTS: [(usize, &str, &str); 6] = [
    (0, STEM, "stem"),
    (0, CONV, "cell0"),
    (1, REDUCTION, "reduction0"),
    (2, CONV, "cell1"),
    (3, REDUCTION, "reduction1"),
    (4, CONV, "cell2"),
];

/// The edges of a part, and its stride.
fn edges(kind: &'static str) -> (Vec<(usize, usize, &'static str)>, usize) {
    match kind {
        CONV => (CELL.to_vec(), 1),
        REDUCTION => (vec![(0, 1, kind)], 2),
        _ => (vec![(0, 1, kind)], 1),
    }
}

const CHAIN: &str = "one chain of five widths";

impl NatsSizeSkeleton {
    /// Normalisation of a part.
    fn norm(&self, kind: &str) -> Norm {
        if kind == CONV { self.size.norm } else { Norm::DISCRETE }
    }

    /// The network of one architecture.
    fn alone(&self, links: Links<'_>, ops: &OpTable) -> Result<Network, SpaceError> {
        let mut net = NetworkBuilder::new(self.size.image)?;
        let mut last = 0;
        for (place, kind, name) in PARTS {
            let before = net.shape(last);
            let (edges, stride) = edges(kind);
            if stride == 2 {
                before.check_halving()?;
            }
            let (output, norm) = (self.width(links.ops(place)[0]), self.norm(kind));
            let cell = links.graph(place, &edges, |from, kind, _| {
                let input = if from == 0 { before.channels } else { output };
                Ok(vec![ops.layers(kind, Port { input, output, stride, norm })?])
            })?;
            last = net.cell(name, &[last], 0, cell)?;
        }
        let channels = net.shape(last).channels;
        last = net.layers("last", last, vec![Layer::BatchNorm { channels, affine: true }, Layer::Relu])?;
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }

    /// The network that several share. A state is a width, or 0 for the image.
    fn shared(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let mut net = NetworkBuilder::new(self.size.image)?;
        let mut trellis = Trellis::new(union, (0, self.size.image), CHAIN)?;
        if trellis.len() != PLACES {
            return Err(wrong_length(trellis.len()));
        }
        for (place, kind, name) in PARTS {
            let (edges, stride) = edges(kind);
            let widest = trellis.shapes().map(|shape| shape.channels).max().unwrap_or(0);
            let output = trellis.ops(place).iter().map(|&op| self.width(op)).max().unwrap_or(0);
            let norm = self.norm(kind);
            trellis.advance(place, |state: usize, before, op| {
                let width = WIDTHS[Chains::position(op)];
                if name == "cell0" && state != width {
                    return Ok(None);
                }
                if stride == 2 {
                    before.check_halving()?;
                }
                let layers = |i: usize, from: usize, kind: &str| -> Result<Vec<Layer>, SpaceError> {
                    let input = |first| if from == 0 { first } else { self.width(op) };
                    let port = Port { input: input(before.channels), output: self.width(op), stride, norm };
                    // A stride of 2, so that a skip is a convolution.
                    let input = if from == 0 { widest } else { output };
                    let whole = ops.layers(kind, Port { input, output, stride: 2, norm })?;
                    Ok(parts(&format!("{name}.edge{i}"), ops.layers(kind, port)?, &whole))
                };
                let step = edges
                    .iter()
                    .enumerate()
                    .map(|(i, &(from, to, kind))| Ok((from, to, layers(i, from, kind)?)));
                Ok(Some((width, step.collect::<Result<_, SpaceError>>()?)))
            })?;
        }
        let widest = trellis.shapes().map(|shape| shape.channels).max().unwrap_or(0);
        trellis.end(PLACES - 1, |_, Shape { channels, .. }| {
            let norm = Layer::BatchNorm { channels, affine: true };
            vec![norm, Layer::Relu, Layer::GlobalAvgPool, Layer::Pad { channels: widest }]
        });
        let parts = net.cell("parts", &[0], 0, trellis.cell())?;
        let head = net.classifier("classifier", parts, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}

fn wrong_length(found: usize) -> SpaceError {
    SpaceError::network(format!("{found} widths; they must be {PLACES}"))
}

impl Skeleton for NatsSizeSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links = Links::of(union, CHAIN)?;
        self.size.check_channels()?;
        if links.len() != PLACES || union.vocabulary.ops().count() != WIDTHS.len() {
            return Err(wrong_length(links.len()));
        }
        if (0..PLACES).all(|place| links.ops(place).len() == 1) {
            self.alone(links, ops)
        } else {
            self.shared(union, ops)
        }
    }

    /// A width costs as much as the one before it allows.
    fn is_additive(&self) -> bool {
        false
    }
}
