//! The two traits a surrogate implements.

use std::fmt;

use bonas_spaces::Architecture;
use ndarray::Array2;
use rand::Rng;

use crate::entry::Entry;
use crate::error::SurrogateError;
use crate::features::FeatureCache;
use crate::observation::Observation;
use crate::posterior::{Joint, Posterior};
use crate::prior::PriorKnowledge;

/// A surrogate in [`crate::catalogue`].
pub type SurrogateEntry = Entry<dyn Surrogate>;

/// An unfitted recipe: fitting returns an immutable predictor and leaves the recipe as it was.
pub trait Surrogate: Send + fmt::Debug {
    /// Name as used in configurations and reports.
    fn name(&self) -> &'static str;

    /// Whether scores must be fractions in `[0, 1]`, as of surrogates of logits; others take any number.
    fn needs_fractions(&self) -> bool {
        false
    }

    /// Whether fitted predictors place architectures in a space where near means related
    /// ([`Predict::embed`]).
    fn has_embedding(&self) -> bool {
        false
    }

    /// Whether fitted predictors have a posterior of several architectures together
    /// ([`Predict::joint`]).
    fn has_joint_posterior(&self) -> bool {
        false
    }

    /// The same recipe starting from prior knowledge, which may be empty, and sharing a feature cache;
    /// `None` for a surrogate that takes no prior knowledge.
    fn with_prior(&self, _known: &[PriorKnowledge], _features: &FeatureCache) -> Option<Box<dyn Surrogate>> {
        None
    }

    /// Whether it can start from prior knowledge ([`with_prior`](Self::with_prior)).
    fn takes_prior(&self) -> bool {
        self.with_prior(&[], &FeatureCache::default()).is_some()
    }

    /// Fits to `observations` (at least one), drawing all randomness from `rng`: equal
    /// observations and an equal generator give an equal predictor.
    ///
    /// # Errors
    /// [`SurrogateError`] naming the observation or setting at fault.
    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError>;
}

/// A fitted surrogate.
pub trait Predict: Send {
    /// One posterior a candidate, in order, in the unit of the observed scores.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] where arithmetic fails.
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError>;

    /// Embedding of the candidates, `[n, d]`, for surrogates that have one: near means related.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] where arithmetic fails.
    fn embed(&self, _candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        Ok(None)
    }

    /// The posterior of all candidates together, for surrogates that have one: for joint draws.
    /// Costs the square of their number in memory, its cube in time.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] where arithmetic fails.
    fn joint(&self, _candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        Ok(None)
    }
}
