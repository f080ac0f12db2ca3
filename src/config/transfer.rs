//! Where a search that starts from another task's scores has them from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::unknown;
use crate::table::{ColumnName, Source};

/// Where scores of the same space on another task come from. Its text form is what a configuration or a
/// flag says.
///
/// # Examples
/// ```
/// use bonas::config::Transfer;
/// let transfer: Transfer = "table:nb201.csv.gz:c100_val_e12".parse()?;
/// assert_eq!(transfer.to_string(), "table:nb201.csv.gz:c100_val_e12");
/// assert!("tabel:a.csv:b".parse::<Transfer>().unwrap_err().contains("did you mean `table`"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Transfer {
    /// `none`: from nowhere.
    #[default]
    Nothing,
    /// `digits`: validation accuracies of the table inside the program.
    Digits,
    /// `study:FOLDER`: an earlier study, ended or not.
    Study(PathBuf),
    /// `table:FILE:COLUMN`: a column of a table.
    Table {
        /// The file; `digits`: the table inside the program.
        table: Source,
        /// The column; higher is better.
        column: ColumnName,
    },
}

const SYNTAX: &str = "none, digits, study:FOLDER or table:FILE:COLUMN";

impl FromStr for Transfer {
    type Err = String;

    /// # Errors
    /// What is wrong, and the forms there are.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = |text: &str| format!("{text:?} is not of the form {SYNTAX}");
        match text.split_once(':') {
            None if text == "none" => Ok(Self::Nothing),
            None if text == "digits" => Ok(Self::Digits),
            Some(("study", folder)) if !folder.is_empty() => Ok(Self::Study(folder.into())),
            Some(("table", rest)) => {
                let (path, column) = rest.rsplit_once(':').ok_or_else(|| form(text))?;
                if path.is_empty() {
                    return Err(form(text));
                }
                Ok(Self::Table { table: Source::named(path.as_ref()), column: column.parse()? })
            }
            Some(("study", _)) => Err(form(text)),
            other => {
                let kind = other.map_or(text, |(kind, _)| kind);
                Err(format!(
                    "{}; give {SYNTAX}",
                    unknown("source", kind, ["none", "digits", "study", "table"])
                ))
            }
        }
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Digits => f.write_str("digits"),
            Self::Study(folder) => write!(f, "study:{}", folder.display()),
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
            Self::Study(path) => Self::Study(folder.join(path)),
            Self::Table { table, column } => Self::Table { table: table.within(folder), column },
            Self::Nothing | Self::Digits => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SearchConfig;

    #[test]
    fn forms_read_back() {
        for text in
            ["none", "digits", "study:runs/old", "table:C:/a.csv:test1,test2", "table:a.csv.gz:-latency"]
        {
            let transfer: Transfer = text.parse().unwrap();
            assert_eq!(transfer.to_string(), text);
        }
        let within = |text: &str| text.parse::<Transfer>().unwrap().within(Path::new("dir")).to_string();
        assert_eq!(within("table:a.csv:x"), "table:dir/a.csv:x");
        assert_eq!(
            ["study:/runs", "digits", "table:digits:test"].map(within),
            ["study:/runs", "digits", "table:digits:test"]
        );
    }

    #[test]
    fn what_has_no_form_is_named() {
        for text in ["", "study:", "table:a.csv", "table::x", "table:a.csv:", "runs/old", "digits:val"] {
            let error = text.parse::<Transfer>().unwrap_err();
            assert!(error.contains("study:FOLDER") || error.contains("is no column"), "{text}: {error}");
        }
        let read = |more: &str| {
            let text = format!("[strategy]\nname = \"bonas\"\n{more}");
            SearchConfig::from_toml(&text, "c.toml").unwrap_err().to_string()
        };
        let error = read("transfer = \"tables:a:b\"\n");
        assert!(error.contains("line 3") && error.contains("did you mean `table`"), "{error}");
        let error = read("transfer = \"digits\"\nsurrogate = \"trees\"\n");
        assert!(error.contains("transfer") && error.contains("graph-gp"), "{error}");
    }
}
