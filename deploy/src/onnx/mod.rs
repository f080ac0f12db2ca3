//! Networks as ONNX files.
//!
//! [`model`] writes a graph of opset 17 from `images` `[batch, C, H, W]`, normalised as the model folder says, to `logits`
//! `[batch, classes]`. Names of nodes are paths of modules; weights have the names of [`Deployed::tensors`].

mod graph;
mod layers;
mod nodes;
#[cfg(feature = "tract")]
mod session;
#[cfg(test)]
mod tests;

use prost::Message;

use crate::Deployed;
use crate::error::{DeployError, Result};
use crate::folder::{ModelCard, Weights};
use schema::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
#[cfg(feature = "tract")]
pub use session::{Session, difference};

/// The messages of ONNX, as prost-build makes them of `onnx.proto`.
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, rustdoc::all, dead_code)]
pub(crate) mod schema {
    include!("../../schema/onnx.rs");
}

/// Version of the operators.
const OPSET: i64 = 17;
/// Version of the file format that came with it.
const IR_VERSION: i64 = 8;
/// Bytes that a file of protocol buffers may have.
const MOST_BYTES: usize = i32::MAX as usize;

/// Whether batch normalisation is folded into the convolution before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchNorm {
    /// Folded where a convolution is before it: fewer nodes, the same logits up to rounding.
    Folded,
    /// As nodes of its own.
    Kept,
}

/// The bytes of an ONNX file with a network and its weights.
///
/// # Errors
/// [`DeployError::Network`] for weights without a tensor of the network, and for more than 2 GiB.
pub fn model(
    network: &Deployed,
    weights: &Weights,
    card: &ModelCard,
    batch_norm: BatchNorm,
) -> Result<Vec<u8>> {
    let graph = graph::graph(network, weights.values()?, batch_norm)?;
    let proto = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        producer_name: Some("bonas".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        doc_string: Some(format!(
            "An image classifier of search space {}: {}. Pixels in [0, 1] are normalised by mean and std first.",
            card.space.name, card.architecture
        )),
        metadata_props: metadata(card)?,
        graph: Some(graph),
        ..ModelProto::default()
    };
    let bytes = proto.encode_to_vec();
    if bytes.len() > MOST_BYTES {
        let reason = format!("{} bytes are more than a file of protocol buffers may have", bytes.len());
        return Err(DeployError::Network(reason));
    }
    Ok(bytes)
}

/// Whether two files hold the same network with the same weights: they differ in the version that wrote them at most.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let read = |bytes| ModelProto::decode(bytes).map(|model| ModelProto { producer_version: None, ..model });
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

/// What a reader needs beside the graph: classes, mean and std as JSON lists, how image files are read, and the
/// architecture.
fn metadata(card: &ModelCard) -> Result<Vec<StringStringEntryProto>> {
    let json = |value: serde_json::Result<String>| value.map_err(|e| DeployError::Network(e.to_string()));
    let reading = card.input.reading;
    let entries = [
        ("classes", json(serde_json::to_string(&card.classes))?),
        ("mean", json(serde_json::to_string(&card.input.mean))?),
        ("std", json(serde_json::to_string(&card.input.std))?),
        ("shrink", reading.shrink.to_string()),
        ("background", json(serde_json::to_string(&reading.background))?),
        ("space", card.space.name.clone()),
        ("architecture", card.architecture.clone()),
        ("key", card.key.clone()),
    ];
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    let resize = reading.resize.map(|resize| ("resize", resize.to_string()));
    Ok(entries.into_iter().chain(resize).map(entry).collect())
}
