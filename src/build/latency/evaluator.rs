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
    /// Milliseconds of an architecture: those on disk, or else those that are measured now and then kept there.
    fn milliseconds(&self, architecture: &Architecture) -> Result<f64, StudyError> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (meter, kept) = &mut *shared;
        let key = architecture.key();
        if let Some(known) = kept.get(key)? {
            return Ok(known);
        }
        let reference = match kept.reference()? {
            Some(known) => known,
            None => kept.keep_reference(meter.reference_ms()?)?,
        };
        kept.keep(key, meter.ratio(architecture)? * reference)
    }

    fn measured(&self, architecture: &Architecture, score: Score) -> Result<Outcome, StudyError> {
        let milliseconds = match self.milliseconds(architecture) {
            Ok(milliseconds) => milliseconds,
            // One that cannot be built in this size.
            Err(StudyError::Space(error)) => return Ok(Outcome::Failed(format!("its latency: {error}"))),
            Err(error) => return Err(error),
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
            Outcome::Scored(score) => self.measured(architecture, score),
            failed @ Outcome::Failed(_) => Ok(failed),
        };
        job.architectures.iter().zip(outcomes).map(with).collect()
    }
}
