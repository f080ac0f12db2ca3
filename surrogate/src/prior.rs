//! What is known of architectures before any is measured: an indicator, a count, a score on other data.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas_spaces::{Architecture, Key};

use crate::error::SurrogateError;
use crate::features::spelling::{Name, Roll, name};
use crate::posterior::warp::{Warp, gaussian_ranks};

const NAME: &str = "prior knowledge";

/// Most ranks kept.
const MAX_KEPT: usize = 1 << 20;

/// A number for every architecture that a surrogate will be asked of, as Gaussian ranks among all or some
/// of them. Cheap to clone.
///
/// [`crate::models::PriorMean`] takes it as the mean of any surrogate,
/// [`crate::models::GraphGp::knowing`] as a mean or a feature whose weight is learned.
#[derive(Clone, Debug)]
pub struct PriorKnowledge(Arc<Ranks>);

#[derive(Debug)]
enum Ranks {
    /// Ranks of all.
    Table(HashMap<Key, f64>),
    /// Values that are computed when they are asked for, and ranks among a sample.
    Computed { value: Value, warp: Warp, kept: Mutex<Kept> },
}

/// Ranks that have been worked out.
#[derive(Debug, Default)]
struct Kept {
    roll: Roll,
    /// In its order.
    ranks: Vec<f64>,
}

impl Kept {
    fn all(&self, names: impl IntoIterator<Item = Name>) -> Vec<Option<f64>> {
        self.roll.places(names).map(|place| place.map(|place| self.ranks[place])).collect()
    }

    fn put(&mut self, name: Name, rank: f64) {
        if self.ranks.len() == MAX_KEPT {
            *self = Self::default();
        }
        // Another thread may have been faster.
        if self.roll.place(name).is_none() {
            self.roll.push(name);
            self.ranks.push(rank);
        }
    }
}

/// A function of architectures, and the reason where it has no value.
struct Value(Box<ValueOf>);

/// One value an architecture, in order.
type ValueOf = dyn Fn(&[Architecture]) -> Result<Vec<f64>, String> + Send + Sync;

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function of architectures")
    }
}

impl Value {
    fn of(&self, architectures: &[Architecture]) -> Result<Vec<f64>, SurrogateError> {
        let values = (self.0)(architectures).map_err(|reason| SurrogateError::data(NAME, reason))?;
        if values.len() != architectures.len() {
            let reason = format!("{} values of {} architectures", values.len(), architectures.len());
            return Err(SurrogateError::data(NAME, reason));
        }
        match values.iter().zip(architectures).find(|(value, _)| !value.is_finite()) {
            None => Ok(values),
            Some((value, architecture)) => Err(not_finite(architecture.key(), *value)),
        }
    }
}

fn not_finite(key: Key, value: f64) -> SurrogateError {
    let reason = format!("the indicator of {key} is {value}; leave the architecture out or score it again");
    SurrogateError::data(NAME, reason)
}

fn check_count(count: usize) -> Result<(), SurrogateError> {
    if count >= 2 {
        return Ok(());
    }
    Err(SurrogateError::data(NAME, format!("{count} values of the indicator; at least 2 are needed")))
}

impl PriorKnowledge {
    /// Values of all architectures; whether higher or lower is better need not be known.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for fewer than two values, or one that is not finite.
    pub fn new(values: &[(Key, f64)]) -> Result<Self, SurrogateError> {
        check_count(values.len())?;
        if let Some(&(key, value)) = values.iter().find(|(_, value)| !value.is_finite()) {
            return Err(not_finite(key, value));
        }
        let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let (ranks, _) = gaussian_ranks(&numbers);
        Ok(Self(Arc::new(Ranks::Table(values.iter().map(|(key, _)| *key).zip(ranks).collect()))))
    }

    /// A value that any architecture has, in a space too large to list. Ranks are those among `sample`,
    /// between and beyond whose values they go on straight ([`Warp`]).
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a sample of fewer than two, or one whose value is not to be had.
    pub fn computed(
        value: impl Fn(&[Architecture]) -> Result<Vec<f64>, String> + Send + Sync + 'static,
        sample: &[Architecture],
    ) -> Result<Self, SurrogateError> {
        check_count(sample.len())?;
        let value = Value(Box::new(value));
        let (_, warp) = gaussian_ranks(&value.of(sample)?);
        Ok(Self(Arc::new(Ranks::Computed { value, warp, kept: Mutex::default() })))
    }

    /// Gaussian ranks of some architectures, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] naming an architecture whose value is not known.
    pub fn ranks<'a>(
        &self,
        architectures: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Vec<f64>, SurrogateError> {
        let architectures = architectures.into_iter();
        match &*self.0 {
            Ranks::Table(ranks) => {
                let rank = |(i, a): (usize, &Architecture)| {
                    ranks.get(&a.key()).copied().ok_or_else(|| {
                        let reason = format!(
                            "no value of the indicator for architecture {i}, {}; score it first",
                            a.key()
                        );
                        SurrogateError::data(NAME, reason)
                    })
                };
                architectures.enumerate().map(rank).collect()
            }
            Ranks::Computed { value, warp, kept } => {
                let architectures: Vec<&Architecture> = architectures.collect();
                computed(&architectures, value, warp, kept)
            }
        }
    }
}

/// Ranks of some architectures, of which those not seen yet are worked out together.
///
/// Kept by what is written, for copies that a space calls equal need not cost the same; so what is kept changes
/// no rank. Others may ask while values are worked out.
fn computed(
    architectures: &[&Architecture],
    value: &Value,
    warp: &Warp,
    kept: &Mutex<Kept>,
) -> Result<Vec<f64>, SurrogateError> {
    let names: Vec<Name> = architectures.iter().map(|a| name(a)).collect();
    let known = lock(kept).all(names.iter().copied());
    let missing = |i: &usize| known[*i].is_none();
    let mut places: HashMap<Name, usize> = HashMap::new();
    let mut asked: Vec<Architecture> = Vec::new();
    for i in (0..names.len()).filter(missing) {
        places.entry(names[i]).or_insert_with(|| {
            asked.push(architectures[i].clone());
            asked.len() - 1
        });
    }
    let found: Vec<f64> = match asked.len() {
        0 => Vec::new(),
        _ => value.of(&asked)?.into_iter().map(|value| warp.latent(value)).collect(),
    };
    let mut kept = lock(kept);
    for (architecture, &rank) in asked.iter().zip(&found) {
        kept.put(name(architecture), rank);
    }
    let rank = |(name, known): (&Name, &Option<f64>)| known.unwrap_or_else(|| found[places[name]]);
    Ok(names.iter().zip(&known).map(rank).collect())
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::toy_architectures;

    /// Two cells of NAS-Bench-101 with one key whose networks differ: each has its own value, whoever is first.
    #[test]
    fn copies_with_one_key_keep_their_own_values() {
        use bonas_spaces::SearchSpace;
        use bonas_spaces::families::nasbench101::NasBench101;
        let space = NasBench101::new();
        let cell = |ops: &str| space.parse(&format!("1110001011|{ops}")).unwrap();
        let pair =
            [cell("conv3x3-bn-relu;maxpool3x3;maxpool3x3"), cell("maxpool3x3;maxpool3x3;conv3x3-bn-relu")];
        assert_eq!(pair[0].key(), pair[1].key());
        let value = |list: &[Architecture]| Ok(list.iter().map(|a| (name(a).1 % 1000) as f64).collect());
        let ranks = |order: [usize; 2]| {
            let known = PriorKnowledge::computed(value, &pair).unwrap();
            let ranks = known.ranks(order.map(|i| &pair[i])).unwrap();
            order.map(|i| ranks[order.iter().position(|&o| o == i).unwrap()])
        };
        let (first, second) = (ranks([0, 1]), ranks([1, 0]));
        assert_eq!([first[0], first[1]], [second[1], second[0]]);
        assert_ne!(first[0], first[1]);
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
        assert!(error.contains("no value of the indicator for architecture 2"), "{error}");
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
        let place = move |list: &[Architecture]| {
            count.fetch_add(list.len(), std::sync::atomic::Ordering::SeqCst);
            let place = |a: &Architecture| own.iter().position(|key| *key == a.key()).map(|i| i as f64);
            list.iter().map(|a| place(a).ok_or_else(|| "unknown".to_owned())).collect()
        };
        let known = PriorKnowledge::computed(place, &architectures).unwrap();
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
            &bonas_spaces::families::darts::Darts::new(),
            &mut <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1),
        );
        assert!(known.ranks([&strange]).unwrap_err().to_string().contains("unknown"));
        let nan = PriorKnowledge::computed(|list| Ok(vec![f64::NAN; list.len()]), &architectures)
            .unwrap_err()
            .to_string();
        assert!(nan.contains("is NaN"), "{nan}");
    }
}
