#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::{Network, NetworkSize, Shape, Skeleton};
use crate::testing::check_space;

#[test]
fn contract() {
    let report = check_space(&NasBenchMacro::new(), 1, 50).unwrap();
    assert_eq!(report.enumerated, 6_561);
}

#[test]
fn texts_keep_their_zeros_and_have_16_neighbours() {
    let space = NasBenchMacro::new();
    let network = space.parse("02012100").unwrap();
    assert_eq!(space.format(&network).unwrap(), "02012100");
    assert_eq!(space.neighbours(&network).unwrap().len(), 16);
    assert_ne!(network.key(), space.parse("20121000").unwrap().key());
    // Identities stay where they are: eight operations between input and output.
    assert_eq!(network.op_graphs()[0].len(), 10);
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    for (text, expected) in [
        ("2012100", "7 digits given, expected 8; leading zeros count"),
        ("02012103", "layer 7 is '3', expected 0"),
        ("", "0 digits"),
    ] {
        let error = NasBenchMacro::new().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn network(texts: &[&str], skeleton: &NasBenchMacroSkeleton) -> Result<Network, SpaceError> {
    let space = NasBenchMacro::new();
    let networks: Vec<_> = texts.iter().map(|text| space.parse(text).unwrap()).collect();
    skeleton.network(&Union::of(&networks)?, &OpTable::nasbench_macro())
}

/// `params` and `flops` of the published table (xiusu/NAS-Bench-Macro, Apache-2.0).
#[test]
fn counts_are_those_of_the_table() {
    let rows = [
        ("00000000", 387_882, 7_713_280),
        ("00000002", 1_219_370, 20_910_592),
        ("00200000", 464_554, 17_240_576),
        ("01000000", 415_082, 14_447_104),
        ("02012100", 890_666, 47_327_744),
        ("10101010", 934_730, 29_348_352),
        ("11111111", 1_588_874, 53_246_464),
        ("11111221", 2_181_386, 65_012_224),
        ("20000000", 409_834, 17_854_976),
        ("21021021", 1_994_922, 64_512_512),
        ("22212220", 1_985_514, 85_164_544),
        ("22222222", 2_932_586, 105_660_928),
    ];
    for (text, params, macs) in rows {
        let network = network(&[text], &NasBenchMacroSkeleton::cifar()).unwrap();
        assert_eq!((network.params(), network.macs()), (params, macs), "{text}");
    }
}

#[test]
fn stages_have_the_published_shapes() {
    let network = network(&["02012100"], &NasBenchMacroSkeleton::cifar()).unwrap();
    let shape = |name: &str| network.units.iter().find(|unit| unit.name == name).unwrap().shape;
    for (name, channels, side) in
        [("stem", 32, 32), ("layer0", 64, 16), ("layer2", 128, 8), ("layer7", 256, 4), ("last", 1280, 4)]
    {
        assert_eq!(shape(name), Shape::square(channels, side), "{name}");
    }
}

/// What a network of several architectures has beyond one of them is what it adds to each layer.
#[test]
fn a_shared_network_has_each_block_once() {
    let space = NasBenchMacro::new();
    let cifar = NasBenchMacroSkeleton::cifar();
    let macs = |texts: &[&str]| network(texts, &cifar).unwrap().macs();
    let alone = macs(&["00000000"]);
    let added: u64 = ["02000000", "00000010"].iter().map(|text| macs(&[text]) - alone).sum();
    let wider = macs(&["00000000", "02000000", "02000010", "00000010"]);
    assert_eq!(wider, alone + added);
    let all: Vec<Architecture> = space.enumerate().unwrap().collect();
    assert_eq!(space.whole().cells, Union::of(&all).unwrap().cells);
    let whole = cifar.network(&space.whole(), &space.ops()).unwrap();
    assert_eq!(whole.full_route(), space.whole().full_route());
}

#[test]
fn images_of_odd_sizes_fit_and_those_too_small_are_refused() {
    let of = |side, channels| {
        let image = Shape::square(1, side);
        let size = NetworkSize { channels, image, ..NasBenchMacroSkeleton::cifar().size };
        network(&["01202101"], &NasBenchMacroSkeleton { size })
    };
    for (side, last) in [(5, 1), (8, 1), (15, 2), (28, 4), (33, 5)] {
        let network = of(side, 8).unwrap();
        let unit = network.units.iter().find(|unit| unit.name == "layer7").unwrap();
        assert_eq!(unit.shape, Shape::square(64, last), "{side}");
    }
    let error = of(4, 8).unwrap_err().to_string();
    assert!(error.contains("a 32x1x1 map is too small to be reduced further"), "{error}");
    assert!(of(32, 0).unwrap_err().to_string().contains("channels = 0; they must be 1 to 4096"));
    let other = crate::families::mobilenet::MobileNet::new().whole();
    let error = NasBenchMacroSkeleton::cifar().network(&other, &OpTable::mobilenet()).unwrap_err();
    assert!(error.to_string().contains("one chain of eight blocks"), "{error}");
}
