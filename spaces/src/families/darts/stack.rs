//! Stems, and cells on the results of the two cells before them: what the two skeletons share.

use crate::error::SpaceError;
use crate::network::{
    CellSpec, Conv, Join, Layer, NetworkBuilder, Norm, Port, Shape, Union, UnitId, factorized_reduce,
    relu_conv_bn,
};

/// Limits far above any real network and far below an overflow of counts.
const MAX_CHANNELS: usize = 1 << 16;
const MAX_LAYERS: usize = 1 << 10;

/// The layers before the first cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stem {
    /// One 3×3 convolution to `3·C` channels; the image keeps its size.
    Cifar,
    /// Three 3×3 convolutions of stride 2; the image is halved three times.
    ImageNet,
}

impl Stem {
    /// Adds the stem of a network of width C; returns the two inputs of the first cell.
    pub(super) fn add_to(self, net: &mut NetworkBuilder, c: usize) -> Result<(UnitId, UnitId), SpaceError> {
        let image = net.shape(0).channels;
        let conv = |input, output, stride| Layer::Conv(Conv::same(input, output, 3, stride));
        let bn = |channels| Layer::BatchNorm { channels, affine: true };
        match self {
            Self::Cifar => {
                let stem = net.layers("stem", 0, vec![conv(image, 3 * c, 1), bn(3 * c)])?;
                Ok((stem, stem))
            }
            Self::ImageNet => {
                let half = c / 2;
                let layers = vec![conv(image, half, 2), bn(half), Layer::Relu, conv(half, c, 2), bn(c)];
                let stem0 = net.layers("stem0", 0, layers)?;
                let stem1 = net.layers("stem1", stem0, vec![Layer::Relu, conv(c, c, 2), bn(c)])?;
                Ok((stem0, stem1))
            }
        }
    }
}

/// A cell on two inputs of these shapes, the older one first.
pub(super) fn stacked(shapes: [Shape; 2], channels: usize, stride: usize, norm: Norm) -> CellSpec {
    let port = |shape: Shape| Port { input: shape.channels, output: channels, stride: 1, norm };
    // The older input is larger where the cell before this one halved the map.
    let older = if shapes[0].height == shapes[1].height {
        relu_conv_bn(port(shapes[0]), 1)
    } else {
        factorized_reduce(port(shapes[0]))
    };
    let preprocess = vec![older, relu_conv_bn(port(shapes[1]), 1)];
    CellSpec { preprocess, input: channels, channels, stride, norm, partial: 1, output: Join::Concat }
}

/// Refuses a width or a number of cells out of range.
pub(super) fn check_size(channels: usize, layers: usize) -> Result<(), SpaceError> {
    if channels > MAX_CHANNELS || layers > MAX_LAYERS {
        return Err(SpaceError::network(format!(
            "channels = {channels}, layers = {layers}; at most {MAX_CHANNELS} and {MAX_LAYERS}"
        )));
    }
    if channels < 2 || !channels.is_multiple_of(2) {
        return Err(SpaceError::network(format!("channels = {channels}; it must be even and at least 2")));
    }
    if layers < 1 {
        return Err(SpaceError::network("layers = 0; at least 1 cell is needed"));
    }
    Ok(())
}

/// Refuses unions of other than two cells of two inputs.
pub(super) fn check_cells(skeleton: &str, roles: &str, union: &Union) -> Result<(), SpaceError> {
    let (cells, inputs) = (union.cells.len(), union.vocabulary.inputs());
    if cells != 2 || inputs != 2 {
        return Err(SpaceError::network(format!(
            "the {skeleton} skeleton wants 2 cells ({roles}) of 2 inputs, not {cells} of {inputs}"
        )));
    }
    Ok(())
}
