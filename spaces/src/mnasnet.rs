//! The space of `MnasNet` (Tan et al., CVPR 2019) as in `Accel-NASBench` (Ahmad et al., DAC 2024).
//!
//! Seven stages, each with an expansion factor, a kernel size, a number of layers, and with or
//! without squeeze-and-excitation. Text: `e6k3l1s0-e4k5l3s1-..`, seven blocks.

use std::sync::Arc;

use rand::Rng;

use crate::chain::Chains;
use crate::{Architecture, OpId, SearchSpace, SpaceError, SpaceSize, Vocabulary, draw};

/// Stages of a network.
pub const STAGES: usize = 7;

/// Expansion factors of a block.
pub const EXPANSIONS: [u8; 3] = [1, 4, 6];

/// Kernel sizes of a block.
pub const KERNELS: [u8; 2] = [3, 5];

/// Most layers of each stage.
pub const MAX_LAYERS: [u8; STAGES] = [3, 3, 3, 3, 3, 4, 3];

const NOTATION: &str = "a MnasNet e6k3l1s0-.. of seven blocks";

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

/// The space of `MnasNet` in `Accel-NASBench`: 36⁶ · 48 networks, all different.
///
/// As a graph a network is the chain of its layers: one node an inverted-residual layer, labelled
/// by expansion, kernel and squeeze-and-excitation; the first layer of a stage, which may change
/// width and resolution, has labels of its own. Samples are uniform over texts; one element away
/// is one of the four numbers of one stage changed.
#[derive(Clone, Debug)]
pub struct MnasNet {
    chains: Chains,
}

impl Default for MnasNet {
    fn default() -> Self {
        Self::new()
    }
}

/// Labels of a layer: expansion, kernel, squeeze.
const KINDS: usize = EXPANSIONS.len() * KERNELS.len() * 2;

impl MnasNet {
    /// The space.
    pub fn new() -> Self {
        let name = |first: &str, kind: usize| {
            let Block { expansion, kernel, squeeze, .. } = Block::of_kind(kind);
            let (e, k) = (EXPANSIONS[usize::from(expansion)], KERNELS[usize::from(kernel)]);
            format!("{first}e{e}k{k}s{}", u8::from(squeeze))
        };
        let ops: Vec<String> =
            ["first-", ""].iter().flat_map(|first| (0..KINDS).map(|kind| name(first, kind))).collect();
        Self { chains: Chains::of(&ops, "a MnasNet") }
    }

    fn build(&self, blocks: &Blocks) -> Architecture {
        let layers = |block: &Block| {
            let kind = block.kind();
            let rest = (1..block.layers).map(move |_| Chains::op(KINDS + kind));
            [Chains::op(kind)].into_iter().chain(rest)
        };
        self.chains.build(&blocks.iter().flat_map(layers).collect::<Vec<_>>())
    }

    fn read(&self, architecture: &Architecture) -> Result<Blocks, SpaceError> {
        let ops = self.chains.read(architecture)?;
        let begins = |_: &OpId, next: &OpId| Chains::position(*next) >= KINDS;
        let stages: Vec<Block> = ops.chunk_by(begins).map(stage).collect::<Result<_, _>>()?;
        let found = stages.len();
        let blocks: Blocks = stages
            .try_into()
            .map_err(|_| SpaceError::cell(format!("{found} stages, there must be {STAGES}")))?;
        check(&blocks).map_err(SpaceError::cell)?;
        Ok(blocks)
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

impl Block {
    fn kind(self) -> usize {
        (usize::from(self.expansion) * KERNELS.len() + usize::from(self.kernel)) * 2
            + usize::from(self.squeeze)
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

    /// Reads `e6k3l1s0`.
    fn parse(text: &str) -> Option<Self> {
        let &[b'e', e, b'k', k, b'l', l, b's', s] = text.as_bytes() else { return None };
        let place = |choices: &[u8], digit: u8| {
            choices.iter().position(|choice| choice + b'0' == digit).map(|place| place as u8)
        };
        let layers = l.checked_sub(b'0').filter(|layers| (1..=9).contains(layers))?;
        let squeeze = place(&[0, 1], s)? == 1;
        Some(Self { expansion: place(&EXPANSIONS, e)?, kernel: place(&KERNELS, k)?, layers, squeeze })
    }

    fn text(self) -> String {
        let (e, k) = (EXPANSIONS[usize::from(self.expansion)], KERNELS[usize::from(self.kernel)]);
        format!("e{e}k{k}l{}s{}", self.layers, u8::from(self.squeeze))
    }
}

/// The stage of a first layer and those that follow it.
fn stage(layers: &[OpId]) -> Result<Block, SpaceError> {
    let positions: Vec<usize> = layers.iter().map(|op| Chains::position(*op)).collect();
    match positions[..] {
        [first, ref rest @ ..] if first < KINDS && rest.iter().all(|&layer| layer == KINDS + first) => {
            Ok(Block { layers: layers.len() as u8, ..Block::of_kind(first) })
        }
        _ => Err(SpaceError::cell("the layers of a stage are alike, and its first one says that it is")),
    }
}

fn check(blocks: &Blocks) -> Result<(), String> {
    let wrong = blocks.iter().zip(MAX_LAYERS).position(|(block, max)| !(1..=max).contains(&block.layers));
    wrong.map_or(Ok(()), |stage| {
        Err(format!(
            "stage {stage} has {} layers, at most {} can be",
            blocks[stage].layers, MAX_LAYERS[stage]
        ))
    })
}

/// Everything that a stage may be.
fn choices(stage: usize) -> impl Iterator<Item = Block> {
    (1..=MAX_LAYERS[stage])
        .flat_map(|layers| (0..KINDS).map(move |kind| Block { layers, ..Block::of_kind(kind) }))
}

impl SearchSpace for MnasNet {
    fn name(&self) -> &'static str {
        "mnasnet"
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
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
        Ok(self.read(architecture)?.map(Block::text).join("-"))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let bad = |reason: String| SpaceError::Notation { text: text.to_owned(), notation: NOTATION, reason };
        let mut blocks = Vec::with_capacity(STAGES);
        for (stage, block) in text.trim().split('-').enumerate() {
            let expected = "expected e(1,4,6) k(3,5) l(layers) s(0,1), for example e6k3l1s0";
            let read = Block::parse(block);
            blocks.push(read.ok_or_else(|| bad(format!("stage {stage} is {block:?}; {expected}")))?);
        }
        let found = blocks.len();
        let blocks: Blocks =
            blocks.try_into().map_err(|_| bad(format!("{found} blocks, there must be {STAGES}")))?;
        check(&blocks).map_err(bad)?;
        Ok(self.build(&blocks))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::check_space;

    const ROW: &str = "e1k3l1s0-e1k3l2s0-e1k5l3s1-e6k5l2s0-e1k5l2s0-e1k3l4s0-e4k5l3s0";

    #[test]
    fn contract() {
        check_space(&MnasNet::new(), 1, 100).unwrap();
        assert_eq!(MnasNet::new().size(), SpaceSize::Unique(36_u128.pow(6) * 48));
    }

    #[test]
    fn a_network_is_the_chain_of_its_layers() {
        let space = MnasNet::new();
        let network = space.parse(ROW).unwrap();
        assert_eq!(space.format(&network).unwrap(), ROW);
        assert_eq!(network.op_graphs()[0].len(), 2 + 17);
        // Two expansions, one kernel, one squeeze a stage, and two (once three) numbers of layers.
        assert_eq!(space.neighbours(&network).unwrap().len(), 7 * (2 + 1 + 1 + 2) + 1);
    }

    #[test]
    fn bad_texts_are_refused_with_a_reason() {
        for (text, expected) in [
            (ROW.replace("e6k5l2s0", "e5k5l2s0"), "stage 3 is \"e5k5l2s0\""),
            (ROW.replace("e1k3l1s0", "e1k3l4s0"), "stage 0 has 4 layers, at most 3"),
            (ROW.replace("-e4k5l3s0", ""), "6 blocks, there must be 7"),
            (String::new(), "stage 0 is \"\""),
        ] {
            let error = MnasNet::new().parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
