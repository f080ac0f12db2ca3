//! What a study tells its observers.

use bonas_spaces::Key;
use serde::{Deserialize, Serialize};

use super::{Outcome, Prediction};

/// A proposed architecture as the journal writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// In the space's notation.
    pub arch: String,
    /// Its key, in hexadecimal.
    #[serde(with = "key_text")]
    pub key: Key,
    /// What the strategy's surrogate expects of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
}

/// An outcome that was known before, as the journal writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// In the space's notation.
    pub arch: String,
    /// Its key, in hexadecimal.
    #[serde(with = "key_text")]
    pub key: Key,
    /// What came of it.
    pub outcome: Outcome,
}

/// A step of a study, as it stands in the journal.
///
/// The journal holds exactly these events; a study's state is a function of its configuration,
/// its seed and them. No event carries a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The first record: what is being run. A study resumes only if its own header is equal.
    Started {
        /// Format of the journal.
        version: u32,
        /// The search space's name.
        space: String,
        /// Seed of the study.
        seed: u64,
        /// The configuration as text; compared on resume.
        config: String,
    },
    /// Outcomes that were known before are the first observations ([`Study::import`](crate::Study::import)): a round of their
    /// own, which takes nothing from the budget.
    Imported {
        /// Architectures with their outcomes.
        results: Vec<Known>,
    },
    /// The strategy proposed batches for a round.
    Asked {
        /// Round, from 0.
        round: usize,
        /// The batches, without architectures already evaluated.
        batches: Vec<Vec<Proposed>>,
        /// How many proposed architectures were dropped as already evaluated or proposed twice.
        dropped: usize,
    },
    /// One batch was evaluated.
    Evaluated {
        /// Round, from 0.
        round: usize,
        /// Batch of the round, from 0.
        batch: usize,
        /// One outcome an architecture, in the batch's order.
        outcomes: Vec<Outcome>,
    },
    /// Trials were handed out, to be evaluated elsewhere ([`Session::ask`](crate::Session::ask)).
    HandedOut {
        /// Their numbers: architectures are numbered from 0, as they were proposed.
        trials: Vec<u64>,
    },
    /// The outcome of a trial was told ([`Session::tell`](crate::Session::tell)).
    Told {
        /// Number of the trial.
        trial: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// A trial is given up ([`Session::abandon`](crate::Session::abandon)).
    Abandoned {
        /// Number of the trial.
        trial: u64,
    },
    /// The data that scores are measured on from here on ([`Study::data`](crate::Study::data)).
    Data {
        /// Fingerprint of their content.
        fingerprint: String,
    },
    /// The budget was changed; a study that was over goes on ([`Study::extend`](crate::Study::extend)).
    Extended {
        /// Unique architectures to evaluate in all.
        architectures: usize,
    },
    /// The study is over, unless it is extended.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Why a study ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The budget of unique architectures, rounds or seconds is spent.
    Budget,
    /// The strategy had nothing more to propose.
    Exhausted,
    /// What the study was to stop for is in its history.
    Reached,
}

/// Progress inside a round: for bars and logs only, never journalled.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// A round's proposals are being computed.
    Asking {
        /// Round, from 0.
        round: usize,
    },
    /// The strategy answered.
    Asked {
        /// Seconds it took.
        seconds: f64,
    },
    /// A batch being evaluated has come this far.
    Evaluating {
        /// Batch of the round, from 0.
        batch: usize,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
        /// What is being done, for example "warm-up".
        stage: &'a str,
    },
    /// A batch took this long.
    EvaluatedIn {
        /// Batch of the round, from 0.
        batch: usize,
        /// Seconds it took.
        seconds: f64,
    },
    /// Something worth a line to the user.
    Warning(&'a str),
}

/// Sees everything and can change nothing.
pub trait Observer: Send {
    /// A journalled event; `replayed` if it was read back on resume.
    fn event(&mut self, event: &Event, replayed: bool);

    /// Progress inside a round.
    fn progress(&mut self, _progress: &Progress<'_>) {}
}

mod key_text {
    use bonas_spaces::Key;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
