//! Published counts, shapes, and what is shared and refused.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::families::transnas::TransNasMicro;
use crate::graph::Architecture;
use crate::network::Body;
use crate::space::SearchSpace;

fn cells(texts: &[&str]) -> Vec<Architecture> {
    texts.iter().map(|text| TransNasMicro::new().parse(text).unwrap()).collect()
}

fn network(texts: &[&str], size: NetworkSize) -> Result<Network, SpaceError> {
    TransNasMicroSkeleton { cells: 2, size, task: Task::Object }
        .network(&Union::of(&cells(texts))?, &OpTable::transnas_micro())
}

/// The network that was counted: 63 classes.
fn counted(text: &str) -> Network {
    network(&[text], NetworkSize { classes: 63, ..OBJECT_CLASSIFICATION }).unwrap()
}

/// One for each output of a ReLU and two for each of BatchNorm.
fn others(layers: &[Layer], from: Shape) -> usize {
    let mut shape = from;
    let mut count = 0;
    for layer in layers {
        let after = layer.output(shape).unwrap();
        count += match layer {
            Layer::Relu => after.len(),
            Layer::BatchNorm { .. } => 2 * after.len(),
            Layer::Branches { arms, .. } => arms.iter().map(|arm| others(arm, shape)).sum(),
            _ => 0,
        };
        shape = after;
    }
    count
}

/// The same of a whole network of cells, in which every operation but those from the input reads a map of the
/// cell's own shape.
fn others_of(network: &Network) -> usize {
    let of = |unit: &crate::network::Unit| {
        let before = unit.inputs.first().map_or(unit.shape, |&input| network.units[input].shape);
        match &unit.body {
            Body::Layers(layers) => others(layers, before),
            Body::Cell { net, .. } => {
                let edges = net.nodes.iter().flat_map(|node| &node.incoming);
                let from = |node: usize| if net.inputs.contains(&node) { before } else { unit.shape };
                edges
                    .flat_map(|edge| edge.choices.iter().map(move |c| others(&c.layers, from(edge.from))))
                    .sum()
            }
            Body::Image | Body::Join(_) | Body::Counted { .. } => 0,
        }
    };
    network.units.iter().map(of).sum()
}

/// Parameters and FLOPs of the official networks with 63 classes; of the FLOPs, 41,472 are of pooling
/// and the head beyond its multiply-adds.
#[test]
fn counts_are_the_published_ones() {
    let rows = [
        ("1_01_203", 8_583_519, 1_775_804_416),
        ("1_02_102", 2_113_631, 484_646_912),
        ("1_02_203", 9_440_607, 1_946_132_480),
        ("1_03_032", 16_428_383, 3_313_246_208),
        ("1_11_112", 1_430_367, 340_402_176),
        ("1_11_301", 6_523_999, 1_430_233_088),
        ("2_11_122", 2_798_687, 630_038_528),
        ("2_11_331", 14_708_063, 3_062_046_720),
        ("3_11_132", 15_053_919, 3_113_066_496),
        ("3_33_003", 27_646_559, 5_689_319_424),
        ("3_33_022", 21_687_903, 4_517_470_208),
        ("3_33_232", 29_188_703, 6_005_039_104),
    ];
    for (text, params, flops) in rows {
        let network = counted(text);
        assert_eq!(network.params(), params, "{text}");
        let found = network.macs() + others_of(&network) as u64 + 41_472;
        assert_eq!(found, flops, "{text}");
    }
}

/// The published FLOPs count operations behind a node that nothing enters; multiply-adds do not.
#[test]
fn what_no_data_reaches_costs_nothing() {
    let (reached, idle) = (counted("0_20_001"), counted("0_20_031"));
    assert_eq!(reached.macs(), idle.macs());
    assert!(idle.params() > reached.params());
}

#[test]
fn maps_have_the_published_shapes_even_where_nothing_arrives() {
    for text in ["3_33_333", "1_11_111", "0_00_000", "3_30_000"] {
        let network = network(&[text], OBJECT_CLASSIFICATION).unwrap();
        let shape = |name: &str| network.units.iter().find(|unit| unit.name == name).unwrap().shape;
        for (name, channels, side) in [
            ("stem0", 32, 128),
            ("stem1", 64, 64),
            ("module0.reduction", 128, 32),
            ("module1.cell1", 128, 32),
            ("module2.cell0", 256, 16),
            ("module4.cell0", 512, 8),
        ] {
            assert_eq!(shape(name), Shape::square(channels, side), "{text} {name}");
        }
    }
}

#[test]
fn a_shared_network_has_every_operation_once() {
    let size = || NetworkSize { channels: 8, image: Shape::square(3, 32), ..OBJECT_CLASSIFICATION };
    let space = TransNasMicro::new();
    let params = |texts: &[&str]| network(texts, size()).unwrap().params();
    let alone = params(&["0_00_001"]);
    let added = params(&["3_00_001"]) - alone + params(&["0_02_001"]) - alone;
    assert_eq!(params(&["0_00_001", "3_02_001", "3_00_001"]), alone + added);
    let all: Vec<Architecture> = space.enumerate().unwrap().collect();
    let whole = crate::network::SpaceNetwork::whole(&space);
    assert_eq!(whole.cells, Union::of(&all).unwrap().cells);
    let skeleton = TransNasMicroSkeleton { cells: 1, size: size(), task: Task::Object };
    assert_eq!(
        skeleton.network(&whole, &OpTable::transnas_micro()).unwrap().full_route(),
        whole.full_route()
    );
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let of = |text: &str, side, channels| {
        let size = OBJECT_CLASSIFICATION;
        network(&[text], NetworkSize { channels, image: Shape::square(1, side), ..size })
    };
    // Convolutions round up; a factorised reduction wants even maps.
    assert!(of("3_00_003", 33, 8).is_ok() && of("1_00_003", 32, 8).is_ok());
    let error = of("1_00_003", 36, 8).map(drop).unwrap_err().to_string();
    assert!(error.contains("halves evenly"), "{error}");
    let error = of("3_00_003", 16, 8).map(drop).unwrap_err().to_string();
    assert!(error.contains("a 32x1x1 map is too small to be reduced further"), "{error}");
    let error = of("3_00_003", 1, 8).map(drop).unwrap_err().to_string();
    assert!(error.contains("a 1x1x1 map is too small"), "{error}");
    for channels in [0, 7, 2048] {
        let error = of("3_00_003", 32, channels).map(drop).unwrap_err().to_string();
        assert!(error.contains(&format!("channels = {channels}; they must be an even number")), "{error}");
    }
}
