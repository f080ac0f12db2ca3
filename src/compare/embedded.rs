//! The benchmark that is part of the program, for comparisons without a table.

use super::Source;
use crate::StudyError;
use crate::config::TableSettings;

/// What stands in `table.path` for the benchmark that is part of the program.
pub const EMBEDDED: &str = "embedded";

/// A benchmark in the program: `bonas tabulate` makes its CSV file.
#[derive(Clone, Copy, Debug)]
struct Embedded {
    space: &'static str,
    search: &'static str,
    report: &'static str,
    /// The CSV file, gzipped.
    csv: &'static [u8],
}

/// The benchmark of this build; none until one has been trained and put beside the images.
const BENCHMARK: Option<Embedded> = None;

/// How the embedded benchmark is read, and its bytes.
///
/// # Errors
/// [`StudyError::Setting`] for a build that has none.
pub(super) fn embedded() -> Result<(TableSettings, Source), StudyError> {
    let Embedded { space, search, report, csv } = BENCHMARK.ok_or_else(|| StudyError::Setting {
        name: "table".into(),
        reason: "there is none, and this program has no benchmark of its own; give a [table] with space, path and \
                 search"
            .into(),
    })?;
    let settings = TableSettings {
        space: space.into(),
        path: EMBEDDED.into(),
        search: search.into(),
        report: report.into(),
        ..TableSettings::default()
    };
    Ok((settings, Source::Bytes(EMBEDDED, csv)))
}
