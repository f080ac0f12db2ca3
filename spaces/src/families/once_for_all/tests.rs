#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::{Kernels, Network, NetworkSize, Shape, Skeleton};
use crate::testing::check_space;

const SMALLEST: &str = r#"{"ks": 3, "e": 3, "d": 2, "r": 192}"#;
const LARGEST: &str = r#"{"ks": 7, "e": 6, "d": 4, "r": 224}"#;

fn network(texts: &[&str], skeleton: &OnceForAllSkeleton) -> Result<Network, SpaceError> {
    let networks: Vec<_> = texts.iter().map(|text| OnceForAll::new().parse(text).unwrap()).collect();
    skeleton.network(&Union::of(&networks)?, &OpTable::once_for_all())
}

fn sized(size: NetworkSize) -> OnceForAllSkeleton {
    let mut skeleton = OnceForAllSkeleton::imagenet();
    skeleton.size = size;
    skeleton
}

/// (81 + 729 + 6561)^5, "roughly 2x10^19" (Cai et al. 2020, section 3.1), at 33 resolutions.
#[test]
fn contract_and_published_size() {
    for space in [OnceForAll::new(), OnceForAll::fixed_resolution()] {
        check_space(&space, 1, 30).unwrap();
    }
    assert_eq!(OnceForAll::fixed_resolution().size(), SpaceSize::Unique(21_758_655_492_572_485_851));
    assert_eq!(OnceForAll::new().size(), SpaceSize::Unique(33 * 21_758_655_492_572_485_851));
}

#[test]
fn configurations_read_in_each_form_and_print_in_two() {
    let space = OnceForAll::new();
    let text = r#"{"ks": [3, 5, 3, 3, 7, 3, 3, 5, 3, 3, 5], "e": [3, 3, 4, 4, 6, 6, 3, 3, 4, 6, 6], "d": [2, 3, 2, 2, 2], "r": 160}"#;
    let network = space.parse(text).unwrap();
    assert_eq!(space.format(&network).unwrap(), text);
    let all = space.format_as(&network, "set_active_subnet").unwrap();
    assert!(all.starts_with(r#"{"ks": [3, 5, null, null, 3, 3, 7, null, 3, 3,"#), "{all}");
    // What stands at a place without a layer does not matter.
    for copy in [all.clone(), all.replace("null", "7"), all.replace("null", "None").replace('"', "'")] {
        assert_eq!(space.parse(&copy.replace("160", "[160]")).unwrap(), network, "{copy}");
    }
    let one_for_all = space.parse(r#"{"d": 2, "w": 1.0, "e": 3, "ks": 3, "r": 128}"#).unwrap();
    assert_eq!(space.config(&one_for_all).unwrap().stages[4], [Layer::at(0); 2]);
    for other in [
        "ks=3, e=3, d=2, r=128",
        "ofa.set_active_subnet(ks=[3] * 10, e=np.array([3] * 10), d=[2] * 5, r=[128])",
        "{'wid': None, 'ks': [3] * 20, 'e': [3] * 20, 'd': (2, 2, 2, 2, 2), 'r': [128]}",
    ] {
        assert_eq!(space.parse(other).unwrap(), one_for_all, "{other}");
    }
    let fixed = OnceForAll::fixed_resolution();
    let largest = fixed.parse(r#"{"ks": 7, "e": 6, "d": 4}"#).unwrap();
    assert_eq!(fixed.parse(LARGEST).unwrap(), largest);
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    for (text, expected) in [
        (r#"{"ks": 7, "e": 6, "d": 4}"#, "\"r\" is missing"),
        (r#"{"ks": 7, "e": 6, "d": 5, "r": 224}"#, "expected a depth of 2 to 4, found 5"),
        (r#"{"ks": 4, "e": 6, "d": 4, "r": 224}"#, "expected one of 3, 5, 7, found 4"),
        (r#"{"ks": 3, "e": [6, 6], "d": 4, "r": 224}"#, "\"e\" has 2 numbers, expected 20 (layers) or 20"),
        (r#"{"ks": 3, "e": 6, "d": [2, 2], "r": 224}"#, "2 depths given, expected 5"),
        (r#"{"ks": 3, "e": 6, "d": 2, "r": 225}"#, "expected 128 to 256 in steps of 4, found 225"),
        (r#"{"ks": 3, "e": 6, "d": 2, "r": 224, "w": 1.2}"#, "take skeleton once-for-all-1.2"),
        (r#"{"ks": 3, "e": 6, "d": 2, "r": 224, "depth": 2}"#, "unknown key \"depth\""),
        (r#"{"ks": 3, "e": 6, "d": 2, "r": 224, "d": 3}"#, "\"d\" stands there twice"),
        ("", "expected"),
    ] {
        let error = OnceForAll::new().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = OnceForAll::fixed_resolution().parse(SMALLEST).unwrap_err().to_string();
    assert!(error.contains("expected the resolution 224, found 192"), "{error}");
}

/// The released network `flops@595M_top1@80.0_finetune@75` of 595 M multiply-adds at 236 pixels (its `net.config` and
/// `run.config` stand in Alibaba-MIIL/ImageNet21K), and two of the multiplier 1 whose parameters `MMRazor` prints on its
/// page of once-for-all: `note8_lat@31ms_top1@72.8_finetune@25` with 4.6 M, and the largest with 7.6 M (cut off).
#[test]
fn counts_are_the_published_ones() {
    let released = r#"{"ks": [3, 5, 3, 5, 5, 3, 5, 7, 5, 3, 5, 3, 5, 7, 3, 3, 3, 5, 3],
                       "e": [3, 4, 3, 4, 4, 6, 3, 6, 6, 3, 4, 6, 6, 6, 4, 6, 6, 6, 3], "d": [3, 4, 4, 4, 4], "r": 236}"#;
    let released = network(&[released], &OnceForAllSkeleton::wider()).unwrap();
    assert_eq!((released.macs(), released.params()), (595_189_032, 9_135_928));
    let note8 = r#"{"ks": [5, 3, 5, 5, 3, 3, 5, 3, 5, 7, 3, 3, 5, 5], "e": [3, 3, 4, 3, 4, 4, 4, 4, 3, 4, 6, 3, 3, 3],
                    "d": [2, 2, 3, 3, 4], "r": 152}"#;
    let imagenet = OnceForAllSkeleton::imagenet();
    assert_eq!(network(&[note8], &imagenet).unwrap().params(), 4_595_536);
    assert_eq!(network(&[LARGEST], &imagenet).unwrap().params(), 7_664_760);
}

/// The searched sub-network that the release's notebook (`tutorial/ofa.ipynb`) prints layer by layer, of the multiplier
/// 1.2: widths of its layers.
#[test]
fn the_wider_network_has_the_published_widths() {
    let text = r#"{"ks": [5, 3, 5, 3, 7, 7, 3, 5, 5, 7, 3, 3, 3, 5], "e": [3, 3, 4, 4, 6, 3, 4, 4, 4, 4, 3, 6, 6, 6],
                   "d": [2, 2, 3, 4, 3], "r": 192}"#;
    let network = network(&[text], &OnceForAllSkeleton::wider()).unwrap();
    let shape = |name: &str| network.units.iter().find(|unit| unit.name == name).unwrap().shape;
    for (name, channels, side) in [
        ("resolution", 3, 192),
        ("stem", 24, 96),
        ("first", 24, 96),
        ("stage0.layer1", 32, 48),
        ("stage1.layer3", 48, 24),
        ("stage2.layer2", 96, 12),
        ("stage3.layer3", 136, 12),
        ("stage4.layer2", 192, 6),
        ("expand", 1152, 6),
        ("mix", 1536, 1),
    ] {
        assert_eq!(shape(name), Shape::square(channels, side), "{name}");
    }
}

#[test]
fn the_resolution_scales_images_in_proportion() {
    let size = NetworkSize {
        channels: 4,
        image: Shape { channels: 1, height: 64, width: 48 },
        ..OnceForAllSkeleton::imagenet().size
    };
    let skeleton = sized(size);
    let scaled = |side: &str| {
        let network = network(&[&LARGEST.replace("224", side)], &skeleton).unwrap();
        (network.units[1].shape.height, network.units[1].shape.width, network.params(), network.macs())
    };
    let (full, half) = (scaled("224"), scaled("128"));
    assert_eq!(((full.0, full.1), (half.0, half.1)), ((64, 48), (37, 27)));
    assert!(full.2 == half.2 && full.3 > half.3);
}

/// What two networks of one resolution share: all but the BatchNorm of a layer in which they differ, and the matrices that
/// make its smaller kernels.
#[test]
fn networks_share_the_largest_weights_of_each_layer() {
    let skeleton = OnceForAllSkeleton::imagenet();
    let params = |texts: &[&str]| network(texts, &skeleton).unwrap().params();
    let smaller = LARGEST
        .replace(r#""ks": 7"#, r#""ks": [3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]"#);
    // Of the first layer of the first stage, 16 to 96 to 24 channels: BatchNorm of 96, 96 and 24.
    let matrices = 25 * 25 + 9 * 9;
    assert_eq!(params(&[LARGEST, &smaller]), params(&[LARGEST]) + 2 * (96 + 96 + 24) + matrices);
    let shallower = LARGEST.replace(r#""d": 4"#, r#""d": 2"#);
    assert_eq!(params(&[LARGEST, &shallower]), params(&[LARGEST]));
    let space = OnceForAll::fixed_resolution();
    let whole = skeleton.network(&space.whole(), &space.ops()).unwrap();
    assert_eq!(whole.full_route(), space.whole().full_route());
    let norms = |network: &Network| network.norm_params();
    let largest = network(&[LARGEST], &skeleton).unwrap();
    assert_eq!(whole.params() - norms(&whole), largest.params() - norms(&largest) + 20 * matrices);
    let mut cropped = skeleton.clone();
    cropped.kernels = Kernels::Cropped;
    let cropped = cropped.network(&space.whole(), &space.ops()).unwrap();
    assert_eq!(cropped.params(), whole.params() - 20 * matrices);
    let error = network(&[LARGEST, SMALLEST], &skeleton).unwrap_err().to_string();
    assert!(error.contains("2 resolutions: networks share weights at one resolution only"), "{error}");
}

#[test]
fn images_too_small_are_refused_and_odd_ones_fit() {
    let of = |side, channels| {
        let size =
            NetworkSize { channels, image: Shape::square(1, side), ..OnceForAllSkeleton::imagenet().size };
        network(&[LARGEST], &sized(size))
    };
    for (side, last) in [(17, 1), (32, 1), (33, 2), (65, 3)] {
        let network = of(side, 8).unwrap();
        let unit = network.units.iter().find(|unit| unit.name == "expand").unwrap();
        assert_eq!(unit.shape, Shape::square(480, last), "{side}");
    }
    let error = of(16, 8).map(drop).unwrap_err().to_string();
    assert!(error.contains("map is too small to be reduced further"), "{error}");
    assert!(of(64, 0).map(drop).unwrap_err().to_string().contains("channels = 0; they must be 1 to 4096"));
}
