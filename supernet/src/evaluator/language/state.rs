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

impl State<'_> {
    /// For each cell its validation loss after the last epoch, or why there is none.
    pub(super) fn valid(&self) -> Vec<Result<f64, String>> {
        let last = self.epochs.last().map_or(&[][..], |curve| &curve.valid);
        let of = |(cell, failed): (usize, &bool)| match last.get(cell) {
            _ if *failed => Err(DIVERGED.to_owned()),
            Some(loss) if loss.is_finite() => Ok(*loss),
            _ => Err("its validation loss is not finite".to_owned()),
        };
        self.failed.iter().enumerate().map(of).collect()
    }
}
