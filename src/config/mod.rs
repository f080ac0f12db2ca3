//! Configuration: strict TOML in which every key has a documented default.
//!
//! Use [`SearchConfig::from_toml`] to read a search's configuration; it refuses unknown keys, values of the wrong type and
//! values out of range, each with file, line, key and the nearest valid name. [`SearchConfig::commented`] prints every key
//! with its meaning and value. [`SearchConfig::plain`] is the same without comments, and what a study's first journal record
//! holds.
//!
//! ```
//! use bonas::config::SearchConfig;
//!
//! let config = SearchConfig::from_toml("[study]\nseed = 7\n", "example")?;
//! assert_eq!(config.study.seed, 7);
//! let error = SearchConfig::from_toml("[study]\nsede = 7\n", "example").unwrap_err();
//! assert!(error.to_string().contains("did you mean `seed`?"));
//! # Ok::<(), bonas::config::ConfigError>(())
//! ```
//!
//! To add a setting, add a field to a [`settings!`](bonas_study::settings!) group. The strategies and
//! evaluators are listed in [`strategies!`](bonas_study::strategies!) and
//! [`evaluators!`](bonas_supernet::evaluators!).
//!
//! Invariant: nothing here opens a file, or names a search space or a tensor type; a name that
//! only its owner can check (a space, a device, a data source) is checked there.

mod choices;
mod error;
mod evaluator;
mod experiment;
mod finals;
mod latency;
mod print;
mod space_file;
mod strategy;
mod strict;
mod study;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use bonas_study::evaluator::command::{CommandSettings, OnFailure};
pub use bonas_study::evaluator::{SyntheticSettings, ToldSettings};
use bonas_study::history::Aims;
pub use bonas_study::settings::{Invalid, KeyDoc, Settings, at_least_1, ensure, nearest, unknown};
pub use bonas_study::strategy::{
    AcquisitionName, BananasSettings, BnNasSettings, BonasPublishedSettings, BonasSettings,
    EvolutionSettings, LocalSearchSettings, NasBowlSettings, NpenasSettings, Nsga2Settings, ObjectivesKind,
    ParentsKind, PoolKind, PriorKind, RandomSettings, SelectionChoice, SelectionName, SurrogateName,
    TargetsKind, Transfer,
};
use bonas_study::table::ColumnName;
pub use bonas_supernet::data::{DataSettings, ImageCache};
pub use bonas_supernet::differentiable::DifferentiableSettings;
pub use bonas_supernet::evaluator::{BatchNormKind, IndicatorSettings, ScratchSettings, SharedSettings};
pub use bonas_supernet::recipe::{Precision, TrainingSettings};
pub use error::ConfigError;
pub use evaluator::EvaluatorSettings;
pub use experiment::{
    ConstraintSettings, ExperimentConfig, ExperimentSettings, ImagesConfig, IsomorphsKind, MergeKind,
    MissingKind, ObjectiveSettings, OwnSections, OwnStudySettings, SeedsKind, StrategyConfig, TableConfig,
    TableSettings, TaskConfig, TruthSettings,
};
pub use finals::{FinalImages, FinalSettings};
pub use latency::{LatencyBy, LatencySettings};
pub use print::{commented, plain};
pub use space_file::{same_space, space_description, space_from_toml, space_identity};
pub use strategy::StrategySettings;
pub use strict::{Document, from_toml};
pub use study::{BestBy, ShortlistSettings, SpaceSettings, StudySettings};

/// The configuration of a search, one field a section of its TOML file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchConfig {
    /// `relative_to`: the folder that relative paths start from, those of `data.source` and
    /// `strategy.transfer`; empty: the folder that the program runs in. `bonas` sets it to the folder of
    /// the configuration file. It is no part of [`Self::identity`].
    pub relative_to: PathBuf,
    /// The images of `[data]` once they are read, and their fingerprint, for this configuration and its clones; no key of
    /// the file.
    pub images: ImageCache,
    /// `[study]`: seed, budget, workers.
    pub study: StudySettings,
    /// `[space]`: the search space.
    pub space: SpaceSettings,
    /// `[strategy]`: who proposes.
    pub strategy: StrategySettings,
    /// `[evaluator]`: how proposals are scored.
    pub evaluator: EvaluatorSettings,
    /// `[latency]`: how long their networks take on this machine.
    pub latency: LatencySettings,
    /// The folder in which latencies are kept for several searches, as those of a comparison; none: that of the search. No key
    /// of the file.
    pub latencies: Option<PathBuf>,
    /// `[data]`: the images.
    pub data: DataSettings,
    /// `[training]`: how networks are trained.
    pub training: TrainingSettings,
    /// `[shortlist]`: which of the best architectures wins.
    pub shortlist: ShortlistSettings,
    /// `[final]`: training the winner from scratch.
    pub finals: FinalSettings,
}

const SECTIONS: [&str; 10] = [
    RELATIVE_TO,
    "study",
    "space",
    "strategy",
    "evaluator",
    "latency",
    "data",
    "training",
    "shortlist",
    "final",
];

/// The key of [`SearchConfig::relative_to`].
const RELATIVE_TO: &str = "relative_to";

impl SearchConfig {
    /// Reads a configuration; what it leaves out has its default. `origin` names it in errors.
    ///
    /// # Errors
    /// [`ConfigError`] with line, key, and the nearest valid name or the valid range.
    ///
    /// # Examples
    /// ```
    /// let config = bonas::config::SearchConfig::from_toml("[study]\nseed = 7", "my.toml")?;
    /// assert_eq!(config.study.seed, 7);
    /// assert_eq!(config.strategy.name(), "bonas");
    /// # Ok::<(), bonas::config::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text, origin)?;
        document.only("", &SECTIONS)?;
        let config = Self {
            relative_to: document.string(RELATIVE_TO)?.map(PathBuf::from).unwrap_or_default(),
            images: ImageCache::default(),
            study: document.section("study", &[])?,
            space: document.section("space", &[])?,
            strategy: StrategySettings::read(&document, "strategy", &[])?,
            evaluator: EvaluatorSettings::read(&document, "evaluator", &[])?,
            latency: document.section("latency", &[])?,
            latencies: None,
            data: document.section("data", &[])?,
            training: document.section("training", &[])?,
            shortlist: document.section("shortlist", &[])?,
            finals: document.section("final", &[])?,
        };
        if config.shortlist.by == BestBy::Model && !config.strategy.estimates() {
            let reason = format!("model, but strategy {} has none; take score", config.strategy.name());
            return Err(document.refuse("shortlist.by", reason));
        }
        config.check_latency().map_err(|reason| document.refuse("latency.by", reason))?;
        Ok(config)
    }

    fn check_latency(&self) -> Result<(), String> {
        if self.latency.is_on() && self.evaluator.told().is_some() {
            return Err(
                "nothing is measured here where scores are told; tell latency as a measure".to_owned()
            );
        }
        if self.latency.objective && self.evaluator.aims().second.is_some() {
            return Err("the evaluator has a second objective already; leave one of them out".to_owned());
        }
        Ok(())
    }

    /// Limits and second objective: those of the evaluator, and those of latency.
    pub fn aims(&self) -> Aims {
        self.latency.add_to(self.evaluator.aims(), self.evaluator.columns().len().saturating_sub(1))
    }

    /// Names of the score and of the measures that [`aims`](Self::aims) counts by place, in their order after the score.
    pub fn columns(&self) -> Vec<ColumnName> {
        [self.evaluator.columns(), self.latency.columns()].concat()
    }

    /// The text that a search is known by: [`Self::plain`] with what cannot change its history
    /// (workers, device, what comes after it) left at its default.
    pub fn identity(&self) -> String {
        self.of_history().plain()
    }

    fn of_history(&self) -> Self {
        let device = TrainingSettings::default().device;
        let mut evaluator = self.evaluator.clone();
        evaluator.forget_machine();
        Self {
            evaluator,
            relative_to: PathBuf::new(),
            latencies: None,
            study: self.study.without_machine(),
            training: TrainingSettings { device, ..self.training.clone() },
            data: DataSettings { unpacked_megabytes: None, memory_megabytes: None, ..self.data.clone() },
            shortlist: ShortlistSettings::default(),
            finals: FinalSettings::default(),
            ..self.clone()
        }
    }

    /// All that the files of a search depend on: every key but those of the machine and of places on it, which have their
    /// defaults.
    pub fn of_results(&self) -> String {
        let finals = (self.shortlist.clone(), self.finals.clone());
        let mut config = self.of_history();
        (config.shortlist, config.finals) = finals;
        config.plain()
    }

    /// Whether the search, or what follows it, trains networks.
    pub fn trains(&self) -> bool {
        let follows = self.finals.seeds > 0 || self.shortlist.cells > 0;
        self.evaluator.network().is_some() || (follows && !self.evaluator.follows_up())
    }

    /// Every key with its value, below a comment that says what it means.
    pub fn commented(&self) -> String {
        let sections = [
            self.folder_line("# The folder that relative paths in this file start from.\n"),
            commented("study", &self.study),
            commented("space", &self.space),
            self.strategy.commented("strategy"),
            self.evaluator.commented("evaluator"),
            commented("latency", &self.latency),
            commented("data", &self.data),
            commented("training", &self.training),
            commented("shortlist", &self.shortlist),
            commented("final", &self.finals),
        ];
        sections.join("\n").trim_start().to_owned()
    }

    /// Every key with its value. A section `[latency]` that measures nothing is left out, so that searches of earlier versions
    /// have the identity that they had.
    pub fn plain(&self) -> String {
        let measured = self.latency != LatencySettings::default();
        let sections = [
            self.folder_line(""),
            plain("study", &self.study),
            plain("space", &self.space),
            self.strategy.plain("strategy"),
            self.evaluator.plain("evaluator"),
            if measured { plain("latency", &self.latency) } else { String::new() },
            plain("data", &self.data),
            plain("training", &self.training),
            plain("shortlist", &self.shortlist),
            plain("final", &self.finals),
        ];
        let there = sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>();
        there.join("\n").trim_start().to_owned()
    }

    /// `relative_to` as a line below its comment; empty where no folder is set.
    fn folder_line(&self, comment: &str) -> String {
        let folder = self.relative_to.display().to_string();
        if folder.is_empty() {
            return folder;
        }
        format!("{comment}{RELATIVE_TO} = {}\n", toml::Value::from(folder))
    }
}
