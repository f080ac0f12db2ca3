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

use bonas_spaces::catalogue::{SPACES, spaces_with};
use bonas_spaces::{Architecture, SearchSpace, SpaceEntry};
use bonas_surrogate::acquisition::{
    ExpectedImprovement, LogExpectedImprovement, Mean, ProbabilityOfImprovement, Thompson, Ucb,
};
use bonas_surrogate::counts::CountsBsr;
use bonas_surrogate::ensemble::Ensemble;
use bonas_surrogate::graph_gp::GraphGp;
use bonas_surrogate::mlp::PathMlp;
use bonas_surrogate::select::{
    Batches, Clustered, JointThompson, KrigingBeliever, LocalPenalisation, QExpectedImprovement,
    QUpperConfidenceBound, TopK,
};
use bonas_surrogate::trees::Trees;
use bonas_surrogate::wl_gp::WlGp;
use bonas_surrogate::{Acquisition, Observation, Selection, Surrogate};
use ndarray::Array2;

pub use knowledge::Knowledge;
use knowledge::published;
pub use source_task::{SOURCE_TASK_FILE, SourceTask};

use crate::StudyError;
use crate::config::{
    AcquisitionKind, BnNasSettings, BonasSettings, EvaluatorSettings, ObjectivesKind, ParentsKind, PoolKind,
    SearchConfig, SelectionKind, StrategySettings, StudySettings, SurrogateKind, SyntheticSettings,
    TargetsKind,
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
    if hypervolume && s.selection != SelectionKind::Auto {
        return Err(StudyError::Setting {
            name: "strategy.selection".to_owned(),
            reason: "ehvi makes its own batches; use auto, or objectives = \"parego\"".to_owned(),
        });
    }
    Ok(Bonas {
        name: "bonas".to_owned(),
        surrogate: knowledge.surrogate(s.surrogate, s.prior, &s.transfer, space)?,
        acquisition: acquisition(s)?,
        selection: selection(s, fidelity)?,
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
            "bn-nas needs a space of choices, and {} has none here (no table has any); take {}, without a table",
            space.name(),
            spaces_with(|space| space.choices().is_some()).join(", ")
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
    let (skeleton, ops) =
        published(space).map_err(|error| none(format!("{most}, but {error}; set it to 0")))?;
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
pub fn surrogate(kind: SurrogateKind) -> Result<Box<dyn Surrogate>, StudyError> {
    match kind {
        SurrogateKind::CountsBsr => Ok(Box::new(CountsBsr::default())),
        SurrogateKind::PathMlp => Ok(Box::new(PathMlp::default())),
        SurrogateKind::GraphGp => Ok(Box::new(GraphGp::default())),
        SurrogateKind::WlGp => Ok(Box::new(WlGp::default())),
        SurrogateKind::Trees => Ok(Box::new(Trees::default())),
        SurrogateKind::Ensemble => Ok(Box::new(Ensemble::default())),
        #[cfg(feature = "torch")]
        SurrogateKind::GcnBsr => Ok(Box::new(bonas_surrogate::embed::GcnBsr::default())),
        #[cfg(feature = "torch")]
        SurrogateKind::BonasPublished => {
            let (kind, device) = (tch::Kind::Float, tch::Device::Cpu);
            Ok(Box::new(bonas_surrogate::embed::GcnBsr::published(kind, device)))
        }
        #[cfg(feature = "torch")]
        SurrogateKind::GcnEnsemble => Ok(Box::new(bonas_surrogate::embed::GcnEnsemble::default())),
        #[cfg(not(feature = "torch"))]
        SurrogateKind::GcnBsr | SurrogateKind::BonasPublished | SurrogateKind::GcnEnsemble => {
            Err(without_torch("strategy.surrogate", "a graph network", "use graph-gp"))
        }
    }
}

fn acquisition(s: &BonasSettings) -> Result<Box<dyn Acquisition>, StudyError> {
    Ok(match s.acquisition {
        AcquisitionKind::Ucb => Box::new(Ucb::new(s.gamma)?),
        AcquisitionKind::Ei => Box::new(ExpectedImprovement::default()),
        AcquisitionKind::LogEi => Box::new(LogExpectedImprovement),
        AcquisitionKind::Pi => Box::new(ProbabilityOfImprovement),
        AcquisitionKind::Thompson => Box::new(Thompson),
        AcquisitionKind::Mean => Box::new(Mean),
    })
}

fn selection(s: &BonasSettings, fidelity: Fidelity) -> Result<Box<dyn Selection>, StudyError> {
    let embeds = s.surrogate.embeds();
    let improves = matches!(s.acquisition, AcquisitionKind::Ei | AcquisitionKind::LogEi);
    let lacks = |what: &str| {
        Err(StudyError::Setting { name: "strategy.selection".to_owned(), reason: what.to_owned() })
    };
    match s.selection {
        SelectionKind::Clusters if !embeds => {
            lacks("clusters need a surrogate with an embedding; trees and path-mlp have none")
        }
        SelectionKind::LocalPenalisation if !embeds => {
            lacks("local-penalisation needs a surrogate with an embedding; trees and path-mlp have none")
        }
        SelectionKind::QEi
        | SelectionKind::QUcb
        | SelectionKind::JointThompson
        | SelectionKind::KrigingBeliever
            if !s.surrogate.has_joint() =>
        {
            lacks("joint criteria need a surrogate with a joint posterior; take graph-gp, wl-gp or ensemble")
        }
        SelectionKind::Clusters => Ok(Box::new(Clustered::default())),
        SelectionKind::Auto if fidelity == Fidelity::SharedWeights && embeds => {
            Ok(Box::new(Clustered::default()))
        }
        SelectionKind::Auto if improves && s.surrogate.has_joint() => {
            Ok(Box::new(KrigingBeliever::default()))
        }
        SelectionKind::KrigingBeliever => Ok(Box::new(KrigingBeliever::default())),
        SelectionKind::TopK | SelectionKind::Auto => Ok(Box::new(TopK)),
        SelectionKind::QEi => Ok(Box::new(QExpectedImprovement::default())),
        SelectionKind::QUcb => Ok(Box::new(QUpperConfidenceBound::new(s.gamma)?)),
        SelectionKind::JointThompson => Ok(Box::new(JointThompson::default())),
        SelectionKind::LocalPenalisation => Ok(Box::new(LocalPenalisation::default())),
    }
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

/// The space of a configuration.
///
/// # Errors
/// [`StudyError::Setting`] naming the nearest space.
pub fn space(config: &SearchConfig) -> Result<Arc<dyn SearchSpace>, StudyError> {
    let found = SPACES.get(&config.space.name);
    let bad = |reason| StudyError::Setting { name: "space.name".into(), reason };
    found.map(SpaceEntry::space).map_err(|error| bad(error.to_string()))
}
