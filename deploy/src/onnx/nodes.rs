//! Nodes and constants of a graph.

use super::schema::attribute_proto::AttributeType;
use super::schema::tensor_proto::DataType;
use super::schema::{AttributeProto, NodeProto, TensorProto};
use crate::error::{DeployError, Result};

/// Nodes and constants so far.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) nodes: Vec<NodeProto>,
    pub(super) constants: Vec<TensorProto>,
}

impl Nodes {
    /// Adds a node; its one result has its name, which is returned.
    pub(super) fn add(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: Some(name.to_owned()),
            op_type: Some(operator.to_owned()),
            attribute: attributes,
            ..NodeProto::default()
        });
        name.to_owned()
    }

    /// Adds a constant of single-precision numbers, and returns its name.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], numbers: &[f32]) -> String {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(name, shape, DataType::Float, bytes)
    }

    /// Adds a constant list of whole numbers, and returns its name.
    pub(super) fn whole(&mut self, name: &str, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(name, &[numbers.len()], DataType::Int64, bytes)
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: DataType, bytes: Vec<u8>) -> String {
        self.constants.push(tensor(name, shape, kind, bytes));
        name.to_owned()
    }

    /// The sum of values, from left to right.
    ///
    /// # Errors
    /// [`DeployError::Network`] for no value.
    pub(super) fn sum(&mut self, name: &str, values: &[String]) -> Result<String> {
        let Some((first, others)) = values.split_first() else {
            return Err(DeployError::Network(format!("{name} is a sum of nothing")));
        };
        let mut total = first.clone();
        for (i, other) in others.iter().enumerate() {
            let last = i + 1 == others.len();
            let own = if last { name.to_owned() } else { format!("{name}/partial{i}") };
            total = self.add(&own, "Add", &[&total, other], Vec::new());
        }
        Ok(total)
    }

    /// Values side by side along the channels.
    pub(super) fn concat(&mut self, name: &str, values: &[String]) -> String {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.add(name, "Concat", &values, vec![int("axis", 1)])
    }

    /// Zeros for each image of a value, of a shape.
    pub(super) fn zeros(&mut self, name: &str, like: &str, shape: [usize; 3]) -> String {
        let batch =
            self.add(&format!("{name}/batch"), "Shape", &[like], vec![int("start", 0), int("end", 1)]);
        let sides = self.whole(&format!("{name}/sides"), &shape.map(|side| side as i64));
        let whole = self.add(&format!("{name}/shape"), "Concat", &[&batch, &sides], vec![int("axis", 0)]);
        let zero = tensor("", &[1], DataType::Float, 0.0_f32.to_le_bytes().to_vec());
        let value = AttributeProto { t: Some(zero), ..attribute("value", AttributeType::Tensor) };
        self.add(name, "ConstantOfShape", &[&whole], vec![value])
    }
}

fn tensor(name: &str, shape: &[usize], kind: DataType, bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|&side| side as i64).collect(),
        data_type: Some(kind as i32),
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

/// An attribute that is a list of equal sizes.
pub(super) fn ints<const N: usize>(name: &str, value: usize) -> AttributeProto {
    AttributeProto { ints: vec![value as i64; N], ..attribute(name, AttributeType::Ints) }
}

/// An attribute that is a text.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

/// An attribute that is a number.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}
