//! What surrogates know of architectures before any is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_surrogate::ensemble::Ensemble;
use bonas_surrogate::graph_gp::{Form, GraphGp};
use bonas_surrogate::{Extractor, Known, Surrogate};

use super::Former;
use crate::StudyError;
use crate::config::{PriorKind, StrategySettings, SurrogateKind, Transfer};
use crate::registry::{self, SkeletonSize, SpaceEntry};
use crate::rng::stream;
use crate::table::Benchmark;

/// Random architectures that the ranks of prior knowledge are taken among.
const SAMPLE: usize = 200;

/// Costs of architectures in the published network of one space, or of the part of it that a table has, what was
/// learnt of them on other tasks, and their structural features: worked out when it is asked for, once for all
/// strategies that are assembled with it or a clone. All but features are taken as ranks among architectures of the
/// first space that it is asked for: another space needs another.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    kept: Arc<Mutex<Kept>>,
    features: Extractor,
}

#[derive(Debug, Default)]
struct Kept {
    costs: HashMap<PriorKind, Known>,
    formers: HashMap<Transfer, Arc<Former>>,
    learnt: HashMap<Transfer, Known>,
}

impl Knowledge {
    /// A surrogate with what it knows beforehand.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a surrogate that this build lacks, or a prior that it or the space does
    /// not have.
    pub fn surrogate(
        &self,
        kind: SurrogateKind,
        prior: PriorKind,
        transfer: &Transfer,
        space: &dyn SearchSpace,
    ) -> Result<Box<dyn Surrogate>, StudyError> {
        let learnt = self.learnt(transfer, space)?;
        let known: Vec<Known> = self.cost(kind, prior, space)?.into_iter().chain(learnt).collect();
        let knows = !known.is_empty();
        let form = if knows { Form::Mean } else { Form::Nothing };
        let gp = GraphGp::default().sharing(&self.features).knowing(known, &[form]);
        match kind {
            SurrogateKind::GraphGp => Ok(Box::new(gp)),
            SurrogateKind::Ensemble => Ok(Box::new(Ensemble { gp, ..Ensemble::default() })),
            other if !knows => super::surrogate(other),
            _ => Err(bad("this surrogate takes none; take ensemble or graph-gp, or auto".into())),
        }
    }

    /// The scores of another task, if there is one.
    ///
    /// # Errors
    /// As [`Former::read`].
    pub fn former(
        &self,
        transfer: &Transfer,
        space: &dyn SearchSpace,
    ) -> Result<Option<Arc<Former>>, StudyError> {
        if let Some(kept) = self.kept().formers.get(transfer) {
            return Ok(Some(kept.clone()));
        }
        let Some(former) = Former::read(transfer, space)? else { return Ok(None) };
        Ok(Some(self.kept().formers.entry(transfer.clone()).or_insert(Arc::new(former)).clone()))
    }

    /// What results depend on of the scores that a strategy starts from: the text that they are known by, empty
    /// without any.
    ///
    /// # Errors
    /// As [`former`](Self::former).
    pub fn identity(
        &self,
        strategy: &StrategySettings,
        space: &dyn SearchSpace,
    ) -> Result<String, StudyError> {
        let StrategySettings::Bonas(settings) = strategy else { return Ok(String::new()) };
        let former = self.former(&settings.transfer, space)?;
        Ok(former.map(|former| format!("transfer {}\n", former.digest)).unwrap_or_default())
    }

    /// Refuses a strategy that starts from the scores of the table that it searches.
    ///
    /// # Errors
    /// As [`Former::check`] and [`former`](Self::former).
    pub fn check(
        &self,
        strategy: &StrategySettings,
        space: &dyn SearchSpace,
        table: &Benchmark,
    ) -> Result<(), StudyError> {
        let StrategySettings::Bonas(settings) = strategy else { return Ok(()) };
        self.former(&settings.transfer, space)?.map_or(Ok(()), |former| former.check(table))
    }

    fn learnt(&self, transfer: &Transfer, space: &dyn SearchSpace) -> Result<Option<Known>, StudyError> {
        if let Some(kept) = self.kept().learnt.get(transfer) {
            return Ok(Some(kept.clone()));
        }
        let Some(former) = self.former(transfer, space)? else { return Ok(None) };
        let known = Known::learnt(&former.observations, &sample(space))?;
        Ok(Some(self.kept().learnt.entry(transfer.clone()).or_insert(known).clone()))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cost(
        &self,
        surrogate: SurrogateKind,
        prior: PriorKind,
        space: &dyn SearchSpace,
    ) -> Result<Option<Known>, StudyError> {
        let (auto, prior) = match prior {
            PriorKind::Auto => (true, PriorKind::Flops),
            named => (false, named),
        };
        if prior == PriorKind::None || (auto && !surrogate.takes_prior()) {
            return Ok(None);
        }
        if !surrogate.takes_prior() {
            return Err(bad("this surrogate takes none; take ensemble or graph-gp, or auto".into()));
        }
        let known = self.kept().costs.get(&prior).cloned();
        if known.is_some() {
            return Ok(known);
        }
        // A space of the user's own is not in the registry.
        let entry = registry::space(space.name()).ok();
        let network = entry.map(published).transpose().map_err(bad)?.flatten();
        let Some((skeleton, ops)) = network else {
            return if auto {
                Ok(None)
            } else {
                Err(bad(format!("{} has no network here; take none", space.name())))
            };
        };
        let cost = move |architecture: &Architecture| {
            let union = Union::of(std::slice::from_ref(architecture)).map_err(|e| e.to_string())?;
            let network = skeleton.network(&union, &ops).map_err(|e| e.to_string())?;
            Ok(if prior == PriorKind::Params { network.params() as f64 } else { network.macs() as f64 })
        };
        let costs = move |architectures: &[Architecture]| architectures.iter().map(&cost).collect();
        let known = Known::computed(Box::new(costs), &sample(space))?;
        Ok(Some(self.kept().costs.entry(prior).or_insert(known).clone()))
    }
}

/// Architectures that ranks are taken among.
fn sample(space: &dyn SearchSpace) -> Vec<Architecture> {
    let mut rng = stream(0, &[]);
    (0..SAMPLE).map(|_| space.sample(&mut rng)).collect()
}

/// A network around cells, and what their operations are.
pub(super) type Network = (Arc<dyn Skeleton>, OpTable);

/// The published network of a space; none where there is none.
pub(super) fn published(entry: &SpaceEntry) -> Result<Option<Network>, String> {
    let Some(skeleton) = entry.skeleton else { return Ok(None) };
    let skeleton = registry::skeleton(skeleton)?.skeleton(&SkeletonSize::default())?;
    Ok(Some((skeleton, (entry.ops)())))
}

fn bad(reason: String) -> StudyError {
    StudyError::Setting { name: "strategy.prior".into(), reason }
}
