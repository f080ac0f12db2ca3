//! Latency of networks on this machine, beside the scores of an evaluator.
//!
//! A measured latency is no function of settings and seed, so that it is kept on disk before anything depends on it: a
//! search that goes on reads what it has measured ([`Kept`]).

mod evaluator;
mod kept;
mod meter;

use std::path::Path;
use std::sync::{Arc, Mutex};

use bonas_spaces::SearchSpace;

use crate::config::{LatencySettings, SearchConfig};
use crate::{Evaluator, StudyError};
use evaluator::WithLatency;
use kept::Kept;
use meter::Meter;

/// The file of a search with the latencies that it has measured.
pub const LATENCY_FILE: &str = "latency.jsonl";

/// Measures latency beside the scores of some evaluators, if the configuration asks for it.
///
/// # Errors
/// [`StudyError::Setting`] for a space without networks, a size that does not fit, and a program that this build lacks;
/// [`StudyError::Data`] for a file of other settings.
pub(super) fn beside(
    evaluators: Vec<Box<dyn Evaluator>>,
    config: &SearchConfig,
    space: &Arc<dyn SearchSpace>,
    directory: &Path,
) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
    let settings = &config.latency;
    if !settings.is_on() {
        return Ok(evaluators);
    }
    let meter = Meter::new(settings, space.clone())?;
    let kept = Kept::new(directory.join(LATENCY_FILE), crate::config::plain("latency", settings));
    // One measurement at a time: two would slow each other down.
    let shared = Arc::new(Mutex::new((meter, kept)));
    let aims = config.aims();
    let with = |inner| -> Box<dyn Evaluator> {
        let (shared, aims) = (shared.clone(), aims.clone());
        Box::new(WithLatency { inner, shared, settings: settings.clone(), aims })
    };
    Ok(evaluators.into_iter().map(with).collect())
}

/// An error of the settings.
fn setting(key: &str, reason: impl Into<String>) -> StudyError {
    StudyError::Setting { name: format!("latency.{key}"), reason: reason.into() }
}

/// The settings, for messages.
type Settings = LatencySettings;
