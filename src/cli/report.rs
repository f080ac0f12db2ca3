//! `bonas report`.

use std::path::Path;

use bonas::search::write_report;

use super::search;

/// Makes the report of a folder again from what lies in it, and prints what the search came to.
///
/// # Errors
/// [`bonas::StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn again(dir: &Path) -> anyhow::Result<()> {
    let config = search::read_config(dir)?;
    let summary = write_report(dir, &config)?;
    search::print_ending(&summary, &config, dir)
}
