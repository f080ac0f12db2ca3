//! Another budget for a study that has begun.

use super::Study;
use super::run::Runner;
use crate::StudyError;
use crate::history::{Event, Fidelity};

impl Study {
    /// Gives the study in its folder another budget of unique architectures and journals that ([`Event::Extended`]).
    /// Whoever runs or opens the study next goes on with it, also if it had ended. A budget that it has already is not
    /// journalled again.
    ///
    /// This study is the one that began there, with the [`budget`](Self::budget) that it began with; its scores have
    /// `fidelity`. A strategy sees of the budget how much is [left](crate::Ask::remaining). So the history of a study that
    /// is extended is that of one with the larger budget from the start, unless its last round was cut to fit.
    ///
    /// # Errors
    /// As [`run`](Self::run). [`StudyError::Setting`] named `budget` for fewer architectures than are evaluated or under
    /// way, for a study that rounds or seconds limit, and for one without a folder.
    pub fn extend(self, fidelity: Fidelity, architectures: usize) -> Result<(), StudyError> {
        if self.directory.is_none() {
            return refused("the study is in no folder; set its budget before it runs");
        }
        if self.budget.rounds.is_some() || self.budget.seconds.is_some() {
            return refused(
                "rounds or seconds limit this study, and only a budget of architectures can be changed",
            );
        }
        Runner::start(self, fidelity)?.extend(architectures)
    }
}

impl Runner {
    fn extend(mut self, architectures: usize) -> Result<(), StudyError> {
        if self.budget().architectures == Some(architectures) {
            return Ok(());
        }
        let known = self.state.proposed();
        if architectures < known {
            return refused(&format!(
                "{architectures} is too few: {known} architectures are evaluated or under way; give at least as many"
            ));
        }
        self.emit(&Event::Extended { architectures })
    }
}

fn refused(reason: &str) -> Result<(), StudyError> {
    Err(StudyError::Setting { name: "budget".into(), reason: reason.to_owned() })
}
