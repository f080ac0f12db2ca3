//! An evaluator that measures latency beside the scores of another.

use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::Architecture;
use bonas_study::evaluator::{Job, Monitor};
use bonas_study::history::{Aims, Fidelity, Outcome, Score};
use bonas_study::rng::StudyRng;

use super::{Kept, Meter, Settings};
use crate::{Evaluator, StudyError};

/// Adds latency to the measures of each score.
pub(super) struct WithLatency {
    pub(super) inner: Box<dyn Evaluator>,
    pub(super) shared: Arc<Mutex<(Meter, Kept)>>,
    pub(super) settings: Settings,
    /// Those of the other evaluator, and those of latency.
    pub(super) aims: Aims,
}

impl WithLatency {
    /// Milliseconds of an architecture: those on disk, or else those that are measured now and then kept there; or why it
    /// cannot be measured.
    fn milliseconds(
        &self,
        architecture: &Architecture,
        monitor: &dyn Monitor,
    ) -> Result<Result<f64, String>, StudyError> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (meter, kept) = &mut *shared;
        let key = architecture.key();
        if let Some(known) = kept.get(key)? {
            return Ok(Ok(known));
        }
        let reference = match kept.reference()? {
            Some(known) => known,
            None => kept.keep_reference(meter.reference_ms(monitor)?)?,
        };
        match meter.ratio(architecture, monitor) {
            Ok(ratio) => kept.keep(key, ratio * reference).map(Ok),
            Err(StudyError::Interrupted) => Err(StudyError::Interrupted),
            // It alone cannot be measured, as one that cannot be built in this size.
            Err(error) => Ok(Err(format!("its latency: {error}"))),
        }
    }

    fn measured(
        &self,
        architecture: &Architecture,
        score: Score,
        monitor: &dyn Monitor,
    ) -> Result<Outcome, StudyError> {
        let milliseconds = match self.milliseconds(architecture, monitor)? {
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
