//! The search that a folder holds: its configuration, and what it came to.

use std::path::Path;

use bonas::build;
use bonas::config::SearchConfig;
use bonas::observer::Ending;
use bonas::report::Summary;
use bonas::search::CONFIG_FILE;
use bonas::supernet::data::Source;

use super::change::{resolved, search_config};
use super::files;
use super::out;

/// The configuration in a search's folder.
///
/// # Errors
/// Usage errors for a folder that holds no search.
pub(super) fn read_config(dir: &Path) -> anyhow::Result<SearchConfig> {
    files::expect_search(dir)?;
    read(&dir.join(CONFIG_FILE))
}

/// The configuration in a file, whose relative paths start from its folder.
///
/// # Errors
/// Usage errors for a file that cannot be read, and [`bonas::config::ConfigError`].
pub(super) fn read(path: &Path) -> anyhow::Result<SearchConfig> {
    let config = search_config(&files::read(path)?, &path.display().to_string())?;
    resolved(config, Some(path))
}

/// Prints what a search came to.
///
/// # Errors
/// If it cannot be printed.
pub(super) fn print_ending(summary: &Summary, config: &SearchConfig, dir: &Path) -> anyhow::Result<()> {
    let space = build::space(config)?;
    let mut ending = Ending::new(summary, &*space, dir, &*config.evaluator).columns(config.columns());
    if cfg!(feature = "torch") && config.trains() {
        // Where the images are gone, only the command that would train on them is.
        if let Ok(source) = Source::named(&config.data.source, &config.relative_to) {
            ending = ending.data(source.to_string()).on_images(build::reads_images(config));
        }
    }
    out::text(&format!("\n{ending}"))
}
