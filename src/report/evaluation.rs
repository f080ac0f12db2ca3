//! What `bonas evaluate` measured of a model, as it is kept beside it.

use bonas_study::statistics::Classification;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the keys of [`Evaluation`]; they are only ever added to under one version.
pub const EVALUATION_FORMAT: u32 = 1;

/// A measured model: `evaluation.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`EVALUATION_FORMAT`].
    pub format: u32,
    /// Program that measured, with its version.
    pub program: String,
    /// Hash of the file of the weights that were measured, in hexadecimal (BLAKE3).
    pub weights: String,
    /// Where the images were.
    pub data: String,
    /// Part of them: `test`, `train` or `val`.
    pub part: String,
    /// How many.
    pub images: usize,
    /// Share of right answers, in `[0, 1]`.
    pub accuracy: f64,
    /// Share of images whose class is among the five most probable; null of five classes or fewer.
    pub top5_accuracy: Option<f64>,
    /// Mean of the recalls of the classes.
    pub balanced_accuracy: f64,
    /// Expected calibration error over 15 bins.
    pub calibration_error: f64,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `confusion[class][answer]`, numbers of images.
    pub confusion: Vec<Vec<usize>>,
    /// Some of the images that were classified wrongly, the surest answers first.
    pub mistakes: Vec<Mistake>,
    /// How long the network takes; empty where it was not measured.
    #[serde(default)]
    pub latency: Vec<Latency>,
}

/// An image that was classified wrongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its place among the images, from 0.
    pub image: usize,
    /// Its class, by place in the list of classes.
    pub class: usize,
    /// The answer.
    pub answer: usize,
    /// Probability of the answer.
    pub probability: f64,
    /// The picture, as a PNG file in base64.
    pub png: String,
}

/// How long a network takes for a batch of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Images at a time.
    pub batch: usize,
    /// Median in milliseconds, for the whole batch.
    pub median_ms: f64,
    /// The time that 95 % of the runs stay below, in milliseconds.
    pub p95_ms: f64,
    /// Runs that were measured, after those that warmed up.
    pub runs: usize,
    /// Device, such as `cpu`.
    pub device: String,
    /// Threads of libtorch.
    pub threads: usize,
}

impl Evaluation {
    /// The figures as a classification.
    pub fn figures(&self) -> Classification {
        Classification {
            confusion: self.confusion.clone(),
            accuracy: self.accuracy,
            top5: self.top5_accuracy,
            balanced_accuracy: self.balanced_accuracy,
            calibration_error: self.calibration_error,
        }
    }

    /// Reads `evaluation.json`.
    ///
    /// # Errors
    /// What is wrong with it: another format, first of all, keys that are missing, and any [`fault`](Self::fault).
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match value.get("format") {
            Some(format) if *format == EVALUATION_FORMAT => (),
            Some(format) => return Err(other_format(format)),
            None => return Err("it has no format".to_owned()),
        }
        let read: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        read.fault().map_or(Ok(read), Err)
    }

    /// What of the file cannot be, if anything: it may be of another program, or changed.
    pub fn fault(&self) -> Option<String> {
        let classes = self.classes.len();
        let square = self.confusion.len() == classes && self.confusion.iter().all(|row| row.len() == classes);
        let inside = self.mistakes.iter().all(|m| m.class < classes && m.answer < classes);
        let sum = self.confusion.iter().flatten().try_fold(0_usize, |sum, &count| sum.checked_add(count));
        match () {
            () if self.format != EVALUATION_FORMAT => Some(other_format(&self.format.into())),
            () if !square => Some(format!("its confusion matrix is not {classes} by {classes}")),
            () if sum != Some(self.images) => {
                Some("the counts of its confusion matrix do not add up to its images".to_owned())
            }
            () if !inside => Some("a mistake is of a class that is not there".to_owned()),
            () => None,
        }
    }
}

fn other_format(format: &Value) -> String {
    format!("format {format}, and this program knows {EVALUATION_FORMAT}")
}

/// Where a model comes from: the search that found its architecture, `origin.json` in the folder of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The folder of the search, as a path from that of the training with `/` between names.
    pub search: String,
    /// Name of its strategy.
    pub strategy: String,
    /// The score of the architecture there; null for one without.
    pub score: Option<f64>,
    /// Its place by score, from 1.
    pub rank: Option<usize>,
    /// Architectures with a score.
    pub scored: usize,
}
