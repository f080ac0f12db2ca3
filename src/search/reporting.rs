//! The report of a search's folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bonas_surrogate::Observation;
use ndarray::Array2;

use super::{Search, parts};
use crate::StudyError;
use crate::config::{SearchConfig, StrategySettings};
use crate::history::History;
use crate::journal::TIMINGS_FILE;
use crate::registry;
use crate::report::{FINAL_FILE, Report, Seconds, read_json};
use crate::rng::stream;
use crate::study::Journalled;

/// Purpose of the stream that the surrogate of the embedding map is fitted with.
const EMBED: u64 = 100;

/// Writes `report.html`, `summary.json` and `winner.txt` in a search's folder, from what is there;
/// the search itself is neither locked nor changed.
///
/// # Errors
/// [`StudyError::Data`] when the folder holds no search, [`StudyError::Journal`] when its journal
/// is damaged, [`StudyError::Io`].
pub fn report(directory: &Path) -> Result<(), StudyError> {
    let config = Search::in_directory(directory, Arc::new(AtomicBool::new(false)))?.config;
    let space = parts::space(&config)?;
    let cells = registry::space(&config.space.name).map_or(&[][..], |entry| entry.cells);
    let journalled = Journalled::read(directory, &space)?;
    let timings = std::fs::read_to_string(directory.join(TIMINGS_FILE)).unwrap_or_default();
    let report = Report {
        seconds: Seconds::from_lines(&timings),
        cell_names: cells,
        embedding: embedding(&config, &journalled.history)?,
        finals: read_json(&directory.join(FINAL_FILE))?.unwrap_or_default(),
        environment: environment(&config),
        ..Report::of(&journalled.events, &*space)
    };
    report.write(directory)
}

/// What the strategy's surrogate makes of everything measured, for the map; none without one.
fn embedding(config: &SearchConfig, history: &History) -> Result<Option<Array2<f64>>, StudyError> {
    let StrategySettings::Bonas(settings) = &config.strategy else { return Ok(None) };
    let scored = history.evaluations().iter().filter_map(|e| match &e.outcome {
        crate::Outcome::Scored(score) => {
            Some(Observation { architecture: e.architecture.clone(), score: score.value })
        }
        crate::Outcome::Failed(_) => None,
    });
    let observations: Vec<_> = scored.collect();
    if observations.len() != history.len() || observations.len() < 3 {
        return Ok(None);
    }
    let mut rng = stream(config.study.seed, &[EMBED]);
    let fitted = parts::surrogate(settings)?.fit(&observations, &mut rng)?;
    let all: Vec<_> = observations.into_iter().map(|o| o.architecture).collect();
    Ok(fitted.embed(&all)?)
}

fn environment(config: &SearchConfig) -> Vec<(String, String)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("bonas", env!("CARGO_PKG_VERSION").to_owned()),
        fact("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        fact("cores", cores.to_string()),
        fact("workers", config.study.workers.to_string()),
        fact("device", config.training.device.clone()),
        fact("images", config.data.source.clone()),
    ]
}
