//! The stages of a search and what each costs compared with the others: for showing how far it is.

use bonas_study::Budget;
use bonas_supernet::evaluator::{FORWARD, SearchImages, Work};

use super::Stage;
use crate::build;
use crate::config::{FinalImages, SearchConfig};

/// A stage that is to come.
#[derive(Clone, Debug, PartialEq)]
pub struct StagePlan {
    /// Which.
    pub stage: Stage,
    /// When it ends by itself.
    pub budget: Budget,
    /// Work in all, in a unit that only compares the stages of one search: training images times the
    /// size of the network, roughly.
    pub cost: f64,
    /// Trainings of one architecture, one after another; 0: steps inside a batch say nothing of how much
    /// of the stage is done, as where one supernet is trained first.
    pub runs: usize,
}

/// Training images where the configuration sets no limit. Only the ratio between stages counts, so that
/// it matters where one of them has a limit and another has none.
const IMAGES: f64 = 50_000.0;
/// A training step of a network with all operations on every edge, and of its architecture parameters.
const RELAXED: f64 = 10.0;

impl StagePlan {
    /// The stages of a search, in order.
    ///
    /// ```
    /// use bonas::search::{DEMO, Stage, StagePlan};
    ///
    /// let plan = StagePlan::of(&DEMO.config()?);
    /// let stages: Vec<Stage> = plan.iter().map(|plan| plan.stage).collect();
    /// assert_eq!(stages, [Stage::Search, Stage::Shortlist, Stage::Finals]);
    /// # Ok::<(), bonas::config::ConfigError>(())
    /// ```
    pub fn of(config: &SearchConfig) -> Vec<Self> {
        let (shortlist, finals) = (&config.shortlist, &config.finals);
        let mut stages = vec![Self::search(config)];
        if shortlist.cells > 0 {
            let size = size(shortlist.channels, shortlist.layers);
            let images = shortlist.epochs as f64 * trained(config) + FORWARD * held_out(config);
            let own = config.evaluator.follows_up();
            let cost = if own { shortlist.epochs as f64 } else { size * images };
            stages.push(Self::listed(Stage::Shortlist, shortlist.cells, shortlist.seeds, cost));
        }
        if finals.seeds > 0 {
            stages.push(Self::finals(config, 1 + finals.random, finals.seeds));
        }
        stages
    }

    /// Training so many architectures as `[final]` says, so many times each.
    pub fn finals(config: &SearchConfig, architectures: usize, runs: usize) -> Self {
        let finals = &config.finals;
        let images = match finals.images {
            FinalImages::Search => trained(config),
            FinalImages::All if finals.limit > 0 => finals.limit as f64,
            FinalImages::All => limited(config),
        };
        let size =
            if config.evaluator.follows_up() { 1.0 } else { size(finals.channels, finals.layers) * images };
        let cost = size * finals.epochs as f64;
        Self::listed(Stage::Finals, architectures, runs, cost)
    }

    fn listed(stage: Stage, architectures: usize, runs: usize, cost: f64) -> Self {
        let all = (architectures * runs) as f64;
        Self { stage, budget: Budget::architectures(architectures), cost: all * cost, runs }
    }

    fn search(config: &SearchConfig) -> Self {
        let budget = build::budget(&config.study);
        if let Some(own) = config.strategy.own_network() {
            let rounds = budget.rounds.map_or(own.epochs, |rounds| rounds.min(own.epochs));
            let cost = size(own.channels, own.layers) * RELAXED * rounds as f64 * trained(config);
            return Self {
                stage: Stage::Search,
                budget: Budget { rounds: Some(rounds), architectures: None, ..budget },
                cost,
                runs: 1,
            };
        }
        let batch = config.strategy.batch().max(1) as f64;
        let rounds = budget.rounds.map_or(f64::MAX, |rounds| rounds as f64 * batch);
        let architectures = budget.architectures.map_or(rounds, |n| n as f64).min(rounds).min(1e9);
        let images = SearchImages { trained: trained(config), held_out: held_out(config), batch };
        let Work { runs, once, each } = config.evaluator.work(&images);
        let cost = once + each * architectures;
        Self { stage: Stage::Search, budget, cost, runs }
    }
}

fn size(channels: usize, layers: usize) -> f64 {
    (channels * channels * layers) as f64
}

/// Training images of `[data]`.
fn limited(config: &SearchConfig) -> f64 {
    match config.data.limit {
        0 => IMAGES,
        limit => limit as f64,
    }
}

/// Images that the search trains on.
fn trained(config: &SearchConfig) -> f64 {
    limited(config) * (1.0 - config.data.validation)
}

/// Images that the search scores on.
fn held_out(config: &SearchConfig) -> f64 {
    limited(config) * config.data.validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::PRESETS;

    #[test]
    fn every_preset_has_a_plan_with_costs() {
        for preset in PRESETS.iter() {
            let config = preset.config().unwrap();
            let plan = StagePlan::of(&config);
            assert!(plan.iter().all(|stage| stage.cost.is_finite() && stage.cost > 0.0), "{}", preset.name);
            assert_eq!(plan[0].stage, Stage::Search);
        }
    }

    #[test]
    fn costs_grow_with_what_is_trained() {
        let mut config = SearchConfig::default();
        (config.finals.random, config.finals.seeds) = (1, 2);
        let cost = |config: &SearchConfig| StagePlan::of(config).last().unwrap().cost;
        let before = cost(&config);
        config.finals.epochs *= 3;
        assert!((cost(&config) / before - 3.0).abs() < 1e-9);
        config.finals.random = 3;
        assert!((cost(&config) / before - 6.0).abs() < 1e-9);
    }
}
