//! Everything that indicators are measured with.

use std::sync::Arc;

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::StudyError;
use bonas_study::rng::{StudyRng, stream};
use rand::Rng;
use tch::Tensor;

use super::Indicator;
use super::norms::NormValues;
use super::synflow::make_absolute;
use crate::data::BatchOptions;
use crate::model::{Agreement, Mode, Pass, Path, Placement, Statistics, Supernet};
use crate::training::{Part, Task, images_and_labels};

/// The space and the networks that architectures are measured in.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The space.
    pub space: Arc<dyn SearchSpace>,
    /// Every operation that may be chosen.
    pub union: Union,
    /// The supernet whose BatchNorm is trained.
    pub supernet: Arc<dyn Skeleton>,
    /// The network of an architecture by itself, for counts and for indicators at initialisation.
    pub discrete: Arc<dyn Skeleton>,
    /// What the operations are.
    pub ops: OpTable,
}

/// How much is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Images B of kernels, patterns and predictions; at least 2.
    pub images: usize,
    /// Passes T of Monte-Carlo BatchNorm; at least 2.
    pub passes: usize,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self { images: 32, passes: 8 }
    }
}

/// Measures indicators of architectures.
///
/// BN indicators are read on an architecture's path through the trained supernet; synflow, NASWOT,
/// linear regions and the kernel of all weights on its path through one at random initialisation,
/// with the BatchNorm of discrete networks. Operations that do not reach the output count nowhere
/// but in multiply-adds and parameters.
#[derive(Debug)]
pub struct Probe {
    subject: Subject,
    net: Supernet,
    values: NormValues,
    fresh: Supernet,
    absolute: Supernet,
    /// `[B, C, H, W]`.
    images: Tensor,
    /// T of `[B, C, H, W]`.
    batches: Vec<Tensor>,
}

/// Purposes of random streams.
const FRESH: u64 = 20;
const SAMPLE: u64 = 21;

impl Probe {
    /// A probe of a trained network; images are drawn from the training part of `task`, not augmented.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for fewer than two images or passes, or more images than there are;
    /// [`StudyError::Training`].
    pub fn new(
        subject: Subject,
        net: Supernet,
        task: &Task,
        settings: ProbeSettings,
        seed: u64,
    ) -> Result<Self, StudyError> {
        let discrete = subject.discrete.network(&subject.union, &subject.ops)?;
        let build = |placement| Supernet::build(&discrete, placement, &mut stream(seed, &[FRESH]));
        let absolute = build(Placement { device: net.placement().device, ..Placement::exact() })?;
        make_absolute(&absolute)?;
        let mut rng = stream(seed, &[SAMPLE]);
        let mut draws = draw(task, settings, net.placement(), &mut rng)?.into_iter();
        let images = draws.next().ok_or_else(|| StudyError::Evaluator("no image was drawn".into()))?;
        let (values, fresh) = (NormValues::of(&net)?, build(net.placement())?);
        Ok(Self { subject, net, values, fresh, absolute, images, batches: draws.collect() })
    }

    /// The trained network.
    pub fn net(&self) -> &Supernet {
        &self.net
    }

    /// The network's scales and shifts.
    pub fn values(&self) -> &NormValues {
        &self.values
    }

    /// The value of an indicator for an architecture; higher is better. Minus infinity, the worst there can be,
    /// for NASWOT where two images share a pattern and the kernel of all weights where it is singular, as in a
    /// cell that passes nothing on. [`Indicator::COMPOSITE`] is none of a single architecture: see
    /// [`super::rank_sums`] and [`super::Reference`].
    ///
    /// # Errors
    /// [`StudyError::Evaluator`] for a value that is no other finite number, or the composite;
    /// [`StudyError::Space`] for an architecture of another space, [`StudyError::Training`].
    pub fn score(&self, indicator: Indicator, architecture: &Architecture) -> Result<f64, StudyError> {
        let value = (indicator.entry().score)(self, architecture)?;
        let worst = value == f64::NEG_INFINITY && indicator.entry().may_be_lowest;
        if value.is_finite() || worst {
            return Ok(value);
        }
        let arch = self.subject.space.format(architecture)?;
        let remedy = if indicator.reads_training() {
            "lower the supernet's learning rate, or train it for longer"
        } else {
            "take more channels or other images, or another indicator"
        };
        Err(StudyError::Evaluator(format!("{} of {arch} is {value}; {remedy}", indicator.name())))
    }

    /// The images that networks are run on, `[B, C, H, W]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The batches of Monte-Carlo BatchNorm, T of `[B, C, H, W]`.
    pub fn batches(&self) -> &[Tensor] {
        &self.batches
    }

    /// The path of an architecture through the trained network.
    ///
    /// # Errors
    /// [`StudyError::Space`] for an architecture of another space.
    pub fn trained_path(&self, architecture: &Architecture) -> Result<Path, StudyError> {
        self.path(&self.net, architecture)
    }

    /// The discrete supernet with its first weights, and the architecture's path through it.
    ///
    /// # Errors
    /// [`StudyError::Space`] for an architecture of another space.
    pub fn fresh(&self, architecture: &Architecture) -> Result<(&Supernet, Path), StudyError> {
        Ok((&self.fresh, self.path(&self.fresh, architecture)?))
    }

    /// The same with the absolute values of its weights.
    ///
    /// # Errors
    /// [`StudyError::Space`] for an architecture of another space.
    pub fn absolute(&self, architecture: &Architecture) -> Result<(&Supernet, Path), StudyError> {
        Ok((&self.absolute, self.path(&self.absolute, architecture)?))
    }

    fn path(&self, net: &Supernet, architecture: &Architecture) -> Result<Path, StudyError> {
        Ok(net.path(&self.subject.union.route(architecture)?)?)
    }

    /// The discrete network of an architecture, as counted.
    ///
    /// # Errors
    /// [`StudyError::Space`] for an architecture of another space.
    pub fn discrete(
        &self,
        architecture: &Architecture,
    ) -> Result<bonas_spaces::network::Network, StudyError> {
        let union = Union::of(std::slice::from_ref(architecture))?;
        Ok(self.subject.discrete.network(&union, &self.subject.ops)?)
    }

    /// The agreement of the images' activation patterns along the architecture's path, at first weights.
    ///
    /// # Errors
    /// [`StudyError::Space`] for an architecture of another space, [`StudyError::Training`].
    pub fn agreement(&self, architecture: &Architecture) -> Result<Agreement, StudyError> {
        let path = self.path(&self.fresh, architecture)?;
        let (mut agreement, mut statistics) = (Agreement::new(), Statistics::new());
        let mut pass = Pass::new(Mode::Estimate(&mut statistics)).with_agreement(&mut agreement);
        self.fresh.forward(&self.images, &path, &mut pass)?;
        Ok(agreement)
    }
}

/// T + 1 batches of distinct training images each, `[B, C, H, W]`.
fn draw(
    task: &Task,
    settings: ProbeSettings,
    placement: Placement,
    rng: &mut StudyRng,
) -> Result<Vec<Tensor>, StudyError> {
    let bad = |name: &str, reason: String| Err(StudyError::Setting { name: name.to_owned(), reason });
    let (all, ProbeSettings { images, passes }) = (task.training_indices(Part::Validation), settings);
    if images < 2 || images > all.len() {
        let most = all.len();
        return bad("evaluator.images", format!("{images}; it must be 2 to {most}, the training images"));
    }
    if passes < 2 {
        return bad("evaluator.passes", format!("{passes}; it must be at least 2"));
    }
    let batch = |_| {
        let mut own = stream(rng.next_u64(), &[]);
        let chosen: Vec<usize> =
            rand::seq::index::sample(&mut own, all.len(), images).iter().map(|i| all[i]).collect();
        let mut batches = task.training().ordered(&chosen, BatchOptions::new(images))?;
        let batch = batches.next_batch().ok_or_else(|| StudyError::Evaluator("no image was drawn".into()))?;
        Ok(images_and_labels(batch, placement)?.0)
    };
    (0..=passes).map(batch).collect()
}
