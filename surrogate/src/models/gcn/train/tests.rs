use std::sync::Arc;

use bonas_spaces::{Architecture, Cell, CellGraph, OpId, Role, Simplify, Vocabulary};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tch::{Device, Kind};

use super::super::{GcnShape, Padding};
use super::*;
use crate::testing::{toy_cell, toy_observations};

const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

/// Values of the official network on the cells below; see `tests/golden/README.md`.
fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../tests/golden/gcn.json")).unwrap()
}

/// A cell in the notation `bits of the upper triangle|op;op` of NAS-Bench-101.
fn nasbench101(text: &str, vocabulary: &Arc<Vocabulary>) -> Architecture {
    let (bits, ops) = text.split_once('|').unwrap();
    let mut labels = vec![OpId::input(0)];
    labels.extend(ops.split(';').filter(|op| !op.is_empty()).map(|op| vocabulary.id(op).unwrap()));
    labels.push(OpId::OUTPUT);
    let mut graph = CellGraph::new();
    let nodes: Vec<_> = labels.iter().map(|&label| graph.add_node(label)).collect();
    let pairs = (0..nodes.len()).flat_map(|i| (i + 1..nodes.len()).map(move |j| (i, j)));
    for ((i, j), _) in pairs.zip(bits.chars()).filter(|(_, bit)| *bit == '1') {
        graph.add_edge(nodes[i], nodes[j], OpId::PLAIN);
    }
    Architecture::new(vocabulary.clone(), vec![Cell::new(graph, vocabulary).unwrap()])
}

fn golden_graphs() -> Graphs {
    let ops = ["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"].map(|op| (op, Role::Compute));
    let vocabulary = Arc::new(Vocabulary::new(1, ops).unwrap());
    let texts = golden()["cells"].as_array().unwrap().clone();
    let cells: Vec<_> = texts.iter().map(|t| nasbench101(t.as_str().unwrap(), &vocabulary)).collect();
    Graphs::encode(&cells.iter().collect::<Vec<_>>(), Simplify::Raw, Padding::Isolated(7), DOUBLE).unwrap()
}

/// The fill rule of the golden values.
fn golden_gcn() -> Gcn {
    let shape = GcnShape { classes: 6, cells: 1, width: 64, depth: 4 };
    let gcn = Gcn::new(shape, DOUBLE, &mut ChaCha8Rng::seed_from_u64(0)).unwrap();
    let fill = |tensor: &mut Tensor, rule: &dyn Fn(f64) -> f64| {
        let values: Vec<f64> = (0..tensor.numel()).map(|i| rule(i as f64)).collect();
        tensor.copy_(&Tensor::from_slice(&values).view_as(tensor));
    };
    for (name, mut tensor) in gcn.parameters() {
        let size = tensor.size();
        match size.as_slice() {
            [_, columns] => fill(&mut tensor, &|i| (0.37 * i + 1.0).sin() * (2.0 / *columns as f64).sqrt()),
            _ if name.ends_with("bias") => fill(&mut tensor, &|i| 0.1 * (0.37 * i).cos()),
            _ => fill(&mut tensor, &|i| 1.0 + 0.1 * (0.37 * i).sin()),
        }
    }
    for (name, mut tensor) in gcn.statistics() {
        if name.ends_with("mean") {
            fill(&mut tensor, &|i| 0.05 * (0.11 * i).sin());
        } else {
            fill(&mut tensor, &|i| 1.0 + 0.2 * (0.11 * i).cos().powi(2));
        }
    }
    gcn
}

fn assert_close(tensor: &Tensor, expected: &Value) {
    let flat = |value: &Value| match value {
        Value::Array(items) => items.iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>(),
        other => vec![other.as_f64().unwrap()],
    };
    let expected = flat(expected);
    let got = Vec::<f64>::try_from(tensor.reshape([-1])).unwrap();
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < 1e-8 * expected.abs().max(1.0), "{got} for {expected}");
    }
}

#[test]
fn encoding_is_the_published_one() {
    let (graphs, golden) = (golden_graphs(), golden());
    for (row, expected) in golden["adjacency_rows_cell0"].as_array().unwrap().iter().enumerate() {
        assert_close(&graphs.adjacency.get(0).get(row as i64), expected);
    }
    let features: Vec<f64> = golden["features_cell0"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()))
        .collect();
    let features = Tensor::from_slice(&features).view([8, 6]);
    let summed = graphs.adjacency.get(0).mm(&features); // [n, F]
    assert_eq!(summed, graphs.summed.get(0));
}

#[test]
fn outputs_are_those_of_the_official_network() {
    let (gcn, graphs, golden) = (golden_gcn(), golden_graphs(), golden());
    assert_eq!(gcn.shape().parameter_count() as u64, golden["params"].as_u64().unwrap());
    let (embedding, prediction) = gcn.infer(&graphs).unwrap();
    assert_close(&prediction, &golden["eval_prediction"]);
    for (i, expected) in golden["eval_embedding_first8"].as_array().unwrap().iter().enumerate() {
        assert_close(&embedding.get(i as i64).narrow(0, 0, 8), expected);
    }
}

#[test]
fn loss_and_gradient_are_those_of_the_official_network() {
    let (gcn, graphs, golden) = (golden_gcn(), golden_graphs(), golden());
    let targets: Vec<f64> =
        golden["targets"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let targets = Tensor::from_slice(&targets);
    let trace = gcn.forward(&graphs);
    assert_close(&trace.prediction, &golden["train_prediction"]);
    let loss = Loss::Exponential.value(&trace.prediction, &targets);
    assert!((loss - golden["train_loss"].as_f64().unwrap()).abs() < 1e-8);
    let gradient = gcn.flat().zeros_like();
    gcn.backward(&graphs, &trace, &Loss::Exponential.slope(&trace.prediction, &targets), &gradient);
    let of = Gcn::from_flat(gcn.shape(), gradient);
    for (name, slope) in of.parameters() {
        assert_close(&slope.norm(), &golden["grad_norm_by_parameter"][&name]);
    }
}

/// Two cells an architecture, graphs of different sizes, rows masked.
fn pairs(padding: Padding) -> Graphs {
    let chain = toy_cell(&["conv1x1", "none", "skip", "conv3x3", "none", "skip"]);
    let full = toy_cell(&["conv1x1", "conv3x3", "pool", "conv3x3", "pool", "conv1x1"]);
    let short = toy_cell(&["none", "none", "conv1x1", "none", "none", "none"]);
    let pair = |a: &Architecture, b: &Architecture| {
        Architecture::new(a.vocabulary().clone(), [a.cells(), b.cells()].concat())
    };
    let all = [pair(&chain, &full), pair(&short, &chain), pair(&full, &full)];
    Graphs::encode(&all.iter().collect::<Vec<_>>(), Simplify::Pruned, padding, DOUBLE).unwrap()
}

#[test]
fn gradient_agrees_with_finite_differences_for_masked_cells() {
    for padding in [Padding::Masked, Padding::Isolated(9)] {
        let graphs = pairs(padding);
        let shape = GcnShape { classes: graphs.classes, cells: 2, width: 5, depth: 3 };
        let gcn = Gcn::new(shape, DOUBLE, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        let _ = gcn.flat().g_mul_scalar_(3.0); // away from a network that ignores its input
        let targets = Tensor::from_slice(&[0.3, 0.9, 0.6]);
        let loss = |gcn: &Gcn| Loss::Linear.value(&gcn.forward(&graphs).prediction, &targets);
        let gradient = gcn.flat().zeros_like();
        let trace = gcn.forward(&graphs);
        gcn.backward(&graphs, &trace, &Loss::Linear.slope(&trace.prediction, &targets), &gradient);
        for i in 0..shape.parameter_count() as i64 {
            let mut parameter = gcn.flat().get(i);
            let h = 1e-5;
            let _ = parameter.g_add_scalar_(h);
            let above = loss(&gcn);
            let _ = parameter.g_sub_scalar_(2.0 * h);
            let below = loss(&gcn);
            let _ = parameter.g_add_scalar_(h);
            let (numeric, exact) = ((above - below) / (2.0 * h), gradient.double_value(&[i]));
            assert!((numeric - exact).abs() < 1e-7, "{padding:?} parameter {i}: {exact} for {numeric}");
        }
    }
}

#[test]
fn masked_embeddings_do_not_depend_on_company() {
    let graphs = pairs(Padding::Masked);
    let shape = GcnShape { classes: graphs.classes, cells: 2, width: 8, depth: 4 };
    let gcn = Gcn::new(shape, DOUBLE, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
    let (together, _) = gcn.infer(&graphs).unwrap();
    for i in 0..3 {
        let (alone, _) = gcn.infer(&graphs.select(&[i])).unwrap();
        let difference = (together.get(i as i64) - alone.get(0)).abs().max().double_value(&[]);
        assert!(difference < 1e-12, "{difference}");
    }
}

#[test]
fn training_learns_in_both_precisions_and_repeats_itself() {
    tch::set_num_threads(1);
    let observations = toy_observations(60, 1);
    let scores: Vec<f64> = observations.iter().map(|o| o.score).collect();
    let architectures: Vec<&Architecture> = observations.iter().map(|o| &o.architecture).collect();
    for kind in [Kind::Float, Kind::Double] {
        let graphs =
            Graphs::encode(&architectures, Simplify::Pruned, Padding::Masked, (kind, Device::Cpu)).unwrap();
        let shape = GcnShape { classes: graphs.classes, cells: 1, width: 16, depth: 4 };
        let run = |epochs: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let gcn = Gcn::new(shape, (kind, Device::Cpu), &mut rng).unwrap();
            let training = Training { epochs, batch: 25, ..Training::default() };
            let loss = training.run(&gcn, &graphs, &scores, &mut rng).unwrap();
            (loss, gcn.flat())
        };
        let ((first, _), (last, weights)) = (run(1), run(80));
        assert!(last < 0.3 * first, "{kind:?}: loss from {first} to {last}");
        assert_eq!(weights, run(80).1);
    }
}

/// Adam against its definition, on made-up gradients.
#[test]
fn adam_steps_by_its_formula() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut adam = Adam::new(Tensor::from_slice(&[0.5f64, -1.0]), 0.01);
    let (mut p, mut m, mut v) = ([0.5, -1.0], [0.0; 2], [0.0; 2]);
    for t in 1..6 {
        let g: [f64; 2] = [rng.random(), rng.random()];
        adam.gradient.copy_(&Tensor::from_slice(&g));
        adam.step();
        for i in 0..2 {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            let (mean, square) = (m[i] / (1.0 - 0.9f64.powi(t)), v[i] / (1.0 - 0.999f64.powi(t)));
            p[i] -= 0.01 * mean / (square.sqrt() + 1e-8);
        }
        let got = Vec::<f64>::try_from(&adam.parameters).unwrap();
        assert!(got.iter().zip(&p).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?} for {p:?}");
    }
}

#[test]
fn graphs_of_different_spaces_are_refused() {
    let one = toy_cell(&["none"; 6]);
    let two = Architecture::new(one.vocabulary().clone(), [one.cells(), one.cells()].concat());
    let error = Graphs::encode(&[&one, &two], Simplify::Pruned, Padding::Masked, DOUBLE).unwrap_err();
    assert!(error.to_string().contains("architecture 1 has 2 cells"));
    assert!(Graphs::encode(&[], Simplify::Pruned, Padding::Masked, DOUBLE).is_err());
}
