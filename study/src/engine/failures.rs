//! Evaluations that fail as a whole: tried again, then recorded, or the end of the run where too many fail.

use super::run::Runner;
use super::state::Round;
use crate::StudyError;
use crate::history::{Outcome, Progress};

/// What becomes of a batch whose evaluation ends in a panic or in [`StudyError::Failed`], most often for want of memory.
///
/// Other errors, such as a bad setting or a file that cannot be written, always stop the study.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FailurePolicy {
    /// Number of times that it is tried again, from the same random stream.
    pub retries: usize,
    /// A batch that still fails is recorded as failed, unless more than this share of all evaluated architectures has failed
    /// then: the study stops with [`StudyError::Evaluator`], and goes on with that batch when it is run again. 0: it stops at the
    /// first failure.
    pub max_failed_share: f64,
}

impl FailurePolicy {
    pub(super) fn check(self) -> Result<(), StudyError> {
        if (0.0..=1.0).contains(&self.max_failed_share) {
            return Ok(());
        }
        let reason = format!("{}; it must be in [0, 1]", self.max_failed_share);
        Err(StudyError::Setting { name: "max_failed_share".into(), reason })
    }
}

/// What a batch ends in when it has no outcomes.
pub(super) enum Trouble {
    /// It failed, and may go well another time.
    Failed(String),
    /// The study cannot go on.
    Error(StudyError),
}

impl From<StudyError> for Trouble {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Failed(reason) => Self::Failed(reason),
            other => Self::Error(other),
        }
    }
}

impl Runner {
    /// The outcomes of a batch that failed, whose turn it is in the journal: so that it depends on nothing but the history.
    ///
    /// # Errors
    /// [`StudyError::Evaluator`] where too many have failed.
    pub(super) fn failed(
        &mut self,
        round: &Round,
        batch: usize,
        reason: &str,
    ) -> Result<Vec<Outcome>, StudyError> {
        let (architectures, share) = (round.batches[batch].len(), self.study.failures.max_failed_share);
        let before = self.state.history.evaluations();
        let all = before.len() + architectures;
        let failed =
            before.iter().filter(|one| matches!(one.outcome, Outcome::Failed(_))).count() + architectures;
        let place = format!("round {} batch {batch}", round.index);
        if failed as f64 > share * all as f64 {
            return Err(StudyError::Evaluator(format!(
                "{place}: {reason}; {failed} of {all} architectures have failed, and max_failed_share is {share}; mend the cause \
                 and run the study again"
            )));
        }
        self.progress(&Progress::Warning(&format!("{place} failed: {reason}")));
        Ok(vec![Outcome::Failed(reason.to_owned()); architectures])
    }
}
