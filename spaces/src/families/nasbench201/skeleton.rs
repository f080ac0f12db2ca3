//! The residual stack of NAS-Bench-201.

use std::sync::Arc;

use crate::error::SpaceError;
use crate::network::{
    CellNet, CellSpec, Conv, Join, Layer, Network, NetworkBuilder, Norm, OpTable, Port, Shape, Skeleton,
    SkeletonEntry, SkeletonSize, Union, UnitId, pooled, relu_conv_bn, skip,
};

/// The skeleton of NAS-Bench-201 (Dong & Yang 2020, `tiny_network.py`).
///
/// It has a stem, three stages of `cells` cells with a residual block of stride 2 between stages, BatchNorm,
/// ReLU, global average pooling and a linear classifier.
#[derive(Clone, Debug)]
pub struct NasBench201Skeleton {
    /// Width C of the first stage.
    pub channels: usize,
    /// Number of cells per stage.
    pub cells: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Normalisation inside the cells.
    pub norm: Norm,
    /// What stands before the first cell.
    pub stem: NasBench201Stem,
}

/// What stands before the first cell of NAS-Bench-201.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NasBench201Stem {
    /// One 3×3 convolution, as published.
    Cifar,
    /// Three 3×3 convolutions of stride 2, of C/2, C and C channels, as DARTS' for ImageNet: 224×224 becomes 28×28. Ours.
    Imagenet,
}

impl NasBench201Stem {
    /// Layers to `channels` from images of `input` channels.
    fn layers(self, input: usize, channels: usize) -> Vec<Layer> {
        let bn = |channels| Layer::BatchNorm { channels, affine: true };
        let half = (channels / 2).max(1);
        let conv = |from, to, stride| Layer::Conv(Conv::same(from, to, 3, stride));
        match self {
            Self::Cifar => vec![conv(input, channels, 1), bn(channels)],
            Self::Imagenet => vec![
                conv(input, half, 2),
                bn(half),
                Layer::Relu,
                conv(half, channels, 2),
                bn(channels),
                Layer::Relu,
                conv(channels, channels, 2),
                bn(channels),
            ],
        }
    }
}

impl NasBench201Skeleton {
    /// The published CIFAR-10 network: C = 16, 5 cells per stage, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        Self {
            channels: 16,
            cells: 5,
            image: Shape::square(3, 32),
            classes: 10,
            norm: Norm::DISCRETE,
            stem: NasBench201Stem::Cifar,
        }
    }

    /// The same cells for images of ImageNet's size: C = 16, 5 cells per stage, 3×224×224, 1,000 classes.
    pub fn imagenet() -> Self {
        let image = Shape::square(3, 224);
        Self { image, classes: 1000, stem: NasBench201Stem::Imagenet, ..Self::cifar() }
    }

    fn residual(net: &mut NetworkBuilder, name: &str, input: UnitId) -> Result<UnitId, SpaceError> {
        let width = net.shape(input).channels;
        let port = Port { input: width, output: 2 * width, stride: 2, norm: Norm::DISCRETE };
        net.layers(name, input, residual_reduction(port))
    }
}

/// The residual block between stages: two 3×3 convolutions, the first of stride 2, beside average pooling and a 1×1
/// convolution.
pub(in crate::families) fn residual_reduction(port: Port) -> Vec<Layer> {
    let mut main = relu_conv_bn(port, 3);
    main.extend(relu_conv_bn(Port { input: port.output, stride: 1, ..port }, 3));
    let shortcut = vec![
        Layer::AvgPool { kernel: 2, stride: 2, padding: 0 },
        Layer::Conv(Conv::pointwise(port.input, port.output)),
    ];
    vec![Layer::Branches { join: Join::Sum, arms: vec![shortcut, main] }]
}

impl NasBench201Skeleton {
    /// The residual stack of NAS-Bench-201, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "nasbench201",
        about: "residual stack of NAS-Bench-201; published: C = 16, 5 cells a stage",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self::cifar().sized(size)),
    };

    /// The same for images of ImageNet's size, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "nasbench201-imagenet",
        about: "residual stack of NAS-Bench-201 after a stem for ImageNet-sized images; not published",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self::imagenet().sized(size)),
    };

    fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            cells: size.layers.unwrap_or(self.cells),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
            stem: self.stem,
        }
    }
}

impl OpTable {
    /// The four operations of NAS-Bench-201 other than `none` (Dong & Yang 2020, `cell_operations.py`).
    pub fn nasbench201() -> Self {
        Self::new()
            .with("skip_connect", skip)
            .with("nor_conv_1x1", |p| relu_conv_bn(p, 1))
            .with("nor_conv_3x3", |p| relu_conv_bn(p, 3))
            .with("avg_pool_3x3", |p| pooled(p, Layer::AvgPool { kernel: 3, stride: p.stride, padding: 1 }))
    }
}

impl Skeleton for NasBench201Skeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.channels)
    }

    fn layers(&self) -> Option<usize> {
        Some(self.cells)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        if union.cells.len() != 1 || union.vocabulary.inputs() != 1 {
            return Err(SpaceError::network("the NAS-Bench-201 skeleton wants one cell of one input"));
        }
        if self.channels == 0 || self.cells == 0 {
            return Err(SpaceError::network("channels and cells must be at least 1"));
        }
        let mut net = NetworkBuilder::new(self.image)?;
        let bn = |channels| Layer::BatchNorm { channels, affine: true };
        let stem = self.stem.layers(self.image.channels, self.channels);
        let mut last = net.layers("stem", 0, stem)?;
        for stage in 0..3 {
            if stage > 0 {
                last = Self::residual(&mut net, &format!("reduction{stage}"), last)?;
            }
            let channels = net.shape(last).channels;
            let spec = CellSpec {
                preprocess: vec![vec![]],
                input: channels,
                channels,
                stride: 1,
                norm: self.norm,
                partial: 1,
                output: Join::Sum,
            };
            let cell = CellNet::new(&union.cells[0], &union.vocabulary, spec, ops)?;
            last = net.chain(&format!("stage{stage}"), last, self.cells, cell)?;
        }
        let width = net.shape(last).channels;
        let last = net.layers("last", last, vec![bn(width), Layer::Relu])?;
        let head = net.classifier("classifier", last, self.classes)?;
        Ok(net.finish(head, None))
    }
}
