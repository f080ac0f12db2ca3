//! The model of a search's scores.

use bonas_spaces::SearchSpace;
use bonas_study::strategy::{Bonas, BonasSettings, BuildStrategy, Knowledge, PriorKind, Start, Transfer};

use super::Search;
use crate::config::StrategySettings;
use crate::{Strategy, StudyError, build};

/// What a search's scores are modelled by.
pub(crate) struct Modelling {
    /// A strategy with a model of the scores ([`Strategy::score_model`]).
    pub(crate) strategy: Box<dyn Strategy>,
    /// Whether it is that of the search, which may have none.
    pub(crate) own: bool,
    /// Names of the prior knowledge that its surrogate starts from, features first.
    pub(crate) known: Vec<String>,
}

impl Search {
    /// The strategy of the search if it has a model of the scores, else BONAS as it is without any settings.
    ///
    /// # Errors
    /// As [`build::knowledge`], and those of building the strategy.
    pub(crate) fn modelling(
        &self,
        space: &dyn SearchSpace,
        knowledge: &Knowledge,
    ) -> Result<Modelling, StudyError> {
        let settings = match &self.config.strategy {
            StrategySettings::Bonas(settings) => Some(settings.clone()),
            strategy if strategy.estimates() => None,
            _ => Some(BonasSettings::default()),
        };
        let known = settings.map_or_else(|| Ok(Vec::new()), |settings| known(&settings, space, knowledge))?;
        if self.config.strategy.estimates() {
            let strategy = self.strategy(&self.transfer(), space, knowledge)?;
            return Ok(Modelling { strategy, own: true, known });
        }
        let start = Start { prior: PriorKind::Auto, ..Start::NOTHING };
        let strategy = Bonas {
            surrogate: knowledge.surrogate(BonasSettings::default().surrogate, start, space)?,
            aims: self.config.evaluator.aims(),
            ..Bonas::default()
        };
        Ok(Modelling { strategy: Box::new(strategy), own: false, known })
    }

    /// What the strategies of this search can start from.
    ///
    /// # Errors
    /// As [`build::knowledge`].
    pub(crate) fn knowledge(&self) -> Result<Knowledge, StudyError> {
        build::knowledge(&self.config)
    }
}

/// Names of what a surrogate starts from, in the order in which it is given it.
fn known(
    settings: &BonasSettings,
    space: &dyn SearchSpace,
    knowledge: &Knowledge,
) -> Result<Vec<String>, StudyError> {
    let mut names: Vec<String> = settings.features().iter().map(ToString::to_string).collect();
    let costs = knowledge.costs(settings.surrogate, settings.prior, space)?;
    let cost = if settings.prior == PriorKind::Params { "parameters" } else { "multiply-adds" };
    names.extend(costs.iter().map(|_| cost.to_owned()));
    names.extend((settings.transfer != Transfer::None).then(|| "scores on another task".to_owned()));
    Ok(names)
}
