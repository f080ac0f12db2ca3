//! The table of an experiment: `[table]`, `[[constraint]]` and `[objective]`.

use bonas_study::table::{ColumnName, EMBEDDED_SPACE};
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, Document, Invalid, Settings, commented, ensure, plain};

/// Whether isomorphic rows are one architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeKind {
    /// Rows whose cells are isomorphic are one architecture.
    #[default]
    Isomorphic,
    /// Every row is an architecture of its own.
    Raw,
}

/// The value of isomorphic rows that are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsomorphsKind {
    /// The mean of all their values.
    #[default]
    Mean,
    /// The value of the first row.
    First,
    /// The mean of all their values, also of rows with one text, which are an error else where their values differ.
    Repeats,
}

/// What a query of a value with several seeds gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedsKind {
    /// Their mean.
    #[default]
    Mean,
    /// One of them, drawn from the run's own stream.
    Draw,
}

/// What becomes of rows that lack a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingKind {
    /// They are an error.
    #[default]
    Error,
    /// They are left out.
    Skip,
}

bonas_study::settings! {
    /// The table that is searched.
    pub struct TableSettings {
        /// The search space; `bonas list spaces` prints all of them. `file:PATH` is one that a space file declares, relative
        /// to the configuration's folder.
        space: String = String::new(),
        /// The CSV file, plain or gzipped, with a column `arch` in a notation of the space; relative to
        /// the configuration's folder. `bonas compare --table` takes its place. digits: the table inside the
        /// program (columns val, test, params, macs); a file that is called so is ./digits.
        path: String = String::new(),
        /// The column that strategies see; "a,b" is the mean of two, "-a" turns the sign (lower is
        /// better).
        search: String = String::new(),
        /// The column that is reported; empty: that of the search, an oracle experiment.
        report: String = String::new(),
        /// Whether isomorphic rows are one architecture: isomorphic, or raw (each row by itself).
        merge: MergeKind = MergeKind::Isomorphic,
        /// The value of isomorphic rows that are merged: mean, first, or repeats (the mean, also of rows with one text,
        /// which are an error else where their values differ).
        isomorphs: IsomorphsKind = IsomorphsKind::Mean,
        /// What a query of a cell with several seeds ("93.1;93.4") gives: mean, or draw (one of them,
        /// from the run's own stream). The report is the mean always.
        seeds: SeedsKind = SeedsKind::Mean,
        /// Rows that lack an architecture or a number (empty, -, ?, NA, N/A, NaN, null, None): error, or skip.
        missing: MissingKind = MissingKind::Error,
        /// Share of queries that fail, to see how strategies bear it: they give no score. The best architectures of
        /// the table are spared, so that they can be found.
        failing: f64 = 0.0,
        /// Share of queries that diverge: their score is the lowest of the column. The best are spared.
        diverging: f64 = 0.0,
        /// Limits such as "params <= 2.5" or "latency >= 1" on columns; rows beyond them are no
        /// candidates.
        limits: Vec<String> = Vec::new(),
        /// Most megabytes (of 2^20 bytes) that a gzip file is unpacked to; 4096 if it is not set.
        unpacked_megabytes: Option<u32> = None,
    }
    check(s) {
        let unpacked = s.unpacked_megabytes.unwrap_or(1);
        ensure(unpacked >= 1, "unpacked_megabytes", unpacked, "1 or more")?;
        let column = |text: &str, key| {
            let read = text.parse::<ColumnName>();
            read.map(drop).map_err(|reason| Invalid { key, reason })
        };
        ensure(!s.space.is_empty(), "space", "none", "the name of the table's search space")?;
        column(&s.search, "search")?;
        if !s.report.is_empty() {
            column(&s.report, "report")?;
        }
        ensure((0.0..1.0).contains(&s.failing), "failing", s.failing, "a share from 0 up, below 1")?;
        let both = s.failing + s.diverging;
        ensure(s.diverging >= 0.0 && both < 1.0, "diverging", s.diverging, "a share from 0 up, with failing below 1")?;
        let wrong = s.limits.iter().find_map(|limit| limit.parse::<bonas_study::table::Limit>().err());
        wrong.map_or(Ok(()), |reason| Err(Invalid { key: "limits", reason }))
    }
}

bonas_study::settings! {
    /// A limit on a column or on the network; no winner breaks one.
    pub struct ConstraintSettings {
        /// "latency <= 5" or "params >= 1" on a column of the table (its mean); network.params and
        /// network.macs (multiply-adds) are counted on the network that the space has, where it has one.
        limit: String = String::new(),
        /// Whether strategies know before a query if it is kept, so that nothing that breaks it is a
        /// candidate; else it is seen when an architecture is queried, which counts.
        known: bool = true,
    }
    check(s) {
        let read = s.limit.parse::<bonas_study::table::Limit>();
        read.map(drop).map_err(|reason| Invalid { key: "limit", reason })
    }
}

bonas_study::settings! {
    /// A second objective beside the search column; higher is better.
    pub struct ObjectiveSettings {
        /// The column that strategies see, the mean of its seeds: "-latency" for lower is better; or
        /// -network.params, -network.macs.
        search: String = String::new(),
        /// The column that is reported; empty: that of the search.
        report: String = String::new(),
        /// What the hypervolume is measured from: values of both report columns, higher is better in
        /// both (so negative for "-latency"); empty: the worst in each of what keeps all
        /// limits.
        reference: Vec<f64> = Vec::new(),
        /// What strategies measure an improvement of the hypervolume from: values of both search columns, higher is better
        /// in both; empty: a tenth of the front's range below the worst values of the front.
        search_reference: Vec<f64> = Vec::new(),
    }
    check(s) {
        let column = |text: &str, key| {
            let read = text.parse::<ColumnName>();
            read.map(drop).map_err(|reason| Invalid { key, reason })
        };
        column(&s.search, "search")?;
        if !s.report.is_empty() {
            column(&s.report, "report")?;
        }
        let two = |list: &[f64]| list.is_empty() || list.len() == 2 && list.iter().all(|x| x.is_finite());
        ensure(two(&s.reference), "reference", format!("{:?}", s.reference), "two numbers, or none")?;
        let (own, shown) = (two(&s.search_reference), format!("{:?}", s.search_reference));
        ensure(own, "search_reference", shown, "two numbers, or none")
    }
}

/// The table of an experiment, and what strategies are held to beside its search column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableConfig {
    /// `[table]`; none: the table inside the program, [`TableSettings::embedded`].
    pub table: Option<TableSettings>,
    /// `[[constraint]]`, in order.
    pub constraints: Vec<ConstraintSettings>,
    /// `[objective]`, the second one.
    pub objective: Option<ObjectiveSettings>,
}

impl TableSettings {
    /// How [`bonas_study::table::EMBEDDED`] is read.
    pub fn embedded() -> Self {
        Self { space: EMBEDDED_SPACE.into(), search: "val".into(), report: "test".into(), ..Self::default() }
    }

    /// The text that results are known by: every key but the path and what a file is unpacked to.
    pub fn identity(&self) -> String {
        plain("table", &Self { path: String::new(), unpacked_megabytes: None, ..self.clone() })
    }
}

impl TableConfig {
    pub(super) fn read(document: &Document<'_>) -> Result<Self, ConfigError> {
        let constraints = document.tables("constraint")?;
        Ok(Self {
            table: optional(document, "table")?,
            constraints: constraints
                .iter()
                .map(|path| document.section(path, &[]))
                .collect::<Result<_, _>>()?,
            objective: optional(document, "objective")?,
        })
    }

    /// Its sections, each key below a comment; those that are not there as comments.
    pub(super) fn commented(&self) -> Vec<String> {
        let table = section_or_keys("table", self.table.as_ref());
        let without = "# Without [table]: the one inside the program.\n";
        let table = if self.table.is_some() { table } else { format!("{without}{table}") };
        let mut constraints: Vec<String> =
            self.constraints.iter().map(|c| commented("[constraint]", c)).collect();
        if constraints.is_empty() {
            constraints.push(section_or_keys::<ConstraintSettings>("[constraint]", None));
        }
        let objective = section_or_keys("objective", self.objective.as_ref());
        [table].into_iter().chain(constraints).chain([objective]).collect()
    }

    /// The text that results are known by, of constraints and second objective; empty without any.
    pub fn aims_identity(&self) -> String {
        let objective = self.objective.as_ref().map(|o| plain("objective", &self.judged(o)));
        self.constraints.iter().map(|c| plain("[constraint]", c)).chain(objective).collect()
    }

    /// What runs depend on: the search column; what is reported of them only where rows without it
    /// are skipped, and so are no candidates.
    fn judged(&self, objective: &ObjectiveSettings) -> ObjectiveSettings {
        let skips = self.table.as_ref().is_some_and(|table| table.missing == MissingKind::Skip);
        let report = if skips { objective.report.clone() } else { String::new() };
        let ObjectiveSettings { search, search_reference, .. } = objective.clone();
        ObjectiveSettings { search, report, search_reference, ..ObjectiveSettings::default() }
    }
}

/// The section at `path`, if it is there.
pub(super) fn optional<T: Settings>(document: &Document<'_>, path: &str) -> Result<Option<T>, ConfigError> {
    if document.has(path) { document.section(path, &[]).map(Some) } else { Ok(None) }
}

/// A section; where there is none its keys as comments, to be filled in.
pub(super) fn section_or_keys<T: Settings>(header: &str, settings: Option<&T>) -> String {
    if let Some(settings) = settings {
        return commented(header, settings);
    }
    let text = commented(header, &T::default());
    let comment =
        |line: &str| if line.starts_with('#') { format!("{line}\n") } else { format!("# {line}\n") };
    text.lines().map(comment).collect()
}
