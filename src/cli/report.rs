//! `bonas report`, and the report at the end of a search.

use std::path::Path;

use bonas::StudyError;
use bonas::assemble;
use bonas::config::SearchConfig;
use bonas::journal::TIMINGS_FILE;
use bonas::report::{
    EMBEDDING_FILE, ENVIRONMENT_FILE, FINAL_FILE, REPORT_FILE, Report, Seconds, read_json, write_json,
};
use bonas::study::Journalled;
use ndarray::Array2;

use super::{environment, out};

/// Makes the report of a folder again from what lies in it.
///
/// # Errors
/// [`StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn again(dir: &Path) -> anyhow::Result<()> {
    let config = super::search::read_config(dir)?;
    write(dir, &config)?;
    out::text(&format!("{}\n", dir.join(REPORT_FILE).display()))
}

/// Notes the facts about this machine and program for the report; a resume leaves those of the
/// start.
///
/// # Errors
/// [`StudyError::Io`].
pub(super) fn note_environment(dir: &Path) -> Result<(), StudyError> {
    let path = dir.join(ENVIRONMENT_FILE);
    if path.exists() { Ok(()) } else { write_json(&path, &environment::facts()) }
}

/// Fits the surrogate once more on everything and notes how it sees the architectures.
///
/// # Errors
/// [`StudyError`] if it cannot be fitted or written.
pub(super) fn note_embedding(dir: &Path, config: &SearchConfig) -> Result<(), StudyError> {
    let (_, space) = assemble::space(config)?;
    let study = Journalled::read(dir, &space)?;
    let digest = bonas::report::Digest::of(&study.events);
    let Some(fidelity) = digest.fidelity() else { return Ok(()) };
    let map = assemble::embedding(&config.strategy, &study.history, fidelity, config.study.seed)?;
    match map {
        None => Ok(()),
        Some(map) => {
            let rows: Vec<Vec<f64>> = map.rows().into_iter().map(|row| row.to_vec()).collect();
            write_json(&dir.join(EMBEDDING_FILE), &rows)
        }
    }
}

/// Writes the report of a folder.
///
/// # Errors
/// [`StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn write(dir: &Path, config: &SearchConfig) -> Result<(), StudyError> {
    let (entry, space) = assemble::space(config)?;
    let study = Journalled::read(dir, &space)?;
    let mut report = Report::of(&study.events, &*space);
    report.cell_names = entry.cells;
    report.seconds = seconds(dir);
    report.environment = read_json(&dir.join(ENVIRONMENT_FILE))?.unwrap_or_default();
    report.finals = read_json(&dir.join(FINAL_FILE))?.unwrap_or_default();
    report.embedding = read_json::<Vec<Vec<f64>>>(&dir.join(EMBEDDING_FILE))?.and_then(matrix);
    report.write(dir)
}

/// Seconds of the rounds of a folder's study, as far as they are known.
pub(super) fn seconds(dir: &Path) -> Seconds {
    let bytes = std::fs::read(dir.join(TIMINGS_FILE)).unwrap_or_default();
    Seconds::from_lines(&String::from_utf8_lossy(&bytes))
}

/// Rows of equal length as a matrix.
fn matrix(rows: Vec<Vec<f64>>) -> Option<Array2<f64>> {
    let shape = (rows.len(), rows.first()?.len());
    Array2::from_shape_vec(shape, rows.into_iter().flatten().collect()).ok()
}
