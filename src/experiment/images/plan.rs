//! Budgets: seconds as numbers of epochs and architectures.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Searcher, pilot};
use crate::StudyError;
use crate::config::StrategySettings;
use crate::experiment::Experiment;
use bonas_study::journal::{read_json, write_json};

/// The plan in the folder of an experiment on images.
pub const PLAN_FILE: &str = "plan.json";

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Epochs of a differentiable search.
    Epochs,
    /// Architectures.
    Architectures,
}

/// What one strategy may spend in every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Label of the strategy.
    #[serde(alias = "arm")]
    pub label: String,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: usize,
    /// First epoch in which α moves: as large a part of the search as the strategy says.
    pub alpha_start: usize,
    /// Seconds that one took in the pilot, the fastest: an epoch without and with steps of α, or
    /// an architecture. Seconds of processors where these compute, else on the wall. Empty without a
    /// pilot.
    pub seconds_each: Vec<f64>,
    /// Seconds spent once, before the first architecture: a supernet trained to be read, say.
    pub seconds_once: f64,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Epochs => "epochs",
            Unit::Architectures => "architectures",
        };
        write!(f, "{}: {} {unit}", self.label, self.count)?;
        for (i, seconds) in self.seconds_each.iter().enumerate() {
            write!(f, "{} {seconds:.2} s", if i == 0 { ", each" } else { " or" })?;
        }
        Ok(())
    }
}

impl Budget {
    /// What the strategy says itself.
    pub(super) fn own(searcher: &Searcher) -> Self {
        let (unit, count, alpha_start) = match &searcher.search.strategy {
            StrategySettings::Differentiable(s) => (Unit::Epochs, s.epochs, s.alpha_start),
            _ => (Unit::Architectures, searcher.search.study.architectures, 0),
        };
        let label = searcher.label.clone();
        Self { label, unit, count, alpha_start, seconds_each: Vec::new(), seconds_once: 0.0 }
    }

    /// Seconds of the whole by the pilot; none without one.
    pub fn seconds(&self) -> Option<f64> {
        match self.seconds_each[..] {
            [each] => Some(self.seconds_once + self.count as f64 * each),
            [still, moving] => {
                Some(self.alpha_start as f64 * still + (self.count - self.alpha_start) as f64 * moving)
            }
            _ => None,
        }
    }
}

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
            let reason = "is of an experiment with other settings; give another folder".to_owned();
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
