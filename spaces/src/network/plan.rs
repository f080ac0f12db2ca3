//! A whole network as a value, and its builder.

use std::fmt;
use std::sync::Arc;

use super::layer::{Passage, pass};
use super::{CellNet, CellRoute, Join, Layer, Route, Shape};
use crate::error::SpaceError;

/// Position of a unit in its network.
pub type UnitId = usize;

/// The computation of a unit.
#[derive(Clone, Debug)]
pub enum Body {
    /// Passes the image on.
    Image,
    /// A chain of layers on one input.
    Layers(Vec<Layer>),
    /// A cell.
    Cell {
        /// Index of the cell in the architecture (DARTS: 0 normal, 1 reduction).
        role: usize,
        /// The cell in layers; cells of a stack may share them.
        net: Arc<CellNet>,
    },
    /// Several inputs joined.
    Join(Join),
    /// A part that is counted and not run, as the heads of tasks that nothing here trains for.
    Counted {
        /// Number of its parameters that are scales and shifts of batch normalisation.
        norm_params: usize,
    },
}

/// A named part of a network.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Name, unique in the network; parameters are saved under it.
    pub name: String,
    /// The earlier units whose results it reads.
    pub inputs: Vec<UnitId>,
    /// Its computation.
    pub body: Body,
    /// Shape of its result.
    pub shape: Shape,
    /// Number of trainable parameters, over all choices.
    pub params: usize,
    /// Multiply-adds for one image, over all choices.
    pub macs: u64,
    /// Activations that a training step keeps for one image, in numbers.
    pub activations: u64,
}

/// The costs of a part that is counted and not run ([`Body::Counted`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Shape of its result.
    pub shape: Shape,
    /// Number of trainable parameters.
    pub params: usize,
    /// Number of these that are scales and shifts of batch normalisation.
    pub norm_params: usize,
    /// Multiply-adds for one input.
    pub macs: u64,
    /// Activations that a training step keeps for one input, in numbers.
    pub activations: u64,
}

/// A row of the table that a [`Network`] prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Name of the unit.
    pub name: &'a str,
    /// Shape of its result.
    pub output: Shape,
    /// Trainable parameters.
    pub params: usize,
    /// Multiply-adds for one image at inference.
    pub macs: u64,
}

/// A network: its units in the order of computation.
#[derive(Clone, Debug)]
pub struct Network {
    /// The units; unit 0 is the image.
    pub units: Vec<Unit>,
    /// The unit that computes the logits.
    pub head: UnitId,
    /// The auxiliary head, which only training uses.
    pub auxiliary: Option<UnitId>,
}

impl Network {
    /// Shape of the images.
    pub fn image(&self) -> Shape {
        self.units[0].shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.units[self.head].shape.channels
    }

    /// Number of trainable parameters, including those of the auxiliary head.
    pub fn params(&self) -> usize {
        self.units.iter().map(|u| u.params).sum()
    }

    /// Number of parameters that are scales and shifts of batch normalisation.
    pub fn norm_params(&self) -> usize {
        let choices = |net: &CellNet| -> usize { net.layers().map(Layer::norm_params).sum() };
        let of = |unit: &Unit| match &unit.body {
            Body::Layers(layers) => layers.iter().map(Layer::norm_params).sum(),
            Body::Cell { net, .. } => choices(net),
            Body::Counted { norm_params } => *norm_params,
            Body::Image | Body::Join(_) => 0,
        };
        self.units.iter().map(of).sum()
    }

    /// Multiply-adds of convolutions and linear layers for one image, without the auxiliary head.
    pub fn macs(&self) -> u64 {
        self.units.iter().map(|u| u.macs).sum::<u64>() - self.auxiliary_macs()
    }

    /// Multiply-adds of the auxiliary head for one image, spent in training only; 0 without a head.
    pub fn auxiliary_macs(&self) -> u64 {
        self.auxiliary.map_or(0, |unit| self.units[unit].macs)
    }

    /// A row for each unit, in order.
    ///
    /// The rows add up to [`params`](Self::params) and [`macs`](Self::macs). The row of the auxiliary head
    /// therefore has parameters and no multiply-adds.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.units.iter().enumerate().map(|(i, unit)| Row {
            name: &unit.name,
            output: unit.shape,
            params: unit.params,
            macs: if Some(i) == self.auxiliary { 0 } else { unit.macs },
        })
    }

    /// Upper estimate of the bytes of 32-bit activations in a training step on `batch` images, with every
    /// choice active.
    pub fn activation_bytes(&self, batch: usize) -> u64 {
        4 * batch as u64 * self.units.iter().map(|u| u.activations).sum::<u64>()
    }

    /// The route that takes every choice on every edge.
    pub fn full_route(&self) -> Route {
        let mut cells: Vec<CellRoute> = Vec::new();
        for unit in &self.units {
            let Body::Cell { role, net } = &unit.body else { continue };
            cells.resize(cells.len().max(role + 1), CellRoute(Vec::new()));
            let CellRoute(chosen) = &mut cells[*role];
            for edge in net.nodes.iter().flat_map(|node| &node.incoming) {
                chosen.resize(chosen.len().max(edge.edge + 1), Vec::new());
                chosen[edge.edge] = (0..edge.choices.len()).collect();
            }
        }
        Route(cells)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24} {:>14} {:>12} {:>14}", "unit", "output", "parameters", "multiply-adds")?;
        for row in self.rows() {
            let shape = row.output.to_string();
            writeln!(f, "{:<24} {shape:>14} {:>12} {:>14}", row.name, row.params, row.macs)?;
        }
        writeln!(f, "{:<24} {:>14} {:>12} {:>14}", "total", "", self.params(), self.macs())?;
        writeln!(f, "{:<24} {:>14} {:>12}", "of these BatchNorm", "", self.norm_params())?;
        match self.auxiliary_macs() {
            0 => Ok(()),
            macs => writeln!(f, "{:<24} {:>14} {:>12} {macs:>14}", "auxiliary, in training", "", ""),
        }
    }
}

/// Builds a network unit by unit and checks shapes on the way.
#[derive(Debug)]
pub struct NetworkBuilder {
    units: Vec<Unit>,
}

impl NetworkBuilder {
    /// Starts a network that reads images of this shape. The image is unit 0.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for an empty image.
    pub fn new(image: Shape) -> Result<Self, SpaceError> {
        if image.is_empty() {
            return Err(SpaceError::network(format!("an image of {image} has no pixels")));
        }
        let mut builder = Self { units: Vec::new() };
        let passage = Passage { shape: image, macs: 0, activations: 0 };
        builder.push("image", vec![], Body::Image, 0, passage);
        Ok(builder)
    }

    /// Shape of a unit's result.
    pub fn shape(&self, unit: UnitId) -> Shape {
        self.units[unit].shape
    }

    /// Adds a chain of layers.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when a layer does not fit.
    pub fn layers(&mut self, name: &str, input: UnitId, layers: Vec<Layer>) -> Result<UnitId, SpaceError> {
        let from = self.shape(input);
        let passage = pass(&layers, from)?;
        let params = layers.iter().map(Layer::params).sum();
        Ok(self.push(name, vec![input], Body::Layers(layers), params, passage))
    }

    /// Adds a cell.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the cell does not fit its inputs.
    pub fn cell(
        &mut self,
        name: &str,
        inputs: &[UnitId],
        role: usize,
        net: CellNet,
    ) -> Result<UnitId, SpaceError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&i| self.shape(i)).collect();
        let (params, passage) = (net.params(), net.pass(&shapes)?);
        let body = Body::Cell { role, net: Arc::new(net) };
        Ok(self.push(name, inputs.to_vec(), body, params, passage))
    }

    /// Adds a cell like an earlier one, on inputs of the same shapes: what is known of that one is not worked out
    /// again.
    ///
    /// # Errors
    /// [`SpaceError::Network`] if the earlier unit is no cell, or its inputs have other shapes.
    pub fn cell_like(&mut self, name: &str, inputs: &[UnitId], like: UnitId) -> Result<UnitId, SpaceError> {
        let known = &self.units[like];
        let shapes = |inputs: &[UnitId]| inputs.iter().map(|&i| self.shape(i)).collect::<Vec<_>>();
        if !matches!(known.body, Body::Cell { .. }) || shapes(inputs) != shapes(&known.inputs) {
            return Err(SpaceError::network(format!("{name} is not like {}", known.name)));
        }
        let unit = Unit { name: name.to_owned(), inputs: inputs.to_vec(), ..known.clone() };
        self.units.push(unit);
        Ok(self.units.len() - 1)
    }

    /// Adds a chain of `count` equal cells of one input.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the cell does not fit its input.
    pub fn chain(
        &mut self,
        name: &str,
        input: UnitId,
        count: usize,
        net: CellNet,
    ) -> Result<UnitId, SpaceError> {
        let (mut last, params, net) = (input, net.params(), Arc::new(net));
        // What becomes of a map of one shape is worked out once.
        let mut known: Option<(Shape, Passage)> = None;
        for i in 0..count {
            let shape = self.shape(last);
            let passage = match known.filter(|(known, _)| *known == shape) {
                Some((_, passage)) => passage,
                None => net.pass(&[shape])?,
            };
            known = Some((shape, passage));
            let body = Body::Cell { role: 0, net: net.clone() };
            last = self.push(&format!("{name}.cell{i}"), vec![last], body, params, passage);
        }
        Ok(last)
    }

    /// Joins several units.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when their shapes do not fit together.
    pub fn join(&mut self, name: &str, inputs: &[UnitId], join: Join) -> Result<UnitId, SpaceError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&i| self.shape(i)).collect();
        let shape = join.output(&shapes)?;
        let passage = Passage { shape, macs: 0, activations: shape.len() as u64 };
        Ok(self.push(name, inputs.to_vec(), Body::Join(join), 0, passage))
    }

    /// Adds a part that is counted and not run.
    pub fn counted(&mut self, name: &str, inputs: &[UnitId], counted: Counted) -> UnitId {
        let Counted { shape, params, norm_params, macs, activations } = counted;
        let body = Body::Counted { norm_params };
        self.push(name, inputs.to_vec(), body, params, Passage { shape, macs, activations })
    }

    /// Adds the other tiles of an image of which the units so far read one: their maps behind its own, for the costs of
    /// reading `tiles - 1` more.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for no tiles.
    pub(crate) fn tiles(&mut self, name: &str, input: UnitId, tiles: usize) -> Result<UnitId, SpaceError> {
        let more = tiles.checked_sub(1).ok_or_else(|| SpaceError::network("an image of no tiles"))? as u64;
        let shape = self.shape(input);
        let shape = Shape { channels: tiles * shape.channels, ..shape };
        let sum = |of: fn(&Unit) -> u64| more * self.units.iter().map(of).sum::<u64>();
        let (macs, activations) = (sum(|unit| unit.macs), sum(|unit| unit.activations));
        let counted = Counted { shape, params: 0, norm_params: 0, macs, activations };
        Ok(self.counted(name, &[input], counted))
    }

    /// Adds global average pooling and a linear classifier; returns the unit of the logits.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for fewer than two classes.
    pub fn classifier(&mut self, name: &str, input: UnitId, classes: usize) -> Result<UnitId, SpaceError> {
        if classes < 2 {
            return Err(SpaceError::network(format!("{classes} classes; a classifier needs at least 2")));
        }
        let input_width = self.shape(input).channels;
        let layers = vec![Layer::GlobalAvgPool, Layer::Linear { input: input_width, output: classes }];
        self.layers(name, input, layers)
    }

    /// Finishes the network; `head` computes the logits and `auxiliary` those of an auxiliary head.
    pub fn finish(self, head: UnitId, auxiliary: Option<UnitId>) -> Network {
        Network { units: self.units, head, auxiliary }
    }

    fn push(
        &mut self,
        name: &str,
        inputs: Vec<UnitId>,
        body: Body,
        params: usize,
        passage: Passage,
    ) -> UnitId {
        let Passage { shape, macs, activations } = passage;
        self.units.push(Unit { name: name.to_owned(), inputs, body, shape, params, macs, activations });
        self.units.len() - 1
    }
}
