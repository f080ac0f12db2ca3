//! Errors of model folders.

use bonas_deploy::DeployError;

use crate::StudyError;

/// An error of a model folder as one of a study.
pub(crate) fn of_deploy(error: DeployError) -> StudyError {
    match error {
        DeployError::Io { path, source } => StudyError::Io { path, source },
        DeployError::Folder { path, reason } => StudyError::Data { path, reason },
        DeployError::Space(error) => StudyError::Space(error),
        DeployError::Network(_) => StudyError::Training(Box::new(error)),
    }
}
