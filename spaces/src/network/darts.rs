//! The stack of normal and reduction cells of DARTS.

use super::cell_net::CellSpec;
use super::{
    CellNet, Conv, Join, Layer, Network, NetworkBuilder, Norm, OpTable, Port, Shape, Skeleton, Union, UnitId,
    factorized_reduce, relu_conv_bn,
};
use crate::SpaceError;

/// Far above any network there is, and far below where counts would overflow.
const MAX_CHANNELS: usize = 1 << 16;
const MAX_LAYERS: usize = 1 << 10;

/// What stands before the first cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stem {
    /// One 3×3 convolution to `3·C` channels; the image keeps its size.
    Cifar,
    /// Three 3×3 convolutions of stride 2; the image is halved three times.
    ImageNet,
}

/// The skeleton of DARTS (Liu et al. 2019, cnn/model.py): a stem, `layers` cells of which those
/// at `layers/3` and `2·layers/3` are reductions that halve the map and double the width, global
/// average pooling and a linear classifier.
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

    fn check(&self, union: &Union) -> Result<(), SpaceError> {
        if self.channels > MAX_CHANNELS || self.layers > MAX_LAYERS {
            return Err(SpaceError::network(format!(
                "channels = {}, layers = {}; at most {MAX_CHANNELS} and {MAX_LAYERS}",
                self.channels, self.layers
            )));
        }
        if self.channels < 2 || !self.channels.is_multiple_of(2) {
            return Err(SpaceError::network(format!(
                "channels = {}; it must be even and at least 2",
                self.channels
            )));
        }
        if self.layers < 1 {
            return Err(SpaceError::network("layers = 0; at least 1 cell is needed"));
        }
        if union.cells.len() != 2 || union.vocabulary.inputs() != 2 {
            return Err(SpaceError::network(format!(
                "the DARTS skeleton wants 2 cells (normal, reduction) of 2 inputs, not {} of {}",
                union.cells.len(),
                union.vocabulary.inputs()
            )));
        }
        Ok(())
    }

    fn stem(&self, net: &mut NetworkBuilder) -> Result<(UnitId, UnitId), SpaceError> {
        let (image, c) = (self.image.channels, self.channels);
        let conv = |input, output, stride| Layer::Conv(Conv::same(input, output, 3, stride));
        let bn = |channels| Layer::BatchNorm { channels, affine: true };
        match self.stem {
            Stem::Cifar => {
                let stem = net.layers("stem", 0, vec![conv(image, 3 * c, 1), bn(3 * c)])?;
                Ok((stem, stem))
            }
            Stem::ImageNet => {
                let half = c / 2;
                let layers = vec![conv(image, half, 2), bn(half), Layer::Relu, conv(half, c, 2), bn(c)];
                let stem0 = net.layers("stem0", 0, layers)?;
                let stem1 = net.layers("stem1", stem0, vec![Layer::Relu, conv(c, c, 2), bn(c)])?;
                Ok((stem0, stem1))
            }
        }
    }

    fn cell_spec(&self, shapes: [Shape; 2], channels: usize, reduction: bool) -> CellSpec {
        let port =
            |shape: Shape| Port { input: shape.channels, output: channels, stride: 1, norm: self.norm };
        // The older input is larger where the cell before this one was a reduction.
        let older = if shapes[0].height == shapes[1].height {
            relu_conv_bn(port(shapes[0]), 1)
        } else {
            factorized_reduce(port(shapes[0]))
        };
        CellSpec {
            preprocess: vec![older, relu_conv_bn(port(shapes[1]), 1)],
            channels,
            stride: if reduction { 2 } else { 1 },
            norm: self.norm,
            output: Join::Concat,
        }
    }

    /// ReLU, pooling, 1×1 and 2×2 convolution, classifier; for maps of 8×8 (CIFAR) or 14×14 and
    /// 7×7 (ImageNet). The ImageNet form has no BatchNorm after its second convolution.
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
            SpaceError::network(format!(
                "the auxiliary head needs a map of {} after the second reduction, which is {shape} here; \
                 train without it, or with larger images",
                if stride == 3 { "8x8" } else { "7x7" }
            ))
        })
    }
}

impl Skeleton for DartsSkeleton {
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        self.check(union)?;
        let mut net = NetworkBuilder::new(self.image)?;
        let (mut older, mut newer) = self.stem(&mut net)?;
        let (mut channels, mut auxiliary) = (self.channels, None);
        for i in 0..self.layers {
            let reduction = self.is_reduction(i);
            if reduction {
                channels *= 2;
            }
            let spec = self.cell_spec([net.shape(older), net.shape(newer)], channels, reduction);
            let role = usize::from(reduction);
            let cell = CellNet::new(&union.cells[role], &union.vocabulary, spec, ops)?;
            let out = net.cell(&format!("cell{i}"), &[older, newer], role, cell)?;
            (older, newer) = (newer, out);
            if self.auxiliary && i == 2 * self.layers / 3 {
                auxiliary = Some(self.auxiliary(&mut net, out)?);
            }
        }
        let head = net.classifier("classifier", newer, self.classes)?;
        Ok(net.finish(head, auxiliary))
    }
}
