//! Random choices that every space makes.

use rand::{Rng, RngExt};

use crate::Architecture;

/// A number below `n`, uniformly; the same on every platform.
pub(crate) fn below(rng: &mut dyn Rng, n: usize) -> usize {
    rng.random_range(0..n as u32) as usize
}

/// Two different numbers below `n`, uniformly over unordered pairs, the smaller first.
pub(crate) fn pair(rng: &mut dyn Rng, n: usize) -> (usize, usize) {
    let (a, b) = (below(rng, n), below(rng, n - 1));
    let b = if b < a { b } else { b + 1 };
    (a.min(b), a.max(b))
}

/// Tries the edits in random order until one gives another key than `original` has.
///
/// Edits that `apply` refuses (`None`) or that change nothing that counts are passed over; if all
/// are, the space has nothing one element away and the original comes back.
pub(crate) fn changed<E>(
    original: &Architecture,
    mut edits: Vec<E>,
    rng: &mut dyn Rng,
    mut apply: impl FnMut(E) -> Option<Architecture>,
) -> Architecture {
    while !edits.is_empty() {
        let edit = edits.swap_remove(below(rng, edits.len()));
        match apply(edit) {
            Some(architecture) if architecture.key() != original.key() => return architecture,
            _ => {}
        }
    }
    original.clone()
}

/// Keeps each key once, drops that of `original`, and sorts by key.
pub(crate) fn distinct(
    original: &Architecture,
    architectures: impl Iterator<Item = Architecture>,
) -> Vec<Architecture> {
    let mut all: Vec<_> = architectures.filter(|a| a.key() != original.key()).collect();
    all.sort_by_key(Architecture::key);
    all.dedup();
    all
}
