//! Published DARTS cells and what several tests need.

use std::sync::Arc;

use bonas_spaces::network::{
    DartsSkeleton, NasBench201Skeleton, Network, OpTable, Route, Shape, Skeleton, Union,
};
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

/// A cell of edges (operation, from, to), nodes 0 and 1 the inputs, 2 to 5 joined by the output.
fn cell(edges: impl IntoIterator<Item = (OpId, usize, usize)>, vocabulary: &Vocabulary) -> Cell {
    let mut graph = CellGraph::new();
    let inputs = [0, 1].map(|i| graph.add_node(OpId::input(i)));
    let inner = [0; 4].map(|_| graph.add_node(OpId::PLAIN));
    let output = graph.add_node(OpId::OUTPUT);
    let nodes = [&inputs[..], &inner[..]].concat();
    for (op, from, to) in edges {
        graph.add_edge(nodes[from], nodes[to], op);
    }
    for node in inner {
        graph.add_edge(node, output, OpId::PLAIN);
    }
    Cell::new(graph, vocabulary).unwrap()
}

impl Published {
    pub(super) fn architecture(&self) -> Architecture {
        let vocabulary = vocabulary();
        let edges = |genotype: &Genotype| -> Vec<_> {
            let edge =
                |(i, (op, from)): (usize, &(&str, usize))| (vocabulary.id(op).unwrap(), *from, 2 + i / 2);
            genotype.iter().enumerate().map(edge).collect()
        };
        let cells = [&self.normal, &self.reduce].map(|g| cell(edges(g), &vocabulary)).to_vec();
        let form = format!("{:?}", (self.normal, self.reduce));
        Architecture::with_canonical_form(vocabulary, cells, form.as_bytes())
    }

    /// The discrete network and its only route.
    pub(super) fn network(&self, skeleton: &DartsSkeleton) -> (Network, Route) {
        let union = Union::of(&[self.architecture()]).unwrap();
        (skeleton.network(&union, &OpTable::darts()).unwrap(), union.full_route())
    }
}

/// All seven operations on all fourteen edges of both cells.
pub(super) fn whole_space() -> Union {
    let vocabulary = vocabulary();
    let of = |op: OpId| {
        let edges = (2..6).flat_map(|to| (0..to).map(move |from| (op, from, to)));
        let cells = vec![cell(edges, &vocabulary); 2];
        Architecture::with_canonical_form(vocabulary.clone(), cells, &op.index().to_le_bytes())
    };
    Union::of(&vocabulary.ops().map(of).collect::<Vec<_>>()).unwrap()
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

/// Whether two tensors are equal number by number.
pub(super) fn same(a: &Tensor, b: &Tensor) -> bool {
    a.equal(b)
}

/// A NAS-Bench-201 network, two cells of 8×8 images a stage, and its only route.
pub(super) fn nasbench201(architecture: &Architecture) -> (Network, Route) {
    let skeleton = NasBench201Skeleton {
        channels: 4,
        cells: 1,
        image: Shape::square(3, 8),
        ..NasBench201Skeleton::cifar()
    };
    let union = Union::of(std::slice::from_ref(architecture)).unwrap();
    (skeleton.network(&union, &OpTable::nasbench201()).unwrap(), union.full_route())
}

/// The NAS-Bench-201 network whose every edge carries one operation.
pub(super) fn chain_of(op: &str) -> (Network, Route) {
    let ops = [
        ("none", Role::Zero),
        ("skip_connect", Role::Identity),
        ("nor_conv_1x1", Role::Compute),
        ("nor_conv_3x3", Role::Compute),
        ("avg_pool_3x3", Role::Compute),
    ];
    let vocabulary = Arc::new(Vocabulary::new(1, ops).unwrap());
    let mut graph = CellGraph::new();
    let nodes = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT].map(|label| graph.add_node(label));
    for to in 1..4 {
        for from in 0..to {
            graph.add_edge(nodes[from], nodes[to], vocabulary.id(op).unwrap());
        }
    }
    let cell = Cell::new(graph, &vocabulary).unwrap();
    nasbench201(&Architecture::with_canonical_form(vocabulary, vec![cell], op.as_bytes()))
}
