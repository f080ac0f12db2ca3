//! Budgets: seconds as numbers of epochs and architectures.

use bonas_study::journal::{read_json, write_json};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::{Searcher, pilot};
use crate::StudyError;
use crate::experiment::{Experiment, PLAN_FILE};

/// The budgets of all strategies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the plan is for: [`crate::config::ImagesConfig::identity`].
    pub identity: String,
    /// One a strategy, in order.
    pub budgets: Vec<Budget>,
}

impl Plan {
    /// The plan in the experiment's folder; made, and written there, if there is none.
    pub(super) fn made(
        experiment: &Experiment,
        identity: String,
        searchers: &[Searcher],
    ) -> Result<Self, StudyError> {
        let path = experiment.directory.join(PLAN_FILE);
        if let Some(plan) = read_json::<Self>(&path)? {
            if plan.identity == identity && plan.budgets.len() == searchers.len() {
                return Ok(plan);
            }
            let reason =
                "is of an experiment with other settings, or of an earlier version; give another folder"
                    .to_owned();
            return Err(StudyError::Data { path, reason });
        }
        let budget = |searcher| {
            let seconds = experiment.config.settings.seconds;
            if seconds > 0.0 {
                pilot::budget(experiment, searcher, seconds)
            } else {
                Ok(Budget::own(searcher))
            }
        };
        let plan = Self { identity, budgets: searchers.iter().map(budget).collect::<Result<_, _>>()? };
        write_json(&path, &plan)?;
        Ok(plan)
    }
}
