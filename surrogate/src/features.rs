//! From architectures to features, each architecture once.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::{Architecture, Key, Vocabulary};

use ndarray::Array2;

use crate::structure::{AsIs, Columns, Layout, Structure};
use crate::{Observation, SurrogateError};

/// Most values kept (16 MiB).
const MAX_VALUES: usize = 1 << 22;

/// Computes the features of architectures and keeps them, so that a pool that is scored round
/// after round is looked at once. They are kept by [`Name`], so what is kept changes no result.
#[derive(Debug, Default)]
pub(crate) struct Extractor(Mutex<Kept>);

/// An architecture as it is written: a space may call two equal (give them one key) that are not
/// the same graph.
pub(crate) type Name = (Key, u64);

/// The name of an architecture.
pub(crate) fn name(architecture: &Architecture) -> Name {
    (architecture.key(), architecture.spelling())
}

#[derive(Debug, Default)]
struct Kept {
    layout: Option<(Arc<Vocabulary>, Layout)>,
    features: HashMap<Name, Arc<Structure>, BuildHasherDefault<AsIs>>,
    values: usize,
}

impl Extractor {
    /// Features of architectures of one space, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces.
    pub(crate) fn features<'a>(
        &self,
        surrogate: &'static str,
        architectures: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Vec<Arc<Structure>>, SurrogateError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Arc<Structure>> = Vec::new();
        let mut first = None;
        for (i, architecture) in architectures.into_iter().enumerate() {
            let (cells, vocabulary) = (architecture.cells().len(), architecture.vocabulary());
            let (first_cells, first_vocabulary) = *first.get_or_insert((cells, vocabulary));
            let same = Arc::ptr_eq(vocabulary, first_vocabulary) || vocabulary == first_vocabulary;
            if cells != first_cells || !same {
                let reason = format!(
                    "architecture {i} is not of the first one's space: its operations or its number of cells differ"
                );
                return Err(SurrogateError::data(surrogate, reason));
            }
            if i == 0 {
                kept.turn_to(vocabulary);
            }
            found.push(kept.features(architecture));
        }
        Ok(found)
    }

    /// Features `[m, d]` of candidates, in the columns of what was fitted.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces, or of another than the columns'.
    pub(crate) fn matrix<'a>(
        &self,
        surrogate: &'static str,
        columns: &Columns,
        candidates: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Array2<f32>, SurrogateError> {
        let structures = self.matching(surrogate, columns, candidates)?;
        Ok(columns.matrix(structures.iter().map(|s| &**s)))
    }

    /// Features of candidates of the space of what was fitted, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces, or of another than the columns'.
    pub(crate) fn matching<'a>(
        &self,
        surrogate: &'static str,
        columns: &Columns,
        candidates: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Vec<Arc<Structure>>, SurrogateError> {
        let structures = self.features(surrogate, candidates)?;
        if structures.first().is_some_and(|structure| !columns.matches(structure)) {
            let reason = "the candidates are of another space than the observations: their operations or \
                          their number of cells differ";
            return Err(SurrogateError::data(surrogate, reason));
        }
        Ok(structures)
    }
}

impl Kept {
    fn turn_to(&mut self, vocabulary: &Arc<Vocabulary>) {
        let same =
            |(known, _): &(Arc<Vocabulary>, Layout)| Arc::ptr_eq(known, vocabulary) || known == vocabulary;
        if !self.layout.as_ref().is_some_and(same) {
            *self = Self { layout: Some((vocabulary.clone(), Layout::of(vocabulary))), ..Self::default() };
        }
    }

    fn features(&mut self, architecture: &Architecture) -> Arc<Structure> {
        let name = name(architecture);
        if let Some(known) = self.features.get(&name) {
            return known.clone();
        }
        let layout = self.layout.as_ref().map(|(_, layout)| layout);
        let features = Arc::new(layout.map(|l| l.features(architecture)).unwrap_or_default());
        let size = features.counts.len() + 3 * (features.neighbours.len() + features.places.len());
        if self.values + size > MAX_VALUES {
            self.features.clear();
            self.values = 0;
        }
        self.values += size;
        self.features.insert(name, features.clone());
        features
    }
}

/// Scores of observations.
///
/// # Errors
/// [`SurrogateError::Data`] if there are none or one is not finite.
pub(crate) fn scores(
    surrogate: &'static str,
    observations: &[Observation],
) -> Result<Vec<f64>, SurrogateError> {
    if observations.is_empty() {
        return Err(SurrogateError::data(surrogate, "no observations; it needs at least one"));
    }
    if let Some(i) = observations.iter().position(|o| !o.score.is_finite()) {
        let reason =
            format!("the score of observation {i} is {}; leave out what failed", observations[i].score);
        return Err(SurrogateError::data(surrogate, reason));
    }
    // Adding zero makes one zero of the two.
    Ok(observations.iter().map(|o| o.score + 0.0).collect())
}
