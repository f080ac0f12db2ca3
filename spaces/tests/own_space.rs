//! A search space of another crate that brings its own network: all that it takes, in one file.
//!
//! An architecture is a chain of four layers, each a 3×3 convolution, a 5×5 convolution or a skip,
//! written `3-5-0-3`. Copy this file to begin a space of your own.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bonas_spaces::network::{
    CellNet, CellSpec, CellUnion, EdgeUnion, Join, Network, NetworkBuilder, Norm, OpTable, Port, Shape,
    Skeleton, SkeletonEntry, SkeletonSize, SpaceNetwork, Union, relu_conv_bn, skip,
};
use bonas_spaces::rand::{Rng, RngExt};
use bonas_spaces::space::CostTable;
use bonas_spaces::testing::check_space;
use bonas_spaces::{
    Architecture, Cell, CellGraph, Choices, OpId, Role, SearchSpace, SpaceError, SpaceSize, Vocabulary,
};

const LAYERS: usize = 4;
/// Text and name of each operation.
const OPS: [(&str, &str); 3] = [("3", "conv_3x3"), ("5", "conv_5x5"), ("0", "skip")];

/// The space: 3⁴ chains.
#[derive(Debug)]
struct Chains {
    vocabulary: Arc<Vocabulary>,
}

impl Chains {
    fn new() -> Result<Self, SpaceError> {
        // Every layer computes, the skip too: where it stands in the chain matters.
        let ops = OPS.map(|(_, name)| (name, Role::Compute));
        Ok(Self { vocabulary: Arc::new(Vocabulary::new(1, ops)?) })
    }

    fn op(&self, position: usize) -> Result<OpId, SpaceError> {
        self.vocabulary.id(OPS[position].1)
    }

    /// Every architecture with one layer changed.
    fn edits(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let choices = self.read(architecture)?;
        let edit = |(layer, op): (usize, usize)| {
            let mut edited = choices.clone();
            edited[layer] = op;
            self.chain(&edited)
        };
        let all = (0..LAYERS).flat_map(|layer| (0..OPS.len()).map(move |op| (layer, op)));
        all.filter(|&(layer, op)| choices[layer] != op).map(edit).collect()
    }

    fn chain(&self, choices: &[usize]) -> Result<Architecture, SpaceError> {
        let mut graph = CellGraph::new();
        let mut last = graph.add_node(OpId::input(0));
        for (layer, &choice) in choices.iter().enumerate() {
            let label = if layer + 1 == LAYERS { OpId::OUTPUT } else { OpId::PLAIN };
            let node = graph.add_node(label);
            graph.add_edge(last, node, self.op(choice)?);
            last = node;
        }
        Ok(Architecture::new(self.vocabulary.clone(), vec![Cell::new(graph, &self.vocabulary)?]))
    }
}

impl SearchSpace for Chains {
    fn name(&self) -> &'static str {
        "chains"
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let choices: [usize; LAYERS] =
            std::array::from_fn(|_| rng.random_range(0..OPS.len() as u32) as usize);
        self.chain(&choices).unwrap()
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let mut edits = self.edits(architecture)?;
        Ok(edits.swap_remove(rng.random_range(0..edits.len() as u32) as usize))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.edits(architecture)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique((OPS.len() as u128).pow(LAYERS as u32))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let texts: Vec<&str> = self.read(architecture)?.into_iter().map(|choice| OPS[choice].0).collect();
        Ok(texts.join("-"))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let bad = |reason: String| SpaceError::Notation {
            text: text.to_owned(),
            notation: "a chain 3-5-0-3",
            reason,
        };
        let position = |word: &str| OPS.iter().position(|(text, _)| *text == word);
        let words: Vec<&str> = text.split('-').collect();
        if words.len() != LAYERS {
            return Err(bad(format!("{} layers given, expected {LAYERS}", words.len())));
        }
        let choices = words.into_iter().map(|word| {
            position(word).ok_or_else(|| bad(format!("layer {word:?}, expected one of 3, 5, 0")))
        });
        self.chain(&choices.collect::<Result<Vec<_>, _>>()?)
    }
}

impl Choices for Chains {
    fn counts(&self) -> Vec<usize> {
        vec![OPS.len(); LAYERS]
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let [cell] = architecture.cells() else { return Err(SpaceError::cell("a chain is one cell")) };
        let names = cell.graph().edge_weights().map(|&op| self.vocabulary.name(op));
        let position = |name| OPS.iter().position(|(_, own)| *own == name);
        let choices: Vec<usize> = names.filter_map(position).collect();
        if choices.len() != LAYERS || self.chain(&choices)? != *architecture {
            return Err(SpaceError::cell(format!("expected a chain of {LAYERS} layers")));
        }
        Ok(choices)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        if choices.len() != LAYERS || choices.iter().any(|&choice| choice >= OPS.len()) {
            return Err(SpaceError::cell(format!("{choices:?}, expected {LAYERS} numbers from 0 to 2")));
        }
        self.chain(choices).map(Some)
    }
}

impl SpaceNetwork for Chains {
    fn ops(&self) -> OpTable {
        OpTable::new()
            .with("conv_3x3", |port| relu_conv_bn(port, 3))
            .with("conv_5x5", |port| relu_conv_bn(port, 5))
            .with("skip", skip)
    }

    fn whole(&self) -> Union {
        let ops: Vec<OpId> = self.vocabulary.ops().collect();
        let edge = |from| EdgeUnion { from, to: from + 1, ops: ops.clone() };
        let nodes = [vec![OpId::input(0)], vec![OpId::PLAIN; LAYERS - 1], vec![OpId::OUTPUT]].concat();
        let cell = CellUnion { nodes, edges: (0..LAYERS).map(edge).collect() };
        Union { cells: vec![cell], vocabulary: self.vocabulary.clone() }
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&SkeletonEntry {
            name: "chain",
            about: "a convolution, one chain and a classifier; C = 16, 3x32x32",
            auxiliary: false,
            relaxable: true,
            make: &|size| {
                Arc::new(Chain {
                    channels: size.channels.unwrap_or(16),
                    image: size.image.unwrap_or(Shape::square(3, 32)),
                    classes: size.classes.unwrap_or(10),
                    norm: size.norm.unwrap_or(Norm::DISCRETE),
                })
            },
        }]
    }
}

/// The network around a chain.
#[derive(Debug)]
struct Chain {
    channels: usize,
    image: Shape,
    classes: usize,
    norm: Norm,
}

impl Skeleton for Chain {
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let mut net = NetworkBuilder::new(self.image)?;
        let port =
            Port { input: self.image.channels, output: self.channels, stride: 1, norm: Norm::DISCRETE };
        let stem = net.layers("stem", 0, relu_conv_bn(port, 3))?;
        let spec = CellSpec {
            preprocess: vec![vec![]],
            input: self.channels,
            channels: self.channels,
            stride: 1,
            norm: self.norm,
            partial: 1,
            output: Join::Sum,
        };
        let cell = CellNet::new(&union.cells[0], &union.vocabulary, spec, ops)?;
        let chain = net.cell("chain", &[stem], 0, cell)?;
        let head = net.classifier("classifier", chain, self.classes)?;
        Ok(net.finish(head, None))
    }
}

#[test]
fn the_contract_holds_network_included() {
    let report = check_space(&Chains::new().unwrap(), 1, 50).unwrap();
    assert!(report.distinct > 20 && report.neighbours == 50 * 2 * LAYERS);
}

#[test]
fn parameters_are_counted_by_hand() {
    let space = Chains::new().unwrap();
    let network = space.network().unwrap();
    let architecture = space.parse("3-5-0-3").unwrap();
    let size = SkeletonSize { channels: Some(8), ..SkeletonSize::default() };
    let skeleton = network.skeleton().build(&size).unwrap();
    let built = skeleton.network(&Union::of(&[architecture]).unwrap(), &network.ops()).unwrap();
    // Convolutions without bias, each with two BatchNorm numbers a channel, and the classifier.
    let stem = 8 * 3 * 9 + 2 * 8;
    let chain = 8 * 8 * (9 + 25 + 9) + 3 * 2 * 8;
    assert_eq!(built.params(), stem + chain + 10 * (8 + 1));
    let table = CostTable::of(&space, &*skeleton, &network.ops()).unwrap().unwrap();
    assert_eq!(table.macs(&[0, 1, 2, 0]), built.macs());
}
