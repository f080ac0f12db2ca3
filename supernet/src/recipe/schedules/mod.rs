//! How the learning rate changes: one file a schedule, with its name and its formula.
//!
//! Use a [`ScheduleRecipe`] to say which; [`ScheduleRecipe::rate`] is the learning rate at a [`Moment`]. A schedule of your
//! own is a file with an [`ScheduleEntry`] and a line in [`SCHEDULES`].

mod cosine;
mod linear;
mod one_cycle;
mod step;

use bonas_spaces::catalogue::{Catalogue, Entry};
use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

pub use cosine::cosine;
pub use linear::linear;

use super::names::{EntryName, Listed};
use super::{Sgd, at_least, in_range};

/// The schedules, one line each.
pub static SCHEDULES: Catalogue<ScheduleEntry> = Catalogue::new(
    "schedule",
    &[
        // The default comes first.
        &cosine::ENTRY,
        &linear::ENTRY,
        &step::ENTRY,
        &one_cycle::ENTRY,
    ],
);

/// The formula of a schedule: the rate at a moment, from the recipe, the rate at the start and that at the end.
pub type Formula = fn(&ScheduleRecipe, [f64; 2], Moment) -> f64;

/// One schedule.
#[derive(Debug)]
pub struct ScheduleEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The keys that it reads. Keys that only some schedules read are refused by the others.
    pub reads: &'static [&'static str],
    /// Whether it rises by itself; the rate of others is multiplied during the warm-up.
    pub rises: bool,
    /// The rate.
    pub rate: Formula,
}

impl Entry for ScheduleEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

impl Listed for ScheduleEntry {
    fn catalogue() -> &'static Catalogue<Self> {
        &SCHEDULES
    }
}

/// The name of a schedule; the default is `cosine`.
pub type ScheduleName = EntryName<ScheduleEntry>;

impl Default for ScheduleName {
    fn default() -> Self {
        Self::of(&cosine::ENTRY)
    }
}

/// When the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateBy {
    /// Once an epoch.
    #[default]
    Epoch,
    /// At every step.
    Step,
}

/// A moment of training, counted in epochs or in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Epochs or steps done.
    pub at: usize,
    /// Those in all.
    pub of: usize,
    /// Those in an epoch: 1, or its steps.
    pub per_epoch: usize,
}

impl Moment {
    /// Share of training that is done, in `[0, 1]`.
    pub fn part(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.at.min(self.of) as f64 / self.of as f64 }
    }
}

/// Which schedule, and its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleRecipe {
    /// The schedule.
    pub name: ScheduleName,
    /// When the rate changes.
    pub by: RateBy,
    /// Epochs in which the rate grows. In `one-cycle` the rate rises to its peak in them, and 0 stands for 30 % of training.
    /// In all others the rate is multiplied by `(t + 1) / w` at epoch (or step) `t` of the first `w`; 0: no warm-up.
    pub warmup_epochs: usize,
    /// `step`: epochs between two steps.
    pub step_epochs: usize,
    /// `step`: what the rate is multiplied by.
    pub step_factor: f64,
}

impl Default for ScheduleRecipe {
    /// A cosine by epoch, without warm-up; steps of DARTS on ImageNet, a factor of 0.97 each epoch.
    fn default() -> Self {
        Self {
            name: ScheduleName::default(),
            by: RateBy::Epoch,
            warmup_epochs: 0,
            step_epochs: 1,
            step_factor: 0.97,
        }
    }
}

impl ScheduleRecipe {
    /// The learning rate at step `step` of `steps` in an epoch, epoch `epoch` of `epochs`; all counted from 0.
    pub fn rate(&self, sgd: &Sgd, [epoch, epochs]: [usize; 2], [step, steps]: [usize; 2]) -> f64 {
        let moment = match self.by {
            RateBy::Epoch => Moment { at: epoch, of: epochs, per_epoch: 1 },
            RateBy::Step => Moment { at: epoch * steps + step, of: epochs * steps, per_epoch: steps },
        };
        let entry = self.name.entry();
        let rate = (entry.rate)(self, [sgd.learning_rate, sgd.final_learning_rate], moment);
        let warm_up = self.warmup_epochs * moment.per_epoch;
        if entry.rises || moment.at >= warm_up {
            return rate;
        }
        rate * (moment.at + 1) as f64 / warm_up as f64
    }

    pub(super) fn check(&self, epochs: usize) -> Result<(), StudyError> {
        if self.warmup_epochs >= epochs && self.warmup_epochs > 0 {
            let reason = format!("{} of {epochs} epochs; it must leave some", self.warmup_epochs);
            return Err(super::setting("warmup_epochs", reason));
        }
        at_least("step_epochs", self.step_epochs, 1)?;
        in_range("step_factor", self.step_factor, f64::MIN_POSITIVE, 1.0)
    }
}

#[cfg(test)]
mod tests;
