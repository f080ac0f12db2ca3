//! The cache of structural features.

use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::{Architecture, Vocabulary};

use ndarray::Array2;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spelling::{SpellingIndex, spelling};
use super::{Columns, Layout, NameNumbers, Store, Structures};
use crate::error::SurrogateError;

/// The cache is emptied once it holds more values than this (16 MiB).
const MAX_VALUES: usize = 1 << 22;

/// Computes the structural features of architectures and caches them.
///
/// A candidate pool that is scored round after round is then analysed once. Clones are cheap and share the
/// cache; several threads may use it at the same time. Features are cached by the architecture's text form, so
/// the cache changes no result.
#[derive(Clone, Debug, Default)]
pub struct FeatureCache(Arc<Mutex<CachedFeatures>>);

#[derive(Debug)]
struct CachedFeatures {
    layout: Option<(Arc<Vocabulary>, Layout)>,
    numbers: NameNumbers,
    /// Text forms of the architectures in the store, in its order.
    spellings: SpellingIndex,
    store: Arc<Store>,
    /// The cache is emptied once it holds more values than this.
    max_values: usize,
}

impl Default for CachedFeatures {
    fn default() -> Self {
        Self {
            layout: None,
            numbers: NameNumbers::default(),
            spellings: SpellingIndex::default(),
            store: Arc::default(),
            max_values: MAX_VALUES,
        }
    }
}

impl FeatureCache {
    /// Features of architectures of one space, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces.
    pub(crate) fn features<'a>(
        &self,
        surrogate: &'static str,
        architectures: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Structures, SurrogateError> {
        let architectures: Vec<&Architecture> = architectures.into_iter().collect();
        let Some(first) = architectures.first() else { return Ok(Structures::default()) };
        let differs = |other: &&Architecture| {
            let (vocabulary, expected) = (other.vocabulary(), first.vocabulary());
            other.cells().len() != first.cells().len()
                || !(Arc::ptr_eq(vocabulary, expected) || vocabulary == expected)
        };
        if let Some(i) = architectures.iter().position(differs) {
            let reason = format!(
                "architecture {i} belongs to another space than the first one: its operations or its number of cells differ"
            );
            return Err(SurrogateError::data(surrogate, reason));
        }
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(cached.features(&architectures))
    }

    /// Features `[m, d]` of candidates, in the columns of a fitted model.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces, or of another space than the columns.
    pub(crate) fn matrix<'a>(
        &self,
        surrogate: &'static str,
        columns: &Columns,
        candidates: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Array2<f32>, SurrogateError> {
        let structures = self.matching(surrogate, columns, candidates)?;
        Ok(columns.matrix(structures.iter()))
    }

    /// Features of candidates, in order; checks that the candidates belong to the space of the columns.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for architectures of different spaces, or of another space than the columns.
    pub(crate) fn matching<'a>(
        &self,
        surrogate: &'static str,
        columns: &Columns,
        candidates: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Structures, SurrogateError> {
        let structures = self.features(surrogate, candidates)?;
        if structures.iter().next().is_some_and(|structure| !columns.matches(structure)) {
            let reason = "the candidates belong to another space than the observations: their operations or \
                          their number of cells differ";
            return Err(SurrogateError::data(surrogate, reason));
        }
        Ok(structures)
    }
}

/// The names of the features that columns have been numbered by. What is cached is not saved.
impl Serialize for FeatureCache {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).numbers.names().serialize(serializer)
    }
}

/// A cache of its own that numbers features as the saved one did, so that saved columns mean what they meant.
impl<'de> Deserialize<'de> for FeatureCache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = NameNumbers::of(Vec::<u64>::deserialize(deserializer)?);
        Ok(Self(Arc::new(Mutex::new(CachedFeatures { numbers, ..CachedFeatures::default() }))))
    }
}

impl CachedFeatures {
    /// Features of at least one architecture of one space, in order.
    fn features(&mut self, architectures: &[&Architecture]) -> Structures {
        self.switch_to(architectures[0].vocabulary());
        let mut positions: Vec<Option<usize>> =
            self.spellings.positions(architectures.iter().map(|a| spelling(a))).collect();
        for (position, architecture) in positions.iter_mut().zip(architectures) {
            if position.is_none() {
                *position =
                    self.spellings.position(spelling(architecture)).or_else(|| self.add(architecture));
            }
        }
        Structures { store: self.store.clone(), rows: positions.into_iter().flatten().collect() }
    }

    /// Changes the layout to that of a vocabulary, and empties the cache where that is needed.
    fn switch_to(&mut self, vocabulary: &Arc<Vocabulary>) {
        let same =
            |(known, _): &(Arc<Vocabulary>, Layout)| Arc::ptr_eq(known, vocabulary) || known == vocabulary;
        let stays = self.layout.as_ref().is_some_and(same);
        if !stays {
            self.layout = Some((vocabulary.clone(), Layout::of(vocabulary)));
        }
        if !stays || self.store.values() > self.max_values {
            (self.spellings, self.store) = (SpellingIndex::default(), Arc::default());
        }
    }

    /// Adds the features of an architecture and returns its position.
    fn add(&mut self, architecture: &Architecture) -> Option<usize> {
        let (_, layout) = self.layout.as_ref()?;
        // This copies the store while another thread reads it.
        Arc::make_mut(&mut self.store).push(&layout.features(architecture), &mut self.numbers);
        self.spellings.push(spelling(architecture));
        Some(self.store.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::darts::Darts;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::features::Row;
    use crate::testing::toy_architectures;

    /// Whatever is asked in between, of another space too, each architecture has its own features, and columns mean
    /// what they meant.
    #[test]
    fn what_is_kept_changes_nothing() {
        let architectures = toy_architectures(30, 1);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let others: Vec<Architecture> = (0..5).map(|_| Darts::new().sample(&mut rng)).collect();
        let extractor = FeatureCache::default();
        let columns = Columns::of(extractor.features("test", &architectures).unwrap().iter());
        let matrix = |of: &[Architecture]| extractor.matrix("test", &columns, of).unwrap();
        let expected = matrix(&architectures);
        extractor.features("test", &others).unwrap();
        assert_eq!(matrix(&architectures[7..]), expected.slice(ndarray::s![7.., ..]));
        assert_eq!(matrix(&architectures), expected);
        let alone = FeatureCache::default();
        for (architecture, row) in architectures.iter().zip(expected.rows()) {
            let alone = alone.features("test", [architecture]).unwrap();
            let own = alone.iter().next().unwrap();
            assert_eq!(own.counts, &row.as_slice().unwrap()[..own.counts.len()]);
            let named: f32 = own.named().concat().iter().map(|(_, value)| value).sum();
            assert_eq!(named, row.iter().skip(own.counts.len()).sum::<f32>());
        }
        let error = extractor.features("test", [&architectures[0], &others[0]]).unwrap_err().to_string();
        assert!(error.contains("architecture 1"), "{error}");
    }

    /// Where room is made with every call, what somebody still holds stays, and later features are the same; so they
    /// are for threads that ask at once.
    #[test]
    fn making_room_changes_no_features() {
        let architectures = toy_architectures(60, 3);
        let own = |row: Row<'_>| (row.counts.to_vec(), row.named().concat());
        let values = |structures: &Structures| -> Vec<_> { structures.iter().map(own).collect() };
        let small =
            FeatureCache(Arc::new(Mutex::new(CachedFeatures { max_values: 1, ..CachedFeatures::default() })));
        let held = small.features("test", &architectures).unwrap();
        let expected = values(&held);
        assert_eq!(values(&FeatureCache::default().features("test", &architectures).unwrap()), expected);
        for chunk in architectures.chunks(7).rev() {
            assert!(small.features("test", chunk).unwrap().store.len() <= 7, "there is room");
        }
        assert_eq!(values(&held), expected);
        let asks = || {
            for (chunk, expected) in architectures.chunks(7).zip(expected.chunks(7)) {
                assert_eq!(values(&small.features("test", chunk).unwrap()), expected);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(asks);
            scope.spawn(asks);
        });
    }
}
