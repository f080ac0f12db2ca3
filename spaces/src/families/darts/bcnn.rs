//! The broad convolutional network of BNAS-v2.

use std::sync::Arc;

use super::stack::{Stem, check_cells, check_size, stacked};
use crate::error::SpaceError;
use crate::network::{
    CellNet, CellSpec, Join, Layer, Network, NetworkBuilder, Norm, OpTable, Port, Shape, Skeleton,
    SkeletonEntry, SkeletonSize, Union, UnitId, factorized_reduce, relu_conv_bn,
};

/// The broad convolutional network (BCNN) of BNAS-v2, which is shallow and wide (Ding et al. 2022;
/// zixiangding/BNASv2, `model_b.py` and `model_search_b.py`).
///
/// - It starts with `blocks` convolution blocks of the architecture's first cell: deep cells (stride 1,
///   width `C·2^b`), then one broad cell (stride 2, twice the width).
/// - Then follows a chain of `enhancement` cells of its second cell, of stride 1. The first reads the last
///   two blocks; the second reads the last block once more.
/// - The input of each broad cell and the result of each enhancement cell pass a 1×1 convolution
///   ("knowledge embedding"), are halved to the smallest map, and enter one classifier together.
///
/// A knowledge embedding keeps a quarter of its input's width (a third behind the stem). Two keep all of
/// it: that of the last block on its way to the enhancement cells, and that of the last enhancement cell.
#[derive(Clone, Debug)]
pub struct BcnnSkeleton {
    /// Width C of the first cells.
    pub channels: usize,
    /// Number of convolution cells, a multiple of `blocks`; equal to `blocks` for broad cells only.
    pub layers: usize,
    /// Number of convolution blocks, at least 2; each halves the map.
    pub blocks: usize,
    /// Number of enhancement cells.
    pub enhancement: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// The stem.
    pub stem: Stem,
    /// Normalisation inside the cells.
    pub norm: Norm,
    /// K of partial channels, a divisor of C; with 1, operations work on all channels.
    pub partial: usize,
}

impl BcnnSkeleton {
    /// The published CIFAR-10 network: C = 48, two blocks of two deep cells and a broad one, two
    /// enhancement cells.
    pub fn cifar() -> Self {
        Self {
            channels: 48,
            layers: 6,
            blocks: 2,
            enhancement: 2,
            image: Shape::square(3, 32),
            classes: 10,
            stem: Stem::Cifar,
            norm: Norm::DISCRETE,
            partial: 1,
        }
    }

    /// The published network of the search: C = 16, two broad cells, one enhancement cell, no
    /// affine normalisation inside the cells.
    pub fn search() -> Self {
        Self { channels: 16, layers: 2, enhancement: 1, norm: Norm::SEARCH, ..Self::cifar() }
    }

    /// The published ImageNet network: C = 44, 3×224×224, 1000 classes.
    pub fn imagenet() -> Self {
        let image = Shape::square(3, 224);
        Self { channels: 44, image, classes: 1000, stem: Stem::ImageNet, ..Self::cifar() }
    }

    fn check(&self, union: &Union) -> Result<(), SpaceError> {
        check_size(self.channels, self.layers)?;
        check_cells("BCNN", "convolution, enhancement", union)?;
        let Self { layers, blocks, enhancement, .. } = *self;
        if !(2..=8).contains(&blocks) {
            return Err(SpaceError::network(format!("blocks = {blocks}; valid: 2 to 8")));
        }
        if !layers.is_multiple_of(blocks) {
            return Err(SpaceError::network(format!(
                "layers = {layers}; it must be a multiple of the {blocks} convolution blocks"
            )));
        }
        if !(1..=64).contains(&enhancement) {
            return Err(SpaceError::network(format!("enhancement = {enhancement}; valid: 1 to 64")));
        }
        Ok(())
    }
}

impl BcnnSkeleton {
    /// The broad network of BNAS-v2 for CIFAR-sized images, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "bcnn",
        about: "broad network of BNAS-v2 for CIFAR-sized images; published: C = 48, 6 cells",
        auxiliary: false,
        relaxable: true,
        make: &|size| Arc::new(Self::cifar().sized(size)),
    };

    /// The broad network of BNAS-v2 for ImageNet-sized images, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "bcnn-imagenet",
        about: "broad network of BNAS-v2 for ImageNet-sized images; published: C = 44, 6 cells",
        auxiliary: false,
        relaxable: true,
        make: &|size| Arc::new(Self::imagenet().sized(size)),
    };

    fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            layers: size.layers.unwrap_or(self.layers),
            enhancement: size.enhancement.unwrap_or(self.enhancement),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
            partial: size.partial.unwrap_or(self.partial),
            blocks: self.blocks,
            stem: self.stem,
        }
    }
}

impl Skeleton for BcnnSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.channels)
    }

    fn layers(&self) -> Option<usize> {
        Some(self.layers)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        self.check(union)?;
        let mut net = NetworkBuilder::new(self.image)?;
        let (older, newer) = self.stem.add_to(&mut net, self.channels)?;
        let mut broad = Broad { skeleton: self, union, ops, net, older, newer, taps: Vec::new() };
        let ends = (0..self.blocks).map(|block| broad.block(block)).collect::<Result<Vec<_>, _>>()?;
        broad.enhance(&ends)?;
        let Broad { mut net, taps, .. } = broad;
        let wide = net.join("broad", &taps, Join::Concat)?;
        let head = net.classifier("classifier", wide, self.classes)?;
        Ok(net.finish(head, None))
    }

    /// Not additive: in a reduction, a skip from an input costs two convolutions, one from a node nothing.
    fn is_additive(&self) -> bool {
        false
    }
}

/// A network under construction.
struct Broad<'a> {
    skeleton: &'a BcnnSkeleton,
    union: &'a Union,
    ops: &'a OpTable,
    net: NetworkBuilder,
    older: UnitId,
    newer: UnitId,
    /// What the classifier reads.
    taps: Vec<UnitId>,
}

impl Broad<'_> {
    /// Width of the deep cells of a block.
    fn width(&self, block: usize) -> usize {
        self.skeleton.channels << block
    }

    /// Adds the deep cells of a block and its broad cell; returns the latter.
    fn block(&mut self, block: usize) -> Result<UnitId, SpaceError> {
        let (blocks, width) = (self.skeleton.blocks, self.width(block));
        for deep in 1..self.skeleton.layers / blocks {
            self.stack(&format!("block{block}.deep{deep}"), 0, width, 1)?;
        }
        let tap = self.embed(&format!("tap{block}"), self.newer, width, blocks - block)?;
        self.taps.push(tap);
        self.stack(&format!("block{block}.broad"), 0, 2 * width, 2)
    }

    /// Adds the enhancement cells on the broad cells of the blocks.
    fn enhance(&mut self, broad: &[UnitId]) -> Result<(), SpaceError> {
        let &[.., before, last] = broad else {
            return Err(SpaceError::network("an enhancement cell reads two convolution blocks"));
        };
        let width = self.width(broad.len());
        self.older = self.embed("embedding.before", before, width / 2, 1)?;
        self.newer = self.embed("embedding.last", last, self.net.shape(last).channels, 0)?;
        let cells = self.skeleton.enhancement;
        for i in 0..cells {
            let cell = self.stack(&format!("enhancement{i}"), 1, width, 1)?;
            if i == 0 {
                // The second reads the broad cell itself.
                self.older = last;
            }
            let kept = if i + 1 == cells { self.net.shape(cell).channels } else { width };
            let tap = self.embed(&format!("enhancement{i}.tap"), cell, kept, 0)?;
            self.taps.push(tap);
        }
        Ok(())
    }

    /// Adds a cell on the two results before it.
    fn stack(
        &mut self,
        name: &str,
        role: usize,
        channels: usize,
        stride: usize,
    ) -> Result<UnitId, SpaceError> {
        let shapes = [self.net.shape(self.older), self.net.shape(self.newer)];
        let spec = stacked(shapes, channels, stride, self.skeleton.norm);
        let spec = CellSpec { partial: self.skeleton.partial, ..spec };
        let cell = CellNet::new(&self.union.cells[role], &self.union.vocabulary, spec, self.ops)?;
        let cell = self.net.cell(name, &[self.older, self.newer], role, cell)?;
        (self.older, self.newer) = (self.newer, cell);
        Ok(cell)
    }

    /// A knowledge embedding: ReLU, 1×1 convolution to `width`, BatchNorm, then halved so often.
    fn embed(
        &mut self,
        name: &str,
        unit: UnitId,
        width: usize,
        halvings: usize,
    ) -> Result<UnitId, SpaceError> {
        let port =
            Port { input: self.net.shape(unit).channels, output: width, stride: 1, norm: Norm::DISCRETE };
        let mut layers: Vec<Layer> = relu_conv_bn(port, 1);
        for _ in 0..halvings {
            layers.extend(factorized_reduce(Port { input: width, ..port }));
        }
        self.net.layers(name, unit, layers)
    }
}
