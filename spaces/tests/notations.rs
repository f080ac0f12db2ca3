//! Architectures as other people publish, print and paste them.

#![allow(clippy::unwrap_used)]

use bonas_spaces::catalogue::SPACES;
use bonas_spaces::families::darts::{DARTS_V1, DARTS_V2, Darts, Genotype, PC_DARTS_CIFAR};
use bonas_spaces::families::mobilenet::BN_NAS;
use bonas_spaces::{Key, SearchSpace, SpaceError};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn parse(space: &str, text: &str) -> Result<Key, SpaceError> {
    SPACES.get(space).unwrap().space().parse(text).map(|architecture| architecture.key())
}

fn refusal(space: &str, text: &str) -> String {
    parse(space, text).unwrap_err().to_string()
}

fn same(space: &str, texts: &[&str]) {
    let first = parse(space, texts[0]).unwrap();
    for text in texts {
        assert_eq!(parse(space, text).as_ref(), Ok(&first), "{text}");
    }
}

fn text_in(space: &str, text: &str, notation: &str) -> Result<String, SpaceError> {
    let space = SPACES.get(space).unwrap().space();
    space.format_as(&space.parse(text)?, notation)
}

/// As the file of the authors has it (quark0/darts, `cnn/genotypes.py`).
const V1_FILE: &str = "DARTS_V1 = Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), \
('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], \
normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], \
reduce_concat=[2, 3, 4, 5])";

/// As PC-DARTS has it, over several lines with a comment (yuhuixu1993/PC-DARTS, `genotypes.py`).
const PC_LINES: &str = "PC_DARTS_cifar = Genotype(
  normal=[
    ('sep_conv_3x3', 1), ('skip_connect', 0),  # node 2
    ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
    ('sep_conv_5x5', 0), ('sep_conv_3x3', 1),
    ('avg_pool_3x3', 0), ('dil_conv_3x3', 1),
  ],
  normal_concat=range(2, 6),
  reduce=[
    ('sep_conv_5x5', 1), ('max_pool_3x3', 0),
    ('sep_conv_5x5', 1), ('sep_conv_5x5', 2),
    ('sep_conv_3x3', 0), ('sep_conv_3x3', 3),
    ('sep_conv_3x3', 1), ('sep_conv_3x3', 2),
  ],
  reduce_concat=range(2, 6),
);
";

/// A line of the log of a search.
const V2_LOG: &str = "03/12 05:01:22 PM genotype = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), \
('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), \
('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), \
('max_pool_3x3', 1)], reduce_concat=range(2, 6))";

const NASNET: &str = "NASNet = Genotype(
  normal = [
    ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 0), ('avg_pool_3x3', 1),
    ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 1),
  ],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [
    ('sep_conv_5x5', 1), ('sep_conv_7x7', 0), ('max_pool_3x3', 1), ('sep_conv_7x7', 0), ('avg_pool_3x3', 1),
    ('sep_conv_5x5', 0), ('skip_connect', 3), ('avg_pool_3x3', 2), ('sep_conv_3x3', 2), ('max_pool_3x3', 1),
  ],
  reduce_concat = [4, 5, 6],
)";

#[test]
fn genotypes_as_published() {
    assert_eq!(V1_FILE.parse(), Ok(DARTS_V1));
    assert_eq!(PC_LINES.parse(), Ok(PC_DARTS_CIFAR));
    assert_eq!(V2_LOG.parse(), Ok(DARTS_V2));
    let space = Darts::new();
    let read = |text: &str| space.genotype(&space.parse(text).unwrap()).unwrap();
    for (text, genotype) in [(V1_FILE, DARTS_V1), (PC_LINES, PC_DARTS_CIFAR), (V2_LOG, DARTS_V2)] {
        assert_eq!(read(text), genotype);
    }
}

#[test]
fn genotypes_as_people_change_them() {
    let good = DARTS_V2.to_string();
    let cells = |text: &str| text.replace("Genotype(", "").replace("range(2, 6))", "[2, 3, 4, 5]");
    let json = "{".to_owned()
        + &cells(&good)
            .replace("normal=", "'normal': ")
            .replace("reduce=", "'reduce': ")
            .replace("normal_concat=range(2, 6)", "'normal_concat': [2, 3, 4, 5]")
            .replace("reduce_concat=", "'reduce_concat': ")
            .replace('(', "[")
            .replace(')', "]")
            .replace('\'', "\"")
        + "}";
    for text in [
        good.replace('(', "[")
            .replace(')', "]")
            .replacen("Genotype[", "Genotype(", 1)
            .replace("range[2, 6]", "[2, 3, 4, 5]")
            .trim_end_matches(']')
            .to_owned()
            + "])",
        good.replace('\'', "‘"),
        good.replacen("('", "(“", 99).replace("',", "”,"),
        good.replace("sep_conv_3x3", "sep_3x3").replace("skip_connect", "skip"),
        good.replace("range(2, 6)", "list(range(2, 6))"),
        good.replace("normal=", "")
            .replace("normal_concat=", "")
            .replace("reduce=", "")
            .replace("reduce_concat=", ""),
        good.replace(", 1)", ", np.int64(1))").replace('\'', "\""),
        format!("gt.{good};"),
        format!("```python\n{good}\n```"),
        format!("best = genotypes.{good},\n"),
        good.replace("reduce=", "\n\treduce=").replace(", ", ",\u{a0}"),
        json,
    ] {
        assert_eq!(text.parse(), Ok(DARTS_V2), "{text}");
    }
}

#[test]
fn genotypes_of_nodes_and_of_targets() {
    let space = Darts::new();
    let v2 = space.parse("DARTS_V2").unwrap();
    for notation in ["nested", "triples", "json", "configspace", "bananas", "naslib"] {
        let text = space.format_as(&v2, notation).unwrap();
        assert_eq!(space.parse(&format!("{notation}:{text}")), Ok(v2.clone()), "{text}");
    }
    let triples = space.format_as(&v2, "triples").unwrap();
    assert!(triples.contains("('dil_conv_3x3', 2, 5)"), "{triples}");
    let turned = triples.replace("('dil_conv_3x3', 2, 5)", "('dil_conv_3x3', 5, 2)");
    assert_eq!(space.parse(&turned), Ok(v2.clone()));
    let twice = triples.replace("('dil_conv_3x3', 2, 5)", "('dil_conv_3x3', 2, 4)");
    assert!(space.parse(&twice).unwrap_err().to_string().contains("node 4 has 3 edges, not 2"));
    let nested = space.format_as(&v2, "nested").unwrap();
    let gdas = nested.replacen(
        "reduce_concat=range(2, 6)",
        "reduce_concat=[2, 3, 4, 5], connectN=None, connects=None",
        1,
    );
    assert_eq!(space.parse(&gdas), Ok(v2));
}

#[test]
fn genotypes_of_other_spaces_are_refused_with_the_reason() {
    let good = DARTS_V2.to_string();
    let error = refusal("darts", NASNET);
    assert!(error.contains("8 edges, not 10: five nodes, as in NASNet and AmoebaNet"), "{error}");
    assert!(error.contains("(line 2, column 12)"), "{error}");
    for (text, expected) in [
        (good.replacen("sep_conv_3x3", "sep_conv_7x7", 1), "unknown operation \"sep_conv_7x7\""),
        (good.replacen("sep_conv_3x3", "none", 1), "no operation none: each node sums two operations"),
        (good.replacen("('sep_conv_3x3', 1)", "('sep_conv_3x3', 0)", 1), "both edges come from node 0"),
        (good.clone() + "\n" + &good, "nothing may follow the end"),
        ("DARTS_V9".to_owned(), "did you mean DARTS_V"),
        ("Structure(normal=[])".to_owned(), "neither is a published name"),
        ("{\"normal\": []}".to_owned(), "a cell has 8 edges, not 0"),
    ] {
        let error = refusal("darts", &text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// A dictionary as NAS-Bench-301 makes it of `DARTS_V2`, with a setting of training in it.
const NB301: &str = "{'NetworkSelectorDatasetInfo:darts:edge_normal_0': 'sep_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_normal_1': 'sep_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_normal_10': 'skip_connect',
 'NetworkSelectorDatasetInfo:darts:edge_normal_11': 'dil_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_normal_2': 'sep_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_normal_3': 'sep_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_normal_5': 'skip_connect',
 'NetworkSelectorDatasetInfo:darts:edge_normal_6': 'sep_conv_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_0': 'max_pool_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_1': 'max_pool_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_10': 'max_pool_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_11': 'skip_connect',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_3': 'max_pool_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_4': 'skip_connect',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_5': 'max_pool_3x3',
 'NetworkSelectorDatasetInfo:darts:edge_reduce_7': 'skip_connect',
 'NetworkSelectorDatasetInfo:darts:init_channels': 32,
 'NetworkSelectorDatasetInfo:darts:inputs_node_normal_3': '0_1',
 'NetworkSelectorDatasetInfo:darts:inputs_node_normal_4': '0_1',
 'NetworkSelectorDatasetInfo:darts:inputs_node_normal_5': '1_2',
 'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_3': '1_2',
 'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_4': '0_2',
 'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_5': '1_2'}";

#[test]
fn configurations_of_nasbench301() {
    let v2_like = NB301
        .replace("edge_normal_10", "edge_normal_9")
        .replace("inputs_node_normal_5': '1_2", "inputs_node_normal_5': '0_2");
    assert_eq!(parse("darts", &v2_like), parse("darts", "DARTS_V2"));
    let values = format!("Configuration(values={v2_like})");
    let yahpo = v2_like.replace(":darts:", "_COLON_darts_COLON_");
    let json = v2_like.replace('\'', "\"");
    same("darts", &["DARTS_V2", &v2_like, &values, &yahpo, &json]);
    let entries = v2_like.trim_matches(['{', '}']).replace("\n '", "\n  ").replace("': ", ", Value: ");
    let lines = entries.trim_start_matches('\'').replace(",\n", "\n");
    same("darts", &["DARTS_V2", &format!("Configuration:\n{lines}")]);
    for (from, to, expected) in [
        ("normal_5': '0_2'", "normal_5': '0_3'", "edge_normal_12 is missing (node 5)"),
        ("normal_5': '0_2'", "normal_5': '2_2'", "expected two different nodes below 5"),
        ("inputs_node_normal_3", "inputs_normal_3", "inputs_node_normal_3 is missing"),
        ("'sep_conv_3x3',\n", "'conv', ", "unknown operation \"conv\""),
        ("edge_reduce_5", "edge_reduce_8", "edge_reduce_5 is missing"),
        ("init_channels': 32", "edge_normal_13': 'skip_connect'", "no node has this edge as an input"),
    ] {
        let error = refusal("darts", &v2_like.replacen(from, to, 1));
        assert!(error.contains(expected), "{error}");
    }
    // A node of the one-cell space may read one predecessor twice.
    let one = Darts::one_cell();
    let mut cell = DARTS_V2.normal;
    cell[1] = (bonas_spaces::families::darts::Primitive::SkipConnect, 0);
    let twice = one.architecture(&Genotype { normal: cell, reduce: cell }).unwrap();
    let error = one.format_as(&twice, "configspace").unwrap_err().to_string();
    assert!(error.contains("cannot say it: node 2 of the normal cell has two edges from node 0"), "{error}");
}

#[test]
fn numbers_of_darts_have_two_readings() {
    let bananas = text_in("darts", "DARTS_V2", "bananas").unwrap();
    assert!(bananas.starts_with("((("), "{bananas}");
    let error = parse("darts", &bananas).unwrap_err();
    assert!(matches!(&error, SpaceError::Ambiguous { readings, .. } if readings.len() == 2), "{error}");
    assert_eq!(parse("darts", &format!("bananas:{bananas}")), parse("darts", "DARTS_V2"));
    // Operation 7 is dil_conv_5x5 in one numbering and nothing in the other.
    let seven = text_in("darts", "PC_DARTS_image", "bananas").unwrap();
    assert_eq!(parse("darts", &seven), parse("darts", "PC_DARTS_image"));
}

const BEST: &str =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|";

#[test]
fn cells_of_nasbench201() {
    same(
        "nasbench201",
        &[
            BEST,
            "index:6111",
            "6111",
            "006111",
            "digits:333132",
            "digits:[3, 3, 3, 1, 3, 2]",
            "naslib:(2, 2, 0, 2, 2, 3)",
            "'|conv_3x3~0|+|conv_3x3~0|conv_3x3~1|+|skip~0|conv_3x3~1|conv_1x1~2|'",
            &format!("arch_str = '{BEST}';"),
            &format!("“{BEST}”,"),
            &format!("Structure(4 nodes with {BEST})"),
            "[(('nor_conv_3x3', 0),), (('nor_conv_3x3', 0), ('nor_conv_3x3', 1)), \
             (('skip_connect', 0), ('nor_conv_3x3', 1), ('nor_conv_1x1', 2))]",
            "[[[\"nor_conv_3x3\", 0]], [[\"nor_conv_3x3\", 1], [\"nor_conv_3x3\", 0]], \
             [[\"skip_connect\", 0], [\"nor_conv_3x3\", 1], [\"nor_conv_1x1\", 2]]]",
        ],
    );
    assert_eq!(text_in("nasbench201", BEST, "index"), Ok("6111".into()));
    assert_eq!(text_in("nasbench201", "13714", "index"), Ok("13714".into()));
}

#[test]
fn six_numbers_have_two_readings_or_three() {
    let error = refusal("nasbench201", "333132");
    for part in
        ["has 2 readings: digits (|nor_conv_3x3~0|+", "and naslib (|nor_conv_1x1~0|+", "digits:333132"]
    {
        assert!(error.contains(part), "{error}");
    }
    let error = refusal("nasbench201", "001234");
    assert!(error.contains("has 3 readings: index (") && error.contains("naslib ("), "{error}");
    assert!(refusal("nasbench201", "(3, 3, 3, 1, 3, 2)").contains("2 readings"));
    // Both mean the same.
    same("nasbench201", &["444444", "digits:444444", "naslib:444444"]);
    for (text, expected) in [
        ("15625", "expected a whole number below 15625"),
        ("digits:333135", "number 5 is 5, expected 0 to 4"),
        ("digits:33313", "5 numbers given, expected 6"),
        ("naslib:(1, 2)", "2 numbers given"),
        ("digit:333132", "unknown notation `digit`; did you mean `digits`?"),
        ("hello", "nor is it in another notation (structure, index, digits, naslib)"),
        ("[(('nor_conv_3x3', 1),)]", "1 nodes given, expected 3"),
        ("[(('conv', 0),), (), ()]", "unknown operation \"conv\""),
        ("[(('skip', 1),), (), ()]", "node 1 has one edge from each of nodes 0 to 0 (line 1, column 12)"),
    ] {
        let error = refusal("nasbench201", text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// The example of the official package (google-research/nasbench, README).
const INCEPTION: &str = "model_spec = api.ModelSpec(
      # Adjacency matrix of the module
      matrix=[[0, 1, 1, 1, 0, 1, 0],    # input layer
              [0, 0, 0, 0, 0, 0, 1],    # 1x1 conv
              [0, 0, 0, 0, 0, 0, 1],    # 3x3 conv
              [0, 0, 0, 0, 1, 0, 0],    # 5x5 conv (replaced by two 3x3's)
              [0, 0, 0, 0, 0, 0, 1],    # 5x5 conv (replaced by two 3x3's)
              [0, 0, 0, 0, 0, 0, 1],    # 3x3 max-pool
              [0, 0, 0, 0, 0, 0, 0]],   # output layer
      # Operations at the vertices of the module, matches order of matrix
      ops=[INPUT, CONV1X1, CONV3X3, CONV3X3, CONV3X3, MAXPOOL3X3, OUTPUT])";

#[test]
fn cells_of_nasbench101() {
    let bits =
        "111010000010001100011|conv1x1-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;conv3x3-bn-relu;maxpool3x3";
    let json = text_in("nasbench101", bits, "json").unwrap();
    let numpy = json
        .replace("\"matrix\": [[", "'module_adjacency': np.array([[")
        .replace("]],", "]], dtype=int8),")
        .replace("\"ops\"", "'module_operations'");
    let interior = json.replace("\"input\", ", "").replace(", \"output\"", "");
    let pair = json.replace("{\"matrix\": ", "(").replace("\"ops\": ", "").replace('}', ")");
    let bare = json.replace("{\"matrix\": ", "matrix=").replace("\"ops\": ", "ops=").replace('}', "");
    let printed = "matrix=[[0 1 1]\n [0 0 1]\n [0 0 0]], ops=['input', 'conv3x3-bn-relu', 'output']";
    let lines = printed.replace("]], ", "]]\n");
    same("nasbench101", &["111|conv3x3-bn-relu", printed, &lines, "111|conv3x3"]);
    same("nasbench101", &[bits, INCEPTION, &json, &numpy, &interior, &pair, &bare]);
    same("nasbench1shot1-1", &["111|conv3x3", "{'matrix': [[0,1,1],[0,0,1],[0,0,0]], 'ops': ['conv3x3']}"]);
    assert_eq!(text_in("nasbench101", INCEPTION, "hash"), Ok("28cfc7874f6d200472e1a9dcd8650aa0".into()));
    assert!(
        text_in("nasbench101", bits, "modelspec")
            .unwrap()
            .starts_with("ModelSpec(matrix=[[0, 1, 1, 1, 0, 1, 0]")
    );
    for (text, expected) in [
        (
            "28CFC7874F6D200472E1A9DCD8650AA0",
            "\"28cfc7874f6d200472e1a9dcd8650aa0\" is a hash, which cannot be read by itself; give a table",
        ),
        ("[[[0, 1], [0, 0]]]", "expected a matrix and operations"),
        ("{'matrix': [[0, 1], [1, 0]], 'ops': []}", "edge 1 to 0 is not above the diagonal"),
        ("{'matrix': [[0, 1], [0]], 'ops': []}", "row 1 has 1 numbers, expected 2"),
        ("{'matrix': [[0, 2], [0, 0]], 'ops': []}", "row 0 has 2, expected 0 or 1"),
        ("{'matrix': [[0, 1], [0, 0]]}", "\"ops\" is missing"),
        ("{'matrix': [[0, 1], [0, 0]], 'ops': ['output', 'input']}", "the first operation must be input"),
        ("{'matrix': [[0, 1], [0, 0]], 'ops': ['conv3x3']}", "1 operations given, expected 2"),
        (
            "matrix=[[0, 1], [0, 0]],\nops=['conv9x9', 'a']",
            "first operation must be input, the last output (line 2, column 5)",
        ),
        ("{'matrix': [[0]], 'ops': []}", "1 vertices given, expected 2 to 7"),
    ] {
        let error = refusal("nasbench101", text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// `EfficientNet-B0` is in the space (its code in tensorflow/tpu); the baseline of `MnasNet` is not.
#[test]
fn networks_of_mnasnet() {
    let b0 = "['r1_k3_s11_e1_i32_o16_se0.25', 'r2_k3_s22_e6_i16_o24_se0.25', 'r2_k5_s22_e6_i24_o40_se0.25',
        'r3_k3_s22_e6_i40_o80_se0.25', 'r3_k5_s11_e6_i80_o112_se0.25', 'r4_k5_s22_e6_i112_o192_se0.25',
        'r1_k3_s11_e6_i192_o320_se0.25']";
    let timm = "[['ds_r1_k3_s1_e1_c16_se0.25'], ['ir_r2_k3_s2_e6_c24_se0.25'], ['ir_r2_k5_s2_e6_c40_se0.25'],
        ['ir_r3_k3_s2_e6_c80_se0.25'], ['ir_r3_k5_s1_e6_c112_se0.25'], ['ir_r4_k5_s2_e6_c192_se0.25'],
        ['ir_r1_k3_s1_e6_c320_se0.25']]";
    let own = "e1k3l1s1-e6k3l2s1-e6k5l2s1-e6k3l3s1-e6k5l3s1-e6k5l4s1-e6k3l1s1";
    let noskip = b0.replacen("o16", "o16_noskip", 1);
    same("mnasnet", &[own, b0, timm, &noskip, &timm.replace("_e1_", "_")]);
    let b1 = "r1_k3_s11_e1_i32_o16_noskip r3_k3_s22_e3_i16_o24 r3_k5_s22_e3_i24_o40 r3_k5_s22_e6_i40_o80 \
              r2_k3_s11_e6_i80_o96 r4_k5_s22_e6_i96_o192 r1_k3_s11_e6_i192_o320_noskip";
    for (text, expected) in [
        (b1.to_owned(), "stage 1 is \"r3_k3_s22_e3_i16_o24\"; e is 3, and this space has [1, 4, 6]"),
        (b1.replace("e3", "e6"), "o is 96, and in this space this stage has 112"),
        (b0.replacen("se0.25", "se0.5", 1), "se is 0.5, and this space has 0.25"),
        (b0.replacen("k3", "k7", 1), "k is 7, and this space has [3, 5]"),
        (b0.replacen("s22", "s11", 1), "s is 11, and in this space this stage has 22"),
        (b0.replacen("r2", "r9", 1), "stage 1 has 9 layers, expected 1 to 3"),
        (b0.replacen("r2_k3_s22", "r2_k3_s22_cc4", 1), "this space cannot say cc4"),
        (timm.replacen("ds_", "ir_", 1), "which is ds, not ir"),
        (timm.replacen("ir_", "ds_", 1), "ds has no expansion"),
        ("r1_k3".to_owned(), "s is missing"),
    ] {
        let error = refusal("mnasnet", &text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn networks_of_the_other_spaces() {
    same(
        "mobilenet",
        &[BN_NAS, &BN_NAS.replace(['[', ']'], ""), &text_in("mobilenet", BN_NAS, "blocks").unwrap()],
    );
    assert!(refusal("mobilenet", "['9x9_MBConv3']").contains("unknown block \"9x9_MBConv3\""));
    same("macro", &["22212220", "[2, 2, 2, 1, 2, 2, 2, 0]", "digits:22212220"]);
    assert!(refusal("macro", "[2, 3]").contains("2 numbers given, expected 8"));
    same(
        "transnas-micro",
        &[
            "64-41414-3_12_031",
            "3_12_031",
            "digits:312031",
            "naslib:(2, 0, 1, 3, 2, 0)",
            "|conv_3x3~0|+|skip~0|conv_1x1~1|+|none~0|conv_3x3~1|skip~2|",
        ],
    );
    assert!(refusal("transnas-micro", "312031").contains("2 readings"));
    same("transnas-macro", &["64-1234-basic", "'64-1234-basic'", "transnas:64-1234-basic"]);
}

/// Every example is an architecture of its space, and its notation prints it again.
#[test]
fn examples_are_what_their_notation_prints() {
    for entry in SPACES.iter() {
        let space = entry.space();
        for notation in space.notations() {
            let text = format!("{}:{}", notation.name, notation.example);
            match space.parse(&text) {
                Ok(architecture) => {
                    let printed = space.format_as(&architecture, notation.name).unwrap();
                    let named = notation.example == "DARTS_V2";
                    assert!(named || printed == notation.example, "{}: {text}\n{printed}", entry.name);
                }
                Err(SpaceError::Digest { .. }) => {}
                // The examples of the parts are cells of the whole.
                Err(error) if error.to_string().contains("no choice of") => {}
                Err(error) => panic!("{}: {text}: {error}", entry.name),
            }
        }
        let error = space.format_as(&space.sample(&mut ChaCha8Rng::seed_from_u64(1)), "morse").unwrap_err();
        assert!(error.to_string().starts_with("unknown notation `morse`"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What every notation prints of a random architecture it reads back.
    #[test]
    fn notations_read_back(seed in any::<u64>()) {
        for entry in SPACES.iter() {
            let space = entry.space();
            let architecture = space.sample(&mut ChaCha8Rng::seed_from_u64(seed));
            for notation in space.notations() {
                let text = match space.format_as(&architecture, notation.name) {
                    Err(SpaceError::CannotSay { .. }) => continue,
                    text => text.unwrap(),
                };
                match space.parse(&format!("{}:{text}", notation.name)) {
                    Err(SpaceError::Digest { .. }) => {}
                    read => prop_assert_eq!(read.unwrap().key(), architecture.key(), "{}", text),
                }
            }
        }
    }
}

#[test]
fn signs_of_pdf_files_and_printed_arrays() {
    let own =
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|";
    for tilde in ["∼", "˜", "～", " ~ "] {
        same("nasbench201", &[own, &own.replace('~', tilde)]);
    }
    let micro = text_in("transnas-micro", "digits:300012", "text").unwrap();
    same("transnas-micro", &[&micro, &micro.replace('~', "∼")]);
    same(
        "nasbench201",
        &[
            "naslib:(2, 2, 0, 2, 2, 3)",
            "naslib:array([2, 2, 0, 2, 2, 3])",
            "naslib: np.array([2, 2, 0, 2, 2, 3], dtype=int64)",
            "naslib:op_indices = torch.tensor([2, 2, 0, 2, 2, 3], device='cpu');",
            "naslib:[2 2 0 2 2 3]",
        ],
    );
    let error = refusal("nasbench201", "array([2, 2, 0, 2, 2, 3])");
    assert!(error.contains("has 2 readings"), "{error}");
    same("nats-size", &["64:64:64:64:64", "array([64, 64, 64, 64, 64])", "tensor([64,64,64,64,64])"]);
    for wrong in
        ["array([2, 2, 0, 2, 2, 3)", "array(6)", "array([2], [2])", "array(", "array([2, 2, 0, 2, 2, 3]"]
    {
        assert!(parse("nasbench201", wrong).is_err(), "{wrong}");
    }
    let good = DARTS_V2.to_string();
    assert_eq!(good.replace("range(2, 6)", "np.arange(2, 6)").parse(), Ok(DARTS_V2));
    assert_eq!(good.replace("range(2, 6)", "array([2, 3, 4, 5])").parse(), Ok(DARTS_V2));
    for (name, advice) in [
        ("GDAS", "of any other give the Genotype(..) itself"),
        ("AmoebaNet", "of any other give the Genotype(..) itself"),
        ("pc_darts_cifar", "did you mean PC_DARTS_cifar?"),
    ] {
        let error = refusal("darts", name);
        assert!(error.contains("it neither is a published name") && error.contains(advice), "{error}");
    }
}
