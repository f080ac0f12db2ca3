//! The networks of TransNAS-Bench-101: what its two spaces share, and the stack of cells.

use super::tasks::{Task, for_task};
use crate::error::SpaceError;
use crate::network::{
    CellNet, CellSpec, Conv, Join, Layer, Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape,
    Skeleton, SkeletonEntry, SkeletonSize, Union, UnitId, relu_conv_bn, skip,
};

/// The published size for object classification: C = 64, 3×256×256, 75 classes.
pub const OBJECT_CLASSIFICATION: NetworkSize = Task::Object.published();

/// Starts a network with the stem: a 3×3 convolution of stride 2 to C/2 with BatchNorm, then ReLU, a 3×3
/// convolution of stride 2 to C and BatchNorm.
///
/// # Errors
/// [`SpaceError::Network`] for a width that is odd or out of range, or an image that is too small.
pub(super) fn stem(size: &NetworkSize) -> Result<(NetworkBuilder, UnitId), SpaceError> {
    let channels = size.channels;
    if !(2..=1 << 10).contains(&channels) || !channels.is_multiple_of(2) {
        let reason = format!("channels = {channels}; they must be an even number from 2 to 1024");
        return Err(SpaceError::network(reason));
    }
    let mut net = NetworkBuilder::new(size.image)?;
    size.image.check_halving()?;
    let half = channels / 2;
    let conv = Layer::Conv(Conv::same(size.image.channels, half, 3, 2));
    let first = net.layers("stem0", 0, vec![conv, Layer::BatchNorm { channels: half, affine: true }])?;
    net.shape(first).check_halving()?;
    let port = Port { input: half, output: channels, stride: 2, norm: Norm::DISCRETE };
    let stem = net.layers("stem1", first, relu_conv_bn(port, 3))?;
    Ok((net, stem))
}

/// A module of two blocks in either space: whether it doubles the width, and whether it halves the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) doubles: bool,
    pub(super) halves: bool,
}

impl Module {
    /// By its place among the published digits 1 to 4.
    pub(super) fn at(place: usize) -> Self {
        Self { doubles: place % 2 == 1, halves: place >= 2 }
    }

    /// Where its first block stands after a map of this shape.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for a map that cannot be halved.
    pub(super) fn port(self, before: Shape, norm: Norm) -> Result<Port, SpaceError> {
        if self.halves {
            before.check_halving()?;
        }
        let (factor, stride) = (1 + usize::from(self.doubles), 1 + usize::from(self.halves));
        Ok(Port { input: before.channels, output: factor * before.channels, stride, norm })
    }
}

/// The fixed modules around a cell, 41414.
const MODULES: [Module; 5] = {
    let reduction = Module { doubles: true, halves: true };
    let normal = Module { doubles: false, halves: false };
    [reduction, normal, reduction, normal, reduction]
};

/// The stack of cells of TransNAS-Bench-101 (Duan et al. 2021; yawen-d/TransNASBench, `net_macro.py` and
/// `cell_micro.py`).
///
/// It has a stem that makes a map of a quarter of the image's sides, five modules of cells, and the head of a task: of
/// classification, global average pooling and a linear classifier. The first, third and fifth module double the width and halve the map in
/// their first cell. What such a cell reads goes through its operations at stride 2; a skip is a factorised
/// reduction there.
///
/// [`Network::params`] is the published number of parameters. Published FLOPs are [`Network::macs`] and, with
/// one for each output of a ReLU and two for each of BatchNorm, the same number for all cells; they count
/// operations that no data reaches, too.
#[derive(Clone, Debug)]
pub struct TransNasMicroSkeleton {
    /// Number of cells in a module. Published: 2.
    pub cells: usize,
    /// Its size.
    pub size: NetworkSize,
    /// The task, which its head is for.
    pub task: Task,
}

impl TransNasMicroSkeleton {
    /// The published network for object classification: C = 64, 2 cells a module, 3×256×256, 75 classes.
    pub fn object_classification() -> Self {
        Self { cells: 2, size: OBJECT_CLASSIFICATION, task: Task::Object }
    }

    /// The published networks by name, one for each task; the first is that for object classification.
    pub const TASKONOMY: [&SkeletonEntry; 7] = [
        for_task!(
            Self,
            "transnas-micro",
            "stack of cells of TransNAS-Bench-101; published: C = 64, 2 cells a module, 3x256x256",
            Task::Object
        ),
        for_task!(Self, "transnas-micro-class-scene", "the same for class_scene, 47 classes", Task::Scene),
        for_task!(
            Self,
            "transnas-micro-room-layout",
            "the same for room_layout, counted only: nine outputs of a regression",
            Task::RoomLayout
        ),
        for_task!(
            Self,
            "transnas-micro-jigsaw",
            "the same for jigsaw, counted only: nine tiles of 3x64x64, 1,000 permutations",
            Task::Jigsaw
        ),
        for_task!(
            Self,
            "transnas-micro-segmentsemantic",
            "the same for segmentsemantic, counted only: a decoder to 17 classes a pixel",
            Task::Segmentation
        ),
        for_task!(
            Self,
            "transnas-micro-normal",
            "the same for normal, counted only: a decoder to 3 channels a pixel; auxiliary: its discriminator",
            Task::Normal { discriminator: false }
        ),
        for_task!(
            Self,
            "transnas-micro-autoencoder",
            "the same for autoencoder, counted only: a decoder to 3 channels a pixel; auxiliary: its discriminator",
            Task::Autoencoder { discriminator: false }
        ),
    ];

    /// The network for a task in a size.
    fn of(task: Task, size: &SkeletonSize) -> Self {
        Self { cells: size.layers.unwrap_or(2), size: task.published().sized(size), task }
    }

    /// Adds the cells of a module.
    fn module(
        &self,
        net: &mut NetworkBuilder,
        (name, input): (&str, UnitId),
        module: Module,
        cell: impl Fn(Port) -> Result<CellNet, SpaceError>,
    ) -> Result<UnitId, SpaceError> {
        let port = module.port(net.shape(input), self.size.norm)?;
        let (mut last, mut more) = (input, self.cells);
        if !port.keeps_shape() {
            last = net.cell(&format!("{name}.reduction"), &[last], 0, cell(port)?)?;
            more -= 1;
        }
        net.chain(name, last, more, cell(Port { input: port.output, stride: 1, ..port })?)
    }
}

impl OpTable {
    /// The three operations of TransNAS-Bench-101 other than `none` (Duan et al. 2021, `cell_ops.py`).
    pub fn transnas_micro() -> Self {
        Self::new()
            .with("skip_connect", skip)
            .with("nor_conv_1x1", |port| relu_conv_bn(port, 1))
            .with("nor_conv_3x3", |port| relu_conv_bn(port, 3))
    }
}

impl Skeleton for TransNasMicroSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn layers(&self) -> Option<usize> {
        Some(self.cells)
    }

    fn is_trainable(&self) -> bool {
        self.task.is_classification()
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let [cell] = &union.cells[..] else {
            return Err(SpaceError::network("the TransNAS-Bench-101 skeleton wants one cell of one input"));
        };
        if union.vocabulary.inputs() != 1 || !(1..=1 << 10).contains(&self.cells) {
            let (inputs, cells) = (union.vocabulary.inputs(), self.cells);
            return Err(SpaceError::network(format!(
                "cells of {inputs} inputs, {cells} cells a module; they must be 1, and 1 to 1024"
            )));
        }
        let cell = |Port { input, output: channels, stride, norm }| {
            let (preprocess, output) = (vec![vec![]], Join::Sum);
            let spec = CellSpec { preprocess, input, channels, stride, norm, partial: 1, output };
            CellNet::new(cell, &union.vocabulary, spec, ops)
        };
        let (mut net, mut last) = stem(&self.size)?;
        for (i, module) in MODULES.into_iter().enumerate() {
            last = self.module(&mut net, (&format!("module{i}"), last), module, cell)?;
        }
        let (head, auxiliary) = self.task.head(&mut net, last, &self.size)?;
        Ok(net.finish(head, auxiliary))
    }
}

#[cfg(test)]
mod tests;
