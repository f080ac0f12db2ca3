//! What it costs to score a cell, each way.

use std::slice::from_ref;
use std::sync::Arc;

use anyhow::Result;
use bonas::build::Trainings;
use bonas::spaces::Architecture;
use bonas::spaces::network::{Norm, OpTable, Skeleton, Union};
use bonas::supernet::networks::Size;
use bonas::supernet::training::Part;
use serde::Serialize;

use crate::cells::{self, Repeat};
use crate::flags::Flags;

/// Training that one scored cell costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    /// How the cell is scored.
    pub(crate) way: &'static str,
    /// Steps of gradient descent.
    pub(crate) steps: f64,
    /// Images seen.
    pub(crate) images: f64,
    /// Multiply-adds of the forward passes, in billions.
    pub(crate) giga_macs: f64,
}

/// The cost of a cell from scratch (one seed), in joint training, and in the one-shot supernet.
pub(crate) fn costs(flags: &Flags, repeats: &[Repeat]) -> Result<Vec<Cost>> {
    let meter = Meter::new(flags)?;
    let random: Vec<_> = repeats.iter().map(|r| r.random.as_slice()).collect();
    let related: Vec<_> = repeats.iter().map(|r| r.related.as_slice()).collect();
    let single = meter.single(&[random.concat(), related.concat()].concat())?;
    let pool = cells::pool(flags)?;
    Ok(vec![
        meter.cost("from scratch, one seed", flags.scratch_epochs as f64, single),
        meter.shared("joint, random", &random)?,
        meter.shared("joint, related", &related)?,
        meter.shared("one-shot", &[&pool])?,
    ])
}

/// Knows the networks.
struct Meter<'a> {
    flags: &'a Flags,
    skeleton: Arc<dyn Skeleton>,
    ops: OpTable,
    /// Images a step, and steps an epoch.
    batch: usize,
    steps: usize,
}

impl<'a> Meter<'a> {
    fn new(flags: &'a Flags) -> Result<Self> {
        let config = flags.joint();
        let networks = Trainings::new(&config)?.networks;
        let size = Size { channels: flags.channels, layers: flags.layers, auxiliary: false };
        let images = networks.task()?.training_indices(Part::Validation).len();
        let batch = flags.batch;
        anyhow::ensure!(batch <= images, "--batch {batch}; there are {images} images to train on");
        let (skeleton, ops) = (networks.skeleton(size, Norm::SEARCH)?, networks.ops());
        Ok(Self { flags, skeleton, ops, batch, steps: images / batch })
    }

    /// Of so many epochs, at so many multiply-adds an image.
    fn cost(&self, way: &'static str, epochs: f64, macs: f64) -> Cost {
        let steps = epochs * self.steps as f64;
        let images = steps * self.batch as f64;
        Cost { way, steps, images, giga_macs: images * macs / 1e9 }
    }

    /// Of supernets that are the unions of `batches`, trained on the cells in them.
    fn shared(&self, way: &'static str, batches: &[&[Architecture]]) -> Result<Cost> {
        let whole = mean(batches.iter().map(|batch| self.macs(batch)))?;
        let single = self.single(&batches.concat())?;
        let warm_up = self.flags.warmup_epochs as f64 / self.flags.shared_epochs as f64;
        let epochs = self.flags.shared_epochs as f64 / self.flags.cells as f64;
        Ok(self.cost(way, epochs, warm_up * whole + (1.0 - warm_up) * single))
    }

    /// Mean multiply-adds of an image in the networks of single cells.
    fn single(&self, cells: &[Architecture]) -> Result<f64> {
        mean(cells.iter().map(|cell| self.macs(from_ref(cell))))
    }

    /// Multiply-adds of an image in the union of cells.
    fn macs(&self, cells: &[Architecture]) -> Result<f64> {
        Ok(self.skeleton.network(&Union::of(cells)?, &self.ops)?.macs() as f64)
    }
}

fn mean(values: impl ExactSizeIterator<Item = Result<f64>>) -> Result<f64> {
    let n = values.len() as f64;
    Ok(values.sum::<Result<f64>>()? / n)
}
