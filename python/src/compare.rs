//! Comparisons of strategies on a table.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bonas::Folder;
use bonas::config::ExperimentConfig;
use bonas::experiment::{Experiment, Step};
use bonas::study::cores;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::Fault;
use crate::interrupt::{attached, interruptible_with};
use crate::settings::text;

/// Compares strategies in a folder, and returns the figures as text; the files are in the folder.
///
/// `sections` is the configuration. `progress` is called with the number of runs that are done and of all. Ctrl-C ends the runs
/// under way; those that are done stay in the folder.
#[pyfunction]
#[pyo3(signature = (sections, table, directory, threads, progress))]
pub(crate) fn compare(
    py: Python<'_>,
    sections: &Bound<'_, PyDict>,
    table: Option<PathBuf>,
    directory: PathBuf,
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    match Folder::at(&directory) {
        Folder::Missing | Folder::Other | Folder::Comparison => {}
        other => {
            return Err(
                Fault::path(format!("path: {}; give another folder", other.described(&directory))).into()
            );
        }
    }
    let config = ExperimentConfig::from_toml(&text(sections)?, "settings").map_err(Fault::from)?;
    let cancel = Arc::new(AtomicBool::new(false));
    let experiment = Experiment {
        table,
        threads: threads.unwrap_or_else(cores).max(1),
        cancel: cancel.clone(),
        ..Experiment::new(config, directory)
    };
    let done = interruptible_with(py, &cancel, move || {
        let mut broken = None;
        let results = experiment.run(&mut |step| {
            if let (Some(progress), None, Some(done)) = (&progress, &broken, count(&step)) {
                broken = attached(|py| progress.call1(py, done).err());
            }
        });
        (results.map(|results| results.text()).map_err(Fault::from), broken)
    })?;
    match done {
        (_, Some(error)) => Err(error),
        (results, None) => Ok(results?),
    }
}

/// Runs that are done, and runs in all.
fn count(step: &Step<'_>) -> Option<(usize, usize)> {
    match *step {
        Step::Planned(_) => None,
        Step::Begun { done, total } | Step::Done { done, total, .. } => Some((done, total)),
    }
}
