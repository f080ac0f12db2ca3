//! State after each epoch, on disk.

use std::path::{Path, PathBuf};

use bonas_study::StudyError;
use bonas_study::journal::write_whole;

use super::search::{Differentiable, State};
use super::trajectory::{Epoch, TRAJECTORY_FILE, damaged, read_trajectory};
use crate::model::{Progress, load, save};

impl Differentiable {
    /// The newest state on disk that is not after `done` epochs, or the start.
    pub(super) fn read(&self, done: usize) -> Result<State, StudyError> {
        let state = self.fresh()?;
        let Some(folder) = &self.folder else { return Ok(state) };
        let Some((epochs, file)) =
            (1..=done).rev().map(|n| (n, file(folder, n))).find(|(_, file)| file.exists())
        else {
            return Ok(state);
        };
        load(&file, &state.relaxed.net, &state.sgd, &others(&state))?;
        let trajectory = first_epochs(&folder.join(TRAJECTORY_FILE), epochs)?;
        Ok(State { trajectory, ..state })
    }

    /// Saves the state; that of the epoch before stays, for a study whose journal is one round
    /// behind.
    pub(super) fn write(&self, state: &State) -> Result<(), StudyError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StudyError::Io { path, source }
        };
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let mut lines = String::new();
        for epoch in &state.trajectory {
            let line = serde_json::to_string(epoch).map_err(|e| io(folder)(e.into()))?;
            lines = lines + &line + "\n";
        }
        write_whole(&folder.join(TRAJECTORY_FILE), lines.as_bytes())?;
        let done = state.trajectory.len();
        let progress = Progress { epoch: done as u64, step: 0 };
        save(&file(folder, done), &state.relaxed.net, &state.sgd, progress, &others(state))?;
        let old = file(folder, done.saturating_sub(2));
        if old.exists() { std::fs::remove_file(&old).map_err(io(&old)) } else { Ok(()) }
    }
}

fn file(folder: &Path, epochs: usize) -> PathBuf {
    folder.join(format!("epoch-{epochs}.safetensors"))
}

/// What is saved beside weights and velocities.
fn others(state: &State) -> Vec<(String, tch::Tensor)> {
    let leaves = state.relaxed.relaxation.leaves();
    let named = leaves.iter().map(|(name, leaf)| ((*name).to_owned(), leaf.detach()));
    named.chain(state.adam.state(&leaves)).collect()
}

/// The first `epochs` epochs.
fn first_epochs(path: &Path, epochs: usize) -> Result<Vec<Epoch>, StudyError> {
    let mut trajectory = read_trajectory(path)?;
    trajectory.truncate(epochs);
    if trajectory.len() == epochs {
        return Ok(trajectory);
    }
    Err(damaged(path, &format!("has {} epochs where the checkpoint has {epochs}", trajectory.len())))
}
