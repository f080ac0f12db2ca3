//! Settings of the strategies.

use serde::{Deserialize, Serialize};

use super::{
    BananasSettings, BnNasSettings, BonasPublishedSettings, BonasSettings, NasBowlSettings, NpenasSettings,
    Nsga2Settings, Transfer, at_least_1, ensure,
};

crate::choices! {
    /// A strategy and its settings.
    pub enum StrategySettings as "strategy" {
        /// Bayesian optimisation with a surrogate over architectures (Shi et al. 2020).
        Bonas(BonasSettings) = "bonas",
        /// Uniform draws, none twice.
        Random(RandomSettings) = "random",
        /// Regularised (aging) evolution (Real et al. 2019).
        Evolution(EvolutionSettings) = "evolution",
        /// Evolution for two objectives (Deb et al. 2002).
        Nsga2(Nsga2Settings) = "nsga2",
        /// Hill climbing with restarts (White et al. 2021).
        LocalSearch(LocalSearchSettings) = "local-search",
        /// Path-encoded perceptrons and Thompson sampling (White et al. 2021).
        Bananas(BananasSettings) = "bananas",
        /// Evolution guided by a predictor, after NPENAS (Wei et al. 2022).
        Npenas(NpenasSettings) = "npenas",
        /// Weisfeiler-Lehman process and expected improvement (Ru et al. 2021).
        NasBowl(NasBowlSettings) = "nas-bowl",
        /// BONAS with the published surrogate, acquisition and selection (Shi et al. 2020); needs
        /// libtorch.
        BonasPublished(BonasPublishedSettings) = "bonas-published",
        /// Evolution of SPOS and BN-NAS under a limit of multiply-adds (Guo et al. 2020).
        BnNas(BnNasSettings) = "bn-nas",
        /// Differentiable search: DARTS (Liu et al. 2019), PC-DARTS, BNAS-v2; needs libtorch and
        /// images.
        Differentiable(DifferentiableSettings) = "differentiable",
    }
}

impl StrategySettings {
    /// Architectures a batch.
    pub fn batch(&self) -> usize {
        match self {
            Self::Bonas(s) => s.batch,
            Self::Random(s) => s.batch,
            Self::Evolution(s) => s.batch,
            Self::Nsga2(s) => s.batch,
            Self::LocalSearch(s) => s.batch,
            Self::Bananas(s) => s.batch,
            Self::Npenas(s) => s.batch,
            Self::NasBowl(s) => s.batch,
            Self::BonasPublished(s) => s.batch,
            Self::BnNas(s) => s.batch,
            Self::Differentiable(_) => 1,
        }
    }

    /// Whether it needs libtorch.
    pub fn needs_torch(&self) -> bool {
        match self {
            Self::Bonas(s) => s.surrogate.needs_torch(),
            Self::Npenas(s) => s.surrogate.needs_torch(),
            Self::BonasPublished(_) | Self::Differentiable(_) => true,
            Self::Random(_)
            | Self::Evolution(_)
            | Self::Nsga2(_)
            | Self::LocalSearch(_)
            | Self::Bananas(_)
            | Self::NasBowl(_)
            | Self::BnNas(_) => false,
        }
    }

    /// Whether it trains networks itself, and so cannot search a table.
    pub fn needs_images(&self) -> bool {
        matches!(self, Self::Differentiable(_))
    }

    /// Every strategy that this program can run on a table, with its default settings; nsga2, which is
    /// for two objectives, only with those. bn-nas is not among them: it recombines choices, and the
    /// rows of a table are none.
    pub fn available(two_objectives: bool) -> impl Iterator<Item = Self> {
        let all = Self::NAMES.iter().filter_map(|name| Self::named(name));
        let runs = |s: &Self| cfg!(feature = "torch") || !s.needs_torch();
        let fits = move |s: &Self| match s {
            Self::Nsga2(_) => two_objectives,
            Self::BnNas(_) => false,
            _ => true,
        };
        all.filter(move |strategy| runs(strategy) && !strategy.needs_images() && fits(strategy))
    }

    /// Where scores on another task come from that it starts from.
    pub fn transfer(&self) -> &Transfer {
        match self {
            Self::Bonas(settings) => &settings.transfer,
            _ => &Transfer::None,
        }
    }

    /// The same with scores on another task from somewhere else.
    #[must_use]
    pub fn with_transfer(mut self, transfer: Transfer) -> Self {
        if let Self::Bonas(settings) = &mut self {
            settings.transfer = transfer;
        }
        self
    }

    /// Sets the architectures a batch.
    pub fn set_batch(&mut self, batch: usize) {
        match self {
            Self::Bonas(s) => s.batch = batch,
            Self::Random(s) => s.batch = batch,
            Self::Evolution(s) => s.batch = batch,
            Self::Nsga2(s) => s.batch = batch,
            Self::LocalSearch(s) => s.batch = batch,
            Self::Bananas(s) => s.batch = batch,
            Self::Npenas(s) => s.batch = batch,
            Self::NasBowl(s) => s.batch = batch,
            Self::BonasPublished(s) => s.batch = batch,
            Self::BnNas(s) => s.batch = batch,
            Self::Differentiable(_) => {}
        }
    }

    /// Sets the random architectures before the first fit, for strategies with a surrogate.
    pub fn set_initial(&mut self, initial: usize) {
        match self {
            Self::Bonas(s) => s.initial = initial,
            Self::Bananas(s) => s.initial = initial,
            Self::Npenas(s) => s.initial = initial,
            Self::NasBowl(s) => s.initial = initial,
            Self::BonasPublished(s) => s.initial = initial,
            Self::Random(_)
            | Self::Evolution(_)
            | Self::Nsga2(_)
            | Self::LocalSearch(_)
            | Self::BnNas(_)
            | Self::Differentiable(_) => {}
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
        at_least_1(s.population, "population")?;
        at_least_1(s.sample, "sample")?;
        batches(s.batches, s.batch)
    }
}

crate::settings! {
    /// Settings of differentiable search. The network is that of the space; the defaults are those
    /// of DARTS, first order. A round trains an epoch and proposes the cells found so far.
    pub struct DifferentiableSettings {
        /// Width C of the first cells. Published: 16.
        channels: usize = 16,
        /// Cells in the network (bcnn: convolution cells). Published: 8 (DARTS), 2 (BNAS-v2).
        layers: usize = 8,
        /// Enhancement cells of a broad network. Published: 1.
        enhancement: usize = 1,
        /// K of partial channels: operations work on one channel in K; 1: on all. Published: 4
        /// (PC-DARTS, BNAS-v2-PC).
        partial: usize = 1,
        /// Whether edges are weighted too. PC-DARTS and BNAS-v2-PC: true.
        edge_normalisation: bool = false,
        /// Epochs. Published: 50.
        epochs: usize = 50,
        /// Images a step. Published: 64 (DARTS), 256, 512.
        batch: usize = 64,
        /// Learning rate of the weights at the start; 0: `training.learning_rate`. Published: 0.025
        /// (DARTS), 0.1 (BNAS-v2-CLR, PC-DARTS), 0.2 (BNAS-v2-PC).
        learning_rate: f64 = 0.0,
        /// Learning rate of the architecture parameters. Published: 3e-4, 6e-4 (partial channels).
        alpha_learning_rate: f64 = 3e-4,
        /// L2 penalty on the architecture parameters.
        alpha_weight_decay: f64 = 1e-3,
        /// First epoch, from 0, in which the architecture parameters move. Published: 0; 15 with
        /// partial channels.
        alpha_start: usize = 0,
        /// Power p of the confident learning rate, which multiplies that of the architecture
        /// parameters by ((epoch + 1) / epochs)^p. BNAS-v2-CLR: 2.
        confidence_power: f64 = 0.0,
        /// Whether the gradient by the architecture looks one step of the weights ahead.
        second_order: bool = false,
        /// Stops after so many epochs with the same cells; 0: never. DARTS+: 10.
        stop_stable: usize = 0,
        /// Stops once the first cell has so many skips; 0: never. DARTS+: 2.
        stop_skips: usize = 0,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.enhancement, "enhancement")?;
        let divides = s.partial >= 1 && s.channels.is_multiple_of(s.partial);
        ensure(divides, "partial", s.partial, &format!("a divisor of channels = {}", s.channels))?;
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")?;
        ensure((0.0..=1e3).contains(&s.learning_rate), "learning_rate", s.learning_rate, "0 to 1000")?;
        let alpha = s.alpha_learning_rate > 0.0 && s.alpha_learning_rate <= 1e3;
        ensure(alpha, "alpha_learning_rate", s.alpha_learning_rate, "above 0, at most 1000")?;
        let decay = s.alpha_weight_decay;
        ensure((0.0..=1.0).contains(&decay), "alpha_weight_decay", decay, "0 to 1")?;
        let last = s.epochs - 1;
        ensure(s.alpha_start <= last, "alpha_start", s.alpha_start, &format!("0 to {last}, the last epoch"))?;
        ensure((0.0..=100.0).contains(&s.confidence_power), "confidence_power", s.confidence_power, "0 to 100")
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

pub(super) fn batches(count: usize, size: usize) -> Result<(), super::Invalid> {
    ensure(count >= 1, "batches", count, "at least 1")?;
    ensure(size >= 1, "batch", size, "at least 1")
}

#[cfg(feature = "torch")]
impl DifferentiableSettings {
    /// How it learns.
    pub fn relaxing(&self, training: &super::TrainingSettings) -> crate::strategy::Relaxing {
        let sgd = training.sgd();
        let learning_rate = if self.learning_rate > 0.0 { self.learning_rate } else { sgd.learning_rate };
        crate::strategy::Relaxing {
            epochs: self.epochs,
            batch: self.batch,
            sgd: crate::recipe::Sgd { learning_rate, ..sgd },
            alpha_learning_rate: self.alpha_learning_rate,
            alpha_weight_decay: self.alpha_weight_decay,
            alpha_start: self.alpha_start,
            confidence_power: self.confidence_power,
            second_order: self.second_order,
            edge_normalisation: self.edge_normalisation,
            stop_stable: (self.stop_stable > 0).then_some(self.stop_stable),
            stop_skips: (self.stop_skips > 0).then_some(self.stop_skips),
        }
    }
}
