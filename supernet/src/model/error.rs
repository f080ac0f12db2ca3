//! What can go wrong when a network is built, run or saved.

use std::path::PathBuf;

use bonas_spaces::SpaceError;
use bonas_study::StudyError;
use tch::TchError;
use thiserror::Error;

/// An error of a network in tensors; each variant names the value and the remedy.
#[derive(Debug, Error)]
pub enum SupernetError {
    /// The network cannot be described.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// libtorch refused: most often memory that is not there.
    #[error("libtorch: {0}")]
    Torch(String),
    /// A setting out of its range.
    #[error("bad {name}: {reason}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value and the valid range.
        reason: String,
    },
    /// A route, an image batch or statistics that do not belong to the network.
    #[error("this {what} does not fit the network: {reason}")]
    Mismatch {
        /// What does not fit.
        what: &'static str,
        /// Expected and found.
        reason: String,
    },
    /// Numbers of a trained network that are infinite or no numbers.
    #[error("its {what} are not finite: the training diverged; train it again with a lower learning rate")]
    NotFinite {
        /// Which.
        what: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A checkpoint that is damaged or of another network.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

impl SupernetError {
    pub(crate) fn mismatch(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Mismatch { what, reason: reason.into() }
    }

    pub(crate) fn setting(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Setting { name, reason: reason.into() }
    }
}

/// What the C++ stack begins with that libtorch appends.
const STACKS: [&str; 2] = ["\nException raised from", "\nframe #0"];

impl From<TchError> for SupernetError {
    /// Keeps what libtorch says and drops the C++ stack that it appends.
    fn from(error: TchError) -> Self {
        let text = error.to_string();
        let said = STACKS.iter().fold(&*text, |text, stack| text.split(stack).next().unwrap_or(text));
        Self::Torch(said.trim().to_owned())
    }
}

impl From<SupernetError> for StudyError {
    fn from(error: SupernetError) -> Self {
        match error {
            SupernetError::Torch(_) => Self::Failed(error.to_string()),
            other => Self::Training(Box::new(other)),
        }
    }
}

/// Result of this module.
pub type Result<T, E = SupernetError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_of_libtorch_is_left_out() {
        let said = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 75497472 bytes.";
        for stack in [
            "\nException raised from alloc at a.cpp:1\nframe #0: f",
            "\nframe #0: c10::Throw(char) + 0x6a (0x7f)\nframe #1",
        ] {
            let error = SupernetError::from(TchError::Torch(format!("{said}{stack}")));
            let expected = format!("libtorch: Internal torch error: {said}");
            assert_eq!(error.to_string(), expected);
            assert!(matches!(StudyError::from(error), StudyError::Failed(text) if text == expected));
        }
    }
}
