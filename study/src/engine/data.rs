//! Data that a study depends on, known by their fingerprint.

use super::Study;
use super::run::Runner;
use crate::StudyError;
use crate::history::{Event, Fidelity};

impl Study {
    /// Sets the fingerprint of the data that scores are measured on. It is journalled when the study begins, and a resume
    /// with another one is refused.
    #[must_use]
    pub fn data(self, fingerprint: impl Into<String>) -> Self {
        Self { data: Some(fingerprint.into()), ..self }
    }

    /// Sets the key of the configuration that names these data, for the error where they have changed; without it `data.source`.
    #[must_use]
    pub fn data_key(self, key: &'static str) -> Self {
        Self { data_key: key, ..self }
    }

    /// Whether the study can go on in its folder: as [`run`](Self::run), but nothing is asked and nothing evaluated.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn check(self, fidelity: Fidelity) -> Result<(), StudyError> {
        Runner::start(self, fidelity).map(drop)
    }

    /// Goes on with the data of this study ([`data`](Self::data)), whatever those it has gone by so far, and journals that
    /// ([`Event::Data`]). The fingerprint before; none if the data are the same, or there was none.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for other data.
    pub fn accept_data(self, fidelity: Fidelity) -> Result<Option<String>, StudyError> {
        let here = self.data.clone();
        let mut runner = Runner::start_with_any_data(self, fidelity)?;
        let before = runner.state.data.clone();
        match here {
            Some(fingerprint) if before.as_ref() != Some(&fingerprint) => {
                runner.emit(&Event::Data { fingerprint })?;
                Ok(before)
            }
            _ => Ok(None),
        }
    }
}

impl Runner {
    /// Refuses other data than those of the journal, and notes them where it has none. A study that ended before there
    /// were fingerprints stays as it is.
    pub(super) fn check_data(&mut self, here: Option<String>) -> Result<(), StudyError> {
        let Some(fingerprint) = here else { return Ok(()) };
        match &self.state.data {
            Some(there) if *there == fingerprint => Ok(()),
            Some(there) => Err(StudyError::Setting {
                name: self.study.data_key.into(),
                reason: format!(
                    "the data have changed: the study goes by those with fingerprint {there}, and here are those with \
                     {fingerprint}; put the former back, begin in another folder, or accept these with --accept-data"
                ),
            }),
            None if self.state.ended.is_some() => Ok(()),
            None => self.emit(&Event::Data { fingerprint }),
        }
    }
}
