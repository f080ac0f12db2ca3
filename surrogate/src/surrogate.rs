//! The two traits of a surrogate.

use std::fmt;

use bonas_spaces::Architecture;
use ndarray::Array2;
use rand::Rng;

use crate::entry::PartEntry;
use crate::error::SurrogateError;
use crate::features::{Family, FeatureCache};
use crate::observation::Observation;
use crate::posterior::{Joint, Posterior};
use crate::prior::PriorKnowledge;
use crate::saved::Saved;

/// A surrogate in [`crate::catalogue`].
pub type SurrogateEntry = PartEntry<dyn Surrogate>;

/// An unfitted surrogate model: settings from which [`fit`](Self::fit) makes an immutable predictor.
///
/// [`crate::testing::check_surrogate`] tests an implementation.
pub trait Surrogate: Send + fmt::Debug {
    /// The name that configurations and reports use.
    fn name(&self) -> &'static str;

    /// Refuses architectures like this one before any is measured.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a space that is too large for the surrogate.
    fn check_like(&self, _example: &Architecture) -> Result<(), SurrogateError> {
        Ok(())
    }

    /// Whether scores must be fractions in `[0, 1]`; other surrogates take any finite number.
    fn needs_fractions(&self) -> bool {
        false
    }

    /// Whether predictors have an embedding in which near means related ([`Predict::embed`]).
    fn has_embedding(&self) -> bool {
        false
    }

    /// Whether predictors have a joint posterior of several architectures ([`Predict::joint`]).
    fn has_joint_posterior(&self) -> bool {
        false
    }

    /// Whether posteriors say what of their variance is the noise of a measurement ([`Posterior::noise`]), so that the true
    /// score can be told from a measured one.
    fn knows_noise(&self) -> bool {
        false
    }

    /// Whether a group of observations ([`Observation::group`]) has an intercept of its own, so that scores need not compare
    /// between groups. What is predicted is a score in an average group.
    fn knows_groups(&self) -> bool {
        false
    }

    /// This surrogate with prior knowledge (possibly none) and a shared feature cache; `None` if it takes no prior
    /// knowledge.
    fn with_prior(&self, _known: &[PriorKnowledge], _features: &FeatureCache) -> Option<Box<dyn Surrogate>> {
        None
    }

    /// Whether it can start from prior knowledge ([`with_prior`](Self::with_prior)).
    fn takes_prior(&self) -> bool {
        self.with_prior(&[], &FeatureCache::default()).is_some()
    }

    /// Fits to at least one observation and returns a predictor; the recipe does not change.
    ///
    /// All randomness is drawn from `rng`: equal observations and an equal generator give an equal predictor.
    ///
    /// # Errors
    /// [`SurrogateError`] naming the observation or setting at fault.
    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError>;

    /// Makes a predictor of what [`Predict::save`] of one of its predictors returned; it gives the same bits.
    ///
    /// The settings are those of the fit, not those of this recipe. `known` is the prior knowledge of the fit that is a
    /// function ([`PriorKnowledge::computed`]), in any order; a table is saved with the predictor.
    /// [`in_saved_space`](crate::in_saved_space) does what most implementations need.
    ///
    /// # Errors
    /// [`SurrogateError::NotSaved`] for a surrogate whose predictors cannot be saved (the default),
    /// [`SurrogateError::File`] for what another surrogate saved, [`SurrogateError::Knowledge`] where `known` is not
    /// what it was fitted with.
    fn load(&self, _saved: &Saved, _known: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        Err(SurrogateError::NotSaved { surrogate: self.name() })
    }
}

/// A group of features that a fitted surrogate reads ([`Predict::feature_groups`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureGroup {
    /// Counts of one family on the graphs of an architecture.
    Counts(Family),
    /// Prior knowledge, or a feature of the user's own: its place among what the surrogate was given
    /// ([`Surrogate::with_prior`]), features first.
    Known(usize),
}

/// A fitted surrogate.
pub trait Predict: Send {
    /// One posterior per candidate, in order, in the unit of the observed scores.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for candidates of another space, [`SurrogateError::Numeric`] where arithmetic fails.
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError>;

    /// The embedding `[n, d]` of the candidates, in which near means related; `None` if the surrogate has none.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn embed(&self, _candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        Ok(None)
    }

    /// The joint posterior of all candidates, for joint draws; `None` if the surrogate has none.
    ///
    /// Takes memory quadratic and time cubic in the number of candidates.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn joint(&self, _candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        Ok(None)
    }

    /// The groups of features that [`predict_exchanged`](Self::predict_exchanged) knows; empty for a model that reads graphs
    /// only, or whose features cannot be exchanged.
    fn feature_groups(&self) -> Vec<FeatureGroup> {
        Vec::new()
    }

    /// As [`predict`](Self::predict), but candidate `i` has the features of a group that candidate `from[i]` has, and all
    /// others of its own: what permutation importance is measured by (Breiman, Machine Learning 45, 2001).
    ///
    /// `None` for a group that is not among [`feature_groups`](Self::feature_groups).
    ///
    /// # Errors
    /// As [`predict`](Self::predict); [`SurrogateError::Data`] for a `from` that is not one candidate for each.
    fn predict_exchanged(
        &self,
        _candidates: &[Architecture],
        _group: FeatureGroup,
        _from: &[usize],
    ) -> Result<Option<Vec<Posterior>>, SurrogateError> {
        Ok(None)
    }

    /// This predictor with more observations, and all that was chosen in fitting (hyper-parameters, features, the map to
    /// scores) as it is; `None` if the model cannot be conditioned.
    ///
    /// For a Gaussian process it is a fit that keeps its hyper-parameters: observations one by one or at once, it is the
    /// same up to rounding. A new fit would choose anew, and find observations that do not fit. It takes time quadratic in
    /// the number of observations for each new one. Beyond 2,000 observations `graph-gp` and `ensemble` choose their
    /// inducing points anew, so that posteriors elsewhere move a little, too. See [`believed`](crate::believed) and [`fantasies`](crate::fantasies).
    ///
    /// # Errors
    /// [`SurrogateError::Space`] for architectures of another space, [`SurrogateError::Data`] for a score that is not finite,
    /// [`SurrogateError::Numeric`] where arithmetic fails.
    fn condition_on(
        &self,
        _observations: &[Observation],
    ) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
        Ok(None)
    }

    /// What fitting found, for [`Surrogate::load`]; [`Saved::of`] makes it of any value that serde serialises.
    ///
    /// # Errors
    /// [`SurrogateError::NotSaved`] for a predictor that cannot be saved (the default).
    fn save(&self) -> Result<Saved, SurrogateError> {
        Err(SurrogateError::NotSaved { surrogate: "this surrogate" })
    }
}
