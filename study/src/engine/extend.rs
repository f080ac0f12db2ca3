//! The budget of a study, and how it is changed once the study has begun.

use super::run::Runner;
use super::{Budget, MAX_DRY_ROUNDS, Study};
use crate::StudyError;
use crate::history::{EndReason, Event, Fidelity};

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
    /// Whether the study is over before another round.
    pub(super) fn end_reason(&self) -> Option<EndReason> {
        let budget = self.budget();
        let spent = budget.architectures.is_some_and(|n| self.state.evaluated() >= n)
            || budget.rounds.is_some_and(|n| self.state.asked() >= n)
            || budget.seconds.is_some_and(|s| self.timings.known().total() >= s);
        if spent {
            return Some(EndReason::Budget);
        }
        if self.study.stop.as_ref().is_some_and(|rule| rule(&self.state.history)) {
            return Some(EndReason::Reached);
        }
        let dry = self.state.dry_rounds >= MAX_DRY_ROUNDS && !self.study.strategy.repeats();
        dry.then_some(EndReason::Exhausted)
    }

    /// The budget that the study has by now.
    pub(super) fn budget(&self) -> Budget {
        let architectures = self.state.extended.or(self.study.budget.architectures);
        Budget { architectures, ..self.study.budget }
    }

    /// Architectures that the budget still allows beside those that wait for an outcome.
    pub(super) fn remaining(&self) -> usize {
        let known = self.state.evaluated() + self.state.open.len();
        self.budget().architectures.map_or(usize::MAX, |n| n.saturating_sub(known))
    }

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
