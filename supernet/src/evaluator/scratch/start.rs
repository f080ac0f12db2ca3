//! A trained network to start from.

use bonas_spaces::{Architecture, Key};
use bonas_study::StudyError;

use crate::model::Values;

/// The weights of a trained network, from which the training of the same architecture starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// Key of its architecture.
    pub key: Key,
    /// Its tensors; what it lacks, such as the classifier for other classes, is drawn.
    pub values: Vec<Values>,
}

impl Start {
    /// Its tensors, for this architecture.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for another architecture.
    pub(super) fn values_of(&self, architecture: &Architecture) -> Result<&[Values], StudyError> {
        if self.key == architecture.key() {
            return Ok(&self.values);
        }
        let reason =
            format!("it is of architecture {}, and {} is to be trained", self.key, architecture.key());
        Err(StudyError::Setting { name: "init".into(), reason })
    }
}
