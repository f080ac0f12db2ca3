//! Parameters and multiply-adds of every row of a published table.
//!
//! The tables are not in the repository, so these tests are ignored. A variable names the CSV file, unpacked:
//!
//! ```sh
//! TRANSNAS_MICRO=params.csv NB_MACRO=nb_macro.csv ACCEL_MNASNET=accel_mnasnet.csv NB_NLP=nb_nlp_wikitext2.csv \
//!     cargo test -p bonas-spaces --test published_counts -- --ignored
//! ```
//!
//! A handful of rows of each stands in the unit tests of its family.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;

use bonas_spaces::families::mnasnet::MnasNetSkeleton;
use bonas_spaces::families::nasbench_macro::NasBenchMacroSkeleton;
use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
use bonas_spaces::families::transnas::{OBJECT_CLASSIFICATION, Task, TransNasMicroSkeleton};
use bonas_spaces::network::{
    Body, CellNet, LanguageModel, Layer, Network, NetworkSize, Shape, Skeleton, SpaceRecurrent, Union,
};
use bonas_spaces::{MnasNet, NasBenchMacro, SearchSpace, TransNasMicro};

/// Rows of the table that a variable names, by column.
fn rows(variable: &str) -> Vec<HashMap<String, String>> {
    let path = std::env::var(variable).unwrap_or_else(|_| panic!("set {variable} to the table's path"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| header.iter().map(|name| (*name).to_owned()).zip(fields(line)).collect();
    lines.map(row).collect()
}

/// The fields of a line; a quoted one may have commas in it, and quotes twice.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => fields.last_mut().unwrap().push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            sign => fields.last_mut().unwrap().push(sign),
        }
    }
    fields
}

/// A column in millions, as a whole number.
fn millions(text: &str) -> u64 {
    (text.parse::<f64>().unwrap() * 1e6).round() as u64
}

fn network(space: &dyn SearchSpace, skeleton: &dyn Skeleton, text: &str) -> Network {
    let union = Union::of(&[space.parse(text).unwrap()]).unwrap();
    skeleton.network(&union, &space.network().unwrap().ops()).unwrap()
}

/// What benchmarks count beside multiply-adds: a number for a layer and the shape of its output.
type Extra = fn(&Layer, Shape) -> usize;

fn through(layers: &[Layer], from: Shape, extra: Extra) -> (usize, Shape) {
    layers.iter().fold((0, from), |(count, shape), layer| {
        let after = layer.output(shape).unwrap();
        let inside: usize = match layer {
            Layer::Branches { arms, .. } => arms.iter().map(|arm| through(arm, shape, extra).0).sum(),
            _ => extra(layer, after),
        };
        (count + inside, after)
    })
}

/// The same of a cell; a node that nothing enters has maps of the cell's own shape.
fn through_cell(net: &CellNet, inputs: &[Shape], own: Shape, extra: Extra) -> usize {
    let mut shapes = vec![own; net.nodes.len()];
    for (&node, &shape) in net.inputs.iter().zip(inputs) {
        shapes[node] = shape;
    }
    let mut count = 0;
    for &node in &net.order {
        for edge in &net.nodes[node].incoming {
            for choice in &edge.choices {
                let (inside, shape) = through(&choice.layers, shapes[edge.from], extra);
                (count, shapes[node]) = (count + inside, shape);
            }
        }
    }
    count
}

fn extras(network: &Network, extra: Extra) -> u64 {
    let of = |unit: &bonas_spaces::network::Unit| {
        let inputs: Vec<Shape> = unit.inputs.iter().map(|&input| network.units[input].shape).collect();
        match &unit.body {
            Body::Layers(layers) => through(layers, inputs[0], extra).0,
            Body::Cell { net, .. } => through_cell(net, &inputs, unit.shape, extra),
            Body::Image | Body::Join(_) | Body::Counted { .. } => 0,
        }
    };
    network.units.iter().map(of).sum::<usize>() as u64
}

/// FLOPs have one for each output of a ReLU, two for each of BatchNorm, and 41,472 of pooling and the head.
#[test]
#[ignore = "needs the table"]
fn transnas_micro() {
    let size = NetworkSize { classes: 63, ..OBJECT_CLASSIFICATION };
    let skeleton = TransNasMicroSkeleton { cells: 2, size, task: Task::Object };
    let rows = rows("TRANSNAS_MICRO");
    for row in &rows {
        let network = network(&TransNasMicro::new(), &skeleton, &row["arch"]);
        assert_eq!(network.params() as u64, millions(&row["params_m"]), "{}", row["arch"]);
        let others = extras(&network, |layer, after| match layer {
            Layer::Relu => after.len(),
            Layer::BatchNorm { .. } => 2 * after.len(),
            _ => 0,
        });
        assert_eq!(network.macs() + others + 41_472, millions(&row["flops_m"]), "{}", row["arch"]);
    }
    println!("{} rows", rows.len());
}

#[test]
#[ignore = "needs the table"]
fn nasbench_macro() {
    let skeleton = NasBenchMacroSkeleton::cifar();
    let rows = rows("NB_MACRO");
    for row in &rows {
        let network = network(&NasBenchMacro::new(), &skeleton, &row["arch"]);
        let published = (row["params"].parse().unwrap(), row["flops"].parse().unwrap());
        assert_eq!((network.params(), network.macs()), published, "{}", row["arch"]);
    }
    println!("{} rows", rows.len());
}

/// MACs have four for each output of BatchNorm, h·w + 1 for each channel that squeeze-and-excitation averages, and 64,000
/// for the last average.
#[test]
#[ignore = "needs the table"]
fn accel_mnasnet() {
    let skeleton = MnasNetSkeleton::imagenet();
    let rows = rows("ACCEL_MNASNET");
    for row in &rows {
        let network = network(&MnasNet::new(), &skeleton, &row["arch"]);
        assert_eq!(network.params() as u64, millions(&row["params"]), "{}", row["arch"]);
        let others = extras(&network, |layer, after| match layer {
            Layer::BatchNorm { .. } => 4 * after.len(),
            Layer::SqueezeExcite { .. } => after.len() + after.channels,
            _ => 0,
        });
        assert_eq!(network.macs() + others + 64_000, millions(&row["macs"]), "{}", row["arch"]);
    }
    println!("{} rows", rows.len());
}

/// Parameters of the language model of 33,278 words around each cell of the release on WikiText-2.
#[test]
#[ignore = "needs the table"]
fn nasbench_nlp() {
    let space = NasBenchNlp::new();
    let rows = rows("NB_NLP");
    for row in &rows {
        let cell = space.cell(&space.parse(&row["arch"]).unwrap()).unwrap();
        let params = LanguageModel::wikitext2().params(&cell).unwrap();
        assert_eq!(params, row["params"].parse::<u64>().unwrap(), "{}", row["arch"]);
    }
    println!("{} rows", rows.len());
}
