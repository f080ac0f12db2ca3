//! The stack of normal and reduction cells of DARTS.

use std::sync::Arc;

use super::stack::{Stem, check_cells, check_size, stacked};
use crate::error::SpaceError;
use crate::network::{
    CellNet, CellSpec, Conv, Layer, Network, NetworkBuilder, Norm, OpTable, Shape, Skeleton, SkeletonEntry,
    SkeletonSize, Union, UnitId, dil_conv, pooled, sep_conv, skip,
};

/// The skeleton of DARTS (Liu et al. 2019, cnn/model.py).
///
/// It has a stem, `layers` cells, global average pooling and a linear classifier. The cells at `layers/3`
/// and `2·layers/3` are reductions, which halve the map and double the width.
#[derive(Clone, Debug)]
pub struct DartsSkeleton {
    /// Width C of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub layers: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// The stem.
    pub stem: Stem,
    /// Whether to add the auxiliary head after the second reduction.
    pub auxiliary: bool,
    /// Normalisation inside the cells.
    pub norm: Norm,
    /// K of partial channels, a divisor of C; with 1, operations work on all channels.
    pub partial: usize,
}

impl DartsSkeleton {
    /// The published CIFAR-10 network: C = 36, 20 cells, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        Self {
            channels: 36,
            layers: 20,
            image: Shape::square(3, 32),
            classes: 10,
            stem: Stem::Cifar,
            auxiliary: false,
            norm: Norm::DISCRETE,
            partial: 1,
        }
    }

    /// The published ImageNet network: C = 48, 14 cells, 3×224×224, 1000 classes.
    pub fn imagenet() -> Self {
        Self {
            channels: 48,
            layers: 14,
            image: Shape::square(3, 224),
            classes: 1000,
            stem: Stem::ImageNet,
            ..Self::cifar()
        }
    }

    /// Whether cell `i` is a reduction.
    pub fn is_reduction(&self, i: usize) -> bool {
        i == self.layers / 3 || i == 2 * self.layers / 3
    }

    /// Adds the auxiliary head: ReLU, pooling, 1×1 and 2×2 convolution, classifier. It needs maps of 8×8 to
    /// 10×10 (CIFAR) or 7×7 and 8×8 (ImageNet). The ImageNet form has no BatchNorm after its second
    /// convolution.
    fn auxiliary(&self, net: &mut NetworkBuilder, input: UnitId) -> Result<UnitId, SpaceError> {
        let shape = net.shape(input);
        let stride = if self.stem == Stem::Cifar { 3 } else { 2 };
        let bn = |channels| Layer::BatchNorm { channels, affine: true };
        let two = Conv { kernel: 2, padding: 0, ..Conv::pointwise(128, 768) };
        let mut layers = vec![
            Layer::Relu,
            Layer::AvgPool { kernel: 5, stride, padding: 0 },
            Layer::Conv(Conv::pointwise(shape.channels, 128)),
            bn(128),
            Layer::Relu,
            Layer::Conv(two),
        ];
        if self.stem == Stem::Cifar {
            layers.push(bn(768));
        }
        layers.extend([Layer::Relu, Layer::Linear { input: 768, output: self.classes }]);
        net.layers("auxiliary", input, layers).map_err(|_| {
            // Pooling must leave 2x2, which the second convolution makes one number a channel.
            let (least, most) = (5 + stride, 4 + 2 * stride);
            let side = least * (self.image.height / shape.height.max(1));
            SpaceError::network(format!(
                "the auxiliary head reads maps of {least}x{least} to {most}x{most} after the second reduction, \
                 but images of {} make maps of {shape} there; leave the head out, or use images of {side}x{side}",
                self.image
            ))
        })
    }
}

impl DartsSkeleton {
    /// The stack of DARTS for CIFAR-sized images, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "darts",
        about: "stack of DARTS for CIFAR-sized images; published: C = 36, 20 cells",
        auxiliary: true,
        relaxable: true,
        make: &|size| Arc::new(Self::cifar().sized(size)),
    };

    /// The stack of DARTS for ImageNet-sized images, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "darts-imagenet",
        about: "stack of DARTS for ImageNet-sized images; published: C = 48, 14 cells",
        auxiliary: true,
        relaxable: true,
        make: &|size| Arc::new(Self::imagenet().sized(size)),
    };

    fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            layers: size.layers.unwrap_or(self.layers),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
            partial: size.partial.unwrap_or(self.partial),
            auxiliary: size.auxiliary,
            stem: self.stem,
        }
    }
}

impl OpTable {
    /// The seven operations of DARTS other than `none` (Liu et al. 2019, cnn/operations.py).
    pub fn darts() -> Self {
        Self::new()
            .with("max_pool_3x3", |p| pooled(p, Layer::MaxPool { kernel: 3, stride: p.stride, padding: 1 }))
            .with("avg_pool_3x3", |p| pooled(p, Layer::AvgPool { kernel: 3, stride: p.stride, padding: 1 }))
            .with("skip_connect", skip)
            .with("sep_conv_3x3", |p| sep_conv(p, 3))
            .with("sep_conv_5x5", |p| sep_conv(p, 5))
            .with("dil_conv_3x3", |p| dil_conv(p, 3))
            .with("dil_conv_5x5", |p| dil_conv(p, 5))
    }
}

impl Skeleton for DartsSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.channels)
    }

    fn layers(&self) -> Option<usize> {
        Some(self.layers)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        check_size(self.channels, self.layers)?;
        check_cells("DARTS", "normal, reduction", union)?;
        let mut net = NetworkBuilder::new(self.image)?;
        let (mut older, mut newer) = self.stem.add_to(&mut net, self.channels)?;
        let (mut channels, mut auxiliary) = (self.channels, None);
        let mut before: Option<([Shape; 2], usize, UnitId)> = None;
        for i in 0..self.layers {
            let reduction = self.is_reduction(i);
            if reduction {
                channels *= 2;
            }
            let (role, name) = (usize::from(reduction), format!("cell{i}"));
            let shapes = [net.shape(older), net.shape(newer)];
            let out = match before {
                Some((known, of, like)) if (known, of) == (shapes, role) => {
                    net.cell_like(&name, &[older, newer], like)?
                }
                _ => {
                    let spec = stacked(shapes, channels, 1 + role, self.norm);
                    let spec = CellSpec { partial: self.partial, ..spec };
                    let cell = CellNet::new(&union.cells[role], &union.vocabulary, spec, ops)?;
                    net.cell(&name, &[older, newer], role, cell)?
                }
            };
            before = Some((shapes, role, out));
            (older, newer) = (newer, out);
            if self.auxiliary && i == 2 * self.layers / 3 {
                auxiliary = Some(self.auxiliary(&mut net, out)?);
            }
        }
        let head = net.classifier("classifier", newer, self.classes)?;
        Ok(net.finish(head, auxiliary))
    }

    /// Not additive: in a reduction, a skip from an input costs two convolutions, one from a node nothing.
    fn is_additive(&self) -> bool {
        false
    }
}
