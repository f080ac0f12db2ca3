//! Results of earlier fits that later fits continue from.

use std::sync::Arc;

use ndarray::Array1;

use super::columns::KernelColumns;
use super::data::PriorForm;
use crate::models::gp::{self, FactoredObservations};
use crate::posterior::curve::RankCurve;

/// Most choices of hyper-parameters that are cached; a list of 400 observations needs 15.
const MAX_HYPERPARAMETERS: usize = 256;

/// Most values of the factors of lists of observations that are cached (128 MiB): four lists of 2,000 observations, 64
/// of 500. The score, limits, second objective and success each have a list.
const MAX_FACTOR_VALUES: usize = 1 << 24;

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
/// The cache changes no result. What was not used for longest is dropped first.
#[derive(Debug, Default)]
pub(super) struct FitCache {
    hyperparameters: Vec<(PriorForm, u64, Hyperparameters)>,
    factored: Vec<(PriorForm, u64, Arc<FactoredObservations>)>,
}

impl FitCache {
    pub(super) fn hyperparameters(&mut self, form: PriorForm, prefix_hash: u64) -> Option<Hyperparameters> {
        let at = self.hyperparameters.iter().position(|(f, hash, _)| (*f, *hash) == (form, prefix_hash))?;
        let found = self.hyperparameters.remove(at);
        self.hyperparameters.push(found.clone());
        Some(found.2)
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
        self.factored.push((form, prefix_hash, factored.clone()));
        let values = |all: &[(_, _, Arc<FactoredObservations>)]| -> usize {
            all.iter().map(|(.., factored)| factored.len() * factored.len()).sum()
        };
        while self.factored.len() > 1 && values(&self.factored) > MAX_FACTOR_VALUES {
            self.factored.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::models::gp::{Covariance, Form, Kernel, Term};

    fn factored(n: usize) -> Arc<FactoredObservations> {
        let term = Term { columns: 0..1, scale: Array1::ones(1), variance: 1.0, form: Form::Kernel };
        let covariance = Covariance { kernel: Kernel::Rbf, terms: vec![term], noise: 0.1 };
        let x = Array2::from_shape_fn((n, 1), |(i, _)| i as f32);
        Arc::new(FactoredObservations::of(&covariance, &x, n, &[]).unwrap())
    }

    /// Many short lists stay beside each other; lists that are too long push the oldest out.
    #[test]
    fn many_lists_stay_until_memory_is_full() {
        let form = PriorForm::Nothing;
        let mut cache = FitCache::default();
        let (short, long) = (factored(30), factored(1500));
        for list in 0..20 {
            cache.insert_factored(form, list, &short);
        }
        let hashes = |list: u64, n: usize| vec![list; n + 1];
        assert!((0..20).all(|list| cache.take_factored(form, 30, &hashes(list, 30)).is_some()));
        for list in 0..9 {
            cache.insert_factored(form, list, &long);
        }
        // Seven lists of 1,500 observations have fewer than 2²⁴ values, eight have more.
        let kept = |list: u64| cache.factored.iter().any(|(_, hash, _)| *hash == list);
        assert_eq!((0..9).filter(|&list| kept(list)).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
    }
}
