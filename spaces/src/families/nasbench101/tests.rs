#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};

use rand::SeedableRng;

use super::*;

fn space() -> NasBench101 {
    NasBench101::new()
}

fn hash(text: &str) -> String {
    let architecture = space().parse(text).unwrap();
    space().official_hash(&architecture).unwrap()
}

/// Spec 4.1; the first is the inception-like example of the official README.
#[test]
fn official_hashes_of_the_repository() {
    let inception = concat!(
        "111010",
        "00001",
        "0001",
        "100",
        "01",
        "1",
        "|conv1x1-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;maxpool3x3"
    );
    let vectors = [
        (inception, "28cfc7874f6d200472e1a9dcd8650aa0"),
        ("1|", "043721b9c7fe8c5fad811d47d83132ec"),
        ("101|conv3x3-bn-relu", "b49ac8c578b4561d79ac7087988f1c61"),
        ("111|conv3x3-bn-relu", "d32d0b26d534203b48d866facd98cc3e"),
    ];
    for (text, expected) in vectors {
        assert_eq!(hash(text), expected, "{text}");
    }
}

/// Rows of the published table (Ying et al. 2019, Apache-2.0; the 1Shot1 selection of Zela et al.).
#[test]
fn official_hashes_of_the_table() {
    let rows = [
        ("111101|maxpool3x3;conv1x1-bn-relu", "19092e5d6cd57f13de1b98f46e22aa22"),
        (
            "111011010100101|maxpool3x3;conv3x3-bn-relu;maxpool3x3;maxpool3x3",
            "55e1bb4d95a7c686c9ae90b32b2256f3",
        ),
        ("1100111101|maxpool3x3;maxpool3x3;conv3x3-bn-relu", "c014d2ea49963f66d9acee88cc165624"),
        (
            "110001111100101|maxpool3x3;conv1x1-bn-relu;maxpool3x3;conv3x3-bn-relu",
            "f4c7fa81113189a2c0ea5b97080cc8d3",
        ),
        (
            "111101000101101|maxpool3x3;conv3x3-bn-relu;maxpool3x3;conv3x3-bn-relu",
            "b57e2c2935bf3cf119ff05680a0c75f6",
        ),
        (
            "111001010100111|maxpool3x3;conv1x1-bn-relu;conv1x1-bn-relu;conv1x1-bn-relu",
            "225014fea7605d72b69ad93c2e9e2622",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(hash(text), expected, "{text}");
        assert_eq!(space().format(&space().parse(text).unwrap()).unwrap(), text);
    }
}

/// Cumulative counts of labelled and of unique cells by number of vertices.
fn count(vertices: usize) -> BTreeMap<usize, [usize; 3]> {
    let (mut labelled, mut keys, mut hashes) = (0, HashSet::new(), HashSet::new());
    let mut counts = BTreeMap::new();
    let space = space();
    let size = |a: &Architecture| a.cells()[0].graph().node_count();
    for architecture in space.enumerate().unwrap().take_while(|a| size(a) <= vertices) {
        labelled += 1;
        keys.insert(architecture.key());
        hashes.insert(space.official_hash(&architecture).unwrap());
        counts.insert(size(&architecture), [labelled, keys.len(), hashes.len()]);
    }
    counts
}

#[test]
fn published_counts_up_to_five_vertices() {
    let expected = [(2, [1, 1, 1]), (3, [7, 7, 7]), (4, [97, 91, 91]), (5, [3_364, 2_532, 2_532])];
    assert_eq!(count(5), BTreeMap::from(expected));
}

/// Run in release: `cargo test --release -p bonas-spaces -- --ignored`.
#[test]
#[ignore = "goes through 1,293,208 cells; run it in release"]
fn published_counts_of_the_whole_space() {
    let counts = count(7);
    assert_eq!(counts[&6], [128_509, 64_542, 64_542]);
    assert_eq!(counts[&7], [1_293_208, 423_624, 423_624]);
}

#[test]
fn dead_vertices_are_pruned() {
    // Vertex 1 leads nowhere, vertex 3 comes from nowhere.
    let dangling = "1100000011|maxpool3x3;conv3x3-bn-relu;conv1x1-bn-relu";
    let pruned = space().parse(dangling).unwrap();
    assert_eq!(space().format(&pruned).unwrap(), "101|conv3x3-bn-relu");
    let raw = Cell::new(
        {
            let mut graph = space().parse("101|conv3x3-bn-relu").unwrap().cells()[0].graph().clone();
            let dead = graph.add_node(OpId::from_index(3));
            graph.add_edge(0.into(), dead, OpId::PLAIN);
            graph[dead] = OpId::OUTPUT;
            graph[NodeIndex::new(2)] = OpId::from_index(4);
            graph
        },
        space().vocabulary(),
    );
    let raw = Architecture::new(space().vocabulary().clone(), vec![raw.unwrap()]);
    assert!(space().check(&raw).unwrap_err().to_string().contains("does not lie on a path"));
}

#[test]
fn bad_texts_are_refused_with_a_reason() {
    let ten = "1".repeat(10) + "|maxpool3x3;maxpool3x3;maxpool3x3";
    let cases = [
        ("111", "no '|' between bits and operations"),
        ("11|maxpool3x3", "2 bits given, expected 3 for 3 vertices"),
        ("1x1|maxpool3x3", "bit 1 is 'x', expected 0 or 1"),
        ("111|pool", "unknown operation \"pool\""),
        ("111|output", "output cannot stand inside"),
        ("100|maxpool3x3", "no path leads from input to output"),
        (ten.as_str(), "10 edges are more than 9"),
    ];
    for (text, expected) in cases {
        let error = space().parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let eight = "1".repeat(28) + "|" + &["maxpool3x3"; 6].join(";");
    assert!(
        space().parse(&eight).unwrap_err().to_string().contains("6 operations given, expected at most 5")
    );
}

#[test]
fn every_cell_can_be_reached_and_left() {
    let smallest = space().parse("1|").unwrap();
    let texts: HashSet<_> =
        space().neighbours(&smallest).unwrap().iter().map(|a| space().format(a).unwrap()).collect();
    assert_eq!(texts, HashSet::from(OPS.map(|op| format!("111|{op}"))));
    // Removing the last edge of a vertex prunes it.
    let chain = space().parse("111|maxpool3x3").unwrap();
    assert!(space().neighbours(&chain).unwrap().contains(&smallest));
}

#[test]
fn neighbours_do_not_depend_on_the_order_of_vertices() {
    let ops = OPS.map(|op| space().vocabulary().id(op).unwrap());
    let [a, b, c] = ops;
    let one = space().module(&[(0, 1), (0, 2), (1, 3), (2, 4), (1, 4), (3, 4)], &[a, b, c]).unwrap();
    let other = space().module(&[(0, 2), (0, 1), (2, 3), (1, 4), (2, 4), (3, 4)], &[b, a, c]).unwrap();
    assert_eq!(one, other);
    assert_ne!(space().format(&one), space().format(&other));
    assert_eq!(space().neighbours(&one).unwrap(), space().neighbours(&other).unwrap());
}

/// Stable across releases: a change here invalidates every journal on disk.
#[test]
fn golden_keys() {
    let key = |text: &str| space().parse(text).unwrap().key().to_string();
    assert_eq!(key("1|"), "b2012ab23eb745c08cea271114338e37");
    assert_eq!(key("111|conv3x3-bn-relu"), "b2012ab2c0ca3a526653b89402c2b057");
    assert_eq!(
        key("111001010100111|maxpool3x3;conv1x1-bn-relu;conv1x1-bn-relu;conv1x1-bn-relu"),
        "b2012ab2d7eb6ec0a3a75db61d93cb3a"
    );
}

/// The same cell with its two branches in either order.
#[test]
fn labelled_cells_count_apart() {
    let (one, other) = ("110011|conv1x1-bn-relu;maxpool3x3", "110011|maxpool3x3;conv1x1-bn-relu");
    let keys = |space: NasBench101| [one, other].map(|text| space.parse(text).unwrap().key());
    let [a, b] = keys(NasBench101::new());
    assert_eq!(a, b);
    let [a, b] = keys(NasBench101::labelled());
    assert_ne!(a, b);
    crate::testing::check_space(&NasBench101::labelled(), 5, 20).unwrap();
    let isomorphic = NasBench101::new().parse(one).unwrap();
    assert!(NasBench101::labelled().check(&isomorphic).unwrap_err().to_string().contains("labelled"));
}

/// Vertex 1 reads the input, vertex 2 both; the output reads vertices 1 and 2: masks 1, 3 and 6.
#[test]
fn choices_by_hand() {
    let space = space();
    assert_eq!(space.counts(), [2, 4, 8, 16, 32, 64, 3, 3, 3, 3, 3]);
    let cell = space.parse("110111|conv3x3-bn-relu;maxpool3x3").unwrap();
    let choices = Choices::read(&space, &cell).unwrap();
    assert_eq!(choices, [1, 3, 0, 0, 0, 6, 1, 2, 0, 0, 0]);
    let build = |choices: &[usize]| Choices::build(&space, choices).unwrap();
    // What nothing reads is pruned, and its operation says nothing.
    let loose = build(&[1, 3, 7, 0, 0, 6, 1, 2, 2, 1, 0]).unwrap();
    assert_eq!(loose.key(), cell.key());
    assert!(build(&[1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_none(), "nothing reaches the output");
    assert!(build(&[1, 3, 7, 15, 31, 63, 0, 0, 0, 0, 0]).is_none(), "twenty-one edges");
    let error = Choices::build(&space, &[2; 11]).unwrap_err().to_string();
    assert!(error.contains("choice 2 at position 0, expected 0 to 1"), "{error}");
}

/// Drawn again where they are none: seldom enough.
#[test]
fn most_choices_or_nearly_so_are_architectures() {
    let (space, mut rng) = (space(), rand_chacha::ChaCha8Rng::seed_from_u64(1));
    let counts = space.counts();
    let mut draw = || counts.iter().map(|&n| draw::below(&mut rng, n)).collect::<Vec<_>>();
    let built = (0..1000).filter(|_| Choices::build(&space, &draw()).unwrap().is_some()).count();
    assert!(built > 250, "{built}");
}
