//! Scores from a program of the user's: a training script in any language.
//!
//! Use [`CommandSettings`] to have a program measure each architecture. The program is given one JSON object and prints its
//! result as a line of JSON. Each run has a process group and a folder of its own.
//!
//! [`CommandSettings::build`] makes evaluators, one a worker (`evaluator`). For each architecture and seed a `trial` in
//! `trials/KEY-RUN` of the study's folder starts a process `group`, whose `output` is read line by line. The `message` found
//! in it becomes a score, with what limits and the second objective need (`scoring`).
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use bonas_spaces::NasBench201;
//! use bonas_study::evaluator::command::{CommandContext, CommandSettings};
//! use bonas_study::strategy::RandomSearch;
//! use bonas_study::{Budget, Study};
//!
//! let command = ["echo", r#"{"score": 0.5}"#].map(str::to_owned).to_vec();
//! let settings = CommandSettings { command, ..CommandSettings::default() };
//! let (space, folder) = (Arc::new(NasBench201::new()), tempfile::tempdir()?);
//! let context =
//!     CommandContext { space: space.clone(), relative_to: Path::new(""), folder: folder.path(), workers: 2 };
//! let evaluators = settings.build(&context, settings.runs())?;
//! let study = Study::new(space, Box::<RandomSearch>::default(), evaluators);
//! let finished = study.budget(Budget::architectures(4)).run()?;
//! assert_eq!(finished.history.scored(finished.fidelity).count(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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

use std::path::{Path, PathBuf};

use bonas_spaces::Key;

pub use runs::{CommandContext, CommandRuns, Purpose};
pub use settings::{CommandSettings, OnFailure};

/// The folder, inside a study's, with a folder for each run of the program.
pub const TRIALS_FOLDER: &str = "trials";

/// The folder for the program's own files of a run of an architecture, in a study's folder.
pub fn run_files(folder: &Path, key: Key, run: usize) -> PathBuf {
    run_folder(&folder.join(TRIALS_FOLDER), key, run).join("files")
}

/// The folder of a run, in that of all runs.
fn run_folder(trials: &Path, key: Key, run: usize) -> PathBuf {
    trials.join(format!("{key}-{run}"))
}
