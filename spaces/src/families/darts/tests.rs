#![allow(clippy::unwrap_used)]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Primitive::{AvgPool3x3, DilConv3x3, MaxPool3x3, SepConv3x3, SepConv5x5, SkipConnect};
use super::form::Form;
use super::*;
use crate::graph::{Architecture, Cell, CellGraph, OpId};
use crate::space::{Choices, SearchSpace, SpaceSize};

fn key(genotype: &Genotype) -> crate::graph::Key {
    Darts::new().architecture(genotype).unwrap().key()
}

#[test]
fn published_genotypes_round_trip() {
    for (name, source) in SOURCES {
        let genotype = Genotype::named(name).unwrap();
        assert_eq!(source.parse(), Ok(genotype), "{name}");
        let architecture = Darts::new().parse(name).unwrap();
        let printed = Darts::new().format(&architecture).unwrap();
        assert_eq!(printed, source.replace("[2, 3, 4, 5]", "range(2, 6)"), "{name}");
    }
    assert_eq!(Genotype::named("DARTS_V3"), None);
    let error = Darts::new().parse("DARTS_v2").unwrap_err().to_string();
    assert!(error.contains("did you mean DARTS_V2?"), "{error}");
}

#[test]
fn notation_is_read_as_people_write_it() {
    let spaced = DARTS_V2.to_string().replace(", ", " ,\n  ").replace('(', "( ").replace('\'', "\"");
    assert_eq!(spaced.parse(), Ok(DARTS_V2));
    let tight = DARTS_V2.to_string().replace(' ', "");
    assert_eq!(format!("DARTS_V2 = {tight}").parse(), Ok(DARTS_V2));
    let trailing = tight.replace("],", ",],").replace("6))", "6),)");
    assert_eq!(trailing.parse(), Ok(DARTS_V2));
}

#[test]
fn bad_notation_is_refused_with_a_reason() {
    let good = DARTS_V2.to_string();
    let cases = [
        ("DARTS_V3".to_owned(), "neither is a published name (DARTS_V1, DARTS_V2, PC_DARTS_cifar,"),
        (good.replace("skip_connect", "jump"), "unknown operation \"jump\""),
        (good.replace("range(2, 6)", "range(2, 5)"), "concatenates nodes 2 to 5, not [2, 3, 4]"),
        (good.replace("range(2, 6)", "range(2, 99999999999)"), "concatenates nodes 2 to 5"),
        (good.replace("normal=[('sep_conv_3x3', 0), ", "normal=["), "8 edges, not 7"),
        (good.replace("normal=", "cell="), "unknown field \"cell\""),
        (good.replace(", 1)", ", x)"), "expected a node number, found x"),
        (good[..good.len() - 1].to_owned(), "expected \")\""),
        (good.clone() + "é", "nothing may follow"),
        ("Genotype(normal=[".to_owned(), "expected a value, found the end of the text (line 1, column 18)"),
        ("Genotype()".to_owned(), "field \"normal\" is missing"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Genotype>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_space_refuses_what_darts_cannot_parse_to() {
    let with = |slot: usize, edge| {
        let mut genotype = DARTS_V2;
        genotype.normal[slot] = edge;
        Darts::new().architecture(&genotype).unwrap_err().to_string()
    };
    assert!(with(1, (SepConv3x3, 0)).contains("node 2 of the normal cell: both edges come from node 0"));
    assert!(with(1, (SepConv3x3, 2)).contains("predecessor 2 does not come before"));
    assert!(with(1, (Primitive::None, 1)).contains("no operation none"));
    let one = Darts::one_cell();
    assert!(one.architecture(&DARTS_V2).unwrap_err().to_string().contains("must be equal"));
    let mut cell = DARTS_V2.normal;
    cell[1] = cell[0];
    let twice = one.architecture(&Genotype { normal: cell, reduce: cell }).unwrap_err().to_string();
    assert!(twice.contains("sep_conv_3x3 from node 0 stands twice"), "{twice}");
}

#[test]
fn order_of_edges_and_of_free_nodes_does_not_count() {
    let mut swapped = DARTS_V2;
    swapped.normal.swap(0, 1);
    assert_ne!(swapped, DARTS_V2);
    assert_eq!(key(&swapped), key(&DARTS_V2));
    // Nodes 2 and 3 both read the inputs only: exchange them, and who reads them.
    let a = [
        (MaxPool3x3, 0),
        (SepConv3x3, 1),
        (SepConv5x5, 0),
        (DilConv3x3, 1),
        (AvgPool3x3, 2),
        (SkipConnect, 0),
        (SkipConnect, 3),
        (SepConv3x3, 4),
    ];
    let b = [
        (SepConv5x5, 0),
        (DilConv3x3, 1),
        (MaxPool3x3, 0),
        (SepConv3x3, 1),
        (AvgPool3x3, 3),
        (SkipConnect, 0),
        (SkipConnect, 2),
        (SepConv3x3, 4),
    ];
    let (a, b) = (Genotype { normal: a, ..DARTS_V2 }, Genotype { normal: b, ..DARTS_V2 });
    assert_eq!(key(&a), key(&b));
    // The two inputs are not exchangeable, nor are the two cells.
    let mut inputs = DARTS_V1;
    inputs.normal[2].1 = 1;
    inputs.normal[3].1 = 0;
    assert_ne!(key(&inputs), key(&DARTS_V1));
    assert_ne!(key(&Genotype { normal: DARTS_V2.reduce, reduce: DARTS_V2.normal }), key(&DARTS_V2));
}

#[test]
fn weights_become_the_two_strongest_edges() {
    let mut weights = [[0.1; 8]; 14];
    // Node 2: `none` never counts; the stronger edge comes first.
    weights[0] = [0.9, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0];
    weights[1] = [0.0, 0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0];
    // Node 3: all equal, lowest indices win. Node 4 (rows 5 to 8): rows 6 and 8, tied.
    weights[6][5] = 0.7;
    weights[8][7] = 0.7;
    // Node 5 (rows 9 to 13): the last edge, then the first of the rest.
    weights[13][1] = 0.2;
    let expected = [
        (SepConv3x3, 1),
        (SkipConnect, 0),
        (MaxPool3x3, 0),
        (MaxPool3x3, 1),
        (SepConv5x5, 1),
        (Primitive::DilConv5x5, 3),
        (MaxPool3x3, 4),
        (MaxPool3x3, 0),
    ];
    let genotype = Genotype::from_weights(&weights, &[[0.125; 8]; 14]);
    assert_eq!(genotype.normal, expected);
    assert!(Darts::new().architecture(&genotype).is_ok());
}

/// Spec 1.2 and 4.3: pairs of edges a node may have, counted one by one.
#[test]
fn sizes_are_the_published_ones() {
    let count = |form: Form, keep: fn(usize, usize) -> bool| -> u128 {
        let pairs = |step: usize| {
            let edges: Vec<_> =
                form.ops().iter().flat_map(|&op| (0..step + 2).map(move |from| (op, from))).collect();
            let valid =
                |i: usize, j: usize| keep(i, j) && form.check_pair(step, [edges[i], edges[j]]).is_ok();
            (0..edges.len()).map(|i| (0..edges.len()).filter(|&j| valid(i, j)).count() as u128).sum::<u128>()
        };
        (0..STEPS).map(pairs).product()
    };
    assert_eq!(count(Form::OneCell, |_, _| true), 674_150_400);
    assert_eq!(count(Form::OneCell, |i, j| i < j), 42_134_400);
    assert_eq!(count(Form::TwoCells, |i, j| i < j), 1_037_664_180);
    assert_eq!(Darts::one_cell().size(), SpaceSize::AtMost(42_134_400));
    assert_eq!(Darts::new().size(), SpaceSize::AtMost(1_037_664_180_u128.pow(2)));
}

#[test]
fn the_one_cell_graph_has_at_most_eleven_nodes() {
    let space = Darts::one_cell();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..200 {
        let architecture = space.sample(&mut rng);
        assert_eq!(architecture.cells().len(), 1);
        assert_eq!(architecture.op_graphs_with(crate::graph::Simplify::Raw)[0].len(), 11);
        assert!(architecture.op_graphs()[0].len() <= 11);
    }
}

#[test]
fn foreign_cells_are_refused() {
    let space = Darts::new();
    let one = Darts::one_cell().sample(&mut ChaCha8Rng::seed_from_u64(2));
    assert!(space.check(&one).unwrap_err().to_string().contains("operations differ"));
    let v2 = space.architecture(&DARTS_V2).unwrap();
    let altered = |change: fn(&mut CellGraph)| {
        let mut graph = v2.cells()[0].graph().clone();
        change(&mut graph);
        let cell = Cell::new(graph, space.vocabulary()).unwrap();
        let cells = vec![cell, v2.cells()[1].clone()];
        space.check(&Architecture::new(space.vocabulary().clone(), cells)).unwrap_err().to_string()
    };
    assert!(
        altered(|g| {
            g.add_node(OpId::PLAIN);
        })
        .contains("the nodes of a DARTS cell")
    );
    assert!(
        altered(|g| {
            g.remove_edge(0.into());
        })
        .contains("exactly two operations")
    );
    assert!(
        altered(|g| {
            g.remove_edge(8.into());
        })
        .contains("exactly once")
    );
    assert!(
        altered(|g| g[petgraph::graph::EdgeIndex::new(0)] = OpId::PLAIN).contains("carries no operation")
    );
    let alone = Architecture::new(space.vocabulary().clone(), v2.cells()[..1].to_vec());
    assert!(space.check(&alone).unwrap_err().to_string().contains("1 cells"));
}

/// Stable across releases: a change here invalidates every journal on disk.
#[test]
fn golden_keys() {
    assert_eq!(key(&DARTS_V1).to_string(), "61e6683bfa0fe55901b9e72fdc9a130a");
    assert_eq!(key(&DARTS_V2).to_string(), "61e6683b604fbc49cdf4b31b0c510673");
    assert_eq!(key(&PC_DARTS_CIFAR).to_string(), "61e6683bce490c836f76f1b478266de2");
}

/// As the repositories write them, whatever their spacing.
const SOURCES: [(&str, &str); 9] = [
    (
        "DARTS_V1",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])",
    ),
    (
        "DARTS_V2",
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])",
    ),
    (
        "PC_DARTS_cifar",
        "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], reduce_concat=range(2, 6))",
    ),
    (
        "PC_DARTS_image",
        "Genotype(normal=[('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_5x5', 2), ('max_pool_3x3', 1), ('sep_conv_3x3', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 3)], reduce_concat=range(2, 6))",
    ),
    (
        "BNASv2_CLR_v1",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 2), ('sep_conv_5x5', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), ('dil_conv_3x3', 1), ('avg_pool_3x3', 0), ('avg_pool_3x3', 2), ('avg_pool_3x3', 2), ('avg_pool_3x3', 3), ('avg_pool_3x3', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))",
    ),
    (
        "BNASv2_CLR_v2",
        "Genotype(normal=[('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('dil_conv_3x3', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), ('dil_conv_5x5', 1), ('avg_pool_3x3', 2), ('avg_pool_3x3', 0), ('avg_pool_3x3', 2), ('avg_pool_3x3', 3), ('max_pool_3x3', 1), ('avg_pool_3x3', 3)], reduce_concat=range(2, 6))",
    ),
    (
        "BNASv2_PC_cifar_v1",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2)], normal_concat=range(2, 6), reduce=[('dil_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('dil_conv_5x5', 0), ('skip_connect', 1), ('max_pool_3x3', 0)], reduce_concat=range(2, 6))",
    ),
    (
        "BNASv2_PC_cifar_v2",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('sep_conv_5x5', 1), ('dil_conv_3x3', 4)], normal_concat=range(2, 6), reduce=[('skip_connect', 0), ('skip_connect', 1), ('dil_conv_3x3', 1), ('skip_connect', 0), ('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))",
    ),
    (
        "BNASv2_PC_image",
        "Genotype(normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('skip_connect', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 4), ('sep_conv_3x3', 3)], normal_concat=range(2, 6), reduce=[('skip_connect', 1), ('dil_conv_5x5', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('skip_connect', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 1), ('dil_conv_3x3', 3)], reduce_concat=range(2, 6))",
    ),
];

#[test]
fn the_whole_space_holds_every_architecture() {
    for space in [Darts::new(), Darts::broad(), Darts::one_cell()] {
        let whole = space.whole();
        for cell in &whole.cells {
            assert_eq!(cell.edges.iter().filter(|e| e.to < 6).map(|e| e.ops.len()).sum::<usize>(), {
                14 * space.vocabulary().ops().len()
            });
        }
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for _ in 0..20 {
            whole.route(&space.sample(&mut rng)).unwrap();
        }
    }
}

/// Nodes 2 to 5 have 1, 3, 6 and 10 pairs of predecessors, and seven operations from each.
#[test]
fn choices_by_hand() {
    let space = Darts::new();
    let cell = [1, 7, 7, 3, 7, 7, 6, 7, 7, 10, 7, 7];
    assert_eq!(space.counts(), [cell, cell].concat());
    let product: u128 = cell.iter().map(|&n| n as u128).product();
    assert_eq!(space.size(), SpaceSize::AtMost(product * product));
    // The second pair of node 3 is nodes 0 and 2; the lower predecessor comes first.
    let choices: Vec<usize> = [0, 1, 2, 1, 3, 4, 0, 0, 0, 9, 5, 6].repeat(2);
    let genotype = space.genotype(&Choices::build(&space, &choices).unwrap().unwrap()).unwrap();
    let ops = &Primitive::ALL[1..];
    assert_eq!(genotype.normal[2..4], [(ops[3], 0), (ops[4], 2)]);
    assert_eq!(genotype.reduce[6..], [(ops[5], 3), (ops[6], 4)]);
    // Swapped edges are the same choices.
    let mut swapped = genotype;
    swapped.normal.swap(2, 3);
    assert_eq!(Choices::read(&space, &space.architecture(&swapped).unwrap()).unwrap(), choices);
}

/// The space of one cell allows a predecessor twice, but not with the same operation.
#[test]
fn choices_of_one_cell() {
    let space = Darts::one_cell();
    assert_eq!(space.counts(), [3, 4, 4, 6, 4, 4, 10, 4, 4, 15, 4, 4]);
    let build = |a, b| Choices::build(&space, &[0, a, b, 0, 0, 1, 0, 0, 1, 0, 0, 1]).unwrap();
    assert!(build(2, 2).is_none());
    assert_eq!(build(2, 3).unwrap().key(), build(3, 2).unwrap().key());
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for space in [Darts::one_cell(), Darts::broad()] {
        crate::testing::check_space(&space, rng.next_u64(), 20).unwrap();
    }
}
