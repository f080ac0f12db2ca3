//! Why a study does not go on: its journal is of another one, or its trials are elsewhere.

use std::path::Path;

use super::state::Round;
use crate::StudyError;
use crate::history::Event;

/// Why a round cannot be evaluated of which trials were handed out.
pub(super) fn begun(round: &Round) -> StudyError {
    let reason = format!("round {} was handed out in part; ask for the rest of it first", round.index);
    StudyError::Trial { trial: round.next_trial(), reason }
}

/// Refuses to go on with the journal of another study.
pub(super) fn check_header(there: &Event, here: &Event, path: &Path) -> Result<(), StudyError> {
    let (Event::Started { seed, config, .. }, Event::Started { seed: own_seed, config: own_config, .. }) =
        (there, here)
    else {
        return Ok(());
    };
    let reason = if seed != own_seed {
        format!("the journal is of a study with seed {seed}, this one has seed {own_seed}")
    } else if config != own_config {
        let difference = first_difference(config, own_config);
        format!(
            "the journal is of another configuration: {difference}; take the one it was begun with, or another folder"
        )
    } else {
        return Ok(());
    };
    Err(StudyError::Journal { path: path.to_owned(), line: 1, reason })
}

fn first_difference(there: &str, here: &str) -> String {
    let mut lines = there.lines().zip(here.lines()).filter(|(a, b)| a != b);
    match lines.next() {
        Some((a, b)) => format!("there {a:?}, here {b:?}"),
        None => format!("{} lines there, {} here", there.lines().count(), here.lines().count()),
    }
}
