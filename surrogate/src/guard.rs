//! The space that a surrogate was fitted to.

use std::sync::Arc;

use bonas_spaces::{Architecture, Vocabulary};
use ndarray::Array2;
use serde::de::DeserializeOwned;

use crate::error::SurrogateError;
use crate::observation::Observation;
use crate::posterior::{Joint, Posterior};
use crate::saved::{Saved, SavedHome, described};
use crate::surrogate::{FeatureGroup, Predict};

/// What architectures of one space have in common.
#[derive(Clone, Debug)]
struct Home {
    vocabulary: Arc<Vocabulary>,
    cells: usize,
}

impl Home {
    fn of(architecture: &Architecture) -> Self {
        Self { vocabulary: architecture.vocabulary().clone(), cells: architecture.cells().len() }
    }

    fn has(&self, architecture: &Architecture) -> bool {
        let other = architecture.vocabulary();
        architecture.cells().len() == self.cells
            && (Arc::ptr_eq(other, &self.vocabulary) || **other == *self.vocabulary)
    }

    /// What an error says of it.
    fn described(&self) -> String {
        let names: Vec<&str> = self.vocabulary.ops().map(|op| self.vocabulary.name(op)).collect();
        described(self.cells, &names)
    }
}

/// Fits a surrogate to observations of one space; the predictor refuses architectures of any other.
///
/// Use it in [`Surrogate::fit`](crate::Surrogate::fit): without it a model may take architectures of another space
/// for what it knows. Spaces differ if the number of cells or the operations do.
///
/// ```
/// use bonas_surrogate::models::Trees;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Surrogate, SurrogateError, in_one_space};
/// use rand::SeedableRng;
///
/// let observations = toy_observations(20, 1);
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = in_one_space("mine", &observations, || Trees::default().fit(&observations, &mut rng))?;
/// assert_eq!(fitted.predict(&toy_architectures(3, 2))?.len(), 3);
/// # Ok::<(), SurrogateError>(())
/// ```
///
/// # Errors
/// [`SurrogateError::Data`] without an observation, [`SurrogateError::Space`] for observations of different spaces, and
/// those of `fit`.
pub fn in_one_space(
    surrogate: &'static str,
    observations: &[Observation],
    fit: impl FnOnce() -> Result<Box<dyn Predict>, SurrogateError>,
) -> Result<Box<dyn Predict>, SurrogateError> {
    let first = observations
        .first()
        .ok_or_else(|| SurrogateError::data(surrogate, "no observations; it needs at least one"))?;
    let home = Home::of(&first.architecture);
    check(surrogate, &home, observations.iter().map(|o| &o.architecture))?;
    Ok(Box::new(Guarded { surrogate, home, inner: fit()? }))
}

/// Makes a predictor of what [`Predict::save`] returned, with the same guard as [`in_one_space`] gave it.
///
/// Use it in [`Surrogate::load`](crate::Surrogate::load): `load` gets what [`Saved::of`] was given.
///
/// # Errors
/// [`SurrogateError::File`] for what another surrogate saved or content that is not a `T`, and those of `load`.
pub fn in_saved_space<T: DeserializeOwned>(
    surrogate: &'static str,
    saved: &Saved,
    load: impl FnOnce(T) -> Result<Box<dyn Predict>, SurrogateError>,
) -> Result<Box<dyn Predict>, SurrogateError> {
    let inner = load(saved.content(surrogate)?)?;
    let Some(home) = saved.home() else { return Ok(inner) };
    let home = Home { vocabulary: Arc::new(home.vocabulary()?), cells: home.cells };
    Ok(Box::new(Guarded { surrogate, home, inner }))
}

/// A predictor that refuses architectures of another space than that of its observations.
struct Guarded {
    surrogate: &'static str,
    home: Home,
    inner: Box<dyn Predict>,
}

impl Guarded {
    fn check(&self, candidates: &[Architecture]) -> Result<(), SurrogateError> {
        check(self.surrogate, &self.home, candidates)
    }
}

fn check<'a>(
    surrogate: &'static str,
    home: &Home,
    architectures: impl IntoIterator<Item = &'a Architecture>,
) -> Result<(), SurrogateError> {
    match architectures.into_iter().find(|architecture| !home.has(architecture)) {
        None => Ok(()),
        Some(other) => Err(SurrogateError::Space {
            surrogate,
            expected: home.described(),
            found: Home::of(other).described(),
        }),
    }
}

impl Predict for Guarded {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        self.check(candidates)?;
        self.inner.predict(candidates)
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        self.check(candidates)?;
        self.inner.embed(candidates)
    }

    fn joint(&self, candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        self.check(candidates)?;
        self.inner.joint(candidates)
    }

    fn feature_groups(&self) -> Vec<FeatureGroup> {
        self.inner.feature_groups()
    }

    fn predict_exchanged(
        &self,
        candidates: &[Architecture],
        group: FeatureGroup,
        from: &[usize],
    ) -> Result<Option<Vec<Posterior>>, SurrogateError> {
        self.check(candidates)?;
        if from.len() != candidates.len() || from.iter().any(|&other| other >= candidates.len()) {
            let reason =
                format!("features of {} of {} candidates are exchanged", from.len(), candidates.len());
            return Err(SurrogateError::data(self.surrogate, reason));
        }
        self.inner.predict_exchanged(candidates, group, from)
    }

    fn condition_on(&self, observations: &[Observation]) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
        check(self.surrogate, &self.home, observations.iter().map(|o| &o.architecture))?;
        let (surrogate, home) = (self.surrogate, self.home.clone());
        let guarded = |inner| Box::new(Self { surrogate, home, inner }) as Box<dyn Predict>;
        Ok(self.inner.condition_on(observations)?.map(guarded))
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        match self.inner.save() {
            Err(SurrogateError::NotSaved { .. }) => {
                Err(SurrogateError::NotSaved { surrogate: self.surrogate })
            }
            saved => Ok(saved?.in_home(SavedHome::of(&self.home.vocabulary, self.home.cells))),
        }
    }
}
