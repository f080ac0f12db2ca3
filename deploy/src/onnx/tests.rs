use std::path::Path;

use super::schema::{GraphProto, TensorProto};
use super::*;
use crate::folder::tests::{card, network, network_of, supernet};
use crate::network::tests::out_of_order;

/// The graph of the model of the folder's tests, whose tensor `i` is filled with `i`.
fn graph(batch_norm: BatchNorm) -> (Deployed, ModelProto, GraphProto) {
    let deployed = Deployed::new(&network()).unwrap();
    let card = ModelCard { params: deployed.params(), ..card() };
    let bytes = supernet(&deployed);
    let weights = Weights::of_supernet(Path::new("w"), &bytes, &deployed, &card.key).unwrap();
    let bytes = model(&deployed, &weights, &card, batch_norm).unwrap();
    let model = ModelProto::decode(&bytes[..]).unwrap();
    let graph = model.graph.clone().unwrap();
    (deployed, model, graph)
}

fn numbers(tensor: &TensorProto) -> Vec<f32> {
    let bytes = tensor.raw_data().chunks_exact(4);
    bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn constant<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name() == name).unwrap()
}

fn count(graph: &GraphProto, operator: &str) -> usize {
    graph.node.iter().filter(|node| node.op_type() == operator).count()
}

#[test]
fn every_value_is_made_before_it_is_read() {
    for batch_norm in [BatchNorm::Kept, BatchNorm::Folded] {
        let (_, model, graph) = graph(batch_norm);
        assert_eq!((model.ir_version(), model.opset_import[0].version()), (8, 17));
        let mut known: Vec<&str> = graph.initializer.iter().map(TensorProto::name).collect();
        known.push("images");
        for node in &graph.node {
            assert!(node.input.iter().all(|input| known.contains(&input.as_str())), "{node:?}");
            assert!(!known.contains(&node.output[0].as_str()), "{} twice", node.output[0]);
            known.push(&node.output[0]);
        }
        assert_eq!(known.last(), Some(&"logits"));
    }
}

#[test]
fn weights_have_the_names_of_pytorch() {
    let (deployed, _, graph) = graph(BatchNorm::Kept);
    for (i, tensor) in deployed.tensors().iter().enumerate() {
        let found = constant(&graph, &tensor.name);
        assert_eq!(found.dims, tensor.shape.iter().map(|&side| side as i64).collect::<Vec<_>>());
        assert!(numbers(found).iter().all(|&number| number == i as f32), "{}", tensor.name);
    }
}

/// Of the stem: w = 0, γ = 1, β = 2, μ = 3, σ² = 4, so that b' = 2 - 3 / √(4 + 10⁻⁵).
#[test]
fn batch_normalisation_is_folded() {
    let (_, _, kept) = graph(BatchNorm::Kept);
    let (_, _, folded) = graph(BatchNorm::Folded);
    let bias = constant(&folded, "stem.0.bias");
    assert_eq!(bias.dims, [2]);
    assert!(numbers(bias).iter().all(|b| (b - 0.500_001_9).abs() < 1e-6), "{:?}", numbers(bias));
    assert!(numbers(constant(&folded, "stem.0.weight")).iter().all(|&w| w == 0.0));
    // Only the one before the classifier has no convolution before it.
    assert_eq!((count(&folded, "BatchNormalization"), count(&folded, "Conv")), (1, count(&kept, "Conv")));
    assert!(count(&kept, "BatchNormalization") > 1);
}

#[test]
fn any_number_of_images_is_read() {
    let (_, model, graph) = graph(BatchNorm::Kept);
    let text = format!("{:?}", graph.input);
    assert!(text.contains("DimParam(\"batch\")") && text.contains("DimValue(8)"), "{text}");
    let told = |key: &str| model.metadata_props.iter().find(|entry| entry.key() == key).unwrap().value();
    assert_eq!(told("classes"), "[\"no\",\"yes\"]");
    assert_eq!((told("mean"), told("std")), ("[0.25]", "[0.5]"));
    assert_eq!((told("shrink"), told("background")), ("1", "[255,255,255]"));
}

#[test]
fn files_of_another_version_are_the_same_model() {
    let (_, model, _) = graph(BatchNorm::Kept);
    let own = model.encode_to_vec();
    let older = ModelProto { producer_version: Some("0.0.1".into()), ..model.clone() }.encode_to_vec();
    assert_ne!(own, older);
    assert!(same(&own, &older));
    let other = ModelProto { doc_string: Some("another".into()), ..model }.encode_to_vec();
    assert!(!same(&own, &other) && !same(&own, &graph(BatchNorm::Folded).1.encode_to_vec()));
    assert!(!same(&own, &own[..own.len() - 1]) && !same(b"text", b"text"));
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let nodes = nodes::Nodes::default();
    let weights = std::collections::BTreeMap::new();
    let mut writer = layers::Writer { nodes, weights, batch_norm: BatchNorm::Kept };
    assert!(
        writer.nodes.sum("/cell/node1", &[]).unwrap_err().to_string().contains("/cell/node1 is a sum of")
    );
    let shared = writer.chain(&[bonas_spaces::network::Layer::Absent], "stem", "images").unwrap_err();
    assert!(shared.to_string().contains("stem.0 has weights of several architectures"), "{shared}");
    let early = writer.cell(&out_of_order(), "cell0", &["images".into()]).unwrap_err();
    assert!(early.to_string().contains("cell0 reads node 2 before it is computed"), "{early}");
}

#[test]
fn weights_of_another_network_are_refused() {
    let (deployed, other) = (Deployed::new(&network()).unwrap(), card());
    let none = Weights::of_supernet(Path::new("w"), &safetensors_of_nothing(), &deployed, &other.key);
    assert!(none.unwrap_err().to_string().contains("it has no stem.0.weight"));
    // Weights that are whole, of an architecture with a layer less.
    let (larger, fewer) = (
        Deployed::new(&network_of(&other.architecture.replace("skip_connect~0", "nor_conv_1x1~0"))).unwrap(),
        Weights::of_supernet(Path::new("w"), &supernet(&deployed), &deployed, &other.key).unwrap(),
    );
    let error = model(&larger, &fewer, &other, BatchNorm::Kept).unwrap_err();
    assert!(matches!(&error, DeployError::Network(_)), "{error:?}");
    assert!(error.to_string().contains("the weights have no "), "{error}");
}

fn safetensors_of_nothing() -> Vec<u8> {
    let none: [(&str, safetensors::tensor::TensorView<'_>); 0] = [];
    safetensors::serialize(none, &None).unwrap()
}
