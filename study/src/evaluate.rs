//! The contract between a study and its evaluators: a batch of architectures in, one outcome each out.

use bonas_spaces::Architecture;

use crate::StudyError;
use crate::history::{Fidelity, Outcome};
use crate::rng::StudyRng;

/// A batch to evaluate.
#[derive(Clone, Debug)]
pub struct Job {
    /// The architectures; not empty, all different.
    pub architectures: Vec<Architecture>,
    /// Round, from 0.
    pub round: usize,
    /// Batch of the round, from 0.
    pub batch: usize,
}

/// The study's side of one job: an evaluator reports its progress here and asks whether to stop.
pub trait Monitor {
    /// Reports progress: `done` of `total` steps of `stage`.
    fn step(&self, done: u64, total: u64, stage: &str);

    /// Whether the user wants to stop; the evaluator then returns [`StudyError::Interrupted`] as
    /// soon as it can, and the job is done again from its start on resume.
    fn cancelled(&self) -> bool;

    /// Reports something worth a line to the user, which no outcome depends on.
    fn warning(&self, _text: &str) {}
}

/// Turns a batch of architectures, one unit of work that may share weights, into outcomes.
///
/// An outcome must be a function of the evaluator's settings, the job and `rng` alone: not of the
/// worker, the device's number or earlier jobs. One evaluator serves one worker thread.
pub trait Evaluator: Send {
    /// What kind of score it gives.
    fn fidelity(&self) -> Fidelity;

    /// Whether it evaluates every architecture by itself, whatever else is in the batch. A study then makes a batch of each,
    /// so that workers share a round evenly and a stop loses no finished evaluation.
    fn takes_one_at_a_time(&self) -> bool {
        false
    }

    /// One outcome an architecture, in order.
    ///
    /// # Errors
    /// [`StudyError::Evaluator`] when the whole batch could not be evaluated (the study stops);
    /// an architecture that fails by itself is an [`Outcome::Failed`].
    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError>;
}
