//! Where a table comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_spaces::SearchSpace;

use super::{Benchmark, EMBEDDED, EMBEDDED_NAME, EMBEDDED_SPACE, Reading};
use crate::StudyError;

/// What stands for the table inside the program where a path is asked for; a file of that name is `./digits`.
const DIGITS: &str = "digits";

/// Where a table comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The table inside the program.
    Embedded,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The table inside the program for `digits`, else the file.
    pub fn named(path: &Path) -> Self {
        if path == Path::new(DIGITS) { Self::Embedded } else { Self::File(path.to_owned()) }
    }

    /// The same with a path that is not absolute taken as one in a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Embedded => self,
            Self::File(path) => Self::File(folder.join(path)),
        }
    }

    /// Reads the table.
    ///
    /// # Errors
    /// As [`Benchmark::open`]; [`StudyError::Setting`] for a space that the table inside the program is not of.
    pub fn open(&self, space: Arc<dyn SearchSpace>, reading: &Reading) -> Result<Benchmark, StudyError> {
        match self {
            Self::Embedded if space.name() != EMBEDDED_SPACE => Err(StudyError::Setting {
                name: "table".into(),
                reason: format!(
                    "{DIGITS}, whose cells are of {EMBEDDED_SPACE}, not of {}; name a file (./{DIGITS} for one \
                     that is called so)",
                    space.name()
                ),
            }),
            Self::Embedded => Benchmark::parse(EMBEDDED, EMBEDDED_NAME.as_ref(), space, reading),
            Self::File(path) => Benchmark::open(path, space, reading),
        }
    }
}

/// As a configuration or a flag says it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str(DIGITS),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
