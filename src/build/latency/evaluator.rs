//! An evaluator that measures latency beside the scores of another.

use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::Architecture;
use bonas_study::evaluator::{Job, Monitor};
use bonas_study::history::{Aims, Fidelity, Outcome, Score};
use bonas_study::rng::StudyRng;

use super::{Settings, Store};
use crate::{Evaluator, StudyError};

/// Adds latency to the measures of each score.
pub(super) struct WithLatency {
    pub(super) inner: Box<dyn Evaluator>,
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) settings: Settings,
    /// Those of the other evaluator, and those of latency.
    pub(super) aims: Aims,
}

impl WithLatency {
    fn measured(
        &self,
        architecture: &Architecture,
        score: Score,
        monitor: &dyn Monitor,
    ) -> Result<Outcome, StudyError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let milliseconds = match store.milliseconds(architecture, monitor)? {
            Ok(milliseconds) => milliseconds,
            Err(reason) => return Ok(Outcome::Failed(reason)),
        };
        let measures = [score.measures.clone(), self.settings.measures(milliseconds)].concat();
        Ok(Outcome::Scored(self.aims.judged(score, measures)))
    }
}

impl Evaluator for WithLatency {
    fn fidelity(&self) -> Fidelity {
        self.inner.fidelity()
    }

    fn takes_one_at_a_time(&self) -> bool {
        self.inner.takes_one_at_a_time()
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        let outcomes = self.inner.evaluate(job, rng, monitor)?;
        let with = |(architecture, outcome)| match outcome {
            Outcome::Scored(score) => self.measured(architecture, score, monitor),
            failed @ Outcome::Failed(_) => Ok(failed),
        };
        job.architectures.iter().zip(outcomes).map(with).collect()
    }
}
