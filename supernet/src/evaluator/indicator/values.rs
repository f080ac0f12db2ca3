//! Indicators of networks at initialisation, as numbers that are known of an architecture before it is trained.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bonas_spaces::Architecture;
use bonas_study::StudyError;

use super::IndicatorSettings;
use crate::indicator::{Indicator, Probe};
use crate::networks::{Networks, Setup};
use crate::training::Part;

/// One value per architecture, in order; or the reason why there is none.
pub type IndicatorValues = Box<dyn Fn(&[Architecture]) -> Result<Vec<f64>, String> + Send + Sync>;

/// What stands for minus infinity, the value of cells that pass nothing on.
const LOWEST: f64 = -1e300;

/// The values of an indicator that reads no trained supernet, on networks in the default size of the indicator
/// evaluator and images of the training part.
///
/// # Errors
/// [`StudyError::Setting`] for an indicator that reads a trained supernet, a space without a network or one whose networks
/// share no weights, or images that cannot be read.
pub fn indicator_values(setup: &Setup, indicator: Indicator) -> Result<IndicatorValues, StudyError> {
    if indicator.reads_training() {
        let fresh: Vec<&str> =
            Indicator::all().filter(|i| !i.reads_training()).map(Indicator::name).collect();
        return Err(StudyError::Setting {
            name: "strategy.features".into(),
            reason: format!(
                "{}, which reads a trained supernet; take {}",
                indicator.name(),
                fresh.join(", ")
            ),
        });
    }
    let threads = setup.training.threads;
    let probe = probe(setup, indicator).map_err(|error| StudyError::Setting {
        name: "strategy.features".into(),
        reason: format!("{}: {error}", indicator.name()),
    })?;
    let probe = Mutex::new(probe);
    Ok(Box::new(move |architectures| {
        // Sums depend on the number of threads, so it is that of the configuration on every machine.
        tch::set_num_threads(threads as i32);
        let probe = probe.lock().unwrap_or_else(PoisonError::into_inner);
        let value = |architecture| probe.score(indicator, architecture).map(|value| value.max(LOWEST));
        architectures.iter().map(value).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }))
}

/// A probe of networks at initialisation.
fn probe(setup: &Setup, indicator: Indicator) -> Result<Probe, StudyError> {
    let networks = Networks::new(setup)?;
    let settings = IndicatorSettings { indicator, ..IndicatorSettings::default() };
    // No more images than there are.
    let most = networks.task()?.training_indices(Part::Validation).len();
    let (images, batch) = (settings.images.min(most), settings.batch.min(most));
    let plan = IndicatorSettings { batch, images, ..settings }.plan(&networks, Path::new(""))?;
    plan.fresh(networks.placement(0))
}
