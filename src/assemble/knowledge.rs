//! What surrogates know of architectures before any is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_surrogate::ensemble::Ensemble;
use bonas_surrogate::graph_gp::{Form, GraphGp};
use bonas_surrogate::{Extractor, Known, Surrogate};

use crate::StudyError;
use crate::config::{PriorKind, SurrogateKind};
use crate::registry::{self, SkeletonSize, SpaceEntry};
use crate::rng::stream;

/// Random architectures that the ranks of prior knowledge are taken among.
const SAMPLE: usize = 200;

/// Costs of architectures in the published network of one space, or of the part of it that a table has, and their
/// structural features: worked out when they are asked for, once for all strategies that are assembled with it or a
/// clone. Costs are taken as ranks among architectures of the first space that it is asked for: another space needs another.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    costs: Arc<Mutex<HashMap<PriorKind, Known>>>,
    features: Extractor,
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
        space: &dyn SearchSpace,
    ) -> Result<Box<dyn Surrogate>, StudyError> {
        let known = self.known(kind, prior, space)?;
        let forms = if known.is_some() { Form::Mean } else { Form::Nothing };
        let gp = GraphGp::default().sharing(&self.features).knowing(known.into_iter().collect(), &[forms]);
        match kind {
            SurrogateKind::GraphGp => Ok(Box::new(gp)),
            SurrogateKind::Ensemble => Ok(Box::new(Ensemble { gp, ..Ensemble::default() })),
            other => super::surrogate(other),
        }
    }

    fn known(
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
        let kept = || self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(&prior).cloned();
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
        let value = move |architecture: &Architecture| {
            let union = Union::of(std::slice::from_ref(architecture)).map_err(|e| e.to_string())?;
            let network = skeleton.network(&union, &ops).map_err(|e| e.to_string())?;
            Ok(if prior == PriorKind::Params { network.params() as f64 } else { network.macs() as f64 })
        };
        let mut rng = stream(0, &[]);
        let sample: Vec<Architecture> = (0..SAMPLE).map(|_| space.sample(&mut rng)).collect();
        let known = Known::computed(Box::new(value), &sample)?;
        Ok(Some(kept().entry(prior).or_insert(known).clone()))
    }
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
