//! The `MobileNetV3` space of once-for-all networks (Cai et al., "Once-for-All: Train One Network and Specialize it for
//! Efficient Deployment", ICLR 2020).
//!
//! Use [`OnceForAll`] to search it, and [`OnceForAllSkeleton`] to change widths or images. A network has five stages of
//! two to four inverted residuals, each with a kernel of 3, 5 or 7 and an expansion of 3, 4 or 6, and reads images of a
//! resolution that is a choice too. A text is a configuration of the release.
//!
//! ```
//! use bonas_spaces::{OnceForAll, SearchSpace};
//!
//! let space = OnceForAll::new();
//! let largest = space.parse(r#"{"ks": 7, "e": 6, "d": 4, "r": 224}"#)?;
//! assert!(space.format(&largest)?.ends_with(r#""d": [4, 4, 4, 4, 4], "r": 224}"#));
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
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};

use notations::FORMS;
pub use skeleton::OnceForAllSkeleton;

/// Number of stages.
pub const STAGES: usize = 5;
/// Fewest and most layers of a stage.
pub const DEPTHS: std::ops::RangeInclusive<usize> = 2..=4;
/// Kernel sizes of a layer.
pub const KERNELS: [usize; 3] = [3, 5, 7];
/// Expansions of a layer.
pub const EXPANSIONS: [usize; 3] = [3, 4, 6];
/// Resolutions in pixels: 128 to 256 in steps of 4. The paper has them up to 224, released networks go beyond.
pub const RESOLUTIONS: [usize; 33] = {
    let mut all = [0; 33];
    let mut i = 0;
    while i < all.len() {
        all[i] = 128 + 4 * i;
        i += 1;
    }
    all
};
/// The resolution of the space that has only one, at which images keep their size.
pub const FIXED: usize = 224;

/// Position of [`FIXED`] among the resolutions.
const FIXED_AT: usize = (FIXED - RESOLUTIONS[0]) / 4;
/// Most layers of a stage.
const DEEPEST: usize = *DEPTHS.end();
/// Places of layers.
const LAYERS: usize = STAGES * DEEPEST;
/// Kinds of layers.
const KINDS: usize = KERNELS.len() * EXPANSIONS.len();
/// Place of the first kind of layers among the operations; those before are resolutions.
const FIRST_KIND: usize = RESOLUTIONS.len();
/// Place of the operation of a layer that is left out.
const LEFT_OUT: usize = FIRST_KIND + KINDS;

/// A layer: kernel and expansion as positions in [`KERNELS`] and [`EXPANSIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layer {
    kernel: usize,
    expansion: usize,
}

impl Layer {
    /// By kernel, then by expansion.
    fn at(kind: usize) -> Self {
        Self { kernel: kind / EXPANSIONS.len(), expansion: kind % EXPANSIONS.len() }
    }

    fn kind(self) -> usize {
        self.kernel * EXPANSIONS.len() + self.expansion
    }
}

/// A network: a position in [`RESOLUTIONS`], and the layers of each stage.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Config {
    resolution: usize,
    stages: [Vec<Layer>; STAGES],
}

impl Config {
    fn check(&self) -> Result<(), String> {
        match self.stages.iter().position(|layers| !DEPTHS.contains(&layers.len())) {
            None => Ok(()),
            Some(stage) => {
                let (found, least, most) = (self.stages[stage].len(), DEPTHS.start(), DEPTHS.end());
                Err(format!("stage {stage} has {found} layers, expected {least} to {most}"))
            }
        }
    }
}

/// The catalogue's entry of [`OnceForAll::new`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "once-for-all",
    about: "MobileNetV3 of once-for-all: depth, kernels, expansions, resolution",
    make: || Arc::new(OnceForAll::new()),
    make_raw: Some(|| Arc::new(OnceForAll::new())),
};

/// The catalogue's entry of [`OnceForAll::fixed_resolution`].
pub const FIXED_RESOLUTION: SpaceEntry = SpaceEntry {
    name: "once-for-all-224",
    about: "MobileNetV3 of once-for-all at one resolution, so that networks share weights",
    make: || Arc::new(OnceForAll::fixed_resolution()),
    make_raw: Some(|| Arc::new(OnceForAll::fixed_resolution())),
};

/// The once-for-all space: 7,371⁵ networks at each of 33 resolutions, all different.
///
/// The graph of a network is a chain of 21 operations: the resolution, and four places for the layers of each stage. A
/// layer that is left out keeps its place. Samples draw the resolution, the depth of each stage and the kind of each layer
/// uniformly, as the release does. Neighbours change one resolution, one kernel or one expansion, or add or leave out
/// the last layer of one stage.
#[derive(Clone, Debug)]
pub struct OnceForAll {
    chains: Chains,
    /// Whether the resolution is [`FIXED`].
    fixed: bool,
}

impl Default for OnceForAll {
    fn default() -> Self {
        Self::new()
    }
}

impl OnceForAll {
    /// The space with all resolutions.
    pub fn new() -> Self {
        let resolutions = RESOLUTIONS.map(|side| format!("r{side}"));
        let kinds = (0..KINDS).map(Layer::at).map(name);
        let ops: Vec<String> = resolutions.into_iter().chain(kinds).chain(["left-out".to_owned()]).collect();
        Self { chains: Chains::of(&ops, "a once-for-all network"), fixed: false }
    }

    /// The space at the resolution 224.
    pub fn fixed_resolution() -> Self {
        Self { fixed: true, ..Self::new() }
    }

    /// Positions of the resolutions that there are.
    fn resolutions(&self) -> std::ops::Range<usize> {
        if self.fixed { FIXED_AT..FIXED_AT + 1 } else { 0..RESOLUTIONS.len() }
    }

    fn built(&self, config: &Config) -> Architecture {
        let layers = config.stages.iter().flat_map(|layers| {
            let place = |at: usize| layers.get(at).map_or(LEFT_OUT, |layer| FIRST_KIND + layer.kind());
            (0..DEEPEST).map(place)
        });
        let ops: Vec<OpId> = [config.resolution].into_iter().chain(layers).map(Chains::op).collect();
        self.chains.build(&ops)
    }

    fn config(&self, architecture: &Architecture) -> Result<Config, SpaceError> {
        let places: Vec<usize> = self.chains.read(architecture)?.into_iter().map(Chains::position).collect();
        let (resolution, layers) = match &places[..] {
            [resolution, layers @ ..]
                if self.resolutions().contains(resolution) && layers.len() == LAYERS =>
            {
                (*resolution, layers)
            }
            _ => {
                let reason =
                    format!("a once-for-all network is a resolution of the space and {LAYERS} places");
                return Err(SpaceError::cell(reason));
            }
        };
        let mut config = Config { resolution, stages: Default::default() };
        for (stage, places) in layers.chunks(DEEPEST).enumerate() {
            for &place in places.iter().take_while(|&&place| place != LEFT_OUT) {
                let kind =
                    place.checked_sub(FIRST_KIND).ok_or_else(|| SpaceError::cell("two resolutions"))?;
                config.stages[stage].push(Layer::at(kind));
            }
        }
        config.check().map_err(SpaceError::cell)?;
        if self.built(&config).key() != architecture.key() {
            return Err(SpaceError::cell("layers that are left out stand behind the others of their stage"));
        }
        Ok(config)
    }

    /// All networks with one element changed, by the kind of change.
    fn edits(&self, config: &Config) -> [Vec<Config>; 3] {
        let edited = |change: &dyn Fn(&mut Config)| {
            let mut edited = config.clone();
            change(&mut edited);
            edited
        };
        let others = self.resolutions().filter(|&at| at != config.resolution);
        let resolutions = others.map(|at| edited(&|config| config.resolution = at)).collect();
        let (mut kinds, mut depths) = (Vec::new(), Vec::new());
        for (stage, layers) in config.stages.iter().enumerate() {
            for (at, layer) in layers.iter().enumerate() {
                let near = (0..KINDS).map(Layer::at).filter(|other| {
                    other != layer && (other.kernel == layer.kernel || other.expansion == layer.expansion)
                });
                kinds.extend(near.map(|other| edited(&|config| config.stages[stage][at] = other)));
            }
            if layers.len() < *DEPTHS.end() {
                let more = (0..KINDS).map(Layer::at);
                depths.extend(more.map(|layer| edited(&|config| config.stages[stage].push(layer))));
            }
            if layers.len() > *DEPTHS.start() {
                depths.push(edited(&|config| _ = config.stages[stage].pop()));
            }
        }
        [resolutions, kinds, depths]
    }
}

/// The name of a layer's operation.
fn name(layer: Layer) -> String {
    format!("k{}e{}", KERNELS[layer.kernel], EXPANSIONS[layer.expansion])
}

impl SearchSpace for OnceForAll {
    fn name(&self) -> &'static str {
        if self.fixed { FIXED_RESOLUTION.name } else { ENTRY.name }
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let resolutions = self.resolutions();
        let resolution = resolutions.start + draw::below(rng, resolutions.len());
        let stages = std::array::from_fn(|_| {
            let depth = DEPTHS.start() + draw::below(rng, DEPTHS.end() - DEPTHS.start() + 1);
            (0..depth).map(|_| Layer::at(draw::below(rng, KINDS))).collect()
        });
        self.built(&Config { resolution, stages })
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = self.edits(&self.config(architecture)?);
        Ok(draw::changed(architecture, edits, rng, |config| self.built(config)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = self.edits(&self.config(architecture)?);
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|config| self.built(config))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.config(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        let stage: u128 = DEPTHS.map(|depth| (KINDS as u128).pow(depth as u32)).sum();
        SpaceSize::Unique(stage.pow(STAGES as u32) * self.resolutions().len() as u128)
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(notations::subnet(&self.config(architecture)?))
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

/// The resolution, and a kind for each place, where the places beyond the shortest stage may be left out. A layer behind
/// one that is left out takes its place.
impl Choices for OnceForAll {
    fn counts(&self) -> Vec<usize> {
        let place = |place: usize| KINDS + usize::from(place % DEEPEST >= *DEPTHS.start());
        [self.resolutions().len()].into_iter().chain((0..LAYERS).map(place)).collect()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let Config { resolution, stages } = self.config(architecture)?;
        let kinds = stages
            .iter()
            .flat_map(|layers| (0..DEEPEST).map(|at| layers.get(at).map_or(KINDS, |layer| layer.kind())));
        Ok([resolution - self.resolutions().start].into_iter().chain(kinds).collect())
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        let stages = std::array::from_fn(|stage| {
            let kinds = &choices[1 + stage * DEEPEST..][..DEEPEST];
            kinds.iter().filter(|&&kind| kind < KINDS).map(|&kind| Layer::at(kind)).collect()
        });
        let resolution = self.resolutions().start + choices[0];
        Ok(Some(self.built(&Config { resolution, stages })))
    }
}

impl SpaceNetwork for OnceForAll {
    fn ops(&self) -> OpTable {
        OpTable::once_for_all()
    }

    /// The union of everything; with several resolutions it has routes and no network.
    fn whole(&self) -> Union {
        let mut whole = self.chains.whole(LAYERS + 1..=LAYERS + 1);
        for (link, edge) in whole.cells[0].edges.iter_mut().skip(1).step_by(2).enumerate() {
            edge.ops.retain(|&op| {
                let place = Chains::position(op);
                match link {
                    0 => self.resolutions().contains(&place),
                    _ if (link - 1) % DEEPEST < *DEPTHS.start() => (FIRST_KIND..LEFT_OUT).contains(&place),
                    _ => place >= FIRST_KIND,
                }
            });
        }
        whole
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&OnceForAllSkeleton::IMAGENET, &OnceForAllSkeleton::WIDER]
    }
}

#[cfg(test)]
mod tests;
