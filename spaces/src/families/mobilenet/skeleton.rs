//! The chain of inverted residuals of `ProxylessNAS` and BN-NAS.

use std::sync::Arc;

use super::{IDENTITY, LAYERS, OPS, STAGES};
use crate::error::SpaceError;
use crate::network::{
    CellNet, CellUnion, Choice, Conv, EdgeNet, Join, Layer, Network, NetworkBuilder, NetworkSize, NodeNet,
    Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry, Union, UnitId, mb_conv, skip,
};

/// Published width of the stem, to which all widths are in proportion.
const STEM: usize = 40;
/// Published width of the first block, which is not searched.
const FIRST: usize = 24;
/// Published widths of the stages.
const WIDTHS: [usize; 6] = [32, 56, 112, 128, 256, 432];
/// Strides of the first block of each stage.
const STRIDES: [usize; 6] = [2, 2, 2, 1, 2, 1];
/// Published width of the last 1×1 convolution.
const LAST: usize = 1728;

/// The network of BN-NAS' MobileNet space, with the GPU widths of `ProxylessNAS` (Chen et al. 2021; BNNAS,
/// `super_model.py`).
///
/// It has a 3×3 convolution of stride 2, an inverted residual without expansion, 21 searched layers in six
/// stages, a 1×1 convolution, global average pooling and a classifier.
#[derive(Clone, Debug)]
pub struct MobileNetSkeleton {
    /// Its size. Published width of the stem: 40.
    pub size: NetworkSize,
}

impl MobileNetSkeleton {
    /// The published network: 40 channels, 3×224×224, 1000 classes.
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

    /// Adds a searched layer as a cell of one edge.
    fn block(
        &self,
        net: &mut NetworkBuilder,
        input: UnitId,
        place: Place<'_>,
        ops: &OpTable,
    ) -> Result<UnitId, SpaceError> {
        let port = Port {
            input: net.shape(input).channels,
            output: place.width,
            stride: place.stride,
            norm: self.size.norm,
        };
        let edge = &place.union.cells[0].edges[place.layer];
        let choices = Choice::each(&edge.ops, &place.union.vocabulary, port, ops)?;
        let incoming = vec![EdgeNet { from: 0, edge: place.layer, choices, partial: None }];
        let nodes =
            vec![NodeNet { join: Join::Sum, incoming: Vec::new() }, NodeNet { join: Join::Sum, incoming }];
        let cell = CellNet {
            preprocess: vec![vec![]],
            nodes,
            order: vec![0, 1],
            inputs: vec![0],
            output: 1,
            zeros: None,
        };
        net.cell(&format!("layer{}", place.layer), &[input], 0, cell)
    }
}

/// Where a searched layer stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    union: &'a Union,
    layer: usize,
    width: usize,
    stride: usize,
}

impl MobileNetSkeleton {
    /// The chain of inverted residuals, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "mobilenet",
        about: "chain of inverted residuals; published: C = 40 after the stem, 21 searched layers",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self { size: Self::imagenet().size.sized(size) }),
    };
}

impl OpTable {
    /// The identity and the six inverted residuals of BN-NAS' MobileNet space (Chen et al. 2021,
    /// `torch_blocks.py`).
    pub fn mobilenet() -> Self {
        let table = Self::new().with(IDENTITY, skip);
        let blocks = [3, 5, 7].into_iter().flat_map(|kernel| [(3, kernel), (6, kernel)]);
        OPS.into_iter().zip(blocks).fold(table, |table, (name, (expansion, kernel))| {
            table.with(name, move |port| mb_conv(port, expansion, kernel))
        })
    }
}

impl Skeleton for MobileNetSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        check(union)?;
        self.size.check_channels()?;
        let mut net = NetworkBuilder::new(self.size.image)?;
        let conv_bn = |input, output, kernel, stride| {
            let conv = Layer::Conv(Conv::same(input, output, kernel, stride));
            vec![conv, Layer::BatchNorm { channels: output, affine: true }, Layer::Relu6]
        };
        let stem = self.size.width(STEM, STEM);
        let mut last = net.layers("stem", 0, conv_bn(self.size.image.channels, stem, 3, 2))?;
        let port =
            Port { input: stem, output: self.size.width(FIRST, STEM), stride: 1, norm: Norm::DISCRETE };
        last = net.layers("first", last, mb_conv(port, 1, 3))?;
        let mut layer = 0;
        for ((blocks, width), stride) in STAGES.into_iter().zip(WIDTHS).zip(STRIDES) {
            for block in 0..blocks {
                let stride = if block == 0 { stride } else { 1 };
                let place = Place { union, layer, width: self.size.width(width, STEM), stride };
                last = self.block(&mut net, last, place, ops)?;
                layer += 1;
            }
        }
        let width = net.shape(last).channels;
        last = net.layers("last", last, conv_bn(width, self.size.width(LAST, STEM), 1, 1))?;
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}

/// Refuses what is not one chain of 21 layers.
fn check(union: &Union) -> Result<(), SpaceError> {
    let chained = |cell: &CellUnion| {
        cell.edges.len() == LAYERS
            && cell.edges.iter().enumerate().all(|(i, edge)| (edge.from, edge.to) == (i, i + 1))
    };
    match &union.cells[..] {
        [cell] if chained(cell) => Ok(()),
        _ => Err(SpaceError::network(format!(
            "the MobileNet skeleton wants one chain of {LAYERS} operations on edges"
        ))),
    }
}
