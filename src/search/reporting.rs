//! The report of a search's folder.

use std::path::Path;

use super::DIFFERENTIABLE_FOLDER;
use crate::StudyError;
use crate::build;
use crate::config::{SearchConfig, StrategySettings};
use crate::report::{Digest, EMBEDDING_FILE, ENVIRONMENT_FILE, FINAL_FILE, Report, SHORTLIST_FILE, project};
use bonas_study::Journalled;
use bonas_study::journal::{read_json, write_json};
use bonas_supernet::differentiable::{TRAJECTORY_FILE, read_trajectory};

/// Notes facts about machine and program, by name, for the report; a resume leaves those of the
/// start.
///
/// # Errors
/// [`StudyError::Io`].
pub fn note_environment(directory: &Path, facts: &[(String, String)]) -> Result<(), StudyError> {
    let path = directory.join(ENVIRONMENT_FILE);
    if path.exists() { Ok(()) } else { write_json(&path, &facts) }
}

/// Fits the surrogate once more on everything and notes how it sees the architectures.
///
/// # Errors
/// [`StudyError`] if it cannot be fitted or written.
pub(super) fn note_embedding(directory: &Path, config: &SearchConfig) -> Result<(), StudyError> {
    let space = build::space(config)?;
    let study = Journalled::read(directory, &space)?;
    let Some(fidelity) = Digest::of(&study.events).fidelity() else { return Ok(()) };
    let map = build::embedding(&config.strategy, &study.history, fidelity, config.study.seed)?;
    match map.as_ref().and_then(project) {
        Some(plane) => write_json(&directory.join(EMBEDDING_FILE), &plane),
        None => Ok(()),
    }
}

/// Writes `report.html`, `summary.json` and `winner.txt` in a search's folder from what lies in it,
/// finished or not; the search itself is neither locked nor changed.
///
/// # Errors
/// [`StudyError`] for a folder that holds no study, or a damaged file.
pub fn write_report(directory: &Path, config: &SearchConfig) -> Result<(), StudyError> {
    let space = build::space(config)?;
    let study = Journalled::read(directory, &space)?;
    // Files of an earlier run with other settings say nothing of this one.
    let shortlist = match config.shortlist.cells {
        0 => Vec::new(),
        _ => read_json(&directory.join(SHORTLIST_FILE))?.unwrap_or_default(),
    };
    let mut report = Report::of(&study.events, shortlist, &*space);
    report.cell_names = space.cell_names();
    report.seconds = study.seconds.clone();
    report.environment = read_json(&directory.join(ENVIRONMENT_FILE))?.unwrap_or_default();
    if config.finals.seeds > 0 {
        report.finals = read_json(&directory.join(FINAL_FILE))?.unwrap_or_default();
    }
    if matches!(config.strategy, StrategySettings::Differentiable(_)) {
        let folder = directory.join(DIFFERENTIABLE_FOLDER);
        report.trajectory = read_trajectory(&folder.join(TRAJECTORY_FILE))?;
    }
    report.embedding = read_json(&directory.join(EMBEDDING_FILE))?;
    report.write(directory)
}
