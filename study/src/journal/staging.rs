//! Batches that were finished before an earlier batch of their round.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::durable::synced;
use super::{STAGED_FOLDER, io_error, record, sync_folder};
use crate::StudyError;
use crate::history::Outcome;

/// The outcomes of one batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    /// Round, from 0.
    pub round: usize,
    /// Batch of the round, from 0.
    pub batch: usize,
    /// Keys of the batch's architectures, in order.
    pub keys: Vec<String>,
    /// One outcome an architecture.
    pub outcomes: Vec<Outcome>,
}

/// Keeps finished batches on disk until the journal's order allows their record, so that a kill
/// loses no finished work. What is kept never changes a result: it is what evaluating the batch
/// again would give.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// The staging area of a study's folder; it is made when it is first needed.
    pub fn new(study_folder: &Path) -> Self {
        Self { folder: study_folder.join(STAGED_FOLDER) }
    }

    /// Keeps a batch: when this returns it is on the disk in full, else it is not there at all.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn keep(&self, staged: &Staged) -> Result<(), StudyError> {
        let path = self.path(staged.round, staged.batch);
        if !self.folder.exists() {
            fs::create_dir_all(&self.folder).map_err(|e| io_error(&self.folder, e))?;
            self.folder.parent().map_or(Ok(()), sync_folder)?;
        }
        let line = record::encode(0, staged).map_err(|e| io_error(&path, e.into()))?;
        let draft = path.with_extension("draft");
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            synced(&file)?;
            fs::rename(&draft, &path)
        });
        if let Err(source) = written {
            let _ = fs::remove_file(&draft);
            return Err(io_error(&draft, source));
        }
        sync_folder(&self.folder)
    }

    /// The kept outcomes of a batch, if it is there, undamaged, and of these architectures.
    pub fn load(&self, round: usize, batch: usize, keys: &[String]) -> Option<Vec<Outcome>> {
        let bytes = fs::read(self.path(round, batch)).ok()?;
        let staged: Staged = record::decode(bytes.strip_suffix(b"\n")?, 0).ok()?;
        let fits = (staged.round, staged.batch) == (round, batch)
            && staged.keys == keys
            && staged.outcomes.len() == keys.len();
        fits.then_some(staged.outcomes)
    }

    /// Forgets a batch whose record is in the journal.
    pub fn forget(&self, round: usize, batch: usize) {
        // A file left behind is looked at only by a resume, which finds that it is of no use.
        let _ = fs::remove_file(self.path(round, batch));
    }

    /// Forgets everything: no batch is waiting.
    pub fn clear(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn path(&self, round: usize, batch: usize) -> PathBuf {
        self.folder.join(format!("{round}-{batch}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_only_what_is_whole_and_fits() {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::new(folder.path());
        let staged = Staged {
            round: 3,
            batch: 1,
            keys: vec!["k".into()],
            outcomes: vec![Outcome::Failed("x".into())],
        };
        staging.keep(&staged).unwrap();
        assert_eq!(staging.load(3, 1, &staged.keys), Some(staged.outcomes.clone()));
        assert_eq!(staging.load(3, 1, &["other".into()]), None);
        assert_eq!(staging.load(3, 0, &staged.keys), None);
        let path = staging.path(3, 1);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(staging.load(3, 1, &staged.keys), None);
        }
    }
}
