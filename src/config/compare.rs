//! Configuration of `bonas compare`.

use bonas_study::table::{ColumnName, EMBEDDED_SPACE};
use serde::{Deserialize, Serialize};

use super::{ConfigError, Document, Settings, StrategySettings, Transfer, commented, ensure, plain};

bonas_study::settings! {
    /// What strategies are compared by.
    pub struct CompareSettings {
        /// Studies a strategy, with seeds `first_seed`, `first_seed` + 1 and so on: the same for all.
        seeds: usize = 100,
        /// The first seed; 0 to 9223372036854775807.
        first_seed: u64 = 1,
        /// Unique architectures a study, the first random ones included.
        budget: usize = 150,
        /// Architectures a batch, for strategies that do not say it themselves.
        batch: usize = 10,
        /// Random architectures before a surrogate's first fit, for strategies that do not say it
        /// themselves.
        initial: usize = 10,
        /// Whether a study ends once it has queried an architecture whose report value is the best of
        /// the table: for counting queries to the optimum, with the budget as the cap.
        stop_at_optimum: bool = false,
        /// Level of the tests, and 1 less the probability of the intervals.
        alpha: f64 = 0.05,
        /// Resamples of a bootstrap interval.
        resamples: usize = 2000,
    }
    check(s) {
        ensure((1..=100_000).contains(&s.seeds), "seeds", s.seeds, "1 to 100000")?;
        let last = i64::try_from(s.first_seed).ok().and_then(|first| first.checked_add(s.seeds as i64));
        ensure(last.is_some(), "first_seed", s.first_seed, "0 to 9223372036854775807, with all seeds after it")?;
        ensure((1..=1_000_000).contains(&s.budget), "budget", s.budget, "1 to 1000000")?;
        ensure(s.batch >= 1, "batch", s.batch, "at least 1")?;
        ensure(s.initial >= 1, "initial", s.initial, "at least 1")?;
        ensure(s.alpha > 0.0 && s.alpha < 1.0, "alpha", s.alpha, "between 0 and 1")?;
        ensure((1..=1_000_000).contains(&s.resamples), "resamples", s.resamples, "1 to 1000000")
    }
}

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

/// What isomorphic rows that are merged come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsomorphsKind {
    /// The mean of all their values.
    #[default]
    Mean,
    /// The value of the first row.
    First,
}

/// What a query of a value with several seeds gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedsKind {
    /// Their mean.
    #[default]
    Mean,
    /// One of them, drawn from the study's own stream.
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
        /// The search space; `bonas list spaces` prints all of them.
        space: String = String::new(),
        /// The CSV file, plain or gzipped, with a column `arch` in the space's notation; relative to
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
        /// What isomorphic rows that are merged come to: mean or first.
        isomorphs: IsomorphsKind = IsomorphsKind::Mean,
        /// What a query of a cell with several seeds ("93.1;93.4") gives: mean, or draw (one of them,
        /// from the study's own stream). The report is the mean always.
        seeds: SeedsKind = SeedsKind::Mean,
        /// Rows that lack a number: error, or skip.
        missing: MissingKind = MissingKind::Error,
        /// Limits such as "params <= 2.5" or "latency >= 1" on columns; rows beyond them are no
        /// candidates.
        limits: Vec<String> = Vec::new(),
    }
    check(s) {
        let column = |text: &str, key| {
            let read = text.parse::<ColumnName>();
            read.map(drop).map_err(|reason| super::Invalid { key, reason })
        };
        ensure(!s.space.is_empty(), "space", "none", "the name of the table's search space")?;
        column(&s.search, "search")?;
        if !s.report.is_empty() {
            column(&s.report, "report")?;
        }
        let wrong = s.limits.iter().find_map(|limit| limit.parse::<bonas_study::table::Limit>().err());
        wrong.map_or(Ok(()), |reason| Err(super::Invalid { key: "limits", reason }))
    }
}

bonas_study::settings! {
    /// A limit that what is found must keep.
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
        read.map(drop).map_err(|reason| super::Invalid { key: "limit", reason })
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
    }
    check(s) {
        let column = |text: &str, key| {
            let read = text.parse::<ColumnName>();
            read.map(drop).map_err(|reason| super::Invalid { key, reason })
        };
        column(&s.search, "search")?;
        if !s.report.is_empty() {
            column(&s.report, "report")?;
        }
        let two = s.reference.is_empty() || s.reference.len() == 2 && s.reference.iter().all(|x| x.is_finite());
        ensure(two, "reference", format!("{:?}", s.reference), "two numbers, or none")
    }
}

/// One of the strategies that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrant {
    /// What it is called in results; if it has no label its name, and where the scores come from that it starts from.
    pub label: String,
    /// Its settings.
    pub strategy: StrategySettings,
}

/// Everything that `bonas compare` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareConfig {
    /// The keys at the top of the file.
    pub compare: CompareSettings,
    /// `[table]`; none: the table inside the program, [`TableSettings::embedded`].
    pub table: Option<TableSettings>,
    /// `[[constraint]]`, in order.
    pub constraints: Vec<ConstraintSettings>,
    /// `[objective]`, the second one.
    pub objective: Option<ObjectiveSettings>,
    /// `[[strategy]]`, in order.
    pub strategies: Vec<Entrant>,
}

impl Default for CompareConfig {
    /// Every strategy that this program can run, with its defaults.
    fn default() -> Self {
        let compare = CompareSettings::default();
        let strategies = all_of(&compare, false);
        Self { compare, table: None, constraints: Vec::new(), objective: None, strategies }
    }
}

/// A strategy with the batch and the first random architectures of all.
fn entrant(label: &str, mut strategy: StrategySettings, compare: &CompareSettings) -> Entrant {
    strategy.set_batch(compare.batch);
    strategy.set_initial(compare.initial);
    Entrant { label: label.to_owned(), strategy }
}

/// Every strategy that this program can run.
fn all_of(compare: &CompareSettings, two_objectives: bool) -> Vec<Entrant> {
    let all = StrategySettings::available(two_objectives);
    all.map(|strategy| entrant(strategy.name(), strategy, compare)).collect()
}

impl CompareConfig {
    /// Reads a configuration; what it leaves out has its default, no `[[strategy]]` means all that
    /// this program can run. `origin` names it in errors.
    ///
    /// # Errors
    /// [`ConfigError`] with line, key, and the nearest valid name or the valid range.
    ///
    /// # Examples
    /// ```
    /// let text = "seeds = 5\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\npopulation = 20\n";
    /// let config = bonas::config::CompareConfig::from_toml(text, "my.toml")?;
    /// assert_eq!(config.strategies[1].label, "evolution");
    /// # Ok::<(), bonas::config::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text, origin)?;
        let compare: CompareSettings =
            document.section("", &["table", "constraint", "objective", "strategy"])?;
        let table = optional(&document, "table")?;
        let objective: Option<ObjectiveSettings> = optional(&document, "objective")?;
        let constraints = document.tables("constraint")?;
        let constraints =
            constraints.iter().map(|path| document.section(path, &[])).collect::<Result<_, _>>()?;
        let mut strategies: Vec<Entrant> = Vec::new();
        for path in document.tables("strategy")? {
            let entrant = read_entrant(&document, &path, &compare)?;
            if strategies.iter().any(|other| other.label == entrant.label) {
                let reason =
                    format!("two strategies are called `{}`; give one of them a `label`", entrant.label);
                return Err(document.refuse(&format!("{path}.name"), reason));
            }
            strategies.push(entrant);
        }
        if strategies.is_empty() {
            strategies = all_of(&compare, objective.is_some());
        }
        Ok(Self { compare, table, constraints, objective, strategies })
    }

    /// Every key with its value, below a comment that says what it means.
    pub fn commented(&self) -> String {
        let table = section_or_keys("table", self.table.as_ref());
        let table = if self.table.is_some() {
            table
        } else {
            format!("# Without [table]: the one inside the program.\n{table}")
        };
        let mut constraints: Vec<String> =
            self.constraints.iter().map(|c| commented("[constraint]", c)).collect();
        if constraints.is_empty() {
            constraints.push(section_or_keys::<ConstraintSettings>("[constraint]", None));
        }
        let objective = section_or_keys("objective", self.objective.as_ref());
        let strategies = self.strategies.iter().map(|entrant| {
            let label = format!("# What it is called in results.\nlabel = {:?}\n", entrant.label);
            entrant.strategy.commented("[strategy]") + &label
        });
        let sections =
            [commented("", &self.compare), table].into_iter().chain(constraints).chain([objective]);
        let sections = sections.chain(strategies);
        sections.collect::<Vec<_>>().join("\n")
    }
}

/// The section at `path`, if it is there.
fn optional<T: Settings>(document: &Document<'_>, path: &str) -> Result<Option<T>, ConfigError> {
    if document.has(path) { document.section(path, &[]).map(Some) } else { Ok(None) }
}

/// A section; where there is none its keys as comments, to be filled in.
fn section_or_keys<T: Settings>(header: &str, settings: Option<&T>) -> String {
    if let Some(settings) = settings {
        return commented(header, settings);
    }
    let text = commented(header, &T::default());
    let comment =
        |line: &str| if line.starts_with('#') { format!("{line}\n") } else { format!("# {line}\n") };
    text.lines().map(comment).collect()
}

fn read_entrant(
    document: &Document<'_>,
    path: &str,
    compare: &CompareSettings,
) -> Result<Entrant, ConfigError> {
    let key = |key: &str| format!("{path}.{key}");
    if !document.has(&key("name")) {
        let names = StrategySettings::NAMES.join(", ");
        return Err(document.refuse(path, format!("there is no `name`; give one of {names}")));
    }
    let mut strategy = StrategySettings::read(document, path, &["label"])?;
    if !document.has(&key("batch")) {
        strategy.set_batch(compare.batch);
    }
    if !document.has(&key("initial")) {
        strategy.set_initial(compare.initial);
    }
    let name = || match strategy.transfer() {
        Transfer::None => strategy.name().to_owned(),
        source => format!("{}, from {source}", strategy.name()),
    };
    let label = document.string(&key("label"))?.map_or_else(name, str::to_owned);
    Ok(Entrant { label, strategy })
}

impl TableSettings {
    /// How [`bonas_study::table::EMBEDDED`] is read.
    pub fn embedded() -> Self {
        Self { space: EMBEDDED_SPACE.into(), search: "val".into(), report: "test".into(), ..Self::default() }
    }

    /// The text that results are known by: every key but the path.
    pub fn identity(&self) -> String {
        plain("table", &Self { path: String::new(), ..self.clone() })
    }
}

impl CompareConfig {
    /// The text that results are known by, of constraints and second objective; empty without any.
    pub fn aims_identity(&self) -> String {
        let objective = self.objective.as_ref().map(|o| plain("objective", &self.judged(o)));
        self.constraints.iter().map(|c| plain("[constraint]", c)).chain(objective).collect()
    }

    /// What studies depend on: the search column; what is reported of them only where rows without it
    /// are skipped, and so are no candidates.
    fn judged(&self, objective: &ObjectiveSettings) -> ObjectiveSettings {
        let skips = self.table.as_ref().is_some_and(|table| table.missing == MissingKind::Skip);
        let report = if skips { objective.report.clone() } else { String::new() };
        ObjectiveSettings { search: objective.search.clone(), report, ..ObjectiveSettings::default() }
    }
}

impl Entrant {
    /// The text that results are known by: every key but the label, and but where scores on another task come from.
    pub fn identity(&self) -> String {
        self.strategy.clone().with_transfer(Transfer::None).plain("strategy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CompareConfig {
        CompareConfig::from_toml(text, "c.toml").unwrap()
    }

    fn error(text: &str) -> String {
        CompareConfig::from_toml(text, "c.toml").unwrap_err().to_string()
    }

    const TABLE: &str = "[table]\nspace = \"macro\"\npath = \"t.csv\"\nsearch = \"test1\"\n";

    #[test]
    fn what_is_printed_reads_back() {
        let text = format!(
            "seeds = 7\n{TABLE}limits = [\"params <= 2\"]\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \
             \"random\"\nlabel = \"random \\\"b\\\"\"\nbatch = 3\n"
        );
        let config = read(&text);
        assert_eq!(read(&config.commented()), config);
        assert_eq!(read(&CompareConfig::default().commented()), CompareConfig::default());
        assert_eq!(read(""), CompareConfig::default());
        let printed = CompareConfig::default().commented();
        assert!(printed.contains("# [table]\n") && printed.contains("# search = \"\"\n"), "{printed}");
    }

    #[test]
    fn a_strategy_has_the_batch_of_all_unless_it_says_another() {
        let config = read(
            "batch = 4\ninitial = 12\n[[strategy]]\nname = \"bonas\"\n[[strategy]]\nname = \"bonas\"\nlabel = \
             \"b\"\nbatch = 1\ninitial = 7\n",
        );
        let of = |i: usize| match &config.strategies[i].strategy {
            StrategySettings::Bonas(s) => (s.batch, s.initial),
            _ => panic!("bonas"),
        };
        assert_eq!((of(0), of(1)), ((4, 12), (1, 7)));
    }

    #[test]
    fn errors_name_the_place_in_an_array_of_tables() {
        for (text, expected) in [
            (
                "[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\npopulatoin = 3\n",
                "c.toml line 5: strategy[1].populatoin: unknown key `populatoin`; did you mean `population`?",
            ),
            (
                "[[strategy]]\nname = \"evolution\"\npopulation = 0\n",
                "c.toml line 3: strategy[0].population: 0 is out of range; expected at least 1",
            ),
            (
                "[[strategy]]\nname = \"evolution\"\npopulation = \"x\"\n",
                "c.toml line 3: strategy[0].population: invalid type",
            ),
            (
                "[[strategy]]\nname = \"evolutoin\"\n",
                "c.toml line 2: strategy[0].name: unknown strategy `evolutoin`",
            ),
            (
                "[[strategy]]\nbatch = 2\n",
                "c.toml line 1: strategy[0]: there is no `name`; give one of bonas",
            ),
            ("[strategy]\nname = \"random\"\n", "c.toml line 1: strategy: expected tables `[[strategy]]`"),
            (
                "[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"random\"\n",
                "c.toml line 4: strategy[1].name: two strategies are called `random`; give one of them a `label`",
            ),
            ("seed = 3\n", "c.toml line 1: seed: unknown key `seed`; did you mean `seeds`?"),
            ("[table]\nspace = \"macro\"\nsearch = \"\"\n", "c.toml line 3: table.search: \"\" is no column"),
            ("[table]\nsearch = \"a\"\n", "c.toml: table.space: none is out of range"),
            (
                "[table]\nspace = \"macro\"\nsearch = \"a\"\nlimits = [\"a = 3\"]\n",
                "c.toml line 4: table.limits: \"a = 3\"",
            ),
            ("alpha = 1.5\n", "c.toml line 1: alpha: 1.5 is out of range"),
        ] {
            let message = error(text);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn path_and_label_are_no_part_of_identity() {
        let of = |path: &str| read(&TABLE.replace("t.csv", path)).table.unwrap().identity();
        assert_eq!(of("a.csv"), of("b.csv"));
        assert_ne!(of("a.csv"), read(&TABLE.replace("test1", "test2")).table.unwrap().identity());
    }
}
