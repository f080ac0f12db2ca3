//! Prior knowledge about architectures: an indicator, a cost such as multiply-adds, a score on another task.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas_spaces::{Architecture, Key};

use crate::error::SurrogateError;
use crate::features::spelling::{Spelling, SpellingIndex, spelling};
use crate::posterior::warp::{Warp, gaussian_ranks};

mod saved;

use saved::MISSING;
pub(crate) use saved::restore;

const NAME: &str = "prior knowledge";

/// How far a computed rank may lie beyond those of the sample, in standard deviations.
const BEYOND: f64 = 10.0;

/// Most ranks that are cached.
const MAX_CACHED: usize = 1 << 20;

/// Prior knowledge about architectures (for example multiply-adds): a number for each, as a Gaussian rank.
///
/// Whether higher or lower is better need not be known: surrogates learn the slope. Use it with
/// [`crate::models::GraphGp::with_prior_knowledge`], or with [`crate::models::PriorMean`] around any other
/// surrogate. Clones are cheap and share the cache.
///
/// ```
/// use bonas_surrogate::PriorKnowledge;
/// use bonas_surrogate::testing::toy_architectures;
///
/// let known: Vec<_> = toy_architectures(3, 1).iter().map(|a| a.key()).zip([1.0, 5.0, 2.0]).collect();
/// let knowledge = PriorKnowledge::new(&known)?;
/// let ranks = knowledge.ranks(&toy_architectures(3, 1))?;
/// assert!(ranks[0] < ranks[2] && ranks[2] < ranks[1]);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PriorKnowledge {
    source: Arc<Source>,
    feature: bool,
}

#[derive(Debug)]
enum Source {
    /// A rank for each architecture.
    Table(HashMap<Key, f64>),
    /// Values that are computed on demand, ranked among a sample.
    Computed { value: Value, warp: Warp, cache: Mutex<RankCache> },
    /// Of a saved surrogate: values that were computed on demand, known by the ranks of their sample.
    Missing(u64),
}

/// Ranks of the architectures that were asked for.
#[derive(Debug, Default)]
struct RankCache {
    spellings: SpellingIndex,
    /// In the order of `spellings`.
    ranks: Vec<f64>,
}

impl RankCache {
    fn ranks(&self, spellings: impl IntoIterator<Item = Spelling>) -> Vec<Option<f64>> {
        self.spellings
            .positions(spellings)
            .map(|position| position.map(|position| self.ranks[position]))
            .collect()
    }

    fn insert(&mut self, spelling: Spelling, rank: f64) {
        if self.ranks.len() == MAX_CACHED {
            *self = Self::default();
        }
        // Another thread may have inserted it.
        if self.spellings.position(spelling).is_none() {
            self.spellings.push(spelling);
            self.ranks.push(rank);
        }
    }
}

/// A function of architectures, with the reason where it has no value.
struct Value(Box<ValueFn>);

/// One value per architecture, in order.
type ValueFn = dyn Fn(&[Architecture]) -> Result<Vec<f64>, String> + Send + Sync;

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function of architectures")
    }
}

impl Value {
    fn of(&self, architectures: &[Architecture]) -> Result<Vec<f64>, SurrogateError> {
        let values = (self.0)(architectures).map_err(|reason| SurrogateError::data(NAME, reason))?;
        if values.len() != architectures.len() {
            let reason = format!("{} values for {} architectures", values.len(), architectures.len());
            return Err(SurrogateError::data(NAME, reason));
        }
        match values.iter().zip(architectures).find(|(value, _)| !value.is_finite()) {
            None => Ok(values),
            Some((value, architecture)) => Err(not_finite(architecture.key(), *value)),
        }
    }
}

fn not_finite(key: Key, value: f64) -> SurrogateError {
    let reason = format!(
        "the indicator of {key} is {value}, not a finite number; leave the architecture out or score it again"
    );
    SurrogateError::data(NAME, reason)
}

fn check_count(count: usize) -> Result<(), SurrogateError> {
    if count >= 2 {
        return Ok(());
    }
    Err(SurrogateError::data(NAME, format!("{count} values of the indicator; it needs at least 2")))
}

impl From<Source> for PriorKnowledge {
    fn from(source: Source) -> Self {
        Self { source: Arc::new(source), feature: false }
    }
}

impl PriorKnowledge {
    /// The same numbers as a feature of their own beside the graph, such as a latency or a zero-cost score.
    ///
    /// Prior knowledge shifts the expected score along a line. Of a feature any function can be learnt, and
    /// architectures count as similar if they agree in it as well as in their graphs.
    #[must_use]
    pub fn as_feature(self) -> Self {
        Self { feature: true, ..self }
    }

    /// Whether it is a feature ([`as_feature`](Self::as_feature)).
    pub fn is_feature(&self) -> bool {
        self.feature
    }

    /// Knowledge from a table of values; Gaussian ranks are taken among them.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for fewer than two values, or a value that is not finite.
    pub fn new(values: &[(Key, f64)]) -> Result<Self, SurrogateError> {
        check_count(values.len())?;
        if let Some(&(key, value)) = values.iter().find(|(_, value)| !value.is_finite()) {
            return Err(not_finite(key, value));
        }
        let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let (ranks, _) = gaussian_ranks(&numbers);
        Ok(Self::from(Source::Table(values.iter().map(|(key, _)| *key).zip(ranks).collect())))
    }

    /// Knowledge that is computed on demand, for spaces too large to list.
    ///
    /// Gaussian ranks are those among `sample`; between and beyond the sample's values they are interpolated
    /// linearly ([`Warp`](crate::posterior::Warp)), beyond them by ten standard deviations at most.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a sample of fewer than two architectures, or where `value` fails or is not
    /// finite.
    pub fn computed(
        value: impl Fn(&[Architecture]) -> Result<Vec<f64>, String> + Send + Sync + 'static,
        sample: &[Architecture],
    ) -> Result<Self, SurrogateError> {
        check_count(sample.len())?;
        let value = Value(Box::new(value));
        let (_, warp) = gaussian_ranks(&value.of(sample)?);
        Ok(Self::from(Source::Computed { value, warp, cache: Mutex::default() }))
    }

    /// Gaussian ranks of some architectures, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] naming an architecture without a value.
    pub fn ranks<'a>(
        &self,
        architectures: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Vec<f64>, SurrogateError> {
        let architectures = architectures.into_iter();
        match &*self.source {
            Source::Table(ranks) => {
                let rank = |(i, a): (usize, &Architecture)| {
                    ranks.get(&a.key()).copied().ok_or_else(|| {
                        let reason = format!(
                            "architecture {i}, {}, has no value of the indicator; score it first",
                            a.key()
                        );
                        SurrogateError::data(NAME, reason)
                    })
                };
                architectures.enumerate().map(rank).collect()
            }
            Source::Computed { value, warp, cache } => {
                let architectures: Vec<&Architecture> = architectures.collect();
                computed(&architectures, value, warp, cache)
            }
            Source::Missing(_) => Err(SurrogateError::Knowledge { reason: MISSING.into() }),
        }
    }
}

/// Ranks of some architectures; those that are not cached are computed together.
///
/// The cache uses text forms, because two architectures with one key can have different costs. So it changes no
/// rank. The lock is released while values are computed.
fn computed(
    architectures: &[&Architecture],
    value: &Value,
    warp: &Warp,
    cache: &Mutex<RankCache>,
) -> Result<Vec<f64>, SurrogateError> {
    let spellings: Vec<Spelling> = architectures.iter().map(|a| spelling(a)).collect();
    let known = lock(cache).ranks(spellings.iter().copied());
    let missing = |i: &usize| known[*i].is_none();
    let mut positions: HashMap<Spelling, usize> = HashMap::new();
    let mut asked: Vec<Architecture> = Vec::new();
    for i in (0..spellings.len()).filter(missing) {
        positions.entry(spellings[i]).or_insert_with(|| {
            asked.push(architectures[i].clone());
            asked.len() - 1
        });
    }
    let found: Vec<f64> = match asked.len() {
        0 => Vec::new(),
        _ => value.of(&asked)?.into_iter().map(|value| near(warp, value)).collect(),
    };
    let mut cache = lock(cache);
    for (architecture, &rank) in asked.iter().zip(&found) {
        cache.insert(spelling(architecture), rank);
    }
    let rank =
        |(spelling, known): (&Spelling, &Option<f64>)| known.unwrap_or_else(|| found[positions[spelling]]);
    Ok(spellings.iter().zip(&known).map(rank).collect())
}

/// The rank of a value. Beyond the values of the sample it is linear, and at most [`BEYOND`] farther than theirs: a value
/// that stands for minus infinity has a finite rank in single precision.
fn near(warp: &Warp, value: f64) -> f64 {
    let (low, high) = warp
        .knots()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (rank, _)| (low.min(rank), high.max(rank)));
    warp.latent(value).clamp(low - BEYOND, high + BEYOND)
}

fn lock<T>(cache: &Mutex<T>) -> MutexGuard<'_, T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::toy_architectures;

    /// Two cells of NAS-Bench-101 with one key whose networks differ: each has its own value, whoever is first.
    #[test]
    fn copies_with_one_key_keep_their_own_values() {
        use bonas_spaces::{NasBench101, SearchSpace};
        let space = NasBench101::new();
        let cell = |ops: &str| space.parse(&format!("1110001011|{ops}")).unwrap();
        let pair =
            [cell("conv3x3-bn-relu;maxpool3x3;maxpool3x3"), cell("maxpool3x3;maxpool3x3;conv3x3-bn-relu")];
        assert_eq!(pair[0].key(), pair[1].key());
        let value = |list: &[Architecture]| Ok(list.iter().map(|a| (spelling(a).1 % 1000) as f64).collect());
        let ranks = |order: [usize; 2]| {
            let known = PriorKnowledge::computed(value, &pair).unwrap();
            let ranks = known.ranks(order.map(|i| &pair[i])).unwrap();
            order.map(|i| ranks[order.iter().position(|&o| o == i).unwrap()])
        };
        let (first, second) = (ranks([0, 1]), ranks([1, 0]));
        assert_eq!([first[0], first[1]], [second[1], second[0]]);
        assert_ne!(first[0], first[1]);
    }

    /// What stands for minus infinity, outside the sample, has a bounded rank below the others.
    #[test]
    fn values_far_beyond_the_sample_stay_near() {
        let cells = toy_architectures(40, 1);
        let outside = cells[39].key();
        let value = move |list: &[Architecture]| {
            Ok(list
                .iter()
                .map(|a| if a.key() == outside { -1e300 } else { f64::from(a.key().to_bytes()[15]) })
                .collect())
        };
        let sample: Vec<Architecture> = cells.iter().filter(|a| a.key() != outside).cloned().collect();
        let known = PriorKnowledge::computed(value, &sample).unwrap();
        let ranks = known.ranks(&sample).unwrap();
        let lowest = ranks.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((known.ranks([&cells[39]]).unwrap()[0] - (lowest - BEYOND)).abs() < 1e-9);
    }

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        let architectures = toy_architectures(3, 1);
        let values: Vec<_> = architectures.iter().enumerate().map(|(i, a)| (a.key(), i as f64)).collect();
        assert!(PriorKnowledge::new(&values[..1]).unwrap_err().to_string().contains("1 values"));
        let nan = [values[0], (values[1].0, f64::NAN)];
        assert!(PriorKnowledge::new(&nan).unwrap_err().to_string().contains("is NaN"));
        let known = PriorKnowledge::new(&values[..2]).unwrap();
        let error = known.ranks(&architectures).unwrap_err().to_string();
        assert!(
            error.contains("architecture 2, ") && error.contains("has no value of the indicator"),
            "{error}"
        );
        // Two values: a quarter and three quarters.
        let ranks = known.ranks(&architectures[..2]).unwrap();
        assert!((ranks[1] - crate::posterior::normal::quantile(0.75)).abs() < 1e-12 && ranks[0] == -ranks[1]);
    }

    /// Among all of them ranks are those of the table; beyond the sample they go on straight; the function is
    /// asked once.
    #[test]
    fn computed_ranks_are_those_of_a_table() {
        let architectures = toy_architectures(20, 1);
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let keys: Vec<Key> = architectures.iter().map(Architecture::key).collect();
        let (own, count) = (keys.clone(), asked.clone());
        let position = move |list: &[Architecture]| {
            count.fetch_add(list.len(), std::sync::atomic::Ordering::SeqCst);
            let position = |a: &Architecture| own.iter().position(|key| *key == a.key()).map(|i| i as f64);
            list.iter().map(|a| position(a).ok_or_else(|| "unknown".to_owned())).collect()
        };
        let known = PriorKnowledge::computed(position, &architectures).unwrap();
        let values = keys.iter().map(|key| (*key, keys.iter().position(|k| k == key).unwrap() as f64));
        let table = PriorKnowledge::new(&values.collect::<Vec<_>>()).unwrap();
        for _ in 0..2 {
            let (ranks, expected) =
                (known.ranks(&architectures).unwrap(), table.ranks(&architectures).unwrap());
            assert!(
                ranks.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12),
                "{ranks:?} {expected:?}"
            );
        }
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 20 + distinct.len());
        let strange = bonas_spaces::SearchSpace::sample(
            &bonas_spaces::Darts::new(),
            &mut <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1),
        );
        assert!(known.ranks([&strange]).unwrap_err().to_string().contains("unknown"));
        let nan = PriorKnowledge::computed(|list| Ok(vec![f64::NAN; list.len()]), &architectures)
            .unwrap_err()
            .to_string();
        assert!(nan.contains("is NaN"), "{nan}");
    }
}
