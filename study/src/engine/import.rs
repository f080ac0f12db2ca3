//! Results that are known before a study begins.

use bonas_spaces::Architecture;

use super::run::Runner;
use super::{Session, Study};
use crate::StudyError;
use crate::history::{Event, Fidelity, Known, Outcome};

impl Study {
    /// Takes known outcomes as the first observations of the study in its folder, which is begun if there is none, and
    /// journals them ([`Event::Imported`]). They are a round of their own, are never evaluated again, and take nothing from
    /// the budget. Architectures that are known already are left out. The number of those that were taken.
    ///
    /// # Errors
    /// As [`run`](Self::run). [`StudyError::Setting`] named `import` for a study that has asked its strategy or ended, for
    /// scores that are not finite or of another kind, and for a study without a folder.
    pub fn import(
        self,
        fidelity: Fidelity,
        results: impl IntoIterator<Item = (Architecture, Outcome)>,
    ) -> Result<usize, StudyError> {
        if self.directory.is_none() {
            return Err(refused("the study is in no folder, and would forget them".into()));
        }
        Runner::start(self, fidelity)?.import(results)
    }
}

impl Session {
    /// Takes known outcomes as the first observations, as [`Study::import`] does; also of a study in memory.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `import` for a study that has asked its strategy or ended, and for scores that are not
    /// finite or of another kind; [`StudyError::Io`].
    pub fn import(
        &mut self,
        results: impl IntoIterator<Item = (Architecture, Outcome)>,
    ) -> Result<usize, StudyError> {
        self.runner.import(results)
    }
}

impl Runner {
    fn import(
        &mut self,
        results: impl IntoIterator<Item = (Architecture, Outcome)>,
    ) -> Result<usize, StudyError> {
        let mut known: Vec<Known> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (architecture, outcome) in results {
            let key = architecture.key();
            if !self.state.knows(key) && seen.insert(key) {
                known.push(Known { arch: self.state.space.format(&architecture)?, key, outcome });
            }
        }
        self.state.importable(&known).map_err(refused)?;
        let count = known.len();
        if count > 0 {
            self.emit(&Event::Imported { results: known })?;
        }
        Ok(count)
    }
}

fn refused(reason: String) -> StudyError {
    StudyError::Setting { name: "import".into(), reason }
}
