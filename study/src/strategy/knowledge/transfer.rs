//! Where a search that starts from another task's scores has them from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bonas_spaces::catalogue::unknown;
use serde::{Deserialize, Serialize};

use crate::table::{ColumnName, EMBEDDED_SEARCH, Source};

/// Where scores of the same space on another task come from. Its text form is what a configuration or a
/// flag says.
///
/// # Examples
/// ```
/// use bonas_study::strategy::Transfer;
/// let transfer: Transfer = "table:nb201.csv.gz:c100_val_e12".parse()?;
/// assert_eq!(transfer.to_string(), "table:nb201.csv.gz:c100_val_e12");
/// assert_eq!("digits".parse::<Transfer>()?, "table:digits:val".parse()?);
/// assert!("tabel:a.csv:b".parse::<Transfer>().unwrap_err().contains("did you mean `table`"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Transfer {
    /// `none`: from nowhere.
    #[default]
    None,
    /// `study:FOLDER`: an earlier study, ended or not.
    Study(PathBuf),
    /// `table:FILE:COLUMN`: a column of a table. `digits` is the search column of the table inside the program.
    Table {
        /// The table.
        table: Source,
        /// The column; higher is better.
        column: ColumnName,
    },
}

const SYNTAX: &str = "none, digits, study:FOLDER or table:FILE:COLUMN";
const DIGITS: &str = "digits";

impl FromStr for Transfer {
    type Err = String;

    /// # Errors
    /// What is wrong, and the forms there are.
    fn from_str(text: &str) -> Result<Self, String> {
        let table = |path: &str, column: &str| -> Result<Self, String> {
            Ok(Self::Table { table: Source::named(path.as_ref()), column: column.parse()? })
        };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest, rest.rsplit_once(':')) {
            ("none", "", _) if text == kind => Ok(Self::None),
            (DIGITS, "", _) if text == kind => table(DIGITS, EMBEDDED_SEARCH),
            ("study", folder, _) if !folder.is_empty() => Ok(Self::Study(folder.into())),
            ("table", _, Some((path, column))) if !path.is_empty() => table(path, column),
            ("none" | DIGITS | "study" | "table", ..) => Err(format!("{text:?} is not of the form {SYNTAX}")),
            _ => {
                let unknown = unknown("source", kind, ["none", DIGITS, "study", "table"]);
                Err(format!("{unknown}; give {SYNTAX}"))
            }
        }
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Study(folder) => write!(f, "study:{}", folder.display()),
            Self::Table { table: Source::Embedded, column } if column.to_string() == EMBEDDED_SEARCH => {
                f.write_str(DIGITS)
            }
            Self::Table { table, column } => write!(f, "table:{table}:{column}"),
        }
    }
}

impl TryFrom<String> for Transfer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Transfer> for String {
    fn from(transfer: Transfer) -> Self {
        transfer.to_string()
    }
}

impl Transfer {
    /// The same with a path that is not absolute taken as one in a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::None => self,
            Self::Study(path) => Self::Study(folder.join(path)),
            Self::Table { table, column } => Self::Table { table: table.within(folder), column },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_back() {
        for text in [
            "none",
            "digits",
            "study:runs/old",
            "table:C:/a.csv:test1,test2",
            "table:digits:test",
            "table:a:-ms",
        ] {
            let transfer: Transfer = text.parse().unwrap();
            assert_eq!(transfer.to_string(), text);
        }
        let within = |text: &str| text.parse::<Transfer>().unwrap().within(Path::new("dir")).to_string();
        assert_eq!(within("table:a.csv:x"), "table:dir/a.csv:x");
        let stay = ["study:/runs", "digits", "table:digits:test"];
        assert_eq!(stay.map(within), stay);
    }

    #[test]
    fn what_has_no_form_is_named() {
        let error = |text: &str| text.parse::<Transfer>().unwrap_err();
        for text in ["study", "study:", "table", "table:a.csv", "table::x", "digits:val", "none:"] {
            assert_eq!(error(text), format!("{text:?} is not of the form {SYNTAX}"));
        }
        assert!(error("table:a.csv:").contains("is no column"));
        for text in ["", "runs/old"] {
            assert!(error(text).ends_with(&format!("give {SYNTAX}")), "{}", error(text));
        }
    }
}
