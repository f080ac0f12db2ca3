//! Whose folder a folder is.

use std::path::Path;

use bonas_study::journal::JOURNAL_FILE;

use crate::experiment::table::RUNS_FILE;
use crate::search::{CONFIG_FILE, TRAINING_FILE};
use crate::shell::quoted;

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Nothing is there.
    Missing,
    /// A file is there.
    File,
    /// A search's.
    Search,
    /// A comparison's.
    Comparison,
    /// That of a single training.
    Training,
    /// That of a table that is being made.
    Table,
    /// None of these.
    Other,
}

/// Files that tell whose folder it is, besides the configuration.
const COMPARED: [&str; 3] = [RUNS_FILE, "plan.json", "strategies"];
const TABULATED: [&str; 3] = ["table.json", "validation", "networks"];

impl Folder {
    /// Looks at what lies there.
    pub fn at(path: &Path) -> Self {
        let holds = |name: &str| path.join(name).exists();
        match () {
            () if !path.exists() => Self::Missing,
            () if !path.is_dir() => Self::File,
            () if COMPARED.into_iter().any(holds) => Self::Comparison,
            () if holds(TRAINING_FILE) => Self::Training,
            () if holds(CONFIG_FILE) && !holds(JOURNAL_FILE) && TABULATED.into_iter().any(holds) => {
                Self::Table
            }
            () if holds(CONFIG_FILE) => Self::Search,
            () => Self::Other,
        }
    }

    /// What it is, and which command goes on with it.
    pub fn described(self, path: &Path) -> String {
        let shown = path.display();
        let folder = quoted(path);
        match self {
            Self::Missing => format!("there is no folder {shown}"),
            Self::File => format!("{shown} is a file, not a folder"),
            Self::Search => {
                format!("{shown} is the folder of a search, which `bonas resume {folder}` goes on with")
            }
            Self::Comparison => format!(
                "{shown} is the folder of a comparison, which `bonas compare FILE --out {folder}` goes on with"
            ),
            Self::Training => format!(
                "{shown} is the folder of one training, which the same `bonas train` command goes on with"
            ),
            Self::Table => format!(
                "{shown} is the folder of a table, which the same `bonas tabulate` command goes on with"
            ),
            Self::Other => match path.parent().filter(|above| above.join(CONFIG_FILE).is_file()) {
                Some(above) if path.join(JOURNAL_FILE).exists() => {
                    format!("{shown} is a part of the search in {}", above.display())
                }
                _ => format!("{shown} holds no search: there is no {CONFIG_FILE} in it"),
            },
        }
    }
}
