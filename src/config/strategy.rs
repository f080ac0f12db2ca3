//! Settings of the strategies.

use serde::{Deserialize, Serialize};

use super::ensure;

crate::choices! {
    /// A strategy and its settings.
    pub enum StrategySettings as "strategy" {
        /// Bayesian optimisation with a surrogate over architectures (Shi et al. 2020).
        Bonas(BonasSettings) = "bonas",
        /// Uniform draws, none twice.
        Random(RandomSettings) = "random",
        /// Regularised (aging) evolution (Real et al. 2019).
        Evolution(EvolutionSettings) = "evolution",
        /// Hill climbing with restarts (White et al. 2021).
        LocalSearch(LocalSearchSettings) = "local-search",
    }
}

impl StrategySettings {
    /// Architectures a batch.
    pub fn batch(&self) -> usize {
        match self {
            Self::Bonas(s) => s.batch,
            Self::Random(s) => s.batch,
            Self::Evolution(s) => s.batch,
            Self::LocalSearch(s) => s.batch,
        }
    }
}

/// How measured scores become comparable numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetsKind {
    /// The scores as they are.
    #[default]
    Raw,
    /// Each score less the mean of its batch, plus the mean of all.
    BatchCentred,
}

crate::settings! {
    /// Settings of random search.
    pub struct RandomSettings {
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch; they share weights under a shared-weights evaluator.
        batch: usize = 10,
    }
    check(s) { batches(s.batches, s.batch) }
}

crate::settings! {
    /// Settings of regularised evolution.
    pub struct EvolutionSettings {
        /// Members of the population: the last evaluations. Published: 50 (NAS-Bench) and 100.
        population: usize = 50,
        /// Members drawn for a tournament. Published: 10 and 25.
        sample: usize = 10,
        /// Batches a round.
        batches: usize = 1,
        /// Children a batch. Published: 1.
        batch: usize = 10,
        /// How scores compare: raw, or batch-centred (less the mean of their batch, plus that of all).
        targets: TargetsKind = TargetsKind::Raw,
    }
    check(s) {
        ensure(s.population >= 1, "population", s.population, "at least 1")?;
        ensure(s.sample >= 1, "sample", s.sample, "at least 1")?;
        batches(s.batches, s.batch)
    }
}

crate::settings! {
    /// Settings of local search.
    pub struct LocalSearchSettings {
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch.
        batch: usize = 10,
    }
    check(s) { batches(s.batches, s.batch) }
}

/// The model of score by architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurrogateKind {
    /// Graph network and Bayesian sigmoid regression: the paper's.
    #[default]
    GcnBsr,
    /// The same exactly as in the published code, its approximations included.
    BonasPublished,
    /// Bayesian sigmoid regression on structural counts; needs no libtorch.
    CountsBsr,
    /// Gaussian process on structural counts and Gaussian ranks; needs no libtorch.
    GraphGp,
    /// Gaussian process on Weisfeiler-Lehman labels, after NAS-BOWL; needs no libtorch.
    WlGp,
    /// Boosted trees on structural counts and Gaussian ranks; needs no libtorch.
    Trees,
    /// graph-gp and trees, weighted by how well each predicts what it has not seen; no libtorch.
    Ensemble,
}

/// What a posterior is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcquisitionKind {
    /// Upper confidence bound, mean + gamma sd.
    #[default]
    Ucb,
    /// Expected improvement.
    Ei,
    /// Logarithm of expected improvement.
    LogEi,
    /// One draw from the posterior.
    Thompson,
    /// Probability of improvement.
    Pi,
    /// The mean alone.
    Mean,
}

/// How batches are made of the most useful candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionKind {
    /// The best of each cluster of the best: related by construction.
    #[default]
    Clusters,
    /// The best in order.
    TopK,
}

/// Where candidates come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolKind {
    /// The whole space where it is small, else evolutionary.
    #[default]
    Auto,
    /// Everything not yet evaluated.
    Whole,
    /// Mutants of good architectures.
    Evolutionary,
}

/// Which evaluations parents are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParentsKind {
    /// The last ones, as in the published code of BONAS.
    Recent,
    /// The best ones.
    #[default]
    Best,
}

crate::settings! {
    /// Settings of BONAS.
    pub struct BonasSettings {
        /// Random architectures evaluated before the surrogate is fitted. Published: 100.
        initial: usize = 20,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch, trained together. Published: 100.
        batch: usize = 10,
        /// Surrogate: gcn-bsr or bonas-published (libtorch), counts-bsr, graph-gp, wl-gp, trees or
        /// ensemble (none).
        surrogate: SurrogateKind = SurrogateKind::GcnBsr,
        /// Acquisition: ucb, ei, log-ei, pi, thompson or mean.
        acquisition: AcquisitionKind = AcquisitionKind::Ucb,
        /// Weight of the standard deviation in ucb. Published: 0.5.
        gamma: f64 = 0.5,
        /// Selection of batches: clusters (related cells) or top-k (published).
        selection: SelectionKind = SelectionKind::Clusters,
        /// Where candidates come from: auto, whole or evolutionary.
        pool: PoolKind = PoolKind::Auto,
        /// Candidates of an evolutionary pool. Published: 1000.
        pool_size: usize = 1000,
        /// Evaluations that parents are drawn from. Published: 30.
        population: usize = 30,
        /// Which ones these are: recent (published) or best.
        parents: ParentsKind = ParentsKind::Best,
        /// Members drawn for a tournament. Published: 10.
        tournament: usize = 10,
        /// Share of an evolutionary pool drawn at random. Published: 0.
        random_share: f64 = 0.1,
        /// How scores compare: raw, or batch-centred (less the mean of their batch, plus that of all).
        targets: TargetsKind = TargetsKind::Raw,
    }
    check(s) {
        let at_least_1 = |value: usize, key| ensure(value >= 1, key, value, "at least 1");
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        at_least_1(s.tournament, "tournament")?;
        ensure((0.0..f64::INFINITY).contains(&s.gamma), "gamma", s.gamma, "0 or more")?;
        ensure((0.0..=1.0).contains(&s.random_share), "random_share", s.random_share, "a share from 0 to 1")?;
        batches(s.batches, s.batch)
    }
}

fn batches(count: usize, size: usize) -> Result<(), super::Invalid> {
    ensure(count >= 1, "batches", count, "at least 1")?;
    ensure(size >= 1, "batch", size, "at least 1")
}
