//! Evaluations that fail as a whole: tried again, then recorded, or the end of the run where too many fail.

use crate::StudyError;
use crate::history::{History, Outcome};

/// What becomes of a batch whose evaluation ends in a panic or in [`StudyError::Failed`], most often for want of memory.
///
/// Other errors, such as a bad setting or a file that cannot be written, always stop the study.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FailurePolicy {
    /// Number of times that it is tried again, from the same random stream.
    pub retries: usize,
    /// A batch that still fails is recorded as failed, unless with it more than this share of all evaluated architectures has
    /// failed, for whatever reason: the study stops with [`StudyError::Evaluator`], and goes on with that batch when it is run again. 0: it stops at the
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

    /// Whether no failure is recorded.
    pub(super) fn stops_at_the_first(self) -> bool {
        self.max_failed_share <= 0.0
    }

    /// The outcomes of a batch of `architectures` that failed after all of the history, whatever ran at the same time.
    ///
    /// # Errors
    /// [`StudyError::Evaluator`] with the reason where too many have failed.
    pub(super) fn recorded(
        self,
        history: &History,
        architectures: usize,
        reason: &str,
    ) -> Result<Vec<Outcome>, StudyError> {
        let (before, share) = (history.evaluations(), self.max_failed_share);
        if self.stops_at_the_first() {
            return Err(StudyError::Evaluator(format!("{reason}; mend the cause and run it again")));
        }
        let all = before.len() + architectures;
        let failed =
            before.iter().filter(|one| matches!(one.outcome, Outcome::Failed(_))).count() + architectures;
        if failed as f64 <= share * all as f64 {
            return Ok(vec![Outcome::Failed(reason.to_owned()); architectures]);
        }
        Err(StudyError::Evaluator(format!(
            "{reason}; with it {failed} of {all} architectures have failed, and study.max_failed_share is {share}: mend the cause \
             and resume the study, or allow a larger share"
        )))
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
