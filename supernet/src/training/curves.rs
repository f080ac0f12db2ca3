//! Learning curves: what each epoch of a training came to.
//!
//! Shapes: E epochs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path as FilePath;

use bonas_study::StudyError;
use bonas_study::journal::write_whole;
use tch::{Device, Kind, Tensor};

use crate::model::{Result, SupernetError};

/// What the curves are called in a checkpoint.
const LOSSES: &str = "losses";
/// Trainings of earlier versions have none.
pub(super) const ACCURACIES: &str = "accuracies";

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochOutcome {
    /// Mean training loss.
    pub loss: f64,
    /// Share of the training images that were classified rightly, as the training saw them: augmented, each before
    /// the step that it is part of. NaN where it was not measured: in an epoch of an earlier version, and in a run
    /// that keeps neither curves nor a checkpoint.
    pub accuracy: f64,
}

/// Curves of a training, in tensors `[E]`, so that they are saved with its state.
#[derive(Debug)]
pub(super) struct Curves {
    losses: Tensor,
    accuracies: Tensor,
}

impl Curves {
    pub(super) fn new(epochs: usize) -> Result<Self> {
        let empty = || Tensor::f_zeros([epochs as i64], (Kind::Double, Device::Cpu))?.f_fill_(f64::NAN);
        Ok(Self { losses: empty()?, accuracies: empty()? })
    }

    pub(super) fn set(&self, epoch: usize, outcome: EpochOutcome) -> Result<()> {
        for (curve, value) in [(&self.losses, outcome.loss), (&self.accuracies, outcome.accuracy)] {
            let _ = curve.f_get(epoch as i64)?.f_fill_(value)?;
        }
        Ok(())
    }

    /// One epoch.
    pub(super) fn get(&self, epoch: usize) -> Result<EpochOutcome> {
        let value = |curve: &Tensor| curve.f_double_value(&[epoch as i64]);
        Ok(EpochOutcome { loss: value(&self.losses)?, accuracy: value(&self.accuracies)? })
    }

    /// The tensors by name; they share the curves' memory.
    pub(super) fn state(&self) -> [(String, Tensor); 2] {
        [(LOSSES, &self.losses), (ACCURACIES, &self.accuracies)]
            .map(|(name, curve)| (name.to_owned(), curve.shallow_clone()))
    }

    /// The first `done` epochs.
    pub(super) fn outcomes(&self, done: usize) -> Result<Vec<EpochOutcome>> {
        let list = |curve: &Tensor| Vec::<f64>::try_from(curve).map_err(SupernetError::from);
        let pairs = list(&self.losses)?.into_iter().zip(list(&self.accuracies)?);
        Ok(pairs.take(done).map(|(loss, accuracy)| EpochOutcome { loss, accuracy }).collect())
    }
}

/// Writes epochs as CSV, on disk and the file whole or not at all: `epoch` from 0, `learning_rate` of its first step,
/// `loss`, `accuracy`.
pub(super) fn write_csv(
    path: &FilePath,
    outcomes: &[EpochOutcome],
    rate: impl Fn(usize) -> f64,
) -> Result<(), StudyError> {
    let rows = outcomes.iter().enumerate().map(|(epoch, outcome)| row(epoch, rate(epoch), *outcome));
    let text = "epoch,learning_rate,loss,accuracy\n".to_owned() + &rows.collect::<String>();
    write_whole(path, text.as_bytes())
}

/// Appends an epoch to a file of [`write_csv`] without waiting for the disk: a crash of the machine may lose it.
pub(super) fn append_csv(
    path: &FilePath,
    epoch: usize,
    rate: f64,
    outcome: EpochOutcome,
) -> Result<(), StudyError> {
    let append =
        || OpenOptions::new().append(true).open(path)?.write_all(row(epoch, rate, outcome).as_bytes());
    append().map_err(|source| StudyError::Io { path: path.to_owned(), source })
}

fn row(epoch: usize, rate: f64, EpochOutcome { loss, accuracy }: EpochOutcome) -> String {
    let accuracy = if accuracy.is_nan() { String::new() } else { accuracy.to_string() };
    format!("{epoch},{rate},{loss},{accuracy}\n")
}
