//! Budgets: seconds as numbers of epochs and architectures.

use std::fmt;
use std::sync::PoisonError;

use bonas_study::journal::{read_json, write_json};
use serde::{Deserialize, Serialize};

use super::Contest;
use super::meter::{Meter, Times};
use crate::build::Trainings;
use crate::config::{Arm, SearchConfig, StrategySettings};
use crate::search::Search;
use crate::{Observer, StudyError};

/// The plan in a contest's folder.
pub const PLAN_FILE: &str = "plan.json";
/// The folder of the pilots.
const PILOT_FOLDER: &str = "pilot";
/// Epochs of a pilot, half of them without steps of α; and its batches.
const PILOT_EPOCHS: usize = 4;
const PILOT_BATCHES: usize = 2;

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Epochs of a differentiable search.
    Epochs,
    /// Architectures.
    Architectures,
}

/// What one arm may spend in every study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The arm.
    pub arm: String,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: usize,
    /// First epoch in which α moves: as large a part of the search as the arm says.
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
        write!(f, "{}: {} {unit}", self.arm, self.count)?;
        for (i, seconds) in self.seconds_each.iter().enumerate() {
            write!(f, "{} {seconds:.2} s", if i == 0 { ", each" } else { " or" })?;
        }
        Ok(())
    }
}

impl Budget {
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

/// The budgets of all arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the plan is for: [`crate::config::ContestConfig::identity`].
    pub identity: String,
    /// One an arm, in order.
    pub budgets: Vec<Budget>,
}

impl Plan {
    /// The plan in the contest's folder; made, and written there, if there is none.
    pub(super) fn made(contest: &Contest) -> Result<Self, StudyError> {
        let path = contest.directory.join(PLAN_FILE);
        let identity = contest.config.identity();
        if let Some(plan) = read_json::<Self>(&path)? {
            if plan.identity == identity && plan.budgets.len() == contest.config.arms.len() {
                return Ok(plan);
            }
            let reason = "is of a contest with other settings; give another folder".to_owned();
            return Err(StudyError::Data { path, reason });
        }
        let budgets = contest.config.arms.iter().map(|arm| budget(contest, arm)).collect::<Result<_, _>>()?;
        let plan = Self { identity, budgets };
        write_json(&path, &plan)?;
        Ok(plan)
    }

    /// The budget of an arm.
    pub(super) fn budget(&self, arm: usize) -> &Budget {
        &self.budgets[arm]
    }
}

fn budget(contest: &Contest, arm: &Arm) -> Result<Budget, StudyError> {
    let seconds = contest.config.contest.seconds;
    if seconds > 0.0 { piloted(contest, arm, seconds) } else { Ok(own(arm)) }
}

/// What the arm says itself.
fn own(arm: &Arm) -> Budget {
    let (unit, count, alpha_start) = match &arm.config.strategy {
        StrategySettings::Differentiable(s) => (Unit::Epochs, s.epochs, s.alpha_start),
        _ => (Unit::Architectures, arm.config.study.architectures, 0),
    };
    Budget { arm: arm.name.clone(), unit, count, alpha_start, seconds_each: Vec::new(), seconds_once: 0.0 }
}

/// As many as fit into `seconds`, by the pilot.
fn piloted(contest: &Contest, arm: &Arm, seconds: f64) -> Result<Budget, StudyError> {
    let taken = pilot(contest, arm)?;
    let budget = own(arm);
    match &arm.config.strategy {
        StrategySettings::Differentiable(s) => {
            let (still, moving) = taken.asks.split_at(taken.asks.len() / 2);
            let each = [fastest(still), fastest(moving)];
            let share = s.alpha_start as f64 / s.epochs as f64;
            let (count, alpha_start) = epochs_in(seconds, each, share);
            let budget = Budget { count, alpha_start, seconds_each: each.to_vec(), ..budget };
            enough(budget, 2, "epochs", seconds)
        }
        other => {
            let size = other.batch();
            let (each, once) = taken.architectures();
            let count = ((seconds - once).max(0.0) / each) as usize / size * size;
            let budget = Budget { count, seconds_each: vec![each], seconds_once: once, ..budget };
            enough(budget, 2 * size, "architectures", seconds)
        }
    }
}

/// The least of some times: what else the machine does can only slow work down.
fn fastest(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Most epochs that fit into `seconds`, and the first of them in which α moves, a share `start` of
/// them. `each`: seconds of an epoch without steps of α and with them.
fn epochs_in(seconds: f64, each: [f64; 2], start: f64) -> (usize, usize) {
    let still = |epochs: usize| (start * epochs as f64).round() as usize;
    let taken = |epochs: usize| {
        let still = still(epochs);
        still as f64 * each[0] + (epochs - still) as f64 * each[1]
    };
    let most = (seconds / each[0].min(each[1])).min(1e6) as usize;
    let epochs = (0..=most).rev().find(|&epochs| taken(epochs) <= seconds).unwrap_or(0);
    (epochs, still(epochs))
}

fn enough(budget: Budget, least: usize, unit: &str, seconds: f64) -> Result<Budget, StudyError> {
    if budget.count >= least {
        return Ok(budget);
    }
    let slowest = budget.seconds_each.iter().copied().fold(0.0, f64::max);
    let reason = format!(
        "{seconds}; arm {} gets {} {unit} in that time and needs at least {least}, so raise it to about {:.0}",
        budget.arm,
        budget.count,
        (budget.seconds_once + least as f64 * slowest).ceil()
    );
    Err(StudyError::Setting { name: "contest.seconds".to_owned(), reason })
}

/// Runs a few epochs or batches of an arm, alone, and says what they took.
fn pilot(contest: &Contest, arm: &Arm) -> Result<Times, StudyError> {
    let directory = contest.directory.join(PILOT_FOLDER).join(&arm.name);
    // What a pilot that was stopped took is lost: it begins anew.
    match std::fs::remove_dir_all(&directory) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(StudyError::Io { path: directory, source });
        }
        _ => {}
    }
    let mut config = super::study::searching(&arm.config, contest.config.contest.first_seed);
    set(&mut config, PILOT_EPOCHS, PILOT_EPOCHS / 2, PILOT_BATCHES * arm.config.strategy.batch());
    let on_processors =
        Trainings::planned(&config)?.networks.devices().iter().all(|device| *device == tch::Device::Cpu);
    let (meter, times) = Meter::new(on_processors);
    let mut meter = Some(meter);
    let search = Search { config, directory, cancel: contest.cancel.clone() };
    search.run(&mut |_, _| {
        meter.take().map(|meter| Box::new(meter) as Box<dyn Observer>).into_iter().collect()
    })?;
    Ok(times.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Gives a search a budget: epochs if it is differentiable, else architectures.
pub(super) fn set(config: &mut SearchConfig, epochs: usize, alpha_start: usize, architectures: usize) {
    config.study.seconds = 0.0;
    (config.study.architectures, config.study.rounds) = (architectures, 0);
    if let StrategySettings::Differentiable(s) = &mut config.strategy {
        (s.epochs, s.alpha_start) = (epochs, alpha_start);
        (config.study.architectures, config.study.rounds) = (0, epochs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_fill_the_time() {
        assert_eq!(epochs_in(10.0, [1.0, 2.0], 0.0), (5, 0));
        // 3 still epochs of 10: 3·1 + 7·2 = 17.
        assert_eq!(epochs_in(17.0, [1.0, 2.0], 0.3), (10, 3));
        assert_eq!(epochs_in(16.9, [1.0, 2.0], 0.3), (9, 3));
        assert_eq!(epochs_in(0.5, [1.0, 2.0], 0.0), (0, 0));
        // Steps of α may cost nothing.
        assert_eq!(epochs_in(4.0, [1.0, 1.0], 0.5), (4, 2));
    }

    #[test]
    fn a_budget_too_small_says_how_much_is_needed() {
        let budget = Budget {
            arm: "a".into(),
            unit: Unit::Epochs,
            count: 1,
            alpha_start: 0,
            seconds_each: vec![3.0, 3.0],
            seconds_once: 0.0,
        };
        let error = enough(budget, 2, "epochs", 4.0).unwrap_err().to_string();
        assert!(error.contains("contest.seconds: 4;") && error.contains("about 6"), "{error}");
    }
}
