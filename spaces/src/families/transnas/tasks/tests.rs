#![allow(clippy::unwrap_used)]

use crate::SpaceError;
use crate::catalogue::SPACES;
use crate::network::{Network, Shape, SkeletonSize, Union};

/// The network of a task; `task` is what the names of its two skeletons end in.
fn network(text: &str, task: &str, size: &SkeletonSize) -> Result<Network, SpaceError> {
    let name = if text.ends_with("-basic") { "transnas-macro" } else { "transnas-micro" };
    let space = SPACES.get(name).unwrap().space();
    let networks = space.network().unwrap();
    let entry = networks.skeleton_named(&format!("{name}{task}")).unwrap();
    entry.build(size)?.network(&Union::of(&[space.parse(text)?])?, &networks.ops())
}

fn published(text: &str, task: &str) -> (usize, u64) {
    let network = network(text, task, &SkeletonSize::default()).unwrap();
    (network.params(), network.macs())
}

/// The backbone of `64-1234-basic` has 3,400,224 parameters and ends in 256 maps of 16×16: four doublings.
///
/// Segmentation, width by width: 256-1024, two convolutions to 256, three that double to 32, 32-32, 32-17. Images:
/// 256-1024-1024-512-512-256-128, from then on pairs of which the second doubles.
#[test]
fn heads_are_those_worked_by_hand() {
    let backbone = 3_400_224;
    let conv = |input: usize, output: usize| (9 * input + 1) * output;
    let inner = |widths: &[usize]| -> usize {
        widths.windows(2).map(|pair| conv(pair[0], pair[1]) + 2 * pair[1]).sum()
    };
    let segmentation = inner(&[256, 1024, 512, 256, 128, 64, 32, 32]) + conv(32, 17);
    let images = inner(&[256, 1024, 1024, 512, 512, 256, 128, 64, 64, 32, 32, 16, 32, 16]) + conv(16, 3);
    let expected = [
        ("", 256 * 75 + 75),
        ("-class-scene", 256 * 47 + 47),
        ("-room-layout", 256 * 9 + 9),
        ("-jigsaw", 9 * 256 * 1_000 + 1_000),
        ("-segmentsemantic", segmentation),
        ("-normal", images),
        ("-autoencoder", images),
    ];
    for (task, head) in expected {
        assert_eq!(published("64-1234-basic", task).0, backbone + head, "{task}");
    }
}

/// Parameters and multiply-adds from a separate transcription of the published decoders, for each number of doublings.
#[test]
fn dense_heads_follow_the_resolution() {
    let rows = [
        ("64-4111-basic", (9_802_833, 10_611_064_832), (21_650_515, 22_435_856_384)),
        ("64-1234-basic", (12_065_105, 6_811_025_408), (23_912_787, 9_519_497_216)),
        ("64-444111-basic", (50_386_513, 4_890_034_176), (62_234_195, 5_333_581_824)),
        ("64-23333-basic", (10_460_241, 3_929_800_704), (22_307_923, 3_920_363_520)),
        // The published parameters of this cell with 63 classes, without its classifier, and the decoders of 512x8x8.
        ("64-41414-1_02_102", (2_113_631 - 63 * 513 + 11_024_177, 0), (2_113_631 - 63 * 513 + 22_871_859, 0)),
    ];
    for (text, segmentation, images) in rows {
        for (task, expected) in
            [("-segmentsemantic", segmentation), ("-normal", images), ("-autoencoder", images)]
        {
            let (params, macs) = published(text, task);
            let macs = if expected.1 == 0 { 0 } else { macs };
            assert_eq!((params, macs), expected, "{text} {task}");
        }
    }
}

/// The decoder's last map has the size of the image for every number of halvings.
#[test]
fn dense_heads_are_as_large_as_the_image() {
    for text in ["64-4111-basic", "64-1234-basic", "64-444111-basic", "64-23333-basic", "64-41414-1_02_102"] {
        for (task, classes) in [("-segmentsemantic", 17), ("-normal", 3)] {
            let network = network(text, task, &SkeletonSize::default()).unwrap();
            assert_eq!(network.units[network.head].shape, Shape::square(classes, 256), "{text} {task}");
        }
    }
}

/// Nine tiles cost nine times the backbone, and share its parameters.
#[test]
fn a_jigsaw_reads_nine_tiles() {
    let tile = SkeletonSize { image: Some(Shape::square(3, 64)), ..SkeletonSize::default() };
    let alone = network("64-1234-basic", "", &tile).unwrap();
    let jigsaw = network("64-1234-basic", "-jigsaw", &SkeletonSize::default()).unwrap();
    assert_eq!(jigsaw.macs() - 9 * 256 * 1_000, 9 * (alone.macs() - 256 * 75));
    assert_eq!(jigsaw.image(), Shape::square(3, 64));
    assert_eq!(jigsaw.classes(), 1_000);
}

/// The discriminator is trained beside the network, and is no part of its multiply-adds.
#[test]
fn a_discriminator_is_counted_when_asked_for() {
    let with = SkeletonSize { auxiliary: true, ..SkeletonSize::default() };
    let (plain, trained) = (SkeletonSize::default(), network("64-1234-basic", "-normal", &with).unwrap());
    let plain = network("64-1234-basic", "-normal", &plain).unwrap();
    assert_eq!(trained.macs(), plain.macs());
    let kernels = 25 * (6 * 64 + 64 * 128 + 128 * 256) + 9 * (256 * 256 + 256 * 512 + 512 * 512 + 512);
    let biases = 64 + 128 + 256 + 256 + 512 + 512 + 1;
    assert_eq!(trained.params() - plain.params(), kernels + biases);
    assert!(network("64-1234-basic", "-segmentsemantic", &with).is_err());
}

#[test]
fn what_cannot_be_trained_or_decoded_is_refused_with_what_can() {
    for name in ["transnas-macro", "transnas-micro"] {
        let space = SPACES.get(name).unwrap().space();
        let networks = space.network().unwrap();
        for entry in networks.skeletons() {
            let scene = format!("{name}-class-scene");
            let counted_only = networks.trainable(entry).map(drop).map_err(|error| error.to_string());
            let expected = format!("train with {name} or {scene}");
            match counted_only {
                Ok(()) => assert!(entry.name == name || entry.name == scene),
                Err(error) => assert!(error.ends_with(&expected), "{error}"),
            }
        }
    }
    let odd = SkeletonSize { image: Some(Shape::square(3, 100)), ..SkeletonSize::default() };
    let error = network("64-1234-basic", "-normal", &odd).unwrap_err().to_string();
    assert!(error.contains("never has the 100x100 pixels of the image"), "{error}");
    let even = SkeletonSize { image: Some(Shape { channels: 3, height: 32, width: 64 }), ..odd };
    assert!(network("64-1234-basic", "-normal", &even).is_ok());
}
