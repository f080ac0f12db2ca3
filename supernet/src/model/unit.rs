//! The units of a network in tensors.
//!
//! Shapes: B images, C channels, H×W pixels.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use bonas_spaces::network::{self, Join, Network, Shape, UnitId};

use super::builder::{Builder, Names};
use super::cell::{Cell, CellPath};
use super::error::{Result, SupernetError};
use super::join::joined;
use super::layers::{Chain, Run};
use super::params::ParamId;
use super::value::Value;

/// Which parameters and normalisations a unit has: they are numbered unit by unit.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) params: Range<ParamId>,
    pub(super) norms: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) inputs: Vec<UnitId>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Image,
    Chain(Chain),
    Cell { role: usize, cell: Cell },
    Join(Join),
}

impl Unit {
    pub(super) fn build(
        unit: &network::Unit,
        i: usize,
        network: &Network,
        builder: &mut Builder,
    ) -> Result<Self> {
        let body = match &unit.body {
            network::Body::Image => Body::Image,
            network::Body::Layers(layers) => {
                Body::Chain(Chain::build(layers, Names::alone(&unit.name), builder))
            }
            network::Body::Cell { role, net } => {
                let shapes: Vec<Shape> = unit.inputs.iter().map(|&i| network.units[i].shape).collect();
                Body::Cell { role: *role, cell: Cell::build(net, (i, *role), &shapes, &unit.name, builder)? }
            }
            network::Body::Join(join) => Body::Join(*join),
            network::Body::Counted { .. } => {
                return Err(SupernetError::mismatch("unit", format!("{} is counted only", unit.name)));
            }
        };
        Ok(Self { inputs: unit.inputs.clone(), body })
    }

    pub(super) fn forward(
        &self,
        inputs: &[&Value],
        path: Option<&CellPath>,
        images: i64,
        run: &mut Run<'_, '_, '_>,
    ) -> Result<Rc<Value>> {
        match (&self.body, path, inputs) {
            (Body::Chain(chain), _, [input]) => Ok(Rc::new(Value::new(chain.forward(input, run)?))),
            (Body::Cell { cell, .. }, Some(path), _) => cell.forward(inputs, path, images, run),
            (Body::Join(join), _, _) => {
                let parts =
                    inputs.iter().map(|v| Ok(v.raw()?.shallow_clone())).collect::<Result<Vec<_>>>()?;
                Ok(Rc::new(Value::new(joined(*join, &parts)?)))
            }
            _ => Err(SupernetError::mismatch("unit", format!("{} inputs", inputs.len()))),
        }
    }
}

/// Cells of one role read one route, whose edges the largest of their positions counts.
pub(super) fn share_edges_out(units: &mut [Unit]) {
    let mut edges: BTreeMap<usize, usize> = BTreeMap::new();
    for unit in &*units {
        if let Body::Cell { role, cell } = &unit.body {
            let most = edges.entry(*role).or_default();
            *most = cell.edges().max(*most);
        }
    }
    for unit in units {
        if let Body::Cell { role, cell } = &mut unit.body {
            cell.of_edges(edges[role]);
        }
    }
}

/// The last unit that reads each unit; itself if none does.
pub(super) fn last_readers(units: &[Unit]) -> Vec<UnitId> {
    let mut last: Vec<UnitId> = (0..units.len()).collect();
    for (i, unit) in units.iter().enumerate() {
        unit.inputs.iter().for_each(|&input| last[input] = i);
    }
    last
}
