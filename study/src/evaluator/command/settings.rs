//! Settings of the command evaluator.

use serde::{Deserialize, Serialize};

use super::runs::{CommandRuns, Purpose};
use crate::evaluator::scoring::Scoring;
use crate::history::Aims;
use crate::settings::{Invalid, at_least_1, ensure};
use crate::table::ColumnName;

/// What becomes of a study when a run of the program fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The architecture counts as evaluated and failed; the study goes on.
    #[default]
    Record,
    /// The study stops, and a resume runs the program on this architecture again.
    Stop,
}

crate::settings! {
    /// Settings of the command evaluator.
    pub struct CommandSettings {
        /// The program and its arguments, for example `["python3", "train.py"]`. It runs in the folder of the configuration,
        /// which relative paths start from, and reads its task, a JSON object, from standard input. Its result is the last
        /// line of its standard output that is a JSON object with `score`, `measures` or `failed`.
        command: Vec<String> = Vec::new(),
        /// What the score is: `score` of the result, or the name of one of its `measures`. Higher is better; `-name` where
        /// lower is better.
        score: String = "score".to_owned(),
        /// Limits on measures, such as "latency <= 5"; an architecture beyond one is no candidate for the best.
        limits: Vec<String> = Vec::new(),
        /// A second measure to be raised together with the score, `-name` where lower is better; for strategies that take
        /// two objectives. Empty: none.
        objective: String = String::new(),
        /// Epochs that the program is asked to train; 0: as many as it likes.
        epochs: usize = 0,
        /// Runs of an architecture, each with a seed of its own; the mean is the score.
        seeds: usize = 1,
        /// Seconds after which a run is ended and has failed; 0: no limit.
        timeout_seconds: f64 = 0.0,
        /// Times a run is tried again, in the same folder with the same seed, where it timed out, crashed or printed no
        /// result. A result of `failed` or a score that is no number is not tried again.
        retries: usize = 0,
        /// What a failed run leads to: record (the architecture counts as failed), or stop (the search stops, and goes on
        /// with this architecture when it is resumed).
        on_failure: OnFailure = OnFailure::Record,
        /// Devices, one for each worker in turn, as `CUDA_VISIBLE_DEVICES` names them: `["0", "1"]`. Empty: that variable is
        /// left as it is.
        devices: Vec<String> = Vec::new(),
    }
    check(s) {
        let printable = |word: &String| !word.contains(['\n', '\r', '\0']);
        ensure(s.command.iter().all(printable), "command", "a line break", "words without one; put them into a script")?;
        let named = s.command.first().is_none_or(|program| !program.is_empty());
        ensure(named, "command", "an empty program", "a program and its arguments")?;
        s.scoring()?;
        at_least_1(s.seeds, "seeds")?;
        ensure(s.timeout_seconds >= 0.0 && s.timeout_seconds <= 1e9, "timeout_seconds", s.timeout_seconds,
            "0 (no limit) to 1e9")?;
        ensure(s.retries <= 1000, "retries", s.retries, "0 to 1000")?;
        ensure(s.devices.iter().all(|device| !device.is_empty() && printable(device)), "devices", "an empty name",
            "names such as \"0\"")
    }
}

impl CommandSettings {
    /// The runs of a search.
    pub fn runs(&self) -> CommandRuns {
        CommandRuns { purpose: Purpose::Search, epochs: self.epochs, seeds: self.seeds, paired: None }
    }

    /// What the limits and the second objective are.
    ///
    /// # Errors
    /// [`Invalid`] for a text that is no limit or names no measure.
    pub fn aims(&self) -> Result<Aims, Invalid> {
        Ok(self.scoring()?.aims().clone())
    }

    /// Names of the score and, after it, of the measures that limits and the second objective read, in the order of
    /// [`Score::measures`](crate::Score::measures).
    ///
    /// # Errors
    /// As [`aims`](Self::aims).
    pub fn columns(&self) -> Result<Vec<ColumnName>, Invalid> {
        Ok(self.scoring()?.columns())
    }

    /// From measures to scores.
    pub(super) fn scoring(&self) -> Result<Scoring, Invalid> {
        Scoring::of(&self.score, &self.limits, &self.objective)
    }
}
