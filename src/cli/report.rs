//! `bonas report`.

use std::path::Path;

use bonas::observer::quoted;
use bonas::search::write_report;
use bonas::study::journal::Journal;

use super::{searched, usage};

/// Makes the report of a folder again from what lies in it, and prints what the search came to.
///
/// # Errors
/// [`bonas::StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn again(dir: &Path) -> anyhow::Result<()> {
    let config = searched::read_config(dir)?;
    if !Journal::exists(dir) {
        let (shown, folder) = (dir.display(), quoted(dir));
        return Err(usage(format!("the search in {shown} has not begun; `bonas resume {folder}` begins it")));
    }
    let summary = write_report(dir, &config)?;
    searched::print_ending(&summary, &config, dir)
}
