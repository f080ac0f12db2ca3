//! What can stop a study.

use std::path::PathBuf;

use bonas_spaces::SpaceError;
use bonas_surrogate::SurrogateError;
use thiserror::Error;

/// An error that stops a study; each variant names the value, where it came from and the remedy.
#[derive(Debug, Error)]
pub enum StudyError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A journal that is damaged or of another study.
    #[error("{} line {line}: {reason}; the file was left as it is", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another process works on this study.
    #[error("{} is in use by another process; wait for it, or stop it", path.display())]
    Locked {
        /// The study's directory.
        path: PathBuf,
    },
    /// A setting out of its range.
    #[error("bad setting {name}: {reason}")]
    Setting {
        /// Name of the setting.
        name: String,
        /// The value and the valid range.
        reason: String,
    },
    /// A strategy could not propose.
    #[error("strategy {strategy} failed: {reason}")]
    Strategy {
        /// Name of the strategy.
        strategy: String,
        /// What happened and what to do.
        reason: String,
    },
    /// An evaluator could not evaluate.
    #[error("evaluation failed: {0}")]
    Evaluator(String),
    /// An evaluation that failed for a reason that may pass, such as memory that is not there. A study tries it again and records
    /// it as its [`FailurePolicy`](crate::FailurePolicy) says.
    #[error("{0}")]
    Failed(String),
    /// A trial that cannot be told or abandoned.
    #[error("trial {trial}: {reason}")]
    Trial {
        /// Its number.
        trial: u64,
        /// Why not.
        reason: String,
    },
    /// Data on disk that cannot be used.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A row of a table that cannot be used.
    #[error("{} line {line}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The value, what is wrong with it and what to do.
        reason: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// From the search space.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// From the surrogate.
    #[error(transparent)]
    Surrogate(#[from] SurrogateError),
    /// From what trains networks.
    #[error(transparent)]
    Training(Box<dyn std::error::Error + Send + Sync>),
}
