//! What surrogates know of architectures before any is measured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_surrogate::ensemble::Ensemble;
use bonas_surrogate::graph_gp::{Form, GraphGp};
use bonas_surrogate::{Known, Surrogate};

use crate::StudyError;
use crate::config::{PriorKind, SurrogateKind};
use crate::registry::{self, SkeletonSize};
use crate::rng::stream;

/// Random architectures that the ranks of prior knowledge are taken among.
const SAMPLE: usize = 200;

/// Costs of architectures in the published networks of their spaces: worked out when they are asked for, and
/// once for all strategies that are assembled with it or a clone.
#[derive(Clone, Debug, Default)]
pub struct Knowledge(Arc<Mutex<HashMap<(String, PriorKind), Known>>>);

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
        let Some(known) = self.known(kind, prior, space)? else { return super::surrogate(kind) };
        let gp = GraphGp::default().knowing(vec![known], &[Form::Mean]);
        Ok(match kind {
            SurrogateKind::GraphGp => Box::new(gp),
            _ => Box::new(Ensemble { gp, ..Ensemble::default() }),
        })
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
        let bad = |reason: String| StudyError::Setting { name: "strategy.prior".into(), reason };
        if !surrogate.takes_prior() {
            return Err(bad("this surrogate takes none; take ensemble or graph-gp, or auto".into()));
        }
        let name = (space.name().to_owned(), prior);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&name) {
            return Ok(Some(known.clone()));
        }
        let Some((skeleton, ops)) = published(space).map_err(bad)? else {
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
        all.insert(name, known.clone());
        Ok(Some(known))
    }
}

/// A network around cells, and what their operations are.
pub(super) type Network = (Arc<dyn Skeleton>, OpTable);

/// The published network of a space; none where there is none.
pub(super) fn published(space: &dyn SearchSpace) -> Result<Option<Network>, String> {
    let entry = registry::space(space.name())?;
    let Some(skeleton) = entry.skeleton else { return Ok(None) };
    let skeleton = registry::skeleton(skeleton)?.skeleton(&SkeletonSize::default())?;
    Ok(Some((skeleton, (entry.ops)())))
}
