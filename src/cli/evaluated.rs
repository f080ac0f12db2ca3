//! What `bonas evaluate` keeps beside a model.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bonas::StudyError;
use bonas::report::{EVALUATION_FILE, EVALUATION_FORMAT, Evaluation, Latency, Mistake};
use bonas::search::weights_hash;
use bonas::study::journal::write_json;
use bonas::study::statistics::Classification;
use bonas::supernet::data::Images;

use super::model::Model;
use super::out;

/// Most pictures that are kept, and most pixels of a side.
const PICTURES: usize = 24;
const SIDE: u32 = 96;

/// Answers for images.
pub(super) struct Measured<'a> {
    pub(super) probabilities: &'a [Vec<f32>],
    pub(super) labels: &'a [usize],
    pub(super) images: &'a Images,
}

/// All that was measured on some part of some images.
///
/// # Errors
/// [`StudyError`] for weights that cannot be read, or a picture that cannot be written.
pub(super) fn evaluation(
    model: &Model,
    (data, part): (String, &str),
    figures: &Classification,
    measured: &Measured<'_>,
    latency: &[Latency],
) -> Result<Evaluation, StudyError> {
    Ok(Evaluation {
        format: EVALUATION_FORMAT,
        program: concat!("bonas ", env!("CARGO_PKG_VERSION")).to_owned(),
        weights: weights_hash(&model.folder.weights_file())?,
        data,
        part: part.to_owned(),
        images: measured.labels.len(),
        accuracy: figures.accuracy,
        top5_accuracy: figures.top5,
        balanced_accuracy: figures.balanced_accuracy,
        calibration_error: figures.calibration_error,
        classes: model.folder.card().classes.clone(),
        confusion: figures.confusion.clone(),
        mistakes: mistakes(measured)?,
        latency: latency.to_vec(),
    })
}

/// The wrong answers that the network was surest of.
fn mistakes(measured: &Measured<'_>) -> Result<Vec<Mistake>, StudyError> {
    let answer =
        |row: &[f32]| (0..row.len()).reduce(|best, next| if row[next] > row[best] { next } else { best });
    let rows = measured.probabilities.iter().zip(measured.labels).enumerate();
    let mut wrong: Vec<(usize, usize, usize, f64)> = rows
        .filter_map(|(image, (row, &class))| {
            let answer = answer(row).filter(|&answer| answer != class)?;
            Some((image, class, answer, f64::from(row[answer])))
        })
        .collect();
    // Stable, so that of equals the first image comes first.
    wrong.sort_by(|a, b| b.3.total_cmp(&a.3));
    wrong.truncate(PICTURES);
    let mistake = |(image, class, answer, probability)| {
        Ok(Mistake {
            image,
            class,
            answer,
            probability,
            png: STANDARD.encode(measured.images.png(image, SIDE)?),
        })
    };
    wrong.into_iter().map(mistake).collect()
}

/// Writes what was measured beside the model. Where that cannot be, the figures are printed all the same, and a warning says
/// so: the folder may be one that is only to be read.
pub(super) fn keep(model: &Model, evaluation: &Evaluation) {
    let path = model.path.join(EVALUATION_FILE);
    if let Err(error) = write_json(&path, evaluation) {
        out::error(&format!("warning: what was measured is not kept beside the model: {error}"));
    }
}
