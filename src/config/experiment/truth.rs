//! True values, by which an experiment on images judges what searches found: `[truth]`.

use bonas_study::table::ColumnName;

use crate::config::{Invalid, ensure};

bonas_study::settings! {
    /// A table of true values: what a search found is looked up in it in place of being trained.
    pub struct TruthSettings {
        /// The CSV file, plain or gzipped, with a column `arch` in a notation of the space; relative to the
        /// configuration's folder. `bonas compare --table` takes its place. digits: the table inside the program.
        path: String = "digits".to_owned(),
        /// The column of true values, higher is better ("-a" turns the sign); isomorphic rows are merged to their mean, rows
        /// without a value are left out.
        column: String = "test".to_owned(),
    }
    check(s) {
        ensure(!s.path.is_empty(), "path", "none", "the file of a table, or digits")?;
        s.column.parse::<ColumnName>().map(drop).map_err(|reason| Invalid { key: "column", reason })
    }
}
