#![allow(clippy::unwrap_used)]

use super::*;
use crate::families::transnas::{OBJECT_CLASSIFICATION, Task};
use crate::network::NetworkSize;
use crate::network::{Network, Shape, Skeleton};
use crate::testing::check_space;

/// The published count (README of TransNAS-Bench-101): 7,352 less 4,096 cells.
#[test]
fn contract_and_published_count() {
    let report = check_space(&TransNasMacro::new(), 1, 100).unwrap();
    assert_eq!(report.enumerated, 3_256);
}

#[test]
fn modules_change_come_and_go() {
    let space = TransNasMacro::new();
    let network = space.parse("64-1234-basic").unwrap();
    assert_eq!(space.format(&network).unwrap(), "64-1234-basic");
    let neighbours = space.neighbours(&network).unwrap();
    let lengths: Vec<usize> = neighbours.iter().map(|a| a.op_graphs()[0].len() - 2).collect();
    assert_eq!(lengths.iter().filter(|&&n| n == 4).count(), 12, "each of four modules in three ways");
    assert!(lengths.contains(&5) && !lengths.contains(&3));
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    for (text, expected) in [
        ("64-1111-basic", "0 modules that double the channels given, expected 1 to 3"),
        ("64-123-basic", "3 modules given, expected 4 to 6"),
        ("64-2222-basic", "4 modules that double"),
        ("64-1235-basic", "module 3 is '5', expected 1 (normal)"),
        ("64-41414-3_12_031", "end in -basic"),
    ] {
        let error = TransNasMacro::new().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn network(texts: &[&str], size: NetworkSize) -> Result<Network, SpaceError> {
    let networks: Vec<_> = texts.iter().map(|text| TransNasMacro::new().parse(text).unwrap()).collect();
    TransNasMacroSkeleton { size, task: Task::Object }
        .network(&Union::of(&networks)?, &OpTable::transnas_macro())
}

/// A module by hand: width and pixels before and after, parameters and multiply-adds of its two residual blocks.
fn module(before: (usize, usize), after: (usize, usize)) -> (usize, usize) {
    let ((input, _), (output, pixels)) = (before, after);
    let convolutions = 9 * (input * output + 3 * output * output);
    let changes = before != after;
    let shortcut = if changes { input * output } else { 0 };
    let norms = 2 * output * (4 + usize::from(changes));
    (convolutions + shortcut + norms, (convolutions + shortcut) * pixels)
}

#[test]
fn counts_are_those_worked_by_hand() {
    for text in ["64-1234-basic", "64-111114-basic", "64-444111-basic", "64-22331-basic", "64-233321-basic"] {
        let stem = 9 * (3 * 32 + 32 * 64);
        let (mut params, mut macs) = (stem + 2 * (32 + 64), 9 * (3 * 32 * 128 * 128 + 32 * 64 * 64 * 64));
        let (mut width, mut side) = (64, 64);
        for digit in text[3..].bytes().take_while(u8::is_ascii_digit) {
            let before = (width, side * side);
            width <<= usize::from([b'2', b'4'].contains(&digit));
            side >>= usize::from([b'3', b'4'].contains(&digit));
            let own = module(before, (width, side * side));
            (params, macs) = (params + own.0, macs + own.1);
        }
        let found = network(&[text], OBJECT_CLASSIFICATION).unwrap();
        assert_eq!(found.params(), params + 75 * (width + 1), "{text}");
        assert_eq!(found.macs(), (macs + 75 * width) as u64, "{text}");
        assert_eq!(found.units[found.head - 1].shape, Shape::square(width, side), "{text}");
    }
}

#[test]
fn every_network_is_built_and_has_a_route_through_the_whole() {
    let space = TransNasMacro::new();
    let whole = space.whole();
    let size = NetworkSize { channels: 2, image: Shape::square(1, 64), ..OBJECT_CLASSIFICATION };
    let skeleton = TransNasMacroSkeleton { size, task: Task::Object };
    for network in space.enumerate().unwrap().step_by(7) {
        assert!(whole.route(&network).is_ok());
        let union = Union::of(&[network]).unwrap();
        let built = skeleton.network(&union, &space.ops()).unwrap();
        assert_eq!(built.full_route(), union.full_route());
    }
}

#[test]
fn images_of_odd_sizes_fit_and_what_does_not_is_refused() {
    let of = |side| {
        let size = OBJECT_CLASSIFICATION;
        network(&["64-3341-basic"], NetworkSize { channels: 8, image: Shape::square(3, side), ..size })
    };
    for (side, last) in [(17, 1), (32, 1), (33, 2), (63, 2), (100, 4)] {
        let network = of(side).unwrap();
        assert_eq!(network.units[network.head - 1].shape, Shape::square(16, last), "{side}");
    }
    let error = of(16).unwrap_err().to_string();
    assert!(error.contains("a 8x1x1 map is too small to be reduced further"), "{error}");
    let shared = |texts: &[&str], side| {
        network(texts, NetworkSize { channels: 8, image: Shape::square(3, side), ..OBJECT_CLASSIFICATION })
            .map(drop)
    };
    assert!(
        shared(&["64-3341-basic", "64-12341-basic"], 32).is_err(),
        "three halvings of 8 pixels, then a fourth"
    );
    assert!(shared(&["64-3341-basic", "64-12341-basic"], 64).is_ok());
    let other = crate::families::mobilenet::MobileNet::new().whole();
    let error =
        TransNasMacroSkeleton::object_classification().network(&other, &OpTable::mobilenet()).unwrap_err();
    assert!(error.to_string().contains("wants the operations normal, double-channels"), "{error}");
}

/// Two networks that differ in their last module, and one that is a module longer: convolutions of the widest, BatchNorm
/// of each module at its width and map.
#[test]
fn networks_share_the_widest_weights_of_each_place() {
    let size = NetworkSize { channels: 8, ..OBJECT_CLASSIFICATION };
    let params = |texts: &[&str]| network(texts, size).unwrap().params();
    let convolutions =
        |input: usize, output: usize| 9 * (input * output + 3 * output * output) + input * output;
    let (plain, doubled) = (params(&["64-1231-basic"]), params(&["64-1232-basic"]));
    // Before the last module 16 channels: 16 to 16 without a convolution in the shortcut, and 16 to 32. The classifier has
    // weights for 64 channels, of which 16 and 32 are used.
    let classifier = |width: usize| 75 * (width + 1);
    let last = |network: usize, input: usize, output: usize| {
        network - classifier(output) - convolutions(input, output) - 2 * 5 * output
    };
    assert_eq!(doubled - classifier(32) - convolutions(16, 32) - 2 * 5 * 32, last(doubled, 16, 32));
    let before = last(doubled, 16, 32);
    assert_eq!(plain, before + convolutions(16, 16) - 16 * 16 + 2 * 4 * 16 + classifier(16));
    let both = before + convolutions(16, 32) + 2 * (4 * 16 + 5 * 32) + classifier(64);
    assert_eq!(params(&["64-1231-basic", "64-1232-basic"]), both);
    let space = TransNasMacro::new();
    let whole =
        TransNasMacroSkeleton { size, task: Task::Object }.network(&space.whole(), &space.ops()).unwrap();
    assert_eq!(whole.full_route(), space.whole().full_route());
}
