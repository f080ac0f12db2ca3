//! The MobileNet space of BN-NAS (Chen et al., ICCV 2021): the space of `ProxylessNAS` (Cai et al., ICLR
//! 2019) with a kernel and an expansion for every layer.
//!
//! Use [`MobileNet`] to search the layers, [`MobileNetSkeleton`] to change widths or images, and
//! [`BN_NAS`] for the published architecture. A text is 21 numbers, `[3, -1, 0, ..]`, the first layer first;
//! each is a position in [`OPS`], or -1 for the identity.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::mobilenet::{BN_NAS, MobileNet, MobileNetSkeleton};
//! use bonas_spaces::network::{OpTable, Skeleton, Union};
//!
//! let union = Union::of(&[MobileNet::new().parse(BN_NAS)?])?;
//! let network = MobileNetSkeleton::imagenet().network(&union, &OpTable::mobilenet())?;
//! assert_eq!(network.macs(), 471_822_240);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod notations;
mod skeleton;

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use rand::Rng;

use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, EdgeUnion, OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Notation};
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};

use notations::FORMS;
pub use skeleton::MobileNetSkeleton;

/// Number of searchable layers.
pub const LAYERS: usize = 21;

/// The blocks in the published order (BNNAS, config.py): inverted residuals by expansion and kernel.
pub const OPS: [&str; 6] = ["mb3_k3", "mb6_k3", "mb3_k5", "mb6_k5", "mb3_k7", "mb6_k7"];

/// Name of the identity, which is -1 in texts.
pub const IDENTITY: &str = "identity";

/// Number of blocks of each stage. The first block of a stage changes width or resolution and cannot be
/// left out.
pub const STAGES: [usize; 6] = [4, 4, 4, 4, 4, 1];

/// The layers that BN-NAS leaves out by hand, because its indicator always prefers depth
/// (BNNAS, train.py and ea.py).
pub const PUBLISHED_IDENTITIES: [usize; 4] = [1, 5, 6, 9];

/// The architecture that BN-NAS found: 471.8 M multiply-adds, 75.5 % top-1 on ImageNet as published.
pub const BN_NAS: &str = "[3, -1, 0, 4, 0, -1, -1, 0, 4, -1, 4, 4, 1, 4, 2, 0, 0, 4, 0, 2, 2]";

/// Place of the identity among the operations of the vocabulary; the blocks come before it.
const SKIP: u8 = OPS.len() as u8;

/// A place in [`OPS`], or [`SKIP`], a layer.
type Layers = [u8; LAYERS];

/// Which depths there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Every layer that can be left out may be.
    Free,
    /// Exactly [`PUBLISHED_IDENTITIES`] are left out.
    Fixed,
}

/// The catalogue's entry of [`MobileNet::new`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "mobilenet",
    about: "MobileNet of BN-NAS: 21 layers, six inverted residuals and the identity",
    make: || Arc::new(MobileNet::new()),
    make_raw: Some(|| Arc::new(MobileNet::new())),
};

/// The catalogue's entry of [`MobileNet::fixed_depth`].
pub const FIXED_DEPTH: SpaceEntry = SpaceEntry {
    name: "mobilenet-17",
    about: "MobileNet of BN-NAS with the 17 layers of its release, none of them left out",
    make: || Arc::new(MobileNet::fixed_depth()),
    make_raw: Some(|| Arc::new(MobileNet::fixed_depth())),
};

/// The space of BN-NAS: 6⁶·7¹⁵ networks, or 6¹⁷ of fixed depth.
///
/// A network is a chain of 21 operations on edges. The identity stays in every graph, since its position
/// says which layer is left out. Samples are uniform; neighbours change one layer.
#[derive(Clone, Debug)]
pub struct MobileNet {
    vocabulary: Arc<Vocabulary>,
    depth: Depth,
}

impl Default for MobileNet {
    fn default() -> Self {
        Self::new()
    }
}

impl MobileNet {
    /// The space in which every layer can be left out, except the first of a stage.
    pub fn new() -> Self {
        let ops: Vec<_> = OPS.into_iter().chain([IDENTITY]).map(|name| (name, Role::Compute)).collect();
        Self { vocabulary: Arc::new(Vocabulary::known(1, &ops)), depth: Depth::Free }
    }

    /// The space as released: exactly [`PUBLISHED_IDENTITIES`] are left out, which leaves 17 layers.
    pub fn fixed_depth() -> Self {
        Self { depth: Depth::Fixed, ..Self::new() }
    }

    /// The union of the whole space: every operation on every layer that can have it.
    pub fn whole(&self) -> Union {
        let mut nodes = vec![OpId::input(0)];
        nodes.extend([OpId::PLAIN; LAYERS - 1]);
        nodes.push(OpId::OUTPUT);
        let edge = |layer| EdgeUnion {
            from: layer,
            to: layer + 1,
            ops: self.allowed(layer).iter().map(|&place| op_id(place)).collect(),
        };
        let cell = CellUnion { nodes, edges: (0..LAYERS).map(edge).collect() };
        Union { cells: vec![cell], vocabulary: self.vocabulary.clone() }
    }

    /// What may stand at a layer, ascending.
    fn allowed(&self, layer: usize) -> Vec<u8> {
        let may_skip = !is_first_of_stage(layer);
        let skipped = PUBLISHED_IDENTITIES.contains(&layer);
        match self.depth {
            Depth::Fixed if skipped => vec![SKIP],
            Depth::Free if may_skip => (0..=SKIP).collect(),
            _ => (0..SKIP).collect(),
        }
    }

    fn check_layers(&self, layers: Layers) -> Result<(), SpaceError> {
        for (layer, place) in layers.into_iter().enumerate() {
            let allowed = self.allowed(layer);
            if !allowed.contains(&place) {
                let numbers: Vec<String> = allowed.into_iter().map(|p| number(p).to_string()).collect();
                let found = number(place);
                return Err(SpaceError::cell(format!(
                    "layer {layer} is {found}, expected one of {}",
                    numbers.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn built(&self, layers: Layers) -> Architecture {
        let mut graph = CellGraph::with_capacity(LAYERS + 1, LAYERS);
        let mut last = graph.add_node(OpId::input(0));
        for (layer, place) in layers.into_iter().enumerate() {
            let label = if layer + 1 == LAYERS { OpId::OUTPUT } else { OpId::PLAIN };
            let node = graph.add_node(label);
            graph.add_edge(last, node, op_id(place));
            last = node;
        }
        // A chain of 21 operations has one order only, so its labels are its canonical form.
        Architecture::with_canonical_form(self.vocabulary.clone(), vec![Cell::built(graph, last)], &layers)
    }

    fn layers(&self, architecture: &Architecture) -> Result<Layers, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let wrong = || SpaceError::cell(format!("a MobileNet is one chain of {LAYERS} operations on edges"));
        let [cell] = architecture.cells() else { return Err(wrong()) };
        let graph = cell.graph();
        if graph.node_count() != LAYERS + 1 || graph.edge_count() != LAYERS {
            return Err(wrong());
        }
        let mut layers = [0; LAYERS];
        for (layer, place) in layers.iter_mut().enumerate() {
            let edge = graph.find_edge(NodeIndex::new(layer), NodeIndex::new(layer + 1)).ok_or_else(wrong)?;
            *place = place_of(graph[edge]).ok_or_else(wrong)?;
        }
        self.check_layers(layers)?;
        if self.built(layers).key() != architecture.key() {
            return Err(SpaceError::cell("the key is not that of a MobileNet; build it with the space"));
        }
        Ok(layers)
    }

    /// All networks with one layer changed.
    fn edits(&self, layers: Layers) -> Vec<Layers> {
        let mut edits = Vec::new();
        for layer in 0..LAYERS {
            for place in self.allowed(layer).into_iter().filter(|&place| place != layers[layer]) {
                let mut edited = layers;
                edited[layer] = place;
                edits.push(edited);
            }
        }
        edits
    }
}

/// Whether a layer is the first of its stage.
fn is_first_of_stage(layer: usize) -> bool {
    let mut first = 0;
    STAGES.iter().any(|blocks| {
        let found = first == layer;
        first += blocks;
        found
    })
}

/// The published number of a place.
fn number(place: u8) -> i8 {
    if place == SKIP { -1 } else { place as i8 }
}

/// Labels 0 to 2 are structural: plain, output, input.
const FIRST: u16 = 3;

fn op_id(place: u8) -> OpId {
    OpId::from_index(FIRST + u16::from(place))
}

fn place_of(op: OpId) -> Option<u8> {
    let place = op.index().checked_sub(usize::from(FIRST))? as u8;
    (place <= SKIP).then_some(place)
}

impl SearchSpace for MobileNet {
    fn name(&self) -> &'static str {
        match self.depth {
            Depth::Free => ENTRY.name,
            Depth::Fixed => FIXED_DEPTH.name,
        }
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.built(std::array::from_fn(|layer| {
            let allowed = self.allowed(layer);
            allowed[draw::below(rng, allowed.len())]
        }))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = self.edits(self.layers(architecture)?);
        Ok(draw::changed(architecture, [edits], rng, |layers| self.built(*layers)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = self.edits(self.layers(architecture)?);
        Ok(draw::distinct(architecture, edits.into_iter().map(|layers| self.built(layers))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.layers(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique((0..LAYERS).map(|layer| self.allowed(layer).len() as u128).product())
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(notations::list_of(self.layers(architecture)?))
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

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }
}

impl SpaceNetwork for MobileNet {
    fn ops(&self) -> OpTable {
        OpTable::mobilenet()
    }

    fn whole(&self) -> Union {
        MobileNet::whole(self)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&MobileNetSkeleton::IMAGENET]
    }
}

impl Choices for MobileNet {
    fn counts(&self) -> Vec<usize> {
        (0..LAYERS).map(|layer| self.allowed(layer).len()).collect()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let layers = self.layers(architecture)?.into_iter().enumerate();
        // Allowed places ascend, so those below are the position.
        Ok(layers.map(|(layer, place)| self.allowed(layer).iter().filter(|&&p| p < place).count()).collect())
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        Ok(Some(self.built(std::array::from_fn(|layer| self.allowed(layer)[choices[layer]]))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::check_space;

    #[test]
    fn contract() {
        for space in [MobileNet::new(), MobileNet::fixed_depth()] {
            check_space(&space, 1, 40).unwrap();
        }
    }

    #[test]
    fn sizes_are_those_published() {
        // 6^6 · 7^15 with free depth, 6^17 with the release's.
        assert_eq!(MobileNet::new().size(), SpaceSize::Unique(6_u128.pow(6) * 7_u128.pow(15)));
        assert_eq!(MobileNet::fixed_depth().size(), SpaceSize::Unique(6_u128.pow(17)));
        assert_eq!(6_u128.pow(17), 16_926_659_444_736);
    }

    #[test]
    fn the_published_architecture_is_of_both_spaces_and_keeps_its_text() {
        for space in [MobileNet::new(), MobileNet::fixed_depth()] {
            let found = space.parse(BN_NAS).unwrap();
            assert_eq!(space.format(&found).unwrap(), BN_NAS);
            // Identities keep their places: 21 operations between input and output.
            assert_eq!(found.op_graphs()[0].len(), LAYERS + 2);
        }
    }

    #[test]
    fn bad_texts_are_refused_with_a_reason() {
        let first_left_out = BN_NAS.replacen('3', "-1", 1);
        let deeper = BN_NAS.replacen("-1", "2", 1);
        for (space, text, expected) in [
            (MobileNet::new(), "[0, 1]", "2 layers given, expected 21"),
            (MobileNet::new(), "[0, 6]", "layer 1 is \"6\", expected -1 to 5"),
            (MobileNet::new(), "", "layer 0 is \"\""),
            (MobileNet::new(), first_left_out.as_str(), "layer 0 is -1, expected one of 0, 1, 2, 3, 4, 5"),
            (MobileNet::fixed_depth(), deeper.as_str(), "layer 1 is 2, expected one of -1"),
        ] {
            let error = space.parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
