//! Latency of networks on this machine or, by a program of the user's, on another device, beside the scores of an evaluator.
//!
//! A measured latency is no function of settings and seed, so that it is kept on disk before anything depends on it: a
//! search that goes on reads what it has measured ([`Kept`]).

mod evaluator;
mod kept;
mod meter;
mod program;
mod store;
mod table;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::Monitor;

use crate::config::{LatencySettings, SearchConfig, plain, space_identity};
use crate::{Evaluator, StudyError};
use evaluator::WithLatency;
use kept::Kept;
use meter::Meter;
use program::Program;
use store::{Store, StoreFiles};

pub use table::{LatencyTable, LayerLatency};

/// The file of a search with the latencies that it has measured.
pub const LATENCY_FILE: &str = "latency.jsonl";
/// The file of a search with the table of layers that predicts latencies.
pub const LATENCY_TABLE_FILE: &str = "latency_table.json";

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
    let store = store(config, space, directory)?;
    let aims = config.aims();
    let with = |inner| -> Box<dyn Evaluator> {
        let (store, aims) = (store.clone(), aims.clone());
        Box::new(WithLatency { inner, store, settings: settings.clone(), aims })
    };
    Ok(evaluators.into_iter().map(with).collect())
}

/// Latencies as the evaluators of a configuration note them.
#[derive(Clone)]
pub(crate) struct Latencies(Arc<Mutex<Store>>);

impl Latencies {
    /// Those of a configuration; none where latency is not measured.
    ///
    /// # Errors
    /// As [`beside`].
    pub(crate) fn of(config: &SearchConfig, directory: &Path) -> Result<Option<Self>, StudyError> {
        if !config.latency.is_on() {
            return Ok(None);
        }
        store(config, &super::space(config)?, directory).map(|store| Some(Self(store)))
    }

    /// Milliseconds of an architecture; none where it cannot be measured, and the file says why.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`]; errors of the file.
    pub(crate) fn milliseconds(
        &self,
        architecture: &Architecture,
        cancel: &AtomicBool,
    ) -> Result<Option<f64>, StudyError> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(store.milliseconds(architecture, &UntilCancelled(cancel))?.ok())
    }
}

/// Says only whether the user wants to stop.
struct UntilCancelled<'a>(&'a AtomicBool);

impl Monitor for UntilCancelled<'_> {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What is known of the latencies of a configuration.
fn store(
    config: &SearchConfig,
    space: &Arc<dyn SearchSpace>,
    directory: &Path,
) -> Result<Arc<Mutex<Store>>, StudyError> {
    let around = [&config.latency.skeleton, &config.finals.skeleton, &config.training.skeleton];
    let skeleton = around.into_iter().flatten().next().cloned();
    let settings = &LatencySettings { skeleton, ..config.latency.clone() };
    let plain = plain("latency", settings);
    let (folder, name, known_by) = match &config.latencies {
        None => (directory, String::new(), plain),
        // Searches of several spaces may share the folder, and keys of two spaces may be the same.
        Some(folder) => {
            let known_by = plain + &space_known_by(config);
            (&**folder, format!("-{}", &blake3::hash(known_by.as_bytes()).to_hex()[..8]), known_by)
        }
    };
    let files = StoreFiles {
        latencies: folder.join(format!("latency{name}.jsonl")),
        table: folder.join(format!("latency_table{name}.json")),
        runs: folder.join(format!("latency{name}")),
    };
    Store::open(settings, space, &files, known_by, &config.relative_to)
}

/// The text that a search's space is known by.
fn space_known_by(config: &SearchConfig) -> String {
    let of_file = config.space.text.as_deref().map(space_identity);
    plain("space", &config.space) + &of_file.unwrap_or_default()
}

/// An error of the settings.
fn setting(key: &str, reason: impl Into<String>) -> StudyError {
    StudyError::Setting { name: format!("latency.{key}"), reason: reason.into() }
}

/// The settings, for messages.
type Settings = LatencySettings;
