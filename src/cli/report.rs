//! `bonas report`.

use std::path::Path;

use bonas::report::REPORT_FILE;
use bonas::search::write_report;

use super::out;

/// Makes the report of a folder again from what lies in it.
///
/// # Errors
/// [`bonas::StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn again(dir: &Path) -> anyhow::Result<()> {
    let config = super::search::read_config(dir)?;
    write_report(dir, &config)?;
    out::text(&format!("{}\n", dir.join(REPORT_FILE).display()))
}
