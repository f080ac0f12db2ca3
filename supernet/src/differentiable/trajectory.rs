//! What a differentiable search notes after each epoch; readable without libtorch.

use std::path::Path;

use bonas_spaces::families::darts::WeightTable;
use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

/// One [`Epoch`] a line, in the folder of a differentiable search.
pub const TRAJECTORY_FILE: &str = "trajectory.jsonl";

/// What is known after an epoch of differentiable search; one line of [`TRAJECTORY_FILE`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Mean training loss of the weights.
    pub loss: f64,
    /// The cells that the weights decode to.
    pub genotype: String,
    /// Operations without weights (skips, pools) in each cell.
    pub weight_free: [usize; 2],
    /// Skips in each cell.
    pub skips: [usize; 2],
    /// Probability of each operation on each edge of each cell, `none` first, `[14, 8]`; with edge
    /// normalisation times that of the edge.
    pub weights: [WeightTable; 2],
}

/// The epochs in a [`TRAJECTORY_FILE`], in order; none of a file that is not there.
///
/// # Errors
/// [`StudyError::Io`] if it cannot be read, [`StudyError::Data`] if a line is no epoch.
pub fn read_trajectory(path: &Path) -> Result<Vec<Epoch>, StudyError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StudyError::Io { path: path.to_owned(), source }),
    };
    let epoch =
        |line: &str| serde_json::from_str(line).map_err(|e| damaged(path, &format!("is damaged: {e}")));
    text.lines().map(epoch).collect()
}

/// A trajectory that cannot be used.
pub(super) fn damaged(path: &Path, reason: &str) -> StudyError {
    StudyError::Data {
        path: path.to_owned(),
        reason: format!("{reason}; remove this folder to train again from the start"),
    }
}
