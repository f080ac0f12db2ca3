//! What several tests need.

use std::sync::Arc;

use bonas_spaces::families::darts::{Darts, DartsSkeleton, Genotype};
use bonas_spaces::families::nasbench201::NasBench201Skeleton;
use bonas_spaces::network::{Network, OpTable, Route, Shape, Skeleton, Union};
use bonas_spaces::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::Tensor;

use super::super::{Placement, Supernet};

/// The discrete network of a published genotype and its only route.
pub(super) fn discrete(genotype: &Genotype, skeleton: &dyn Skeleton) -> (Network, Route) {
    let union = Union::of(&[architecture(genotype)]).unwrap();
    (skeleton.network(&union, &OpTable::darts()).unwrap(), union.full_route())
}

pub(super) fn architecture(genotype: &Genotype) -> Architecture {
    Darts::new().architecture(genotype).unwrap()
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
