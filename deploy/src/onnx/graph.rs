//! A network as a graph.

use std::collections::BTreeMap;

use bonas_spaces::network::Shape;

use super::BatchNorm;
use super::layers::{Writer, path};
use super::nodes::Nodes;
use super::schema::tensor_shape_proto::{Dimension, dimension};
use super::schema::{GraphProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_proto, type_proto};
use crate::Deployed;
use crate::error::{DeployError, Result};
use crate::folder::Values;
use crate::network::{Body, Edge, LiveCell};

/// What the graph reads and gives.
const IMAGES: &str = "images";
const LOGITS: &str = "logits";

/// The graph of a network.
pub(super) fn graph(
    network: &Deployed,
    weights: BTreeMap<String, Values>,
    batch_norm: BatchNorm,
) -> Result<GraphProto> {
    let mut writer = Writer { nodes: Nodes::default(), weights, batch_norm };
    let mut values = vec![IMAGES.to_owned()];
    for part in &network.parts()[1..] {
        let inputs: Vec<String> = part.inputs.iter().map(|&input| values[input].clone()).collect();
        let own = path(&part.name);
        values.push(match &part.body {
            Body::Layers { layers, .. } => writer.chain(layers, &part.name, &inputs[0])?,
            Body::Cell(cell) => writer.cell(cell, &part.name, &inputs)?,
            Body::Join(join) => writer.joined(*join, &own, &inputs)?,
            Body::Zeros => writer.nodes.zeros(&own, &inputs[0], sides(part.shape)),
            Body::Image => IMAGES.to_owned(),
        });
    }
    let Nodes { mut nodes, constants } = writer.nodes;
    let last = nodes.last_mut().and_then(|node| node.output.first_mut());
    LOGITS.clone_into(last.ok_or_else(|| DeployError::Network("it has no layer".into()))?);
    Ok(GraphProto {
        node: nodes,
        name: Some("bonas".to_owned()),
        initializer: constants,
        input: vec![value(IMAGES, &sides(network.image()))],
        output: vec![value(LOGITS, &[network.classes()])],
        ..GraphProto::default()
    })
}

fn sides(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

impl Writer {
    pub(super) fn cell(&mut self, cell: &LiveCell, name: &str, inputs: &[String]) -> Result<String> {
        let mut values: BTreeMap<usize, String> = BTreeMap::new();
        for (input, value) in cell.inputs.iter().zip(inputs) {
            let entered = self.chain(&input.layers, &format!("{name}.{}", input.name), value)?;
            values.insert(input.node, entered);
        }
        for node in &cell.nodes {
            let own = format!("{}/node{}", path(name), node.node);
            let mut parts = Vec::with_capacity(node.incoming.len());
            for (i, edge) in node.incoming.iter().enumerate() {
                parts.push(match edge {
                    Edge::Zeros(shape) => {
                        self.nodes.zeros(&format!("{own}/zeros{i}"), &inputs[0], sides(*shape))
                    }
                    Edge::From { node: from, ops } => {
                        let source = value_of(&values, *from, name)?;
                        let op = |op: &crate::network::Op| {
                            self.chain(&op.layers, &format!("{name}.{}", op.name), &source)
                        };
                        let results = ops.iter().map(op).collect::<Result<Vec<_>>>()?;
                        self.nodes.sum(&format!("{own}/edge{i}"), &results)?
                    }
                });
            }
            let joined =
                if let [only] = &parts[..] { only.clone() } else { self.joined(node.join, &own, &parts)? };
            values.insert(node.node, joined);
        }
        value_of(&values, cell.output, name)
    }
}

/// The value of a node of a cell.
fn value_of(values: &BTreeMap<usize, String>, node: usize, cell: &str) -> Result<String> {
    let none = || DeployError::Network(format!("{cell} reads node {node} before it is computed"));
    values.get(&node).cloned().ok_or_else(none)
}

/// A value of single-precision numbers `[batch, ..]`.
fn value(name: &str, sides: &[usize]) -> ValueInfoProto {
    let batch = dimension::Value::DimParam("batch".to_owned());
    let sides = sides.iter().map(|&side| dimension::Value::DimValue(side as i64));
    let dimension = |value| Dimension { value: Some(value), ..Dimension::default() };
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(sides).map(dimension).collect() };
    let tensor =
        type_proto::Tensor { elem_type: Some(tensor_proto::DataType::Float as i32), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
