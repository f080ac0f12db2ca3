//! Configuration of an experiment, `bonas compare`: strategies x seeds, on a table or on images.
//!
//! `[table]`, `[[constraint]]` and `[objective]` say that it is on a table, `[data]`, `[training]`, `[space]`,
//! `[evaluator]`, `[latency]`, `[final]` and `[truth]` that it is on images; without any it is on the table inside the program.

mod images;
mod old;
mod settings;
mod strategy;
mod table;
#[cfg(test)]
mod tests;
mod truth;

use super::{ConfigError, Document};

pub use images::ImagesConfig;
pub use settings::ExperimentSettings;
pub use strategy::{OwnSections, OwnStudySettings, StrategyConfig};
pub use table::{
    ConstraintSettings, IsomorphsKind, MergeKind, MissingKind, ObjectiveSettings, SeedsKind, TableConfig,
    TableSettings,
};
pub use truth::TruthSettings;

/// The configuration of an experiment: strategies, and the table or images that they are compared on.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentConfig {
    /// The keys at the top of the file.
    pub settings: ExperimentSettings,
    /// What strategies are compared on.
    pub task: TaskConfig,
    /// `[[strategy]]`, in order.
    pub strategies: Vec<StrategyConfig>,
}

/// What strategies are compared on.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskConfig {
    /// The rows of a table.
    Table(Box<TableConfig>),
    /// Images, on which networks are trained.
    Images(Box<ImagesConfig>),
}

/// Sections of which one makes an experiment one on a table.
const TABLE: [&str; 3] = ["table", "constraint", "objective"];
/// Sections of which one makes an experiment one on images.
const IMAGES: [&str; 7] = ["data", "training", "space", "evaluator", "latency", "final", "truth"];

impl Default for ExperimentConfig {
    /// Every strategy that this program can run, with its defaults, on the table inside the program.
    fn default() -> Self {
        let settings = ExperimentSettings::default();
        let strategies = StrategyConfig::all(&settings, false);
        Self { settings, task: TaskConfig::Table(Box::default()), strategies }
    }
}

impl ExperimentConfig {
    /// Reads a configuration; what it leaves out has its default. On a table no `[[strategy]]` means all
    /// that this program can run. `origin` names it in errors.
    ///
    /// # Errors
    /// [`ConfigError`] with line, key, and the nearest valid name or the valid range.
    ///
    /// # Examples
    /// ```
    /// let text = "seeds = 5\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\npopulation = 20\n";
    /// let config = bonas::config::ExperimentConfig::from_toml(text, "my.toml")?;
    /// assert_eq!(config.strategies[1].label, "evolution");
    ///
    /// let text = "seconds = 60.0\n[space]\nname = \"bcnn\"\n[[strategy]]\nname = \"random\"\n";
    /// let config = bonas::config::ExperimentConfig::from_toml(text, "my.toml")?;
    /// assert!(config.images().is_some_and(|images| images.space.name == "bcnn"));
    /// # Ok::<(), bonas::config::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text, origin)?;
        old::refuse(&document)?;
        let images = is_on_images(&document)?;
        let settings = ExperimentSettings::read(&document, images)?;
        let mut strategies = StrategyConfig::read_all(&document, &settings, images)?;
        let task = if images {
            TaskConfig::Images(Box::new(ImagesConfig::read(&document)?))
        } else {
            TaskConfig::Table(Box::new(TableConfig::read(&document)?))
        };
        if strategies.is_empty() {
            match &task {
                TaskConfig::Table(table) => {
                    strategies = StrategyConfig::all(&settings, table.objective.is_some());
                }
                TaskConfig::Images(_) => {
                    let reason = "there is none; an experiment on images names its strategies";
                    return Err(document.refuse("[[strategy]]", reason));
                }
            }
        }
        Ok(Self { settings, task, strategies })
    }

    /// The table; none where the experiment is on images.
    pub fn table(&self) -> Option<&TableConfig> {
        match &self.task {
            TaskConfig::Table(table) => Some(table),
            TaskConfig::Images(_) => None,
        }
    }

    /// The images; none where the experiment is on a table.
    pub fn images(&self) -> Option<&ImagesConfig> {
        match &self.task {
            TaskConfig::Table(_) => None,
            TaskConfig::Images(images) => Some(images),
        }
    }

    /// Every key with its value, below a comment that says what it means.
    pub fn commented(&self) -> String {
        let sections = match &self.task {
            TaskConfig::Table(table) => table.commented(),
            TaskConfig::Images(images) => images.commented(),
        };
        let mut parts = vec![self.settings.commented(self.images().is_some())];
        parts.extend(sections);
        parts.extend(self.strategies.iter().map(StrategyConfig::commented));
        parts.join("\n")
    }
}

/// Whether an experiment is on images.
///
/// # Errors
/// [`ConfigError`] for sections of both.
fn is_on_images(document: &Document<'_>) -> Result<bool, ConfigError> {
    let strategies = document.tables("strategy")?;
    let own = strategies.iter().flat_map(|path| strategy::OWN.map(|section| format!("{path}.{section}")));
    let images = IMAGES.map(str::to_owned).into_iter().chain(own).find(|path| document.has(path));
    match (TABLE.iter().find(|key| document.has(key)), images) {
        (Some(table), Some(images)) => {
            let reason = format!(
                "it is for an experiment on images, and `{table}` for one on a table; leave one of them out"
            );
            Err(document.refuse(&images, reason))
        }
        (_, images) => Ok(images.is_some()),
    }
}
