//! Scores from a program of the user's: a training script in any language.
//!
//! Use [`CommandSettings`] to have a program measure each architecture. The program is given one JSON object and prints its
//! result as a line of JSON. Each run has a process group and a folder of its own.
//!
//! [`CommandSettings::build`] makes evaluators, one a worker (`evaluator`). For each architecture and seed a `trial` in
//! `trials/KEY-RUN` of the study's folder starts a process `group`, whose `output` is read line by line. The `message` found
//! in it becomes a score, with what limits and the second objective need (`scoring`).
//!
//! Invariant: no process of a trial outlives the trial or the study, whatever ends the study. Only a process that leaves its
//! group (`setsid`) does.
//! Invariant: an outcome holds nothing but what the program answered, or how it ended; never a time or a path.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod evaluator;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod message;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod program;
mod runs;
mod settings;
#[cfg(unix)]
mod trial;

pub use runs::{CommandContext, CommandRuns, Purpose};
pub use settings::{CommandSettings, OnFailure};

/// The folder, inside a study's, with a folder for each run of the program.
pub const TRIALS_FOLDER: &str = "trials";
