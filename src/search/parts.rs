//! From settings to spaces, strategies and evaluators that need no tensor.

use std::sync::Arc;

use bonas_spaces::{Architecture, Role, SearchSpace};
use bonas_surrogate::acquisition::{ExpectedImprovement, LogExpectedImprovement, Mean, Thompson, Ucb};
use bonas_surrogate::counts::CountsBsr;
use bonas_surrogate::select::{Clustered, TopK};
use bonas_surrogate::{Acquisition, Selection, Surrogate};

use crate::config::{
    AcquisitionKind, BonasSettings, EvaluatorSettings, ParentsKind, PoolKind, SearchConfig, SelectionKind,
    StrategySettings, SurrogateKind, Targets as TargetsKind,
};
use crate::evaluator::Synthetic;
use crate::registry;
use crate::strategy::{
    Batches, Bonas, Evolutionary, LocalSearch, Parents, Pool, RandomSearch, RegularizedEvolution, Targets,
    WHOLE_SPACE_CAP, WholeSpace,
};
use crate::{Evaluator, Fidelity, Strategy, StudyError};

fn setting(name: &str, reason: impl Into<String>) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason: reason.into() }
}

pub(super) fn space(config: &SearchConfig) -> Result<Arc<dyn SearchSpace>, StudyError> {
    let entry = registry::space(&config.space.name).map_err(|reason| setting("space.name", reason))?;
    Ok(entry.space())
}

/// The strategy that a configuration asks for.
///
/// # Errors
/// [`StudyError::Setting`] for a pool that the space does not allow, or a part that needs libtorch
/// in a build without it.
pub fn strategy(config: &SearchConfig, space: &dyn SearchSpace) -> Result<Box<dyn Strategy>, StudyError> {
    let batches = |count, size| Batches { count, size };
    Ok(match &config.strategy {
        StrategySettings::Bonas(s) => Box::new(Bonas {
            name: "bonas".into(),
            surrogate: surrogate(s)?,
            acquisition: acquisition(s)?,
            selection: selection(s.selection),
            pool: pool(s, space)?,
            initial: s.initial,
            batches: batches(s.batches, s.batch),
            targets: targets(s.targets),
        }),
        StrategySettings::Random(s) => Box::new(RandomSearch { batches: batches(s.batches, s.batch) }),
        StrategySettings::Evolution(s) => Box::new(RegularizedEvolution {
            population: s.population,
            sample: s.sample,
            batches: batches(s.batches, s.batch),
            targets: targets(s.targets),
        }),
        StrategySettings::LocalSearch(s) => Box::new(LocalSearch::new(batches(s.batches, s.batch))),
    })
}

pub(super) fn surrogate(settings: &BonasSettings) -> Result<Box<dyn Surrogate>, StudyError> {
    match settings.surrogate {
        SurrogateKind::CountsBsr => Ok(Box::new(CountsBsr::default())),
        #[cfg(feature = "torch")]
        SurrogateKind::GcnBsr => {
            use bonas_surrogate::embed::{GcnBsr, GcnSettings};
            let mut gcn = GcnSettings::default();
            gcn.training.epochs = settings.surrogate_epochs;
            gcn.training.learning_rate = settings.surrogate_learning_rate;
            Ok(Box::new(GcnBsr::new(gcn)))
        }
        #[cfg(not(feature = "torch"))]
        SurrogateKind::GcnBsr => Err(needs_torch("strategy.surrogate gcn-bsr (counts-bsr does not)")),
    }
}

fn acquisition(settings: &BonasSettings) -> Result<Box<dyn Acquisition>, StudyError> {
    Ok(match settings.acquisition {
        AcquisitionKind::Ucb => Box::new(Ucb::new(settings.gamma)?),
        AcquisitionKind::Ei => Box::new(ExpectedImprovement::default()),
        AcquisitionKind::LogEi => Box::new(LogExpectedImprovement),
        AcquisitionKind::Thompson => Box::new(Thompson),
        AcquisitionKind::Mean => Box::new(Mean),
    })
}

fn selection(kind: SelectionKind) -> Box<dyn Selection> {
    match kind {
        SelectionKind::Clusters => Box::new(Clustered::default()),
        SelectionKind::TopK => Box::new(TopK),
    }
}

fn targets(kind: TargetsKind) -> Targets {
    match kind {
        TargetsKind::Raw => Targets::Raw,
        TargetsKind::WithinBatch => Targets::BatchCentred,
    }
}

fn pool(settings: &BonasSettings, space: &dyn SearchSpace) -> Result<Pool, StudyError> {
    let evolutionary = Pool::Evolutionary(Evolutionary {
        size: settings.pool_size,
        population: settings.population,
        parents: match settings.parents {
            ParentsKind::Recent => Parents::Recent,
            ParentsKind::Best => Parents::Best,
        },
        tournament: settings.tournament,
        random_share: settings.random_share,
        ..Evolutionary::default()
    });
    let whole = || WholeSpace::of(space, WHOLE_SPACE_CAP).map(Pool::Whole);
    match settings.pool {
        PoolKind::Evolutionary => Ok(evolutionary),
        PoolKind::Auto => Ok(whole().unwrap_or(evolutionary)),
        PoolKind::Whole => whole().ok_or_else(|| {
            let reason = format!(
                "whole, but {} has {} and at most {WHOLE_SPACE_CAP} are listed; use auto or evolutionary",
                space.name(),
                space.size()
            );
            setting("strategy.pool", reason)
        }),
    }
}

/// The synthetic evaluators, if the configuration asks for them.
pub(super) fn synthetic(config: &SearchConfig) -> Option<Vec<Box<dyn Evaluator>>> {
    let EvaluatorSettings::Synthetic(settings) = &config.evaluator else { return None };
    let evaluator = Synthetic::new(Fidelity::Table, |a| Ok(formula(a))).noise(settings.noise);
    Some((0..config.study.workers).map(|_| Box::new(evaluator.clone()) as Box<dyn Evaluator>).collect())
}

/// A made-up score in `(0, 1)`: the logistic function of `n/4 + e/10 - 2`, where `n` operations
/// compute and `e` wires join them in the pruned graphs.
fn formula(architecture: &Architecture) -> f64 {
    let vocabulary = architecture.vocabulary();
    let graphs = architecture.op_graphs();
    let computes = graphs.iter().flat_map(|g| g.labels()).filter(|&op| vocabulary.role(op) == Role::Compute);
    let wires: usize = graphs.iter().map(|g| g.edges().len()).sum();
    let z = computes.count() as f64 / 4.0 + wires as f64 / 10.0 - 2.0;
    1.0 / (1.0 + (-z).exp())
}

#[cfg(not(feature = "torch"))]
pub(super) fn needs_torch(what: &str) -> StudyError {
    setting("feature torch", format!("{what} needs libtorch, and this build has none; build with default features"))
}
