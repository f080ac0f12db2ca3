//! Random choices that the spaces share.

use rand::{Rng, RngExt};

use crate::graph::Architecture;

/// A number below `n`, uniformly; the same on every platform.
pub(crate) fn below(rng: &mut dyn Rng, n: usize) -> usize {
    rng.random_range(0..n as u32) as usize
}

/// All lists that differ from one in one of its numbers, which are below `base`: place by place, the next higher number first.
pub(crate) fn steps<const N: usize>(numbers: [u8; N], base: u8) -> Vec<[u8; N]> {
    let change = |place: usize| (1..base).map(move |by| (place, by));
    let changed = |(place, by): (usize, u8)| {
        let mut changed = numbers;
        changed[place] = (numbers[place] + by) % base;
        changed
    };
    (0..N).flat_map(change).map(changed).collect()
}

/// Two different numbers below `n`, uniformly over unordered pairs, the smaller first.
pub(crate) fn pair(rng: &mut dyn Rng, n: usize) -> (usize, usize) {
    let (a, b) = (below(rng, n), below(rng, n - 1));
    let b = if b < a { b } else { b + 1 };
    (a.min(b), a.max(b))
}

/// Tries edits in random order until one changes the key. The kinds of edits are tried one after another
/// in random order, so that a kind with many edits is not favoured.
///
/// Returns the original if no edit changes the key.
pub(crate) fn changed<E, const KINDS: usize>(
    original: &Architecture,
    mut kinds: [Vec<E>; KINDS],
    rng: &mut dyn Rng,
    build: impl Fn(&E) -> Architecture,
) -> Architecture {
    changed_to(original, &mut kinds, rng, build, &|_| true)
}

/// As [`changed`], until an edit changes the key to one of an architecture that `accept` takes.
pub(crate) fn changed_to<E>(
    original: &Architecture,
    kinds: &mut [Vec<E>],
    rng: &mut dyn Rng,
    build: impl Fn(&E) -> Architecture,
    accept: &dyn Fn(&Architecture) -> bool,
) -> Architecture {
    for left in (1..=kinds.len()).rev() {
        kinds.swap(left - 1, below(rng, left));
        let edits = &mut kinds[left - 1];
        while !edits.is_empty() {
            let child = build(&edits.swap_remove(below(rng, edits.len())));
            // What is accepted is said sooner than a key.
            if accept(&child) && child.key() != original.key() {
                return child;
            }
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
