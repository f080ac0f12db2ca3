//! Systems without process groups.

use super::runs::{CommandContext, CommandRuns};
use super::settings::CommandSettings;
use crate::{Evaluator, StudyError};

impl CommandSettings {
    /// Nothing can be done here.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn plan(&self, context: &CommandContext<'_>) -> Result<String, StudyError> {
        self.build(context, self.runs()).map(|_| String::new())
    }

    /// Nothing runs here.
    ///
    /// # Errors
    /// [`StudyError::Setting`] always: this system has no process groups.
    pub fn build(
        &self,
        _: &CommandContext<'_>,
        _: CommandRuns,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let reason = "command needs the process groups of Unix, which this system has not";
        Err(StudyError::Setting { name: "evaluator.name".into(), reason: reason.into() })
    }
}
