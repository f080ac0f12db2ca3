//! The files that training from scratch leaves behind.

use std::path::{Path, PathBuf};

use bonas_spaces::Key;

/// The files of one training run in its evaluator's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    /// The files without the ends of their names: `KEY-RUN` in the folder.
    stem: PathBuf,
}

impl RunFiles {
    /// The files of run `run`, counted from 0, of an architecture.
    pub fn new(folder: &Path, key: Key, run: usize) -> Self {
        Self { stem: folder.join(format!("{key}-{run}")) }
    }

    /// State of the training, from which it goes on after a stop.
    pub fn checkpoint(&self) -> PathBuf {
        self.stem.with_extension("checkpoint.safetensors")
    }

    /// Folder for the trained network by itself, which whoever began the training makes of [`Self::weights`].
    pub fn model(&self) -> PathBuf {
        self.stem.clone()
    }

    /// Parameters and running statistics of the trained network, all that it had in training.
    pub fn weights(&self) -> PathBuf {
        self.stem.with_extension("safetensors")
    }

    /// The learning curves as CSV, a row after every epoch: epoch, learning rate, training loss and training accuracy.
    pub fn curves(&self) -> PathBuf {
        self.stem.with_extension("curves.csv")
    }

    /// The learning curve: mean training loss of each epoch, a JSON list.
    pub fn losses(&self) -> PathBuf {
        self.stem.with_extension("losses.json")
    }
}
