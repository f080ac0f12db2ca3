//! Prior knowledge in a saved surrogate: a table as it is; of a function only what tells it from others.

use std::sync::Arc;

use bonas_spaces::Key;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PriorKnowledge, Source};
use crate::error::SurrogateError;
use crate::posterior::Warp;

/// What is said of knowledge that nobody has given again.
pub(super) const MISSING: &str =
    "it was fitted with prior knowledge that is a function of architectures; give it again when you load it";

/// Prior knowledge, and whether it is a feature, as it is saved.
#[derive(Serialize, Deserialize)]
struct Kept {
    feature: bool,
    source: Stored,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    /// Ranks by key, in the order of the keys.
    Table(Vec<([u8; 16], f64)>),
    /// Digest of the ranks of a function's sample.
    Function(u64),
}

impl Serialize for PriorKnowledge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let source = match &*self.source {
            Source::Table(ranks) => {
                let mut ranks: Vec<_> = ranks.iter().map(|(key, rank)| (key.to_bytes(), *rank)).collect();
                ranks.sort_unstable_by_key(|(key, _)| *key);
                Stored::Table(ranks)
            }
            Source::Computed { warp, .. } => Stored::Function(digest(warp)),
            Source::Missing(digest) => Stored::Function(*digest),
        };
        Kept { feature: self.feature, source }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PriorKnowledge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Kept { feature, source } = Kept::deserialize(deserializer)?;
        let source = match source {
            Stored::Table(ranks) => {
                Source::Table(ranks.into_iter().map(|(key, rank)| (Key::from_bytes(key), rank)).collect())
            }
            Stored::Function(digest) => Source::Missing(digest),
        };
        Ok(Self { source: Arc::new(source), feature })
    }
}

/// Puts functions in their places in loaded knowledge; each is found by the ranks of its sample.
///
/// # Errors
/// [`SurrogateError::Knowledge`] where one is missing, or ranks its sample otherwise than it did.
pub(crate) fn restore(loaded: &mut [PriorKnowledge], given: &[PriorKnowledge]) -> Result<(), SurrogateError> {
    let computed = |known: &PriorKnowledge| match &*known.source {
        Source::Computed { warp, .. } => Some(digest(warp)),
        Source::Table(_) | Source::Missing(_) => None,
    };
    for known in loaded {
        let Source::Missing(expected) = &*known.source else { continue };
        let same = given.iter().find(|given| computed(given) == Some(*expected));
        let reason = match same {
            Some(same) => {
                *known = PriorKnowledge { feature: known.feature, ..same.clone() };
                continue;
            }
            None if given.iter().all(|given| computed(given).is_none()) => MISSING,
            None => {
                "the prior knowledge that it is given ranks its sample otherwise than that of the fit did; give the \
                 same function and sample"
            }
        };
        return Err(SurrogateError::Knowledge { reason: reason.into() });
    }
    Ok(())
}

/// A digest of the knots of a map.
fn digest(warp: &Warp) -> u64 {
    let bytes: Vec<u8> =
        warp.knots().flat_map(|(latent, score)| [latent, score]).flat_map(f64::to_le_bytes).collect();
    let hash = blake3::hash(&bytes);
    let first: [u8; 8] = std::array::from_fn(|i| hash.as_bytes()[i]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use bonas_spaces::Architecture;

    use super::*;
    use crate::testing::toy_architectures;

    fn size(by: f64) -> PriorKnowledge {
        let value = move |list: &[Architecture]| {
            Ok(list.iter().map(|a| by * a.op_graphs()[0].len() as f64).collect())
        };
        PriorKnowledge::computed(value, &toy_architectures(30, 1)).unwrap()
    }

    fn back(known: &PriorKnowledge) -> PriorKnowledge {
        postcard::from_bytes(&postcard::to_stdvec(known).unwrap()).unwrap()
    }

    #[test]
    fn a_table_is_saved_as_it_is() {
        let cells = toy_architectures(20, 2);
        let values: Vec<_> = cells.iter().enumerate().map(|(i, a)| (a.key(), i as f64)).collect();
        let known = PriorKnowledge::new(&values).unwrap();
        let mut loaded = [back(&known)];
        restore(&mut loaded, &[]).unwrap();
        assert_eq!(loaded[0].ranks(&cells).unwrap(), known.ranks(&cells).unwrap());
    }

    #[test]
    fn a_function_is_asked_for_and_told_from_others() {
        let (known, other, cells) = (size(1.0), size(2.0), toy_architectures(5, 3));
        let loaded = back(&known);
        assert!(loaded.ranks(&cells).unwrap_err().to_string().contains("give it again"));
        assert!(matches!(restore(&mut [back(&known)], &[]), Err(SurrogateError::Knowledge { .. })));
        let error = restore(&mut [back(&known)], std::slice::from_ref(&other)).unwrap_err().to_string();
        assert!(error.contains("ranks its sample otherwise"), "{error}");
        let mut loaded = [back(&known), back(&other)];
        restore(&mut loaded, &[other, size(1.0)]).unwrap();
        assert_eq!(loaded[0].ranks(&cells).unwrap(), known.ranks(&cells).unwrap());
    }
}
