//! The catalogue of strategies.

use bonas_study::strategy::{BuildStrategy, Transfer};
use bonas_supernet::differentiable;

bonas_study::strategies! {
    crate::choices:
    /// A strategy and its settings.
    pub enum StrategySettings as "strategy" of BuildStrategy {
        /// Differentiable search: DARTS (Liu et al. 2019), PC-DARTS, BNAS-v2; needs libtorch and
        /// images.
        Differentiable(differentiable::DifferentiableSettings) = "differentiable",
    }
}

impl StrategySettings {
    /// Every strategy that this program can run on a table, with its default settings; those for two objectives only
    /// with two.
    pub fn available(two_objectives: bool) -> impl Iterator<Item = Self> {
        let all = Self::NAMES.iter().filter_map(|name| Self::named(name));
        let runs = |s: &Self| cfg!(feature = "torch") || !s.needs_torch();
        all.filter(move |strategy| runs(strategy) && strategy.compares_on_tables(two_objectives))
    }

    /// The same with scores on another task from somewhere else.
    #[must_use]
    pub fn with_transfer(mut self, transfer: Transfer) -> Self {
        self.set_transfer(transfer);
        self
    }
}
