//! The parts of BONAS that its settings name.

use bonas_spaces::SearchSpace;
use bonas_surrogate::catalogue::surrogates_that;
use bonas_surrogate::selection::{Clustered, KrigingBeliever, SelectionSettings, TopK};
use bonas_surrogate::{Acquisition, Selection, Surrogate};

use super::{BonasSettings, ParentsKind, PoolKind};
use crate::StudyError;
use crate::history::Fidelity;
use crate::strategy::names::{SelectionChoice, SelectionName, either};
use crate::strategy::{CandidatePool, Evolutionary, Local, Parents, WHOLE_SPACE_CAP, WholeSpace};

/// The selection of some settings; refuses one that reads what the surrogate does not have.
pub(super) fn selection(
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

pub(super) fn pool(s: &BonasSettings, space: &dyn SearchSpace) -> Result<CandidatePool, StudyError> {
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
        PoolKind::Auto => Ok(whole().map_or(CandidatePool::Evolutionary(evolutionary), CandidatePool::Whole)),
        PoolKind::Evolutionary => Ok(CandidatePool::Evolutionary(evolutionary)),
        PoolKind::Local => Ok(CandidatePool::Local(Local { size: s.pool_size, population: s.population })),
        PoolKind::Random => Ok(CandidatePool::Evolutionary(Evolutionary { random_share: 1.0, ..evolutionary })),
        PoolKind::Whole => whole().map(CandidatePool::Whole).ok_or_else(|| StudyError::Setting {
            name: "strategy.pool".into(),
            reason: format!(
                "whole, but {} has {} architectures and at most {WHOLE_SPACE_CAP} are listed; use auto or evolutionary",
                space.name(),
                space.size()
            ),
        }),
    }
}
