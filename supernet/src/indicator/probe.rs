//! Everything that indicators are measured with.

use std::sync::Arc;

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use rand::Rng;
use tch::Tensor;

use super::kernel::{bn_kernel, condition_number, log_condition, weight_kernel};
use super::norms::NormValues;
use super::synflow::{make_absolute, synflow};
use super::uncertainty::uncertainty;
use super::{Indicator, linear_regions, naswot};
use crate::data::BatchOptions;
use crate::model::{Agreement, Mode, Pass, Path, Placement, Statistics, Supernet};
use crate::training::{Part, Task, images_and_labels};
use bonas_study::StudyError;
use bonas_study::rng::{StudyRng, stream};

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
    /// [`StudyError::Supernet`].
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
    /// cell that passes nothing on. [`Indicator::Composite`] is none of a single architecture: see
    /// [`super::rank_sums`] and [`super::Reference`].
    ///
    /// # Errors
    /// [`StudyError::Evaluator`] for a value that is no other finite number, or the composite;
    /// [`StudyError::Space`] for an architecture of another space, [`StudyError::Supernet`].
    pub fn score(&self, indicator: Indicator, architecture: &Architecture) -> Result<f64, StudyError> {
        let value = self.value(indicator, architecture)?;
        let worst = value == f64::NEG_INFINITY && matches!(indicator, Indicator::Naswot | Indicator::Ntk);
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

    fn value(&self, indicator: Indicator, architecture: &Architecture) -> Result<f64, StudyError> {
        let path = |net: &Supernet| -> Result<Path, StudyError> {
            Ok(net.path(&self.subject.union.route(architecture)?)?)
        };
        let images = self.images.size()[0] as usize;
        Ok(match indicator {
            Indicator::BnGamma => self.values.gamma(&path(&self.net)?),
            Indicator::Expressivity => self.values.expressivity(&path(&self.net)?),
            Indicator::Trainability => {
                let kernel = bn_kernel(&self.net, &path(&self.net)?, &self.images)?;
                log_condition(kernel.as_ref(), images)?
            }
            Indicator::Uncertainty => {
                -uncertainty(&self.net, &path(&self.net)?, &self.images, &self.batches)?.total
            }
            Indicator::Composite => {
                let reason = "the composite ranks architectures among others; it is none of a single one";
                return Err(StudyError::Evaluator(reason.into()));
            }
            Indicator::Macs => self.discrete(architecture)?.macs() as f64,
            Indicator::Params => self.discrete(architecture)?.params() as f64,
            Indicator::Synflow => synflow(&self.absolute, &path(&self.absolute)?)?,
            Indicator::Naswot => naswot(&self.agreement(&path(&self.fresh)?)?)?.unwrap_or(f64::NAN),
            Indicator::LinearRegions => {
                linear_regions(&self.agreement(&path(&self.fresh)?)?)?.unwrap_or(f64::NAN)
            }
            Indicator::Ntk => {
                -condition_number(&weight_kernel(&self.fresh, &path(&self.fresh)?, &self.images)?)?.ln()
            }
        })
    }

    fn discrete(&self, architecture: &Architecture) -> Result<bonas_spaces::network::Network, StudyError> {
        let union = Union::of(std::slice::from_ref(architecture))?;
        Ok(self.subject.discrete.network(&union, &self.subject.ops)?)
    }

    fn agreement(&self, path: &Path) -> Result<Agreement, StudyError> {
        let (mut agreement, mut statistics) = (Agreement::new(), Statistics::new());
        let mut pass = Pass::new(Mode::Estimate(&mut statistics)).with_agreement(&mut agreement);
        self.fresh.forward(&self.images, path, &mut pass)?;
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
