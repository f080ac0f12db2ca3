//! The space of `MnasNet` (Tan et al., CVPR 2019) as in `Accel-NASBench` (Ahmad et al., DAC 2024).
//!
//! Use [`MnasNet`] to search its stages, and [`MnasNetSkeleton`] to change widths or images. A network has seven
//! stages, each with an expansion factor, a kernel size, a number of layers, and with or without
//! squeeze-and-excitation. A text has seven blocks, `e6k3l1s0-e4k5l3s1-..`.
//!
//! ```
//! use bonas_spaces::{MnasNet, SearchSpace};
//!
//! let text = "e1k3l1s0-e1k3l2s0-e1k5l3s1-e6k5l2s0-e1k5l2s0-e1k3l4s0-e4k5l3s0";
//! let network = MnasNet::new().parse(text)?;
//! assert_eq!(MnasNet::new().format(&network)?, text);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod notations;
mod skeleton;

use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::draw;
use crate::graph::{Architecture, OpId, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Notation};
use crate::space::{SearchSpace, SpaceEntry, SpaceSize};

use notations::FORMS;
pub use skeleton::MnasNetSkeleton;

/// Number of stages of a network.
pub const STAGES: usize = 7;

/// Expansion factors of a block.
pub const EXPANSIONS: [u8; 3] = [1, 4, 6];

/// Kernel sizes of a block.
pub const KERNELS: [u8; 2] = [3, 5];

/// Largest number of layers of each stage.
pub const MAX_LAYERS: [u8; STAGES] = [3, 3, 3, 3, 3, 4, 3];

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    /// Position in [`EXPANSIONS`].
    expansion: u8,
    /// Position in [`KERNELS`].
    kernel: u8,
    /// Layers, from 1.
    layers: u8,
    /// Squeeze-and-excitation.
    squeeze: bool,
}

type Blocks = [Block; STAGES];

/// The catalogue's entry of [`MnasNet`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "mnasnet",
    about: "MnasNet of Accel-NASBench: seven stages of inverted residuals",
    make: || Arc::new(MnasNet::new()),
    make_raw: Some(|| Arc::new(MnasNet::new())),
};

/// The space of `MnasNet` in `Accel-NASBench`: 36⁶ · 48 networks, all different.
///
/// The graph of a network is the chain of [`OPS`] of its inverted-residual layers: an expansion (left out
/// for factor 1), a depthwise convolution, and squeeze-and-excitation if there is one. The depthwise
/// convolution of a stage's first layer, which can change width and resolution, is an operation of its own.
/// Samples are uniform over texts; neighbours change one of the four numbers of one stage.
#[derive(Clone, Debug)]
pub struct MnasNet {
    chains: Chains,
}

impl Default for MnasNet {
    fn default() -> Self {
        Self::new()
    }
}

/// The operations of a network's graph.
pub const OPS: [&str; 7] = ["expand4", "expand6", "first-dw3", "first-dw5", "dw3", "dw5", "squeeze-excite"];

/// Places in [`OPS`].
const EXPAND: usize = 0;
const FIRST: usize = 2;
const FURTHER: usize = 4;
const SQUEEZE: usize = 6;

impl MnasNet {
    /// The space.
    pub fn new() -> Self {
        Self { chains: Chains::of(&OPS, "a MnasNet") }
    }

    fn build(&self, blocks: &Blocks) -> Architecture {
        let ops: Vec<OpId> = blocks.iter().flat_map(|block| block.ops()).map(Chains::op).collect();
        self.chains.build(&ops)
    }

    fn read(&self, architecture: &Architecture) -> Result<Blocks, SpaceError> {
        let ops = self.chains.read(architecture)?;
        blocks(&ops.into_iter().map(Chains::position).collect::<Vec<_>>())
    }

    /// All networks with one number of one stage changed.
    fn edits(blocks: &Blocks) -> Vec<Blocks> {
        let mut edits = Vec::new();
        for (stage, &now) in blocks.iter().enumerate() {
            for block in choices(stage).filter(|block| block.differs_once(now)) {
                let mut edited = *blocks;
                edited[stage] = block;
                edits.push(edited);
            }
        }
        edits
    }
}

/// The stages of a list of places in [`OPS`].
fn blocks(places: &[usize]) -> Result<Blocks, SpaceError> {
    let mut stages: Vec<Block> = Vec::new();
    let mut rest = places;
    while !rest.is_empty() {
        let (layer, first, used) = layer(rest).ok_or_else(|| SpaceError::cell(LAYER_RULE))?;
        rest = &rest[used..];
        match stages.last_mut() {
            _ if first => stages.push(layer),
            Some(stage) if (Block { layers: stage.layers, ..layer }) == *stage => stage.layers += 1,
            _ => {
                return Err(SpaceError::cell("the layers of a stage are alike, and its first one says so"));
            }
        }
    }
    let found = stages.len();
    let blocks: Blocks = stages
        .try_into()
        .map_err(|_| SpaceError::cell(format!("{found} stages given, expected {STAGES}")))?;
    check(&blocks).map_err(SpaceError::cell)?;
    Ok(blocks)
}

const LAYER_RULE: &str =
    "a layer is an expansion or none, a depthwise convolution, squeeze-and-excitation or none";

/// The first layer of a list of places in [`OPS`], whether it begins a stage, and how many places
/// it takes.
fn layer(places: &[usize]) -> Option<(Block, bool, usize)> {
    let expansion = places.first().filter(|&&place| place < FIRST).map_or(0, |place| place - EXPAND + 1);
    let depthwise = usize::from(expansion > 0);
    let place = *places.get(depthwise).filter(|place| (FIRST..SQUEEZE).contains(place))?;
    let squeeze = places.get(depthwise + 1) == Some(&SQUEEZE);
    let kernel = (place - FIRST) % KERNELS.len();
    let block = Block { expansion: expansion as u8, kernel: kernel as u8, layers: 1, squeeze };
    Some((block, place < FURTHER, depthwise + 1 + usize::from(squeeze)))
}

/// Kinds of a layer: expansion, kernel, squeeze.
const KINDS: usize = EXPANSIONS.len() * KERNELS.len() * 2;

impl Block {
    /// Places in [`OPS`] of the stage's operations.
    fn ops(self) -> impl Iterator<Item = usize> {
        (0..self.layers).flat_map(move |layer| {
            let expand = (self.expansion > 0).then(|| EXPAND + usize::from(self.expansion) - 1);
            let depthwise = if layer == 0 { FIRST } else { FURTHER } + usize::from(self.kernel);
            expand.into_iter().chain([depthwise]).chain(self.squeeze.then_some(SQUEEZE))
        })
    }

    fn of_kind(kind: usize) -> Self {
        let (pair, squeeze) = (kind / 2, kind % 2 == 1);
        let (expansion, kernel) = ((pair / KERNELS.len()) as u8, (pair % KERNELS.len()) as u8);
        Self { expansion, kernel, layers: 1, squeeze }
    }

    fn differs_once(self, other: Self) -> bool {
        let differences = [
            self.expansion != other.expansion,
            self.kernel != other.kernel,
            self.layers != other.layers,
            self.squeeze != other.squeeze,
        ];
        differences.into_iter().filter(|&differs| differs).count() == 1
    }
}

fn check(blocks: &Blocks) -> Result<(), String> {
    let wrong = blocks.iter().zip(MAX_LAYERS).position(|(block, max)| !(1..=max).contains(&block.layers));
    wrong.map_or(Ok(()), |stage| {
        Err(format!("stage {stage} has {} layers, expected 1 to {}", blocks[stage].layers, MAX_LAYERS[stage]))
    })
}

/// Everything that a stage may be.
fn choices(stage: usize) -> impl Iterator<Item = Block> {
    (1..=MAX_LAYERS[stage])
        .flat_map(|layers| (0..KINDS).map(move |kind| Block { layers, ..Block::of_kind(kind) }))
}

impl SearchSpace for MnasNet {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.build(&std::array::from_fn(|stage| Block {
            layers: 1 + draw::below(rng, usize::from(MAX_LAYERS[stage])) as u8,
            ..Block::of_kind(draw::below(rng, KINDS))
        }))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = Self::edits(&self.read(architecture)?);
        Ok(draw::changed(architecture, [edits], rng, |blocks| self.build(blocks)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = Self::edits(&self.read(architecture)?);
        Ok(draw::distinct(architecture, edits.iter().map(|blocks| self.build(blocks))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(MAX_LAYERS.iter().map(|&layers| u128::from(layers) * KINDS as u128).product())
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(notations::blocks_of(self.read(architecture)?))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl SpaceNetwork for MnasNet {
    fn ops(&self) -> OpTable {
        OpTable::mnasnet()
    }

    fn whole(&self) -> Union {
        // A layer has one to three operations.
        let layers: usize = MAX_LAYERS.iter().map(|&layers| usize::from(layers)).sum();
        self.chains.whole(STAGES..=3 * layers)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&MnasNetSkeleton::IMAGENET]
    }
}

#[cfg(test)]
mod tests;
