//! Results of earlier fits that later fits continue from.

use std::sync::Arc;

use ndarray::Array1;

use super::columns::KernelColumns;
use super::data::PriorForm;
use crate::models::gp::{self, FactoredObservations};
use crate::posterior::curve::RankCurve;

/// Most choices of hyper-parameters that are cached.
const MAX_HYPERPARAMETERS: usize = 64;

/// Most factored lists of observations that are cached: two objectives need two.
const MAX_FACTORED: usize = 2;

/// Hyper-parameters, and the columns that they belong to.
#[derive(Clone, Debug)]
pub(super) struct Hyperparameters {
    pub(super) columns: Arc<KernelColumns>,
    pub(super) fit: gp::Fit,
    /// The curve of the normal scores.
    pub(super) curve: RankCurve,
    /// Variance of the noise that each observation has as an outlier, `[n]`.
    pub(super) extra: Array1<f64>,
}

/// Hyper-parameters and factored covariances of earlier fits, by form and the hash of the observations.
/// The cache changes no result.
#[derive(Debug, Default)]
pub(super) struct FitCache {
    hyperparameters: Vec<(PriorForm, u64, Hyperparameters)>,
    factored: Vec<(PriorForm, u64, Arc<FactoredObservations>)>,
}

impl FitCache {
    pub(super) fn hyperparameters(&self, form: PriorForm, prefix_hash: u64) -> Option<Hyperparameters> {
        let mut cached = self.hyperparameters.iter();
        cached.find(|(f, hash, _)| (*f, *hash) == (form, prefix_hash)).map(|(.., found)| found.clone())
    }

    pub(super) fn insert_hyperparameters(
        &mut self,
        form: PriorForm,
        prefix_hash: u64,
        chosen: &Hyperparameters,
    ) {
        if self.hyperparameters(form, prefix_hash).is_some() {
            return;
        }
        if self.hyperparameters.len() == MAX_HYPERPARAMETERS {
            self.hyperparameters.remove(0);
        }
        self.hyperparameters.push((form, prefix_hash, chosen.clone()));
    }

    /// Removes and returns the factored observations that are a prefix of the hashed ones and have the same
    /// `base`.
    pub(super) fn take_factored(
        &mut self,
        form: PriorForm,
        base: usize,
        prefix_hashes: &[u64],
    ) -> Option<Arc<FactoredObservations>> {
        let is_prefix = |(f, hash, factored): &(PriorForm, u64, Arc<FactoredObservations>)| {
            (*f, factored.base()) == (form, base) && prefix_hashes.get(factored.len()) == Some(hash)
        };
        let at = self.factored.iter().position(is_prefix)?;
        Some(self.factored.remove(at).2)
    }

    pub(super) fn insert_factored(
        &mut self,
        form: PriorForm,
        prefix_hash: u64,
        factored: &Arc<FactoredObservations>,
    ) {
        if self.factored.len() == MAX_FACTORED {
            self.factored.remove(0);
        }
        self.factored.push((form, prefix_hash, factored.clone()));
    }
}
