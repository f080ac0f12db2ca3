#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use super::*;
use crate::network::{Network, OpTable, Skeleton, Union};

fn space() -> NasBench201 {
    NasBench201::new()
}

#[test]
fn the_published_counts_come_out() {
    for rule in [Uniqueness::Published, Uniqueness::Skips, Uniqueness::Raw, Uniqueness::Function] {
        let space = NasBench201::with_uniqueness(rule);
        let keys: HashSet<_> = space.enumerate().unwrap().map(|a| a.key()).collect();
        assert_eq!(SpaceSize::Unique(keys.len() as u128), space.size(), "{rule:?}");
    }
    assert_eq!(space().enumerate().unwrap().count(), 15_625);
}

/// Rows of the official files by index: the first two, the best on CIFAR-10 (6111) and on
/// CIFAR-100 (9930), and the last.
#[test]
fn enumeration_has_the_official_indices() {
    let all: Vec<_> = space().enumerate().unwrap().map(|a| space().format(&a).unwrap()).collect();
    let official = [
        (
            0,
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        ),
        (
            1,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        ),
        (
            6111,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
        ),
        (
            9930,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        ),
        (15_624, "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_1x1~1|nor_conv_1x1~2|"),
    ];
    for (index, text) in official {
        assert_eq!(all[index], text, "index {index}");
    }
}

#[test]
fn text_reads_and_prints() {
    let text = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|";
    let parsed = space().parse(text).unwrap();
    assert_eq!(space().format(&parsed).unwrap(), text);
    let names = space().ops(&parsed).unwrap().map(|op| parsed.vocabulary().name(op).to_owned());
    assert_eq!(names, ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none"]);
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    let cases = [
        ("", "expected 3 nodes"),
        ("|none~0|+|none~0|none~1|", "expected 3 nodes"),
        ("none~0+|none~0|none~1|+|none~0|none~1|none~2|", "between bars"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", "must have 2 operations"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "must be op~1"),
        ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "unknown operation \"conv\""),
        ("|input~0|+|none~0|none~1|+|none~0|none~1|none~2|", "unknown operation \"input\""),
    ];
    for (text, expected) in cases {
        let error = space().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn skips_and_zeros_merge_as_published() {
    let key = |text: &str| space().parse(text).unwrap().key();
    // Node 1 is the input either way.
    assert_eq!(
        key("|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|"),
        key("|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"),
    );
    // Operations on nothing are nothing.
    assert_eq!(
        key("|none~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|none~1|none~2|"),
        key("|none~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|none~2|"),
    );
}

#[test]
fn a_cell_of_another_rule_or_space_is_refused() {
    let raw = NasBench201::with_uniqueness(Uniqueness::Raw).build([3; 6]);
    assert!(space().check(&raw).unwrap_err().to_string().contains("uniqueness"));
    let mut graph = CellGraph::new();
    let (input, output) = (graph.add_node(OpId::input(0)), graph.add_node(OpId::OUTPUT));
    graph.add_edge(input, output, op_id(3));
    let cell = Cell::new(graph, space().vocabulary()).unwrap();
    let small = Architecture::new(space().vocabulary().clone(), vec![cell]);
    assert!(space().check(&small).unwrap_err().to_string().contains("plain, plain"));
}

#[test]
fn at_most_24_neighbours() {
    let all = NasBench201::with_uniqueness(Uniqueness::Raw);
    assert_eq!(all.neighbours(&all.build([3; 6])).unwrap().len(), 24);
    let neighbours = space().neighbours(&space().build([0; 6])).unwrap();
    assert!(neighbours.len() < 24, "{}", neighbours.len());
}

/// Stable across releases: a change here invalidates every journal on disk.
#[test]
fn golden_keys() {
    let keys = [[0; 6], [3; 6], [1, 2, 3, 4, 0, 1]].map(|ops| space().build(ops).key().to_string());
    assert_eq!(
        keys,
        [
            "6ed6a99db3dcfeba8d32035f41087dcd",
            "6ed6a99d24314ba3c96e4afd173bb001",
            "6ed6a99d7f474833037a3d536863cc2e"
        ]
    );
}

/// Three convolutions in place of one: 3·8·9 + 8·16·9 + 16·16·9 weights and 2·(8 + 16 + 16) of BatchNorm, for 3·16·9 + 32.
#[test]
fn the_stem_for_large_images_by_hand() {
    let union = Union::of(&[space().build([3; 6])]).unwrap();
    let small = NasBench201Skeleton { classes: 1000, ..NasBench201Skeleton::cifar() };
    let [small, large] = [small, NasBench201Skeleton::imagenet()]
        .map(|skeleton| skeleton.network(&union, &OpTable::nasbench201()).unwrap());
    assert_eq!(large.params() - small.params(), (216 + 1152 + 2304 + 80) - (432 + 32));
    // Cells see 28 x 28 where 32 x 32 were: 224 is halved three times. Stem and classifier aside, costs go with the area.
    let stem = 216 * 112 * 112 + 1152 * 56 * 56 + 2304 * 28 * 28;
    let of_cells = |network: &Network, stem: u64| network.macs() - stem - 64 * 1000;
    assert_eq!(of_cells(&large, stem) * 32 * 32, of_cells(&small, 432 * 32 * 32) * 28 * 28);
}

#[test]
fn every_index_and_all_digits_come_back() {
    let space = NasBench201::with_uniqueness(Uniqueness::Raw);
    for (index, cell) in space.enumerate().unwrap().enumerate() {
        assert_eq!(space.format_as(&cell, "index"), Ok(index.to_string()));
        assert_eq!(space.parse(&index.to_string()), Ok(cell.clone()));
        for notation in ["digits", "naslib"] {
            let text = space.format_as(&cell, notation).unwrap();
            assert_eq!(space.parse(&format!("{notation}:{text}")), Ok(cell.clone()));
        }
    }
}
