//! Sets of earlier nodes, numbered in colexicographic order: by their last element, then by the one before.

use rand::Rng;

use crate::families::draw;

/// Binomial coefficient C(n, k); `u128::MAX` where it does not fit.
pub(super) fn count(n: usize, k: usize) -> u128 {
    if k > n {
        return 0;
    }
    let mut found: u128 = 1;
    for i in 0..k {
        let Some(product) = found.checked_mul((n - i) as u128) else { return u128::MAX };
        found = product / (i as u128 + 1);
    }
    found
}

/// The number of a set whose elements are sorted: Σ C(aᵢ, i + 1).
pub(super) fn rank(sorted: &[usize]) -> usize {
    sorted.iter().enumerate().map(|(i, &element)| count(element, i + 1) as usize).sum()
}

/// The sorted set of `k` elements with a number.
pub(super) fn unrank(mut rank: usize, k: usize) -> Vec<usize> {
    let mut found = vec![0; k];
    for i in (0..k).rev() {
        let mut element = i;
        while count(element + 1, i + 1) as usize <= rank {
            element += 1;
        }
        rank -= count(element, i + 1) as usize;
        found[i] = element;
    }
    found
}

/// `k` different numbers below `n`, uniformly over sets, sorted.
pub(super) fn draw(rng: &mut dyn Rng, n: usize, k: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::with_capacity(k);
    for taken in 0..k {
        let mut element = draw::below(rng, n - taken);
        // The element of this number among those that are left.
        for &other in &found {
            element += usize::from(other <= element);
        }
        let at = found.partition_point(|&other| other < element);
        found.insert(at, element);
    }
    found
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn sets_are_numbered_without_gaps() {
        for (n, k) in [(1, 1), (5, 2), (6, 3), (4, 4), (3, 0)] {
            let all: Vec<Vec<usize>> = (0..count(n, k) as usize).map(|rank| unrank(rank, k)).collect();
            assert!(all.iter().all(|set| set.iter().all(|&element| element < n)));
            assert!(all.iter().enumerate().all(|(i, set)| rank(set) == i), "{all:?}");
        }
        assert_eq!(
            (0..6).map(|rank| unrank(rank, 2)).collect::<Vec<_>>(),
            [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]
        );
        assert_eq!(count(64, 32), 1_832_624_140_942_590_534);
        assert_eq!(count(2, 3), 0);
    }

    #[test]
    fn draws_are_those_of_pairs() {
        let (mut a, mut b) = (ChaCha8Rng::seed_from_u64(1), ChaCha8Rng::seed_from_u64(1));
        for n in 2..30 {
            let (low, high) = draw::pair(&mut a, n);
            assert_eq!(draw(&mut b, n, 2), [low, high]);
        }
    }
}
