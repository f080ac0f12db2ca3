//! The catalogue of strategies.

use bonas_study::strategy::{self, BuildStrategy, Transfer};
use bonas_supernet::differentiable;

crate::choices! {
    /// A strategy and its settings.
    pub enum StrategySettings as "strategy" of BuildStrategy {
        /// Bayesian optimisation with a surrogate over architectures (Shi et al. 2020).
        Bonas(strategy::BonasSettings) = "bonas",
        /// Uniform draws, none twice.
        Random(strategy::RandomSettings) = "random",
        /// Regularised (aging) evolution (Real et al. 2019).
        Evolution(strategy::EvolutionSettings) = "evolution",
        /// Evolution for two objectives (Deb et al. 2002).
        Nsga2(strategy::Nsga2Settings) = "nsga2",
        /// Hill climbing with restarts (White et al. 2021).
        LocalSearch(strategy::LocalSearchSettings) = "local-search",
        /// Path-encoded perceptrons and Thompson sampling (White et al. 2021).
        Bananas(strategy::BananasSettings) = "bananas",
        /// Evolution guided by a predictor, after NPENAS (Wei et al. 2022).
        Npenas(strategy::NpenasSettings) = "npenas",
        /// Weisfeiler-Lehman process and expected improvement (Ru et al. 2021).
        NasBowl(strategy::NasBowlSettings) = "nas-bowl",
        /// BONAS with the published surrogate, acquisition and selection (Shi et al. 2020); needs
        /// libtorch.
        BonasPublished(strategy::BonasPublishedSettings) = "bonas-published",
        /// Evolution of SPOS and BN-NAS under a limit of multiply-adds (Guo et al. 2020).
        BnNas(strategy::BnNasSettings) = "bn-nas",
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
