//! From settings to parts: strategy, surrogate, evaluators, budget.
//!
//! Invariant: no part knows about settings. What needs images is assembled by `search::Networks`,
//! tables by [`crate::compare::Arena`], all else here.

mod knowledge;
mod peers;
mod source_task;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_surrogate::acquisition::AcquisitionSettings;
use bonas_surrogate::catalogue::surrogates_that;
use bonas_surrogate::selection::{Batches, Clustered, KrigingBeliever, SelectionSettings, TopK};
use bonas_surrogate::{Acquisition, Observation, Selection, Surrogate};
use ndarray::Array2;

pub use knowledge::Knowledge;
use knowledge::published;
pub use source_task::{SOURCE_TASK_FILE, SourceTask};

use crate::StudyError;
use crate::config::{
    BnNasSettings, BonasSettings, EvaluatorSettings, ObjectivesKind, ParentsKind, PoolKind, SearchConfig,
    SelectionChoice, SelectionName, StrategySettings, StudySettings, SurrogateName, SyntheticSettings,
    TargetsKind, either,
};
use crate::evaluator::{Evaluator, Synthetic};
use crate::history::{Fidelity, History};
use crate::rng::stream;
use crate::strategy::{
    Aims, Bonas, CostLimit, Costs, Evolutionary, Genetic, Local, LocalSearch, Nsga2, Objectives, Parents,
    Pool, RandomSearch, RegularizedEvolution, Strategy, Targets, WHOLE_SPACE_CAP, WholeSpace,
};
use crate::study::Budget;

/// The strategy of some settings, for a space, the kind of score that it is told, what else scores
/// are judged by, and what is known beforehand.
///
/// # Errors
/// [`StudyError::Setting`] for a pool that the space does not have, or a surrogate that this build
/// lacks.
pub fn strategy(
    settings: &StrategySettings,
    space: &dyn SearchSpace,
    fidelity: Fidelity,
    aims: &Aims,
    knowledge: &Knowledge,
) -> Result<Box<dyn Strategy>, StudyError> {
    let batches = |count, size| Batches { count, size };
    Ok(match settings {
        StrategySettings::Random(s) => Box::new(RandomSearch { batches: batches(s.batches, s.batch) }),
        StrategySettings::Evolution(s) => Box::new(RegularizedEvolution {
            population: s.population,
            sample: s.sample,
            batches: batches(s.batches, s.batch),
            targets: targets(s.targets),
        }),
        StrategySettings::LocalSearch(s) => Box::new(LocalSearch::new(batches(s.batches, s.batch))),
        StrategySettings::Nsga2(s) => Box::new(Nsga2 {
            population: s.population,
            batches: batches(s.batches, s.batch),
            aims: aims.clone(),
        }),
        StrategySettings::Bonas(s) => Box::new(bonas(s, space, fidelity, aims, knowledge)?),
        StrategySettings::Bananas(s) => Box::new(peers::bananas(s)),
        StrategySettings::Npenas(s) => Box::new(peers::npenas(s)?),
        StrategySettings::NasBowl(s) => Box::new(peers::nas_bowl(s)?),
        StrategySettings::BonasPublished(s) => Box::new(peers::bonas_published(s)?),
        StrategySettings::BnNas(s) => Box::new(genetic(s, space)?),
        StrategySettings::Differentiable(_) => return Err(without_images("differentiable")),
    })
}

fn bonas(
    s: &BonasSettings,
    space: &dyn SearchSpace,
    fidelity: Fidelity,
    aims: &Aims,
    knowledge: &Knowledge,
) -> Result<Bonas, StudyError> {
    let hypervolume = aims.second.is_some() && s.objectives == ObjectivesKind::Ehvi;
    if hypervolume && s.selection != SelectionChoice::Auto {
        return Err(StudyError::Setting {
            name: "strategy.selection".to_owned(),
            reason: "ehvi makes its own batches; use auto, or objectives = \"parego\"".to_owned(),
        });
    }
    let surrogate = knowledge.surrogate(s.surrogate, s.prior, &s.transfer, space)?;
    let acquisition = s.acquisition.build(&AcquisitionSettings { gamma: s.gamma })?;
    let selection = selection(s, &*surrogate, &*acquisition, fidelity)?;
    Ok(Bonas {
        name: "bonas".to_owned(),
        surrogate,
        acquisition,
        selection,
        pool: pool(s, space)?,
        initial: s.initial,
        batches: Batches { count: s.batches, size: s.batch },
        targets: targets(s.targets),
        aims: aims.clone(),
        objectives: match s.objectives {
            ObjectivesKind::Ehvi => Objectives::Hypervolume,
            ObjectivesKind::Parego => Objectives::Scalarised,
        },
    })
}

fn genetic(s: &BnNasSettings, space: &dyn SearchSpace) -> Result<Genetic, StudyError> {
    if space.choices().is_none() {
        let reason = format!(
            "bn-nas needs a space of choices, and {} has none here (no table has any); take nasbench101, nasbench201, darts or mobilenet, without a table",
            space.name()
        );
        return Err(StudyError::Setting { name: "strategy.name".into(), reason });
    }
    Ok(Genetic {
        population: s.population,
        generations: s.generations,
        parents: s.parents,
        mutants: s.mutants,
        crosses: s.crosses,
        mutation: s.mutation,
        batch: s.batch,
        limit: if s.flops_limit > 0 { Some(cost_limit(s.flops_limit, space)?) } else { None },
        exhaustive: s.exhaustive,
    })
}

/// A limit of multiply-adds of a space's published network.
fn cost_limit(most: u64, space: &dyn SearchSpace) -> Result<CostLimit, StudyError> {
    let none = |reason: String| StudyError::Setting { name: "strategy.flops_limit".into(), reason };
    let network = crate::registry::space(space.name()).and_then(published).map_err(none)?;
    let (skeleton, ops) = network
        .ok_or_else(|| none(format!("{most}, but {} has no network here; set it to 0", space.name())))?;
    let limit = CostLimit { costs: Costs::of(space, skeleton, ops)?, most };
    if let Some(reason) = limit.too_low(space, &mut stream(0, &[]))? {
        return Err(none(reason));
    }
    Ok(limit)
}

/// The surrogate of a name.
///
/// # Errors
/// [`StudyError::Setting`] for one that this build lacks.
pub fn surrogate(name: SurrogateName) -> Result<Box<dyn Surrogate>, StudyError> {
    name.build(&()).map_err(|error| StudyError::Setting {
        name: "strategy.surrogate".to_owned(),
        reason: error.to_string(),
    })
}

/// The selection of some settings; refuses one that reads what the surrogate does not have.
fn selection(
    s: &BonasSettings,
    surrogate: &dyn Surrogate,
    acquisition: &dyn Acquisition,
    fidelity: Fidelity,
) -> Result<Box<dyn Selection>, StudyError> {
    let name = match s.selection {
        SelectionChoice::Named(name) => name,
        SelectionChoice::Auto => automatic(surrogate, acquisition, fidelity),
    };
    let selection = name.build(&SelectionSettings { gamma: s.gamma })?;
    let lacks = |what: &str, have: &dyn Fn(&dyn Surrogate) -> bool| {
        let (name, having) = (name.name(), either(&surrogates_that(have)));
        let reason = format!("{name} needs a surrogate with {what}; take {having}");
        Err(StudyError::Setting { name: "strategy.selection".to_owned(), reason })
    };
    if selection.reads_embeddings() && !surrogate.has_embedding() {
        return lacks("an embedding", &|s| s.has_embedding());
    }
    if selection.reads_joint() && !surrogate.has_joint_posterior() {
        return lacks("a joint posterior", &|s| s.has_joint_posterior());
    }
    Ok(selection)
}

/// The selection that `auto` stands for.
fn automatic(surrogate: &dyn Surrogate, acquisition: &dyn Acquisition, fidelity: Fidelity) -> SelectionName {
    SelectionName::of(if fidelity == Fidelity::SharedWeights && surrogate.has_embedding() {
        &Clustered::ENTRY
    } else if acquisition.is_expected_improvement() && surrogate.has_joint_posterior() {
        &KrigingBeliever::ENTRY
    } else {
        &TopK::ENTRY
    })
}

fn targets(kind: TargetsKind) -> Targets {
    match kind {
        TargetsKind::Raw => Targets::Raw,
        TargetsKind::BatchCentred => Targets::BatchCentred,
    }
}

fn pool(s: &BonasSettings, space: &dyn SearchSpace) -> Result<Pool, StudyError> {
    let evolutionary = Evolutionary {
        size: s.pool_size,
        population: s.population,
        parents: match s.parents {
            ParentsKind::Recent => Parents::Recent,
            ParentsKind::Best => Parents::Best,
        },
        tournament: s.tournament,
        random_share: s.random_share,
        ..Evolutionary::default()
    };
    let whole = || WholeSpace::of(space, WHOLE_SPACE_CAP);
    match s.pool {
        PoolKind::Auto => Ok(whole().map_or(Pool::Evolutionary(evolutionary), Pool::Whole)),
        PoolKind::Evolutionary => Ok(Pool::Evolutionary(evolutionary)),
        PoolKind::Local => Ok(Pool::Local(Local { size: s.pool_size, population: s.population })),
        PoolKind::Random => Ok(Pool::Evolutionary(Evolutionary { random_share: 1.0, ..evolutionary })),
        PoolKind::Whole => whole().map(Pool::Whole).ok_or_else(|| StudyError::Setting {
            name: "strategy.pool".into(),
            reason: format!(
                "whole, but {} has {} architectures and at most {WHOLE_SPACE_CAP} are listed; use auto or evolutionary",
                space.name(),
                space.size()
            ),
        }),
    }
}

/// One evaluator a worker; checkpoints of training go below `directory`.
///
/// # Errors
/// [`StudyError::Setting`] for one that this build or this space lacks, [`StudyError::Data`].
pub fn evaluators(config: &SearchConfig, directory: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
    match &config.evaluator {
        EvaluatorSettings::Synthetic(s) => {
            let one = synthetic(s);
            Ok((0..config.study.workers).map(|_| Box::new(one.clone()) as Box<dyn Evaluator>).collect())
        }
        #[cfg(feature = "torch")]
        EvaluatorSettings::SharedWeights(_)
        | EvaluatorSettings::FromScratch(_)
        | EvaluatorSettings::Indicator(_) => crate::search::Networks::new(config)?.evaluators(directory),
        #[cfg(not(feature = "torch"))]
        EvaluatorSettings::SharedWeights(_)
        | EvaluatorSettings::FromScratch(_)
        | EvaluatorSettings::Indicator(_) => {
            let _ = directory;
            Err(without_torch("evaluator.name", config.evaluator.name(), "use synthetic"))
        }
    }
}

fn synthetic(s: &SyntheticSettings) -> Synthetic {
    Synthetic::new(Fidelity::Table, |architecture| Ok(toy_score(architecture))).noise(s.noise)
}

/// A score in `(0, 1)` for trying things out: deeper cells and later operations of the vocabulary
/// are better, with diminishing returns. It says nothing about accuracy.
pub fn toy_score(architecture: &Architecture) -> f64 {
    let vocabulary = architecture.vocabulary();
    let of_graph = |graph: &bonas_spaces::OpGraph| {
        let mut depth = vec![0.0_f64; graph.len()];
        for (from, to) in graph.edges() {
            depth[to] = depth[to].max(depth[from] + 1.0);
        }
        let labels = graph.labels().map(|op| op.index() as f64 / vocabulary.len() as f64);
        depth.last().copied().unwrap_or(0.0) + labels.sum::<f64>()
    };
    let graphs = architecture.op_graphs();
    let mean = graphs.iter().map(of_graph).sum::<f64>() / graphs.len().max(1) as f64;
    1.0 - (-mean / 8.0).exp()
}

fn without_images(strategy: &str) -> StudyError {
    StudyError::Setting {
        name: "strategy.name".to_owned(),
        reason: format!("{strategy} trains networks on images; run it with bonas search, with libtorch"),
    }
}

#[cfg(not(feature = "torch"))]
pub(crate) fn without_torch(key: &str, what: &str, instead: &str) -> StudyError {
    let reason =
        format!("{what} needs libtorch, and this program was built without it (feature torch); {instead}");
    StudyError::Setting { name: key.to_owned(), reason }
}

/// The budget of some settings; 0 sets no limit.
pub fn budget(settings: &StudySettings) -> Budget {
    Budget {
        architectures: (settings.architectures > 0).then_some(settings.architectures),
        rounds: (settings.rounds > 0).then_some(settings.rounds),
        seconds: (settings.seconds > 0.0).then_some(settings.seconds),
    }
}

/// How the surrogate of a finished study sees what was evaluated, `[queries, d]`: fitted once more
/// on everything, for the map of a report. None for a strategy or surrogate without embedding.
///
/// # Errors
/// [`StudyError::Surrogate`] if it cannot be fitted.
pub fn embedding(
    settings: &StrategySettings,
    history: &History,
    fidelity: Fidelity,
    seed: u64,
) -> Result<Option<Array2<f64>>, StudyError> {
    let StrategySettings::Bonas(settings) = settings else { return Ok(None) };
    let scored = targets(settings.targets).of(history, fidelity);
    if scored.len() < 3 {
        return Ok(None);
    }
    let observation = |s: &crate::strategy::Scored<'_>| Observation {
        architecture: s.evaluation.architecture.clone(),
        score: s.value,
    };
    let observations: Vec<Observation> = scored.iter().map(observation).collect();
    let mut rng = stream(seed, &[MAP]);
    let fitted = surrogate(settings.surrogate)?.fit(&observations, &mut rng)?;
    let all: Vec<Architecture> = history.evaluations().iter().map(|e| e.architecture.clone()).collect();
    Ok(fitted.embed(&all)?)
}

/// Purpose of a random stream: the map of a report.
const MAP: u64 = 100;

/// The space of a configuration, with what belongs to it.
///
/// # Errors
/// [`StudyError::Setting`] naming the nearest space.
pub fn space(
    config: &SearchConfig,
) -> Result<(&'static crate::registry::SpaceEntry, Arc<dyn SearchSpace>), StudyError> {
    let bad = |reason| StudyError::Setting { name: "space.name".into(), reason };
    let entry = crate::registry::space(&config.space.name).map_err(bad)?;
    Ok((entry, entry.space()))
}
