#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::{Body, Layer, Network, NetworkSize, Shape, Skeleton};
use crate::testing::check_space;

const ROW: &str = "e1k3l1s0-e1k3l2s0-e1k5l3s1-e6k5l2s0-e1k5l2s0-e1k3l4s0-e4k5l3s0";

#[test]
fn contract() {
    check_space(&MnasNet::new(), 1, 100).unwrap();
    assert_eq!(MnasNet::new().size(), SpaceSize::Unique(36_u128.pow(6) * 48));
}

#[test]
fn a_network_is_the_chain_of_its_layers() {
    let space = MnasNet::new();
    let network = space.parse(ROW).unwrap();
    assert_eq!(space.format(&network).unwrap(), ROW);
    // 17 depthwise convolutions, 2 + 3 expansions, 3 squeezes.
    assert_eq!(network.op_graphs()[0].len(), 2 + 17 + 5 + 3);
    // Two expansions, one kernel, one squeeze a stage, and two (once three) numbers of layers.
    assert_eq!(space.neighbours(&network).unwrap().len(), 7 * (2 + 1 + 1 + 2) + 1);
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    for (text, expected) in [
        (ROW.replace("e6k5l2s0", "e5k5l2s0"), "stage 3 is \"e5k5l2s0\""),
        (ROW.replace("e1k3l1s0", "e1k3l4s0"), "stage 0 has 4 layers, expected 1 to 3"),
        (ROW.replace("-e4k5l3s0", ""), "6 blocks given, expected 7"),
        (String::new(), "stage 0 is \"\""),
    ] {
        let error = MnasNet::new().parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn network(texts: &[&str], skeleton: &MnasNetSkeleton) -> Result<Network, SpaceError> {
    let networks: Vec<_> = texts.iter().map(|text| MnasNet::new().parse(text).unwrap()).collect();
    skeleton.network(&Union::of(&networks)?, &OpTable::mnasnet())
}

/// Four for each output of BatchNorm, and h·w + 1 for each channel that squeeze-and-excitation averages; with the
/// shape behind the layers.
fn others(layers: &[Layer], shape: &mut Shape) -> usize {
    let mut count = 0;
    for layer in layers {
        *shape = layer.output(*shape).unwrap();
        count += match layer {
            Layer::BatchNorm { .. } => 4 * shape.len(),
            Layer::SqueezeExcite { .. } => shape.len() + shape.channels,
            _ => 0,
        };
    }
    count
}

/// The same of a whole network, whose cells are chains.
fn others_of(network: &Network) -> usize {
    let mut count = 0;
    for unit in &network.units {
        let mut shape = unit.inputs.first().map_or(unit.shape, |&input| network.units[input].shape);
        count += match &unit.body {
            Body::Layers(layers) => others(layers, &mut shape),
            Body::Cell { net, .. } => {
                let edges = net.nodes.iter().filter_map(|node| node.incoming.first());
                edges.map(|edge| others(&edge.choices[0].layers, &mut shape)).sum()
            }
            Body::Image | Body::Join(_) | Body::Counted { .. } => 0,
        };
    }
    count
}

/// `params` and `macs` of the published table (afzalxo/Accel-NASBench, Apache-2.0); of `macs`, 64,000 are of the last
/// average of 1280 maps of 7x7.
#[test]
fn counts_are_those_of_the_table() {
    let rows = [
        ("e1k3l1s0-e1k3l1s0-e1k5l3s0-e1k5l2s0-e1k5l2s0-e1k3l1s0-e4k5l3s0", 3_896_264, 169_164_688),
        ("e1k3l1s0-e1k3l1s0-e4k5l1s0-e6k3l3s0-e4k3l1s0-e1k3l1s0-e4k3l1s0", 2_395_864, 142_933_616),
        ("e1k3l1s0-e1k3l2s0-e4k3l2s0-e6k5l1s0-e4k5l2s0-e6k3l3s0-e6k5l3s0", 6_262_320, 351_953_504),
        ("e1k5l2s0-e6k3l2s1-e1k3l2s0-e6k5l1s0-e6k5l1s1-e1k3l1s1-e1k5l3s0", 2_198_434, 182_083_232),
        ("e4k5l3s0-e4k5l1s0-e4k5l3s0-e6k5l3s0-e6k5l2s0-e6k3l3s0-e6k5l1s0", 4_007_320, 543_625_824),
        ("e4k5l2s0-e6k3l1s0-e6k5l3s0-e4k5l3s0-e6k3l3s0-e6k5l1s0-e1k3l1s0", 2_630_232, 459_348_960),
        ("e1k3l3s0-e6k5l1s0-e4k5l3s0-e1k5l3s0-e6k3l2s0-e1k5l3s0-e6k3l2s0", 3_996_240, 295_812_048),
        ("e4k3l2s0-e1k3l1s0-e4k5l2s0-e6k3l2s0-e1k3l1s0-e4k3l2s0-e6k5l1s0", 2_928_872, 301_782_208),
        ("e4k5l3s0-e6k5l2s0-e4k5l1s0-e4k3l2s0-e6k5l3s0-e1k5l1s0-e1k5l1s0", 2_354_584, 475_299_440),
        ("e4k5l1s0-e1k3l3s0-e6k5l2s0-e6k3l2s0-e4k5l1s0-e6k3l2s0-e1k3l2s0", 2_774_184, 312_094_944),
        ("e6k3l1s0-e1k3l1s0-e1k5l2s0-e1k5l1s0-e4k5l1s0-e1k3l1s1-e4k5l1s1", 2_306_476, 234_307_376),
        ("e4k5l3s0-e1k3l3s1-e6k3l3s0-e1k5l2s1-e6k5l1s1-e1k5l4s0-e4k3l3s0", 4_143_306, 469_174_312),
    ];
    for (text, params, macs) in rows {
        let network = network(&[text], &MnasNetSkeleton::imagenet()).unwrap();
        assert_eq!(network.params(), params, "{text}");
        assert_eq!(network.macs() + others_of(&network) as u64 + 64_000, macs, "{text}");
    }
}

#[test]
fn networks_that_differ_in_kernels_share_the_rest() {
    let size = NetworkSize { image: Shape::square(3, 32), ..MnasNetSkeleton::imagenet().size };
    let cifar = MnasNetSkeleton { size };
    let other = ROW.replace("e6k5l2s0", "e6k3l2s0");
    let params = |texts: &[&str]| network(texts, &cifar).unwrap().params();
    // Beyond one of them: two depthwise convolutions, each with its BatchNorm.
    let widths = 6 * (40 + 80);
    assert_eq!(params(&[ROW, &other]), params(&[ROW]) + widths * (9 + 2));
    let networks = [ROW, &other].map(|text| MnasNet::new().parse(text).unwrap());
    let union = Union::of(&networks).unwrap();
    let shared = cifar.network(&union, &OpTable::mnasnet()).unwrap();
    assert_eq!(shared.full_route(), union.full_route());
    assert!(networks.iter().all(|network| MnasNet::new().whole().route(network).is_ok()));
    let error = |text: &str| network(&[ROW, text], &cifar).map(drop).unwrap_err().to_string();
    let wider = error(&ROW.replace("e6k5l2s0", "e4k5l2s0"));
    assert!(wider.contains("only networks that differ in kernels can share weights"), "{wider}");
    assert!(error(&ROW.replace("e6k5l2s0", "e6k5l3s0")).contains("all of the same length"));
}

#[test]
fn images_of_odd_sizes_fit_and_those_too_small_are_refused() {
    let of = |side, channels| {
        let image = Shape::square(1, side);
        let size = NetworkSize { channels, image, ..MnasNetSkeleton::imagenet().size };
        network(&[ROW], &MnasNetSkeleton { size })
    };
    for (side, last) in [(17, 1), (33, 2), (65, 3), (225, 8)] {
        let network = of(side, 8).unwrap();
        let unit = network.units.iter().find(|unit| unit.name == "last").unwrap();
        assert_eq!(unit.shape, Shape::square(4 * 80, last), "{side}");
    }
    let error = of(16, 8).map(drop).unwrap_err().to_string();
    assert!(error.contains("map is too small to be reduced further"), "{error}");
    assert!(of(64, 0).map(drop).unwrap_err().to_string().contains("channels = 0; they must be 1 to 4096"));
}
