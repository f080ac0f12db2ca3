//! Published DARTS cells and what several tests need.

use std::sync::Arc;

use bonas_spaces::network::{DartsSkeleton, Network, OpTable, Route, Shape, Skeleton, Union};
use bonas_spaces::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::super::{Placement, Supernet};

type Genotype = [(&'static str, usize); 8];

/// Normal and reduction cell, pairs of (operation, predecessor), two a node
/// (quark0/darts cnn/genotypes.py, yuhuixu1993/PC-DARTS genotypes.py).
pub(super) struct Published {
    normal: Genotype,
    reduce: Genotype,
}

pub(super) const DARTS_V1: Published = Published {
    normal: [
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("skip_connect", 0),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("skip_connect", 2),
    ],
    reduce: [
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("skip_connect", 2),
        ("avg_pool_3x3", 0),
    ],
};

pub(super) const DARTS_V2: Published = Published {
    normal: [
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    ],
    reduce: [
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
    ],
};

pub(super) const PC_DARTS_CIFAR: Published = Published {
    normal: [
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("sep_conv_3x3", 0),
        ("dil_conv_3x3", 1),
        ("sep_conv_5x5", 0),
        ("sep_conv_3x3", 1),
        ("avg_pool_3x3", 0),
        ("dil_conv_3x3", 1),
    ],
    reduce: [
        ("sep_conv_5x5", 1),
        ("max_pool_3x3", 0),
        ("sep_conv_5x5", 1),
        ("sep_conv_5x5", 2),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 3),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 2),
    ],
};

pub(super) const PC_DARTS_IMAGE: Published = Published {
    normal: [
        ("skip_connect", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 0),
        ("skip_connect", 1),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 3),
        ("sep_conv_3x3", 1),
        ("dil_conv_5x5", 4),
    ],
    reduce: [
        ("sep_conv_3x3", 0),
        ("skip_connect", 1),
        ("dil_conv_5x5", 2),
        ("max_pool_3x3", 1),
        ("sep_conv_3x3", 2),
        ("sep_conv_3x3", 1),
        ("sep_conv_5x5", 0),
        ("sep_conv_3x3", 3),
    ],
};

fn vocabulary() -> Arc<Vocabulary> {
    let names = [
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    ];
    let role = |name: &str| if name == "skip_connect" { Role::Identity } else { Role::Compute };
    Arc::new(Vocabulary::new(2, names.map(|name| (name, role(name)))).unwrap())
}

fn cell(genotype: &Genotype, vocabulary: &Vocabulary) -> Cell {
    let mut graph = CellGraph::new();
    let inputs = [0, 1].map(|i| graph.add_node(OpId::input(i)));
    let inner = [0; 4].map(|_| graph.add_node(OpId::PLAIN));
    let output = graph.add_node(OpId::OUTPUT);
    let nodes = [&inputs[..], &inner[..]].concat();
    for (i, (op, from)) in genotype.iter().enumerate() {
        graph.add_edge(nodes[*from], inner[i / 2], vocabulary.id(op).unwrap());
    }
    for node in inner {
        graph.add_edge(node, output, OpId::PLAIN);
    }
    Cell::new(graph, vocabulary).unwrap()
}

impl Published {
    pub(super) fn architecture(&self) -> Architecture {
        let vocabulary = vocabulary();
        let cells = [&self.normal, &self.reduce].map(|g| cell(g, &vocabulary)).to_vec();
        Architecture::with_canonical_form(
            vocabulary,
            cells,
            format!("{:?}", (self.normal, self.reduce)).as_bytes(),
        )
    }

    /// The discrete network and its only route.
    pub(super) fn network(&self, skeleton: &DartsSkeleton) -> (Network, Route) {
        let union = Union::of(&[self.architecture()]).unwrap();
        (skeleton.network(&union, &OpTable::darts()).unwrap(), union.full_route())
    }
}

/// A small DARTS stack for 3×32×32 images and 10 classes.
pub(super) fn small(channels: usize, layers: usize) -> DartsSkeleton {
    DartsSkeleton { channels, layers, image: Shape::square(3, 32), ..DartsSkeleton::cifar() }
}

pub(super) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(super) fn built(network: &Network, placement: Placement) -> Supernet {
    tch::set_num_threads(1);
    Supernet::build(network, placement, &mut rng(1)).unwrap()
}

/// The golden input: sin(0.013·i), `[images, C, H, W]`, and labels 0, 1, 2, …
pub(super) fn batch(images: i64, shape: Shape, placement: Placement) -> (Tensor, Tensor) {
    let count = images as usize * shape.len();
    let values: Vec<f64> = (0..count).map(|i| (0.013 * i as f64).sin()).collect();
    let size = [images, shape.channels as i64, shape.height as i64, shape.width as i64];
    let x = Tensor::from_slice(&values).view(size).to_kind(placement.kind); // [B, C, H, W]
    let labels: Vec<i64> = (0..images).map(|i| i % 10).collect();
    (x, Tensor::from_slice(&labels))
}
