//! `bonas report`.

use std::path::Path;

use bonas::Folder;
use bonas::deploy::Folder as ModelFolder;
use bonas::observer::quoted;
use bonas::search::{write_model_report, write_report, write_training_report};
use bonas::study::journal::{JOURNAL_FILE, Journal, read};

use super::{out, searched, usage};

/// Makes the report of a search or of a training from what lies in its folder, and prints what a search came to.
///
/// # Errors
/// [`bonas::StudyError`] for a folder that holds no study, or a damaged file.
pub(super) fn again(dir: &Path) -> anyhow::Result<()> {
    if ModelFolder::is_at(dir) {
        let page = write_model_report(dir)?;
        return out::text(&format!("report     {}\n", quoted(&page)));
    }
    if Folder::at(dir) == Folder::Training {
        let page = write_training_report(dir)?;
        return out::text(&format!("report     {}\n", quoted(&page)));
    }
    let config = searched::read_config(dir)?;
    if !Journal::exists(dir) {
        let (shown, folder) = (dir.display(), quoted(dir));
        return Err(usage(format!("the search in {shown} has not begun; `bonas resume {folder}` begins it")));
    }
    let records = read(&dir.join(JOURNAL_FILE))?;
    let summary = write_report(dir, &config)?;
    searched::print_ending(&summary, &config, dir)?;
    if records.torn {
        out::error(&format!(
            "warning: line {} of {} was cut short, and the report is without it; `bonas resume {}` does it again",
            records.events.len() + 1,
            dir.join(JOURNAL_FILE).display(),
            quoted(dir)
        ));
    }
    Ok(())
}
