//! Random architectures that have not been evaluated.

use std::collections::HashSet;

use bonas_spaces::{Architecture, Key, SearchSpace, SpaceSize};
use rand::RngExt;

use super::{Ask, Candidate, Proposal};
use crate::rng::StudyRng;

/// Largest parametrisation that is listed as a whole.
pub const WHOLE_SPACE_CAP: usize = 50_000;
/// Draws from the space for each new architecture wanted, before giving up or listing the space.
const DRAWS_EACH: usize = 200;

/// Up to `n` random architectures that are neither measured nor pending nor in `taken`, which they are
/// added to.
///
/// Uniform over the space's parametrisation as long as drawing finds new ones; a space that is
/// nearly used up and can be listed gives its last ones uniformly over keys. Fewer than `n` come
/// back only when no more can be found.
pub(super) fn fresh(
    ask: &Ask<'_>,
    n: usize,
    taken: &mut HashSet<Key>,
    rng: &mut StudyRng,
) -> Vec<Architecture> {
    let mut found = Vec::new();
    let mut misses = 0;
    while found.len() < n && misses < DRAWS_EACH {
        let drawn = ask.space.sample(rng);
        if is_new(ask, &drawn, taken) {
            found.push(drawn);
            misses = 0;
        } else {
            misses += 1;
        }
    }
    if found.len() < n {
        let mut left: Vec<_> = listed(ask.space.as_ref()).filter(|a| is_new(ask, a, taken)).collect();
        while found.len() < n && !left.is_empty() {
            found.push(left.swap_remove(rng.random_range(0..left.len())));
        }
        for unused in left {
            taken.remove(&unused.key());
        }
    }
    found
}

/// A proposal of up to `n` random architectures in batches; empty if there is nothing new.
pub(super) fn fresh_proposal(ask: &Ask<'_>, n: usize, batch_size: usize, rng: &mut StudyRng) -> Proposal {
    let found = fresh(ask, n.min(ask.remaining), &mut HashSet::new(), rng);
    Proposal::in_batches(found.into_iter().map(Candidate::from).collect(), batch_size)
}

/// Whether an architecture is neither evaluated nor pending nor taken; it is taken now.
pub(super) fn is_new(ask: &Ask<'_>, architecture: &Architecture, taken: &mut HashSet<Key>) -> bool {
    !ask.knows(architecture.key()) && taken.insert(architecture.key())
}

/// The whole space if it is small and can be listed, else nothing.
fn listed(space: &dyn SearchSpace) -> impl Iterator<Item = Architecture> + '_ {
    let (SpaceSize::Unique(size) | SpaceSize::AtMost(size)) = space.size();
    let small = size <= WHOLE_SPACE_CAP as u128;
    small.then(|| space.enumerate()).flatten().into_iter().flatten()
}
