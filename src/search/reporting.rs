//! The report of a search's folder.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::Journalled;
use bonas_study::journal::{Journal, read_json, write_json};
use bonas_supernet::differentiable::{TRAJECTORY_FILE, read_trajectory};
use bonas_supernet::evaluator::RunFiles;

use super::{DIFFERENTIABLE_FOLDER, FINALS_FOLDER};
use crate::config::{BestBy, SearchConfig};
use crate::report::{
    BY_MODEL_FILE, Digest, Drift, EMBEDDING_FILE, ENVIRONMENT_FILE, FINAL_FILE, FinalResult, FinalTraining,
    Report, SHORTLIST_FILE, Summary, project,
};
use crate::{StudyError, build};

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

/// Writes `report.html`, `summary.json`, `timings.json`, `timings.html` and `winner.txt` in a search's
/// folder from what lies in it, finished or not; the search itself is neither locked nor changed.
///
/// # Errors
/// [`StudyError`] for a folder that holds no study, or a damaged file.
pub fn write_report(directory: &Path, config: &SearchConfig) -> Result<Summary, StudyError> {
    let space = build::space(config)?;
    let mut report = read_report(directory, config, &space)?;
    // For the page only: it takes a network for each architecture.
    report.drift = config.evaluator.network().is_some().then(|| Drift::of(&report.digest, &*space));
    report.write(directory)?;
    Ok(Summary::of(&report))
}

/// The figures of a search's folder, of which nothing is written.
pub(crate) fn summary(directory: &Path, config: &SearchConfig) -> Result<Summary, StudyError> {
    let space = build::space(config)?;
    Ok(Summary::of(&read_report(directory, config, &space)?))
}

fn read_report<'a>(
    directory: &Path,
    config: &SearchConfig,
    space: &'a Arc<dyn SearchSpace>,
) -> Result<Report<'a>, StudyError> {
    let study = Journalled::read(directory, space)?;
    // Files of an earlier run with other settings say nothing of this one,
    // and those beside a search that goes on are of what it was before.
    let over = study.ended.is_some();
    let shortlist = match config.shortlist.cells {
        0 => Vec::new(),
        _ if !over => Vec::new(),
        _ => read_json(&directory.join(SHORTLIST_FILE))?.unwrap_or_default(),
    };
    let mut report = Report::of(&study.events, shortlist, &**space);
    if config.shortlist.by == BestBy::Model
        && over
        && let Some(chosen) = read_json::<String>(&directory.join(BY_MODEL_FILE))?
    {
        report.chosen_by_model(&chosen, &**space)?;
    }
    report.config = Some(shown_config(config, &report.digest.config));
    report.unit = Some(config.evaluator.unit());
    report.cell_names = space.cell_names();
    report.seconds = study.seconds.clone();
    report.environment = read_json(&directory.join(ENVIRONMENT_FILE))?.unwrap_or_default();
    report.finals = final_training(directory, config, space, over)?;
    for result in report.finals.iter_mut().flat_map(|finals| &mut finals.results) {
        *result = std::mem::take(result).in_unit(config.evaluator.unit());
        result.losses = learning_curves(&directory.join(FINALS_FOLDER), result, &**space)?;
    }
    if config.strategy.own_network().is_some() {
        let folder = directory.join(DIFFERENTIABLE_FOLDER);
        report.trajectory = read_trajectory(&folder.join(TRAJECTORY_FILE))?;
    }
    report.embedding = if over { read_json(&directory.join(EMBEDDING_FILE))? } else { None };
    Ok(report)
}

/// What a page shows of a configuration: all that results depend on, and what the journal knows the study by beside it.
fn shown_config(config: &SearchConfig, journalled: &str) -> String {
    let more = journalled.strip_prefix(&config.identity()).unwrap_or_default();
    config.of_results() + more
}

/// Final training: as its file says once it is finished, before that as its study's journal does, and only planned while the
/// search is not over.
fn final_training(
    directory: &Path,
    config: &SearchConfig,
    space: &Arc<dyn SearchSpace>,
    over: bool,
) -> Result<Option<FinalTraining>, StudyError> {
    if config.finals.seeds == 0 {
        return Ok(None);
    }
    let planned = FinalTraining { planned: 1 + config.finals.random, results: Vec::new() };
    if !over {
        return Ok(Some(planned));
    }
    if let Some(results) = read_json::<Vec<FinalResult>>(&directory.join(FINAL_FILE))? {
        return Ok(Some(FinalTraining { planned: results.len(), results }));
    }
    let folder = directory.join(FINALS_FOLDER);
    if Journal::exists(&folder) {
        let begun = FinalTraining::of(&Digest::of(&Journalled::read(&folder, space)?.events));
        // A study that was stopped before its first proposal has planned nothing yet.
        if begun.planned > 0 {
            return Ok(Some(begun));
        }
    }
    Ok(Some(planned))
}

/// The learning curves of a finalist, one a seed; none of networks that were trained before there were any.
fn learning_curves(
    folder: &Path,
    result: &FinalResult,
    space: &dyn SearchSpace,
) -> Result<Vec<Vec<f64>>, StudyError> {
    let architecture = space.parse(&result.arch)?;
    let curve = |run| read_json(&RunFiles::new(folder, architecture.key(), run).losses());
    (0..result.test.len()).filter_map(|run| curve(run).transpose()).collect()
}
