//! What a search may spend, and the configuration of a search that spends it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Searcher;
use crate::config::SearchConfig;

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Epochs of a differentiable search.
    Epochs,
    /// Architectures.
    Architectures,
}

/// What one strategy may spend in every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Label of the strategy.
    #[serde(alias = "arm")]
    pub label: String,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: usize,
    /// First epoch in which α moves: as large a part of the search as the strategy says.
    pub alpha_start: usize,
    /// Seconds that one took in the pilot, the fastest: an epoch without and with steps of α, or
    /// an architecture. Seconds of processors where these compute, else on the wall. Empty without a
    /// pilot.
    pub seconds_each: Vec<f64>,
    /// Seconds spent once, before the first architecture: a supernet trained to be read, say.
    pub seconds_once: f64,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Epochs => "epochs",
            Unit::Architectures => "architectures",
        };
        write!(f, "{}: {} {unit}", self.label, self.count)?;
        for (i, seconds) in self.seconds_each.iter().enumerate() {
            write!(f, "{} {seconds:.2} s", if i == 0 { ", each" } else { " or" })?;
        }
        Ok(())
    }
}

impl Budget {
    /// What the strategy says itself.
    pub(super) fn own(searcher: &Searcher) -> Self {
        let (unit, count, alpha_start) = match searcher.search.strategy.own_network() {
            Some(own) => (Unit::Epochs, own.epochs, own.warm_up),
            None => (Unit::Architectures, searcher.search.study.architectures, 0),
        };
        let label = searcher.label.clone();
        Self { label, unit, count, alpha_start, seconds_each: Vec::new(), seconds_once: 0.0 }
    }

    /// Seconds of the whole by the pilot; none without one.
    pub fn seconds(&self) -> Option<f64> {
        match self.seconds_each[..] {
            [each] => Some(self.seconds_once + self.count as f64 * each),
            [still, moving] => {
                Some(self.alpha_start as f64 * still + (self.count - self.alpha_start) as f64 * moving)
            }
            _ => None,
        }
    }
}

/// Gives a search a budget: epochs if its strategy trains a network of its own, else architectures.
pub(super) fn set(config: &mut SearchConfig, epochs: usize, alpha_start: usize, architectures: usize) {
    config.study.seconds = 0.0;
    (config.study.architectures, config.study.rounds) = (architectures, 0);
    if config.strategy.own_network().is_some() {
        config.strategy.set_epochs(epochs, alpha_start);
        (config.study.architectures, config.study.rounds) = (0, epochs);
    }
}

/// A search with a seed: nothing follows it, and it has one worker.
pub(super) fn searching(search: &SearchConfig, seed: u64) -> SearchConfig {
    let mut search = search.clone();
    (search.study.seed, search.study.workers, search.finals.seeds) = (seed, 1, 0);
    search
}
