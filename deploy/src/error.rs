//! Errors of model folders and exports.

use std::io;
use std::path::PathBuf;

use bonas_spaces::SpaceError;

/// Why a model folder or an export failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A file or folder that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A model folder with a part that is missing, foreign, newer, or does not fit.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A network that cannot be exported.
    #[error("cannot export this network: {0}")]
    Network(String),
    /// A network that does not fit its skeleton.
    #[error(transparent)]
    Space(#[from] SpaceError),
}

impl DeployError {
    /// A fault of a file in a model folder.
    pub(crate) fn folder(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Folder { path: path.into(), reason: reason.into() }
    }

    /// An error of the file system.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// What can fail with a [`DeployError`].
pub type Result<T> = std::result::Result<T, DeployError>;
