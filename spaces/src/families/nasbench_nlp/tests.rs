//! What the space reads, draws and calls equal.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::network::{LanguageModel, RecurrentNode, RecurrentOp, Source};
use crate::testing::check_space;

mod functions;
mod recipes;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn cell(text: &str) -> RecurrentCell {
    let space = NasBenchNlp::new();
    space.cell(&space.parse(text).unwrap()).unwrap()
}

#[test]
fn the_space_keeps_the_contract() {
    let report = check_space(&NasBenchNlp::new(), 3, 25).unwrap();
    assert!(report.distinct > 20 && report.neighbours > 25 * 50, "{report:?}");
}

/// A `check` of architectures that the space did not build names what is wrong.
#[test]
fn foreign_graphs_are_refused() {
    let space = NasBenchNlp::new();
    let own = space.parse("gru").unwrap();
    let plain = Architecture::new(space.vocabulary().clone(), own.cells().to_vec());
    assert!(space.check(&plain).unwrap_err().to_string().contains("the key is not that of the cell"));
    let cells = [own.cells(), own.cells()].concat();
    let two = Architecture::with_canonical_form(space.vocabulary().clone(), cells, b"two");
    assert!(space.check(&two).unwrap_err().to_string().contains("one cell, not 2"));
    let mut graph = own.cells()[0].graph().clone();
    let edges: Vec<_> = graph.edge_indices().collect();
    for edge in edges {
        graph[edge] = crate::OpId::PLAIN;
    }
    let unlabelled = crate::Cell::new(graph, space.vocabulary()).unwrap();
    let unlabelled = Architecture::new(space.vocabulary().clone(), vec![unlabelled]);
    assert!(space.check(&unlabelled).unwrap_err().to_string().contains("labelled"));
    let other = crate::NasBench201::new().sample(&mut rng(1));
    assert!(space.check(&other).unwrap_err().to_string().contains("another space"));
}

/// The frequencies of the generator: weights 3, 1, 1, 1, one in five linear nodes with three inputs.
#[test]
fn samples_have_the_published_frequencies() {
    let mut rng = rng(5);
    let (mut ops, mut three, mut states) = (BTreeMap::new(), 0, [0; 3]);
    for _ in 0..2_000 {
        let cell = sample::cell(&mut rng);
        assert!(!cell.has_direct_state());
        states[cell.states() - 1] += 1;
        for node in cell.nodes() {
            *ops.entry(node.op).or_insert(0) += 1;
            three += usize::from(node.op == RecurrentOp::Linear && node.inputs.len() == 3);
            // An activation is of a linear node, and each linear node has one.
            let of_linear = |source: &Source| matches!(source, Source::Node(n) if cell.nodes()[*n].op == RecurrentOp::Linear);
            let is_activation = RecurrentOp::ACTIVATIONS.contains(&node.op);
            assert!(!is_activation || node.inputs.iter().all(of_linear));
        }
    }
    assert!(states.iter().all(|&count| (560..780).contains(&count)), "{states:?}");
    let [tanh, sigmoid, relu] = RecurrentOp::ACTIVATIONS.map(|op| ops[&op]);
    assert!(tanh.min(sigmoid).min(relu) * 10 > tanh.max(sigmoid).max(relu) * 9, "{ops:?}");
    let share = three as f64 / f64::from(ops[&RecurrentOp::Linear]);
    // Nodes with more inputs are less often removed, and the first ones have two candidates.
    assert!((0.12..0.25).contains(&share), "{share}");
    assert!(ops[&RecurrentOp::Linear] > 3 * ops[&RecurrentOp::Blend], "{ops:?}");
}

/// Parameters of rows of NAS-Bench-NLP on WikiText-2 (`num_params` of the released logs).
#[test]
fn parameters_are_those_of_the_benchmark() {
    let rows = [
        ("lstm", 20_230_878),
        (
            r#"{"node_0":{"op":"linear","input":["x","h_prev_0"]},"node_1":{"op":"activation_tanh","input":["node_0"]},
            "h_new_0":{"op":"elementwise_sum","input":["node_0","node_1"]}}"#,
            15_066_078,
        ),
        (
            r#"{"node_0":{"op":"linear","input":["h_prev_2","h_prev_0"]},"node_2":{"op":"linear","input":["h_new_2","x"]},
            "node_3":{"op":"activation_tanh","input":["node_2"]},"node_4":{"op":"linear","input":["node_3","x","h_new_2"]},
            "node_5":{"op":"activation_tanh","input":["node_4"]},"node_6":{"op":"linear","input":["node_3","node_5"]},
            "node_7":{"op":"activation_leaky_relu","input":["node_6"]},"node_8":{"op":"linear","input":["h_prev_0","h_prev_2"]},
            "node_12":{"op":"linear","input":["h_prev_1","node_7"]},"h_new_0":{"op":"activation_sigm","input":["node_12"]},
            "h_new_1":{"op":"activation_sigm","input":["node_8"]},"h_new_2":{"op":"activation_tanh","input":["node_0"]}}"#,
            24_714_078,
        ),
    ];
    for (recipe, params) in rows {
        assert_eq!(LanguageModel::wikitext2().params(&cell(recipe)).unwrap(), params, "{recipe}");
    }
    let untied = LanguageModel { words: 10, embedding: 3, hidden: 5, layers: 2, tied: false };
    // 10·3; 5·(3 + 5 + 1); 5·(5 + 5 + 1); 10·5 + 10.
    assert_eq!(untied.params(&cell("rnn")).unwrap(), 30 + 45 + 55 + 60);
    let error = LanguageModel { layers: 0, ..untied }.params(&cell("rnn")).unwrap_err().to_string();
    assert!(error.contains("layers = 0; it must be 1 to 64"), "{error}");
}

/// Keys are the same in every release: tables and journals hold them.
#[test]
fn keys_stay() {
    let space = NasBenchNlp::new();
    let keys = PUBLISHED.map(|(name, _)| space.parse(name).unwrap().key().to_string());
    let golden = [
        "12f7f76c72e1af1359ec6e553a17c0f4",
        "12f7f76c74a3bb4247af37a0ef30dc97",
        "12f7f76c4035bb2c74162426ce791fb9",
    ];
    assert_eq!(keys, golden);
}
