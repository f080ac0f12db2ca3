#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::{Network, NetworkSize, Shape, Skeleton};
use crate::testing::check_space;

fn network(texts: &[&str], size: NetworkSize) -> Result<Network, SpaceError> {
    let networks: Vec<_> = texts.iter().map(|text| NatsSize::new().parse(text).unwrap()).collect();
    NatsSizeSkeleton { size }.network(&Union::of(&networks)?, &OpTable::nats_size())
}

fn cifar() -> NetworkSize {
    NatsSizeSkeleton::cifar().size
}

#[test]
fn contract() {
    let report = check_space(&NatsSize::new(), 1, 60).unwrap();
    assert_eq!(report.enumerated, 32_768);
}

/// Indices of the official files: the first, that of `create-query-sss.ipynb` (D-X-Y/NATS-Bench) and the last.
#[test]
fn enumeration_has_the_official_indices() {
    let all: Vec<_> = NatsSize::new().enumerate().unwrap().collect();
    for (index, text) in [(0, "8:8:8:8:8"), (12, "8:8:8:16:40"), (32_767, "64:64:64:64:64")] {
        assert_eq!(NatsSize::new().format(&all[index]).unwrap(), text);
        assert_eq!(NatsSize::new().parse(&index.to_string()).unwrap(), all[index]);
    }
    assert_eq!(NatsSize::new().neighbours(&all[0]).unwrap().len(), 35);
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    for (text, expected) in [
        ("8:8:8:8", "4 widths given, expected 5"),
        ("8:8:8:8:12", "place 4 is 12, expected one of 8, 16"),
        ("8:8:x:8:8", "place 2 is x, expected one of"),
        ("[8, 8, 8, 8, -8]", "place 4 is -8"),
        ("32768", "it must be 0 to 32767"),
        ("99999999999999999999999", "it must be 0 to 32767"),
        ("", "place 0 is , expected"),
    ] {
        let error = NatsSize::new().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// `params` and `flops` of the benchmark's files: of index 12 as `create-query-sss.ipynb` prints them (0.067378 and
/// 7.991706 M, with the ten biases of the classifier), of the others the stored parameters.
#[test]
fn counts_are_those_of_the_benchmark() {
    for (text, params) in [
        ("8:8:8:8:8", 11_714),
        ("8:8:8:16:40", 67_378),
        ("8:8:16:40:40", 107_826),
        ("64:64:64:64:64", 713_674),
    ] {
        assert_eq!(network(&[text], cifar()).unwrap().params(), params, "{text}");
    }
    assert_eq!(network(&["8:8:8:16:40"], cifar()).unwrap().macs() + 10, 7_991_706);
}

#[test]
fn parts_have_their_widths() {
    let network = network(&["8:16:24:32:40"], cifar()).unwrap();
    let shape = |name: &str| network.units.iter().find(|unit| unit.name == name).unwrap().shape;
    for (name, channels, side) in [
        ("stem", 8, 32),
        ("cell0", 8, 32),
        ("reduction0", 16, 16),
        ("cell1", 24, 16),
        ("reduction1", 32, 8),
        ("cell2", 40, 8),
    ] {
        assert_eq!(shape(name), Shape::square(channels, side), "{name}");
    }
}

#[test]
fn images_that_do_not_fit_are_refused_and_widths_scale() {
    let of = |side, channels| {
        network(&["8:64:8:64:8"], NetworkSize { channels, image: Shape::square(1, side), ..cifar() })
    };
    assert_eq!(of(8, 16).unwrap().units.last().unwrap().params, (2 + 1) * 10);
    let error = of(6, 16).unwrap_err().to_string();
    assert!(error.contains("halves evenly"), "{error}");
    let error = of(2, 16).unwrap_err().to_string();
    assert!(error.contains("map is too small to be reduced further"), "{error}");
    assert!(of(32, 0).unwrap_err().to_string().contains("channels = 0; they must be 1 to 4096"));
    let other = crate::families::mobilenet::MobileNet::new().whole();
    let error = NatsSizeSkeleton::cifar().network(&other, &OpTable::nats_size()).unwrap_err().to_string();
    assert!(error.contains("one chain of five widths"), "{error}");
}

/// Convolutions of the larger network, BatchNorm of both, and the 1x1 convolutions of skips: of 16 to 8, and of none where
/// the widths are equal.
#[test]
fn networks_share_the_widest_weights_of_each_part() {
    let (small, large) = ("16:16:16:16:16", "16:16:8:16:16");
    let alone = |text: &str| network(&[text], cifar()).unwrap();
    let shared = network(&[small, large], cifar()).unwrap();
    // Width 8 at place 2: a cell of five convolutions and a skip from 16, then a block of two convolutions.
    let (cell_norms, block_norms) = (2 * 6 * 8, 2 * 2 * 16);
    // After it the cell from 16 to 16 is the same for both.
    assert_eq!(shared.params(), alone(small).params() + 16 * 16 + cell_norms + block_norms);
    let whole = NatsSize::new().whole();
    let net = NatsSizeSkeleton::cifar().network(&whole, &OpTable::nats_size()).unwrap();
    assert_eq!(net.full_route(), whole.full_route());
    let convolutions = |network: &Network| network.params() - network.norm_params();
    // 64 to 64 has a skip without weights; the whole has one of 64x64 in each of the two cells that can change width.
    assert_eq!(convolutions(&net), convolutions(&alone("64:64:64:64:64")) + 2 * 64 * 64);
}
