//! A search space of one's own: `cargo run --example own_space --no-default-features`.
//!
//! The space is that of `MnasNet` (Tan et al. 2019) as in `Accel-NASBench` (Ahmad et al. 2024):
//! seven stages, each with an expansion factor, a kernel size, a number of layers and with or
//! without squeeze-and-excitation, written `e6k3l1s0-e4k5l3s1-..`. `bonas` has never heard of
//! these operations; it needs nothing but the implementation of [`SearchSpace`] below.
//!
//! The space does not say what its blocks are in layers, so it has no network and its architectures
//! cannot be trained here; `spaces/tests/own_space.rs` is a space that brings its own network.

#![allow(clippy::print_stdout)]

use std::sync::Arc;

use bonas::study::Budget;
use bonas::study::evaluator::Synthetic;
use bonas::study::strategy::{Batches, LocalSearch, RandomSearch, RegularizedEvolution};
use bonas::{Fidelity, Strategy, Study};
use bonas_spaces::graph::encoding;
use bonas_spaces::testing::check_space;
use bonas_spaces::{
    Architecture, Cell, CellGraph, OpGraph, OpId, Role, SearchSpace, SpaceError, SpaceSize, Vocabulary,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STAGES: usize = 7;
const EXPANSIONS: [u8; 3] = [1, 4, 6];
const KERNELS: [u8; 2] = [3, 5];
const SQUEEZES: [u8; 2] = [0, 1];
/// The last stage but one may have a fourth layer.
const MAX_LAYERS: [u8; STAGES] = [3, 3, 3, 3, 3, 4, 3];

/// A chain of seven blocks.
///
/// A block, with all its four choices, is one operation on one node. All stages are always there,
/// so a node's place in the chain says which stage it is, and the default key, isomorphism, tells
/// two architectures apart whenever their texts differ.
#[derive(Debug)]
pub struct MnasNet {
    vocabulary: Arc<Vocabulary>,
}

impl MnasNet {
    /// The space.
    ///
    /// # Errors
    /// None in fact: the names of the blocks are all different.
    pub fn new() -> Result<Self, SpaceError> {
        let blocks = (1..=4).flat_map(blocks_of).map(|name| (name, Role::Compute));
        Ok(Self { vocabulary: Arc::new(Vocabulary::new(1, blocks)?) })
    }

    /// The operations that a stage may have: those of up to `MAX_LAYERS[stage]` layers. They come
    /// first in the vocabulary, which is ordered by the number of layers.
    fn choices(&self, stage: usize) -> Vec<OpId> {
        let per_layer = EXPANSIONS.len() * KERNELS.len() * SQUEEZES.len();
        self.vocabulary.ops().take(usize::from(MAX_LAYERS[stage]) * per_layer).collect()
    }

    /// Builds the chain input → seven blocks → output.
    fn build(&self, blocks: &[OpId; STAGES]) -> Result<Architecture, SpaceError> {
        let mut graph = CellGraph::new();
        let mut last = graph.add_node(OpId::input(0));
        for &label in blocks.iter().chain(&[OpId::OUTPUT]) {
            let node = graph.add_node(label);
            graph.add_edge(last, node, OpId::PLAIN);
            last = node;
        }
        let cell = Cell::new(graph, &self.vocabulary)?;
        Ok(Architecture::new(self.vocabulary.clone(), vec![cell]))
    }

    /// The blocks of an architecture, refusing whatever `build` would not have made.
    fn blocks(&self, architecture: &Architecture) -> Result<[OpId; STAGES], SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let labels = architecture.cells().first().map(|cell| cell.graph().node_weights().copied());
        let inside: Vec<OpId> = labels.into_iter().flatten().skip(1).take(STAGES).collect();
        let blocks: [OpId; STAGES] =
            inside.try_into().map_err(|_| SpaceError::cell("a MnasNet has seven stages"))?;
        for (stage, block) in blocks.iter().enumerate() {
            if !self.choices(stage).contains(block) {
                let name = self.vocabulary.name(*block);
                return Err(SpaceError::cell(format!("stage {stage} cannot be {name}")));
            }
        }
        if self.build(&blocks)?.key() != architecture.key() {
            return Err(SpaceError::cell("the blocks of a MnasNet are one chain"));
        }
        Ok(blocks)
    }

    /// All architectures with one stage changed.
    fn edits(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let blocks = self.blocks(architecture)?;
        let mut edits = Vec::new();
        for (stage, &now) in blocks.iter().enumerate() {
            for choice in self.choices(stage).into_iter().filter(|&choice| choice != now) {
                let mut edited = blocks;
                edited[stage] = choice;
                edits.push(self.build(&edited)?);
            }
        }
        Ok(edits)
    }
}

/// Names of the blocks with so many layers.
fn blocks_of(layers: u8) -> impl Iterator<Item = String> {
    EXPANSIONS.into_iter().flat_map(move |e| {
        KERNELS
            .into_iter()
            .flat_map(move |k| SQUEEZES.into_iter().map(move |s| format!("e{e}k{k}l{layers}s{s}")))
    })
}

impl SearchSpace for MnasNet {
    fn name(&self) -> &'static str {
        "mnasnet"
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// Uniform over all texts.
    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        loop {
            let blocks = std::array::from_fn(|stage| {
                let choices = self.choices(stage);
                choices[rng.random_range(0..choices.len() as u32) as usize]
            });
            // A chain is always a valid cell: the first draw is taken.
            if let Ok(architecture) = self.build(&blocks) {
                return architecture;
            }
        }
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let mut edits = self.edits(architecture)?;
        Ok(edits.swap_remove(rng.random_range(0..edits.len() as u32) as usize))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.edits(architecture)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.blocks(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique((0..STAGES).map(|stage| self.choices(stage).len() as u128).product())
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.blocks(architecture)?.map(|block| self.vocabulary.name(block).to_owned()).join("-"))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let bad = |reason: String| SpaceError::Notation {
            text: text.to_owned(),
            notation: "a MnasNet e6k3l1s0-.. of seven blocks",
            reason,
        };
        let ids =
            text.trim().split('-').map(|name| self.vocabulary.id(name)).collect::<Result<Vec<_>, _>>()?;
        let blocks: [OpId; STAGES] =
            ids.try_into().map_err(|ids: Vec<_>| bad(format!("{} blocks, not seven", ids.len())))?;
        let architecture = self.build(&blocks)?;
        self.check(&architecture).map_err(|error| bad(error.to_string()))?;
        Ok(architecture)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = MnasNet::new()?;
    println!("{} operations, {}", space.vocabulary().ops().len(), space.size());
    let report = check_space(&space, 1, 50)?;
    println!("the contract holds: {report:?}");

    // A row of the Accel-NASBench table, and what the library can do with it.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let known = space.parse("e1k3l1s0-e1k3l1s0-e1k5l3s0-e1k5l2s0-e1k5l2s0-e1k3l1s0-e4k5l3s0")?;
    let shown = [
        ("known", known.clone()),
        ("drawn", space.sample(&mut rng)),
        ("mutant", space.mutate(&known, &mut rng)?),
    ];
    for (what, architecture) in shown {
        let dense = encoding::dense(architecture.op_graphs(), architecture.vocabulary(), 0);
        let (nodes, columns) = dense.features.dim();
        println!("{what:7} {}  key {}  {nodes}x{columns}", space.format(&architecture)?, architecture.key());
    }
    println!("{} neighbours", space.neighbours(&known)?.len());
    let space: Arc<dyn SearchSpace> = Arc::new(space);
    search(&space)
}

/// A made-up score in `(0, 1)`: wider, deeper and larger blocks are better with diminishing
/// returns, and all that costs more than a budget is punished. Put your own training here.
fn score(architecture: &Architecture) -> f64 {
    let (mut worth, mut cost) = (0.0, 0.0);
    for op in architecture.op_graphs().iter().flat_map(OpGraph::labels) {
        let name = architecture.vocabulary().name(op).as_bytes();
        let &[b'e', e, b'k', k, b'l', l, b's', s] = name else { continue };
        let [e, k, l, s] = [e, k, l, s].map(|digit| f64::from(digit - b'0'));
        worth += (1.0 + e * l).ln() + 0.1 * k + 0.3 * s;
        cost += e * l * (1.0 + 0.05 * k * k);
    }
    1.0 / (1.0 + (-(worth - 8.0 - 0.02 * (cost - 60.0_f64).max(0.0).powi(2)) / 4.0).exp())
}

/// Makes a strategy that proposes such batches.
type Make = fn(Batches) -> Box<dyn Strategy>;

/// Lets the library's strategies search the space: mean of the best of 150 over five seeds.
fn search(space: &Arc<dyn SearchSpace>) -> Result<(), Box<dyn std::error::Error>> {
    let batches = Batches { count: 1, size: 10 };
    let make: &[Make] = &[
        |batches| Box::new(RandomSearch { batches }),
        |batches| Box::new(RegularizedEvolution { batches, ..RegularizedEvolution::default() }),
        |batches| Box::new(LocalSearch::new(batches)),
        #[cfg(feature = "torch")]
        |batches| Box::new(bonas_with(batches)),
    ];
    println!("best of 150, mean of five seeds:");
    for make in make {
        let (mut sum, mut name) = (0.0, String::new());
        for seed in 0..5 {
            let strategy = make(batches);
            strategy.name().clone_into(&mut name);
            let evaluator = Synthetic::new(Fidelity::Table, |a| Ok(score(a)));
            let study = Study::new(space.clone(), strategy, vec![Box::new(evaluator)]);
            let finished = study.seed(seed).budget(Budget::architectures(150)).run()?;
            sum += finished.history.best(Fidelity::Table).map_or(0.0, |(_, best)| best);
        }
        println!("  {name:24} {:.4}", sum / 5.0);
    }
    Ok(())
}

/// BONAS with its graph network, which reads any labelled DAG.
#[cfg(feature = "torch")]
fn bonas_with(batches: Batches) -> bonas::study::strategy::Bonas {
    use bonas::study::strategy::{CandidatePool, Evolutionary, Parents};
    bonas::study::strategy::Bonas {
        name: "bonas".into(),
        surrogate: Box::new(bonas::surrogate::models::gcn::GcnBsr::default()),
        acquisition: Box::new(bonas::surrogate::acquisition::Ucb::default()),
        selection: Box::new(bonas::surrogate::selection::TopK),
        pool: CandidatePool::Evolutionary(Evolutionary { parents: Parents::Best, ..Evolutionary::default() }),
        initial: 20,
        batches,
        ..bonas::study::strategy::Bonas::default()
    }
}
