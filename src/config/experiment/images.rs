//! The images of an experiment: what all strategies share.

use std::fmt::Write;

use super::strategy::{check_final, commented_final};
use super::table::{optional, section_or_keys};
use super::{ExperimentSettings, StrategyConfig, TruthSettings};
use crate::config::{
    ConfigError, DataSettings, Document, EvaluatorSettings, FinalSettings, LatencySettings, SearchConfig,
    SpaceSettings, StudySettings, SyntheticSettings, TrainingSettings, commented, plain,
};

/// The images of an experiment, and how networks are trained on them. A strategy may have a space, an evaluator
/// and a final training of its own, [`super::OwnSections`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImagesConfig {
    /// `[data]`: the images, the same for all.
    pub data: DataSettings,
    /// `[training]`: how networks are trained, the same for all.
    pub training: TrainingSettings,
    /// `[space]`: the search space.
    pub space: SpaceSettings,
    /// `[evaluator]`: how proposals are scored.
    pub evaluator: EvaluatorSettings,
    /// `[latency]`: how long their networks take on this machine, measured once for all strategies.
    pub latency: LatencySettings,
    /// `[final]`: how winners and random cells are trained from scratch.
    pub finals: FinalSettings,
    /// `[truth]`: the table in which what searches find is looked up; without it, it is trained from scratch.
    pub truth: Option<TruthSettings>,
}

impl ImagesConfig {
    pub(super) fn read(document: &Document<'_>) -> Result<Self, ConfigError> {
        let read = Self {
            data: document.section("data", &[])?,
            training: document.section("training", &[])?,
            space: document.section("space", &[])?,
            evaluator: EvaluatorSettings::read(document, "evaluator", &[])?,
            latency: document.section("latency", &[])?,
            finals: document.section("final", &[])?,
            truth: optional(document, "truth")?,
        };
        check_final(document, "final", &read.finals)?;
        Ok(read)
    }

    /// Its sections, each key below a comment.
    pub(super) fn commented(&self) -> Vec<String> {
        vec![
            commented("data", &self.data),
            commented("training", &self.training),
            commented("space", &self.space),
            self.evaluator.commented("evaluator"),
            commented("latency", &self.latency),
            commented_final("final", &self.finals),
            section_or_keys("truth", self.truth.as_ref()),
        ]
    }

    /// The search of a strategy, with `budget` architectures unless it says another number.
    ///
    /// A differentiable strategy needs no evaluator, for its cells are taken as they are decoded, and has none.
    pub fn search(&self, strategy: &StrategyConfig, budget: usize) -> SearchConfig {
        let own = strategy.own.clone();
        let architectures = own.study.map_or(budget, |study| study.architectures);
        let evaluator = if strategy.settings.needs_images() {
            EvaluatorSettings::Synthetic(SyntheticSettings::default())
        } else {
            own.evaluator.unwrap_or_else(|| self.evaluator.clone())
        };
        SearchConfig {
            study: StudySettings { architectures, ..StudySettings::default() },
            space: own.space.unwrap_or_else(|| self.space.clone()),
            strategy: strategy.settings.clone(),
            evaluator,
            latency: self.latency.clone(),
            data: self.data.clone(),
            training: self.training.clone(),
            finals: own.finals.unwrap_or_else(|| self.finals.clone()),
            shortlist: own.shortlist.unwrap_or_default(),
            ..SearchConfig::default()
        }
    }

    /// The text that results are known by: everything but the number of seeds, what intervals are made with, and
    /// what changes no history (device).
    pub fn identity(&self, settings: &ExperimentSettings, strategies: &[StrategyConfig]) -> String {
        let ExperimentSettings { first_seed, seconds, random, budget, .. } = settings;
        let mut text = format!("first_seed {first_seed}\nseconds {seconds}\nrandom {random}\n");
        for strategy in strategies {
            let search = self.search(strategy, *budget);
            let finals = plain("final", &search.finals);
            let _ = write!(text, "\n# {}\n{}\n{finals}", strategy.label, search.identity());
            if let Some(shortlist) = &strategy.own.shortlist {
                text += &plain("shortlist", shortlist);
            }
        }
        if let Some(truth) = &self.truth {
            text += &plain("truth", &TruthSettings { path: String::new(), ..truth.clone() });
        }
        text
    }
}
