//! From a configuration to parts: space, evaluators, budget, and the trainings that follow a search.
//!
//! Use it to run a search of a configuration file with a loop or observers of your own. A strategy's settings build
//! themselves ([`bonas_study::strategy::BuildStrategy`]); [`crate::search`] does the whole search.

mod deployed;
mod follow_ups;
#[cfg(feature = "torch")]
mod init;
mod latency;
#[cfg(feature = "torch")]
mod model;
mod spaces;
#[cfg(test)]
mod tests;
#[cfg(feature = "torch")]
mod trainings;

use std::path::Path;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::rng::{FINAL, stream};
use bonas_study::strategy::{Knowledge, Scored, Targets, surrogate};
use bonas_study::table::ColumnName;
use bonas_study::{Budget, Evaluator, Fidelity, History, StudyError};
use bonas_supernet::data::{DataSettings, Source};
use bonas_supernet::evaluator::Unit;
#[cfg(feature = "torch")]
use bonas_supernet::evaluator::indicator_values;
use bonas_supernet::indicator::Indicator;
use bonas_supernet::networks::Setup;
#[cfg(not(feature = "torch"))]
use bonas_supernet::networks::without_torch;
use bonas_surrogate::Observation;
#[cfg(feature = "torch")]
use bonas_surrogate::PriorKnowledge;
use ndarray::Array2;

pub(crate) use deployed::of_deploy;
pub use follow_ups::{Counts, FollowUps};
#[cfg(feature = "torch")]
pub use init::Init;
pub(crate) use latency::Latencies;
pub use latency::{LATENCY_FILE, LATENCY_TABLE_FILE, LatencyTable, LayerLatency};
#[cfg(feature = "torch")]
pub use model::classifier;
pub use spaces::{SPACE_FILE, keep_space, model_space, named_space, read_space_file, space};
#[cfg(feature = "torch")]
pub use trainings::Trainings;

use crate::config::{SearchConfig, StrategySettings, StudySettings};

/// Space, images and training of a configuration.
///
/// # Errors
/// As [`space`].
pub fn setup(config: &SearchConfig) -> Result<Setup, StudyError> {
    Ok(Setup {
        space: space(config)?,
        data: config.data.clone(),
        relative_to: config.relative_to.clone(),
        images: config.images.clone(),
        training: config.training.clone(),
        workers: config.study.workers,
        seed: config.study.seed,
    })
}

/// Fingerprint of the data that a search depends on: those of its evaluator
/// ([`BuildEvaluator::data_fingerprint`](bonas_supernet::evaluator::BuildEvaluator::data_fingerprint)), and images
/// ([`Source::fingerprint`]): those that networks are trained on, and those that a program of the user's is told to be trained on by `data.source`. None for others and for images inside the program.
///
/// # Errors
/// [`StudyError::Setting`] for a text that names no source, [`StudyError::Data`] for files that cannot be read.
pub fn data_fingerprint(config: &SearchConfig) -> Result<Option<String>, StudyError> {
    let read = config.trains() || has_program(config) || strategy_reads(config);
    let images = if read { images_fingerprint(config)? } else { None };
    let own = config.evaluator.data_fingerprint(&setup(config)?)?;
    Ok(match (images, own) {
        (Some(images), Some(own)) => Some(format!("{images}-{own}")),
        (images, own) => images.or(own),
    })
}

/// Whether the strategy rates networks on images.
fn strategy_reads(config: &SearchConfig) -> bool {
    let indicator = |name: &ColumnName| Indicator::named(&name.to_string()).is_ok();
    config.strategy.own_network().is_some() || config.strategy.features().iter().any(indicator)
}

/// Whether a search, or what follows it, is on the images of `[data]`. A program of the user's is where they are named: the
/// default says nothing of what it reads.
pub fn reads_images(config: &SearchConfig) -> bool {
    let named = config.data.source != DataSettings::default().source;
    let trained = config.evaluator.told().is_none() && config.trains();
    trained || (has_program(config) && named) || strategy_reads(config)
}

/// Whether a program of the user's evaluates, to which images are named.
pub(crate) fn has_program(config: &SearchConfig) -> bool {
    config.evaluator.follows_up() && config.evaluator.unit() == Unit::Own
}

/// Fingerprint of the images of a configuration, taken once for it and its clones; none for images inside the program.
///
/// # Errors
/// As [`data_fingerprint`].
pub(crate) fn images_fingerprint(config: &SearchConfig) -> Result<Option<String>, StudyError> {
    let source = Source::named(&config.data.source, &config.relative_to)?;
    config.images.fingerprint(&source, &config.data.options())
}

/// One evaluator a worker; checkpoints of training go below `directory`.
///
/// # Errors
/// [`StudyError::Setting`] for one that this build or this space lacks, [`StudyError::Data`].
pub fn evaluators(config: &SearchConfig, directory: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
    let setup = setup(config)?;
    let evaluators = config.evaluator.build(&setup, directory)?;
    latency::beside(evaluators, config, &setup.space, directory)
}

/// The budget of some settings; 0 sets no limit.
pub fn budget(settings: &StudySettings) -> Budget {
    Budget {
        architectures: (settings.architectures > 0).then_some(settings.architectures),
        rounds: (settings.rounds > 0).then_some(settings.rounds),
        seconds: (settings.seconds > 0.0).then_some(settings.seconds),
    }
}

/// `count` random architectures that the final training of a study with this seed has beside its winner, different
/// from each other and from `besides`; fewer in a space that is too small.
pub(crate) fn random_cells(
    space: &dyn SearchSpace,
    count: usize,
    seed: u64,
    besides: &[Architecture],
) -> Vec<Architecture> {
    let mut rng = stream(seed, &[FINAL]);
    let mut cells: Vec<Architecture> = Vec::with_capacity(count);
    // A tiny space may not have as many as asked for.
    for _ in 0..1000 * count {
        if cells.len() == count {
            break;
        }
        let cell = space.sample(&mut rng);
        if !cells.contains(&cell) && !besides.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// How the surrogate of a finished study sees what was evaluated, `[queries, d]`: fitted once more
/// on everything, for the map of a report. None for a strategy or surrogate without embedding.
///
/// # Errors
/// [`StudyError::Surrogate`] if it cannot be fitted.
pub fn embedding(
    settings: &StrategySettings,
    history: &History,
    fidelity: Fidelity,
    seed: u64,
) -> Result<Option<Array2<f64>>, StudyError> {
    let Some((kind, targets)) = settings.surrogate() else { return Ok(None) };
    let scored = Targets::from(targets).of(history, fidelity);
    if scored.len() < 3 {
        return Ok(None);
    }
    let observation = |s: &Scored<'_>| Observation::new(s.evaluation.architecture.clone(), s.value);
    let observations: Vec<Observation> = scored.iter().map(observation).collect();
    let mut rng = stream(seed, &[MAP]);
    let fitted = surrogate(kind)?.fit(&observations, &mut rng)?;
    let all: Vec<Architecture> = history.evaluations().iter().map(|e| e.architecture.clone()).collect();
    Ok(fitted.embed(&all)?)
}

/// What strategies can start from: the indicators that the strategy's features name, on the images of the configuration.
///
/// # Errors
/// [`StudyError::Setting`] for an indicator that reads a trained supernet, or that this build or space lacks.
#[cfg(feature = "torch")]
pub fn knowledge(config: &SearchConfig) -> Result<Knowledge, StudyError> {
    let at_initialisation = Indicator::all().filter(|indicator| !indicator.reads_training());
    let start = Knowledge::default().able_to_offer(at_initialisation.map(Indicator::name));
    config.strategy.features().iter().try_fold(start, |knowledge, name| {
        let Ok(indicator) = Indicator::named(&name.to_string()) else { return Ok(knowledge) };
        let setup = setup(config)?;
        let values = indicator_values(&setup, indicator)?;
        let known = PriorKnowledge::computed(values, &Knowledge::sample(&*setup.space))?;
        Ok(knowledge.offering(name.clone(), known))
    })
}

/// What strategies can start from.
///
/// # Errors
/// [`StudyError::Setting`] for a feature that is an indicator, which needs libtorch.
#[cfg(not(feature = "torch"))]
pub fn knowledge(config: &SearchConfig) -> Result<Knowledge, StudyError> {
    match config.strategy.features().iter().find(|name| Indicator::named(&name.to_string()).is_ok()) {
        None => Ok(Knowledge::default()),
        Some(name) => {
            let instead = "take network.macs or network.params";
            Err(without_torch("strategy.features", &format!("indicator {name}"), instead))
        }
    }
}

/// Purpose of a random stream: the map of a report.
const MAP: u64 = 100;
