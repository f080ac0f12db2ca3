//! What a training changes.

use bonas_study::rng::StudyRng;

use super::net::LanguageNet;
use super::optimizer::Optimizer;

/// An epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Mean training loss with dropout, nats a word.
    pub train: f64,
    /// Validation loss of each cell, nats a word; of one alone after every epoch, of several after the last.
    pub valid: Vec<f64>,
}

/// Why a cell is trained no more.
const DIVERGED: &str = "its loss or gradient is not finite";

/// What a training changes from step to step.
pub(super) struct State<'a> {
    pub(super) net: &'a LanguageNet,
    pub(super) optimizer: Optimizer,
    /// Of the epoch under way.
    pub(super) order: StudyRng,
    pub(super) drops: StudyRng,
    /// The cells that are trained no more.
    pub(super) failed: Vec<bool>,
    /// The epochs that are done.
    pub(super) epochs: Vec<Curve>,
}

/// How far above the loss of guessing, the logarithm of the number of words, a loss may be: nats a word.
const ABOVE_GUESSING: f64 = 10.0;

/// A loss in nats a word on a part of a text of so many different words, or that training diverged.
pub(super) fn sound(loss: f64, part: &str, words: usize) -> Result<f64, String> {
    let guess = (words as f64).ln();
    if !loss.is_finite() {
        return Err(format!("its {part} loss is not finite"));
    }
    if loss <= guess + ABOVE_GUESSING {
        return Ok(loss);
    }
    Err(format!(
        "its {part} loss is {loss:.0} nats a word, far above the {guess:.1} of guessing: training diverged"
    ))
}

impl State<'_> {
    /// For each cell its validation loss after the last epoch on a text of so many different words, or why there is none.
    pub(super) fn valid(&self, words: usize) -> Vec<Result<f64, String>> {
        let last = self.epochs.last().map_or(&[][..], |curve| &curve.valid);
        let of = |(cell, failed): (usize, &bool)| match last.get(cell) {
            _ if *failed => Err(DIVERGED.to_owned()),
            Some(loss) => sound(*loss, "validation", words),
            None => Err("it has no validation loss".to_owned()),
        };
        self.failed.iter().enumerate().map(of).collect()
    }
}
