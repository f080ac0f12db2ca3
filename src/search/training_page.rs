//! The page of a single training, or of a model folder by itself, from what lies in its folder.

use std::path::{Path, PathBuf};

use bonas_deploy::Folder as ModelFolder;
use bonas_study::journal::{read_json, write_whole};
use bonas_supernet::evaluator::RunFiles;

use super::model_facts::{of_folder, of_training};
use super::origin::{above, kept};
use super::{FINALS_FOLDER, INIT_FILE, TRAINING_FILE};
use crate::build::of_deploy;
use crate::config::SearchConfig;
use crate::report::{FINAL_FILE, FinalResult, ModelReport, REPORT_FILE, RunCurves, Start, TrainingReport};
use crate::{StudyError, build};

/// How the names of learning curves end ([`RunFiles::curves`](bonas_supernet::evaluator::RunFiles::curves)).
const CURVES: &str = ".curves.csv";
/// Their first line.
const HEADER: &str = "epoch,learning_rate,loss,accuracy";

/// Writes `report.html` in the folder of a single training, finished or not, and gives its path; the training itself is
/// neither locked nor changed.
///
/// # Errors
/// [`StudyError::Io`] for a file that cannot be read or written, [`StudyError::Data`] for a damaged one.
pub fn write_training_report(directory: &Path) -> Result<PathBuf, StudyError> {
    let settings = directory.join(TRAINING_FILE);
    let results: Option<Vec<FinalResult>> = read_json(&directory.join(FINAL_FILE))?;
    let (result, config) = (results.and_then(|results| results.into_iter().next()), read(&settings)?);
    let model = result.as_ref().map(|result| model_of(directory, &settings, &config, result)).transpose()?;
    let runs = curves(&directory.join(FINALS_FOLDER))?;
    let start = if directory.join(INIT_FILE).is_file() { Start::Trained } else { Start::Random };
    write_page(directory, &TrainingReport { result, runs, config, model, start })
}

/// Writes `report.html` in a model folder, and gives its path.
///
/// # Errors
/// As [`write_training_report`]; [`StudyError::Data`] for a folder that is no model.
pub fn write_model_report(folder: &Path) -> Result<PathBuf, StudyError> {
    let read = ModelFolder::read(folder).map_err(of_deploy)?;
    let (card, origin) = (read.card(), above(folder)?);
    let test = card.training.iter().map(|training| training.accuracy.value).collect();
    let (params, macs) = (Some(card.params), Some(card.macs));
    let result =
        FinalResult { arch: card.architecture.clone(), test, params, macs, ..FinalResult::default() };
    let curves = curves_beside(folder)?;
    let runs = if curves.is_file() { vec![parse(&curves, &self::read(&curves)?)?] } else { Vec::new() };
    let model = Some(ModelReport { origin, ..of_folder(&read, folder)? });
    let start = match &card.training {
        None => Start::Untrained,
        Some(training) if training.recipe.get("init").is_some() => Start::Trained,
        Some(_) => Start::Random,
    };
    write_page(folder, &TrainingReport { result: Some(result), runs, config: String::new(), model, start })
}

/// Where the learning curves of a model folder lie: beside it, under its whole name.
fn curves_beside(folder: &Path) -> Result<PathBuf, StudyError> {
    let whole = folder.canonicalize().map_err(|source| StudyError::Io { path: folder.to_owned(), source })?;
    let mut curves = whole.into_os_string();
    curves.push(CURVES);
    Ok(curves.into())
}

fn write_page(folder: &Path, report: &TrainingReport) -> Result<PathBuf, StudyError> {
    let page = folder.join(REPORT_FILE);
    write_whole(&page, report.page().as_bytes())?;
    Ok(page)
}

/// The network of the first run of a training that has ended; its architecture and recipe if the training failed.
fn model_of(
    directory: &Path,
    settings: &Path,
    config: &str,
    result: &FinalResult,
) -> Result<ModelReport, StudyError> {
    let bad = |reason: String| StudyError::Data { path: settings.to_owned(), reason };
    let config = SearchConfig::from_toml(config, &settings.display().to_string())
        .map_err(|error| bad(format!("it is no configuration any more: {error}")))?;
    let space = build::space(&config)?;
    let architecture = space.parse(&result.arch)?;
    let folder = RunFiles::new(&directory.join(FINALS_FOLDER), architecture.key(), 0).model();
    let origin = kept(directory)?;
    let model = if result.failed.is_none() && ModelFolder::is_at(&folder) {
        of_folder(&ModelFolder::read(&folder).map_err(of_deploy)?, &folder)?
    } else {
        of_training(&config, &*space, &architecture)?
    };
    Ok(ModelReport { arch: result.arch.clone(), origin, ..model })
}

/// The learning curves in a folder, by the numbers of their runs.
fn curves(folder: &Path) -> Result<Vec<RunCurves>, StudyError> {
    let io = |source| StudyError::Io { path: folder.to_owned(), source };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(CURVES));
        let run = name.and_then(|stem| stem.rsplit('-').next()?.parse::<usize>().ok());
        found.extend(run.map(|run| (run, path)));
    }
    found.sort();
    found.iter().map(|(_, path)| parse(path, &read(path)?)).collect()
}

/// Reads curves; an accuracy that was not measured is NaN.
fn parse(path: &Path, text: &str) -> Result<RunCurves, StudyError> {
    let bad = |line: usize, reason: &str| StudyError::Data {
        path: path.to_owned(),
        reason: format!(
            "line {line}: {reason}; take the file away, and a training that goes on writes it again"
        ),
    };
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(bad(1, &format!("expected {HEADER}")));
    }
    let mut curves = RunCurves::default();
    for (at, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let [epoch, rate, loss, accuracy] = cells[..] else { return Err(bad(at + 2, "expected four cells")) };
        let number =
            |cell: &str| cell.parse::<f64>().map_err(|_| bad(at + 2, &format!("{cell:?} is no number")));
        if epoch.parse() != Ok(at) {
            return Err(bad(at + 2, &format!("epoch {epoch:?}, expected {at}")));
        }
        curves.learning_rates.push(number(rate)?);
        curves.losses.push(number(loss)?);
        curves.accuracies.push(if accuracy.is_empty() { f64::NAN } else { number(accuracy)? });
    }
    Ok(curves)
}

fn read(path: &Path) -> Result<String, StudyError> {
    std::fs::read_to_string(path).map_err(|source| StudyError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_lie_beside_a_model_under_its_whole_name() {
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("net.v1");
        std::fs::create_dir(&model).unwrap();
        let expected = root.path().canonicalize().unwrap().join("net.v1.curves.csv");
        assert_eq!(curves_beside(&model).unwrap(), expected);
        assert_eq!(curves_beside(&model.join(".")).unwrap(), expected);
        assert!(curves_beside(&root.path().join("none")).is_err());
    }

    #[test]
    fn a_training_that_failed_shows_its_architecture() {
        let root = tempfile::tempdir().unwrap();
        let arch = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|";
        let result = FinalResult { arch: arch.into(), failed: Some("no loss".into()), ..Default::default() };
        let config = "[space]\nname = \"nasbench201\"\n";
        let model = model_of(root.path(), Path::new("t.toml"), config, &result).unwrap();
        assert!(model.architecture.is_some() && !model.recipe.is_empty());
        assert_eq!(model.arch, arch);
    }

    #[test]
    fn curves_are_read_and_damage_is_named() {
        let parsed = |rows: &str| parse(Path::new("c.csv"), &format!("{HEADER}\n{rows}"));
        let curves = parsed("0,0.5,2.25,\n1,0.25,1.5,0.75\n").unwrap();
        assert_eq!((curves.learning_rates, curves.losses), (vec![0.5, 0.25], vec![2.25, 1.5]));
        assert!(curves.accuracies[0].is_nan() && curves.accuracies[1..] == [0.75]);
        for (rows, expected) in [
            ("0,0.5,2.25\n", "line 2: expected four cells"),
            ("0,0.5,x,1\n", "line 2: \"x\" is no number"),
            ("0,1,1,1\n0,1,1,1\n", "line 3: epoch \"0\", expected 1"),
        ] {
            let error = parsed(rows).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("c.csv"), "{error}");
        }
        assert!(parse(Path::new("c.csv"), "").is_err());
    }
}
