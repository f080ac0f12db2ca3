//! Measuring latency.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bonas_deploy::folder::{ModelCard, Untrained, Weights};
use bonas_deploy::{DeployError, Deployed};
use bonas_spaces::network::{Network, Shape};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::Monitor;
use bonas_study::rng::stream;
use rand::RngExt;

use super::{Settings, setting};
use crate::StudyError;
use crate::config::LatencyBy;

/// Streams of the reference network and of the images.
const REFERENCE: u64 = 1;
const IMAGES: u64 = 2;

/// Held while something is measured: two at a time would slow each other down.
static MEASURING: Mutex<()> = Mutex::new(());

/// Says how long networks take.
pub(super) trait Measure: Send {
    /// The milliseconds that ratios are in.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`], and what measuring fails with.
    fn unit_ms(&self, monitor: &dyn Monitor) -> Result<f64, StudyError>;

    /// How many of them an architecture takes.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`], and for a network that cannot be built or measured.
    fn ratio(&mut self, architecture: &Architecture, monitor: &dyn Monitor) -> Result<f64, StudyError>;
}

/// A network that is ready to run; one call is one batch.
type Runner = Box<dyn Fn() -> Result<(), StudyError> + Send>;

/// Measures networks, each beside a reference network of the same space and size.
///
/// A machine that is throttled slows both down, so that their ratio holds still where milliseconds do not. What other
/// programs take makes single passes slower, never quicker, so that the quickest passes are compared: on two cores with a load
/// of 8 their ratio scattered by 2 to 18 % (standard deviation over 12 measurements of 21 pairs, three networks of
/// NAS-Bench-201), the median of the ratios by 24 to 39 %.
pub(super) struct Meter {
    settings: Settings,
    space: Arc<dyn SearchSpace>,
    reference: Runner,
}

impl Meter {
    /// A meter for networks of a space.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without networks, a size that does not fit, and a program that this build lacks.
    pub(super) fn new(settings: &Settings, space: Arc<dyn SearchSpace>) -> Result<Self, StudyError> {
        let architecture = space.sample(&mut stream(0, &[REFERENCE]));
        let reference = runner(settings, &*space, &architecture).map_err(|error| match error {
            StudyError::Space(error) => {
                StudyError::Setting { name: "latency".to_owned(), reason: error.to_string() }
            }
            other => other,
        })?;
        Ok(Self { settings: settings.clone(), space, reference })
    }
}

impl Measure for Meter {
    /// Those of the reference network.
    fn unit_ms(&self, monitor: &dyn Monitor) -> Result<f64, StudyError> {
        let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = || milliseconds(&self.reference, monitor);
        (0..self.settings.warmup).try_for_each(|_| pass().map(drop))?;
        let passes = (0..self.settings.repeats).map(|_| pass());
        Ok(quickest(passes.collect::<Result<Vec<_>, _>>()?))
    }

    /// How many times as long as the reference network it takes.
    fn ratio(&mut self, architecture: &Architecture, monitor: &dyn Monitor) -> Result<f64, StudyError> {
        let network = runner(&self.settings, &*self.space, architecture)?;
        let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = || Ok((milliseconds(&network, monitor)?, milliseconds(&self.reference, monitor)?));
        (0..self.settings.warmup).try_for_each(|_| pair().map(drop))?;
        Ok(ratio_of(&(0..self.settings.repeats).map(|_| pair()).collect::<Result<Vec<_>, StudyError>>()?))
    }
}

/// Ratio of the quickest passes, of pairs: milliseconds of a network, and of the reference network right after it.
fn ratio_of(pairs: &[(f64, f64)]) -> f64 {
    quickest(pairs.iter().map(|pair| pair.0)) / quickest(pairs.iter().map(|pair| pair.1))
}

fn quickest(milliseconds: impl IntoIterator<Item = f64>) -> f64 {
    milliseconds.into_iter().fold(f64::INFINITY, f64::min)
}

/// Milliseconds of one pass; never 0, so that they can be divided by.
fn milliseconds(run: &Runner, monitor: &dyn Monitor) -> Result<f64, StudyError> {
    if monitor.cancelled() {
        return Err(StudyError::Interrupted);
    }
    let begun = Instant::now();
    run()?;
    Ok((begun.elapsed().as_secs_f64() * 1e3).max(1e-6))
}

/// The network of an architecture with random weights, in the program that runs it.
fn runner(
    settings: &Settings,
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> Result<Runner, StudyError> {
    let card = card(settings, space, architecture)?;
    let (built, network) = card.networks(space).map_err(StudyError::Evaluator)?;
    let weights = Weights::drawn(&network, &card.key, &mut stream(0, &[])).map_err(of_deploy)?;
    let pixels = pixels(settings.batch * network.image().len());
    let plan = Plan { settings, card, built, network, weights };
    match settings.by {
        LatencyBy::Libtorch => by_libtorch(&plan, pixels),
        LatencyBy::Tract => by_tract(&plan, pixels),
        LatencyBy::Off | LatencyBy::Command => Err(setting("by", "it must be libtorch or tract")),
    }
}

/// An architecture in the size that is measured.
///
/// # Errors
/// [`StudyError::Space`] for one that cannot be built in it.
pub(super) fn card(
    settings: &Settings,
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> Result<ModelCard, StudyError> {
    let skeleton = match &settings.skeleton {
        Some(name) => {
            let network = space.require_network()?;
            let entry =
                network.skeleton_named(name).map_err(|error| setting("skeleton", error.to_string()))?;
            Some(network.trainable(entry)?)
        }
        None => None,
    };
    let image = Shape { channels: settings.image_channels, ..Shape::square(1, settings.image) };
    let around = Untrained {
        skeleton,
        channels: Some(settings.channels),
        layers: Some(settings.layers),
        image: Some(image),
        classes: Some(settings.classes),
    };
    ModelCard::untrained(space, architecture, &around).map_err(of_deploy)
}

/// A network to run.
#[cfg_attr(not(all(feature = "torch", feature = "tract")), allow(dead_code))]
struct Plan<'a> {
    settings: &'a Settings,
    card: ModelCard,
    built: Network,
    network: Deployed,
    weights: Weights,
}

fn pixels(count: usize) -> Vec<f32> {
    let mut rng = stream(0, &[IMAGES]);
    (0..count).map(|_| rng.random_range(-2.0..2.0)).collect()
}

#[cfg(feature = "torch")]
fn by_libtorch(plan: &Plan<'_>, pixels: Vec<f32>) -> Result<Runner, StudyError> {
    use bonas_supernet::device::devices;
    use bonas_supernet::model::Placement;

    use crate::build::classifier;

    let found = devices(&plan.settings.device).map_err(|error| setting("device", error.to_string()))?;
    let device = found.first().copied().ok_or_else(|| setting("device", "there is none"))?;
    let network = classifier(&plan.built, &plan.network, &plan.weights, Placement::on(device))?;
    let threads = plan.settings.threads;
    Ok(Box::new(move || {
        let others = tch::get_num_threads();
        tch::set_num_threads(threads as i32);
        let ran = network.run(&pixels);
        tch::set_num_threads(others);
        ran.map_err(StudyError::from)
    }))
}

#[cfg(not(feature = "torch"))]
fn by_libtorch(_: &Plan<'_>, _: Vec<f32>) -> Result<Runner, StudyError> {
    Err(bonas_supernet::networks::without_torch("latency.by", "libtorch", "take tract"))
}

#[cfg(feature = "tract")]
fn by_tract(plan: &Plan<'_>, pixels: Vec<f32>) -> Result<Runner, StudyError> {
    use bonas_deploy::onnx::{BatchNorm, Session, model};

    let file = model(&plan.network, &plan.weights, &plan.card, BatchNorm::Folded).map_err(of_deploy)?;
    let session = Session::new(&file, plan.network.image(), plan.settings.batch).map_err(of_deploy)?;
    Ok(Box::new(move || session.logits(&pixels).map(drop).map_err(of_deploy)))
}

#[cfg(not(feature = "tract"))]
fn by_tract(_: &Plan<'_>, _: Vec<f32>) -> Result<Runner, StudyError> {
    Err(setting("by", "tract; this program was built without it (feature tract)"))
}

fn of_deploy(error: DeployError) -> StudyError {
    match error {
        DeployError::Space(error) => StudyError::Space(error),
        other => StudyError::Evaluator(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three times as long as the reference, on a machine that is disturbed in one pass of each.
    #[test]
    fn passes_that_were_disturbed_do_not_count() {
        assert!((ratio_of(&[(3.0, 1.0), (12.0, 1.0), (3.0, 9.0)]) - 3.0).abs() < 1e-12);
    }
}
