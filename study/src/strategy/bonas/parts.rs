//! The parts of BONAS that its settings name.

use bonas_spaces::SearchSpace;
use bonas_surrogate::acquisition::{
    ExpectedImprovement, LogExpectedImprovement, Mean, ProbabilityOfImprovement, Thompson, Ucb,
};
use bonas_surrogate::select::{
    Clustered, JointThompson, KrigingBeliever, LocalPenalisation, QExpectedImprovement,
    QUpperConfidenceBound, TopK,
};
use bonas_surrogate::{Acquisition, Selection};

use super::{AcquisitionKind, BonasSettings, ParentsKind, PoolKind, SelectionKind};
use crate::StudyError;
use crate::history::Fidelity;
use crate::strategy::{Evolutionary, Local, Parents, Pool, WHOLE_SPACE_CAP, WholeSpace};

pub(super) fn acquisition(s: &BonasSettings) -> Result<Box<dyn Acquisition>, StudyError> {
    Ok(match s.acquisition {
        AcquisitionKind::Ucb => Box::new(Ucb::new(s.gamma)?),
        AcquisitionKind::Ei => Box::new(ExpectedImprovement::default()),
        AcquisitionKind::LogEi => Box::new(LogExpectedImprovement),
        AcquisitionKind::Pi => Box::new(ProbabilityOfImprovement),
        AcquisitionKind::Thompson => Box::new(Thompson),
        AcquisitionKind::Mean => Box::new(Mean),
    })
}

pub(super) fn selection(s: &BonasSettings, fidelity: Fidelity) -> Result<Box<dyn Selection>, StudyError> {
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

pub(super) fn pool(s: &BonasSettings, space: &dyn SearchSpace) -> Result<Pool, StudyError> {
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
