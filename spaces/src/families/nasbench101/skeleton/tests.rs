//! Published counts and widths, hand-worked networks, and what unions of vertices hold.

use rand::SeedableRng;

use super::*;
use crate::families::nasbench101::{NasBench1Shot1, NasBench101, Part};
use crate::families::nasbench201::NasBench201;
use crate::graph::Architecture;
use crate::network::Body;
use crate::space::{CostTable, SearchSpace};

fn of(architecture: &Architecture) -> Union {
    Union::of(std::slice::from_ref(architecture)).unwrap()
}

type Edges<'a> = &'a [(usize, usize)];

/// The union of one cell, given by its edges and its operations.
fn cell(edges: Edges<'_>, ops: &[&str]) -> Union {
    let space = NasBench101::new();
    let ops: Vec<OpId> = ops.iter().map(|op| space.vocabulary().id(op).unwrap()).collect();
    of(&space.module(edges, &ops).unwrap())
}

fn network(skeleton: &NasBench101Skeleton, union: &Union) -> Result<Network, SpaceError> {
    skeleton.network(union, &OpTable::nasbench101())
}

const CONV3: &str = "conv3x3-bn-relu";
const CONV1: &str = "conv1x1-bn-relu";
const POOL: &str = "maxpool3x3";

#[test]
fn parameters_are_those_of_the_benchmark() {
    // `trainable_parameters` in nasbench_only108.tfrecord: of the Inception-like cell of the README
    // (printed in NASBench.ipynb); of the first record (as users of the benchmark quote it); and the largest
    // of all, which is quoted without its cell: this one, of five 3x3 convolutions, has that count.
    let inception = [(0, 1), (0, 2), (0, 3), (0, 5), (1, 6), (2, 6), (3, 4), (4, 6), (5, 6)];
    let first = [(0, 1), (0, 4), (0, 5), (1, 2), (2, 3), (2, 6), (3, 5), (4, 5), (5, 6)];
    let largest = [(0, 1), (0, 2), (0, 3), (0, 6), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)];
    let published = [
        (inception, [CONV1, CONV3, CONV3, CONV3, POOL], 2_694_282),
        (first, [CONV3, POOL, CONV3, CONV3, CONV1], 8_555_530),
        (largest, [CONV3; 5], 49_979_274),
    ];
    for (edges, ops, params) in published {
        let network = network(&NasBench101Skeleton::cifar(), &cell(&edges, &ops)).unwrap();
        assert_eq!(network.params(), params, "{edges:?}");
    }
}

#[test]
fn widths_are_the_published_ones() {
    // `model_builder_test.py` of google-research/nasbench.
    let line = [(0, 1), (1, 2), (2, 3)];
    let joined = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)];
    let two = [(0, 1), (0, 2), (1, 3), (2, 3)];
    let three = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)];
    let split = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)];
    let skipping = [(0, 1), (0, 3), (1, 2), (1, 4), (2, 3), (3, 4)];
    let published: [(Edges<'_>, usize, &[usize]); 11] = [
        (&line, 8, &[8, 8]),
        (&line, 16, &[16, 16]),
        (&joined, 16, &[16, 16, 16]),
        (&two, 8, &[4, 4]),
        (&two, 15, &[8, 7]),
        (&three, 8, &[3, 3, 2]),
        (&three, 15, &[5, 5, 5]),
        (&split, 8, &[4, 4, 4]),
        (&split, 9, &[5, 5, 4]),
        (&skipping, 8, &[4, 4, 4]),
        (&skipping, 15, &[8, 7, 7]),
    ];
    for (edges, channels, widths) in published {
        let union = cell(edges, &vec![CONV1; widths.len()]);
        assert_eq!(VertexCell::of(&union).unwrap().widths(channels).unwrap(), widths, "{edges:?}");
    }
}

fn tiny() -> NasBench101Skeleton {
    let image = Shape::square(3, 4);
    NasBench101Skeleton { channels: 3, cells: 1, image, classes: 2, norm: Norm::DISCRETE }
}

#[test]
fn a_small_network_has_the_counts_worked_by_hand() {
    // Vertices 1 and 2 share the output's channels, vertex 1 one more where they are odd; the result of
    // vertex 1 enters vertex 2, cut where it is wider; the input enters vertex 1 and the output.
    let network =
        network(&tiny(), &cell(&[(0, 1), (0, 3), (1, 2), (1, 3), (2, 3)], &[CONV3, CONV1])).unwrap();
    let mut params = 3 * 3 * 9 + 2 * 3;
    let mut macs = 3 * 3 * 9 * 16;
    let mut input = 3;
    for (output, first, second, pixels) in [(3, 2, 1, 16), (6, 3, 3, 4), (12, 6, 6, 1)] {
        let weights = input * first + first * first * 9 + second * second + input * output;
        params += weights + 2 * (first + first + second + output);
        macs += weights * pixels;
        input = output;
    }
    assert_eq!(network.params(), params + (12 + 1) * 2);
    assert_eq!(network.macs(), (macs + 12 * 2) as u64);
    let names: Vec<&str> = network.units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(
        names[..6],
        ["image", "stem", "stack0.cell0", "stack0.cell0.projection", "stack0.cell0.sum", "pool1"]
    );
    let Body::Cell { net, .. } = &network.units[2].body else { panic!("{names:?}") };
    let cut = &net.nodes[3].incoming[0].choices[0];
    assert_eq!((cut.op, &cut.layers[..]), (OpId::PLAIN, [Layer::Truncate { channels: 1 }].as_slice()));
}

#[test]
fn cells_without_vertices_are_a_projection() {
    let network = network(&tiny(), &cell(&[(0, 1)], &[])).unwrap();
    let cells = (3 * 3 + 2 * 3) + (3 * 6 + 2 * 6) + (6 * 12 + 2 * 12);
    assert_eq!(network.params(), (3 * 3 * 9 + 2 * 3) + cells + (12 + 1) * 2);
}

#[test]
fn the_whole_space_is_the_union_of_its_cells() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut drawn = |part| {
        let space = NasBench1Shot1::new(part);
        let cells: Vec<Architecture> = (0..300).map(|_| space.sample(&mut rng)).collect();
        (space.whole().cells, Union::of(&cells).unwrap().cells)
    };
    for part in [Part::One, Part::Two, Part::Three] {
        let (whole, drawn) = drawn(part);
        assert_eq!(whole, drawn, "{part:?}");
    }
    assert_eq!(NasBench101::new().whole().cells, drawn(Part::Three).1);
}

#[test]
fn routes_take_the_operations_and_edges_of_their_cells() {
    let (space, taken) = (NasBench101::new(), |route: &crate::network::Route| {
        route.0[0].0.iter().map(Vec::len).sum::<usize>()
    });
    let cells = ["111|conv3x3-bn-relu", "1|", "110011|maxpool3x3;conv1x1-bn-relu"];
    let cells = cells.map(|text| space.parse(text).unwrap());
    let union = Union::of(&cells).unwrap();
    // Two vertices of two and one operations; edges 0-1, 0-2, 1-2, 0-out, 1-out, 2-out, of which the last
    // cell has 0-1, 0-2, 1-out and 2-out.
    assert_eq!(taken(&union.full_route()), 3 + 5);
    let counts = cells.each_ref().map(|cell| taken(&union.route(cell).unwrap()));
    assert_eq!(counts, [1 + 3, 1, 2 + 4]);
    let longer = space.parse("1000100101|conv3x3-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu").unwrap();
    let error = union.route(&longer).unwrap_err().to_string();
    assert!(error.contains("3 interior vertices, and the network 2"), "{error}");
    let other = space.parse("101|maxpool3x3").unwrap();
    assert!(of(&cells[0]).route(&other).unwrap_err().to_string().contains("no maxpool3x3"));
    // The network that they share has every choice of the union.
    assert_eq!(network(&tiny(), &union).unwrap().full_route(), union.full_route());
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused =
        |skeleton: &NasBench101Skeleton, union: &Union| network(skeleton, union).unwrap_err().to_string();
    let on_edges = NasBench201::new().whole();
    assert!(refused(&tiny(), &on_edges).contains("operations on its vertices"));
    let narrow = NasBench101Skeleton { channels: 4, ..tiny() };
    let error = refused(&narrow, &NasBench101::new().whole());
    assert!(error.contains("4 channels for 5 vertices"), "{error}");
    let none = NasBench101Skeleton { cells: 0, ..tiny() };
    assert!(refused(&none, &cell(&[(0, 1)], &[])).contains("cells a stack = 0"));
    let small = NasBench101Skeleton { image: Shape::square(3, 3), ..tiny() };
    assert!(refused(&small, &cell(&[(0, 1)], &[])).contains("smaller than a window of 2"));
}

#[test]
fn multiply_adds_are_no_sum_over_choices() {
    let (space, skeleton) = (NasBench1Shot1::new(Part::One), NasBench101Skeleton::cifar());
    assert!(space.choices().is_some());
    assert_eq!(CostTable::of(&space, &skeleton, &OpTable::nasbench101()).unwrap(), None);
}
