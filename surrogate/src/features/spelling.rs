//! Text forms of architectures, by which caches find them.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use bonas_spaces::{Architecture, Key};

use crate::features::IdentityHasher;

/// Key of an architecture and hash of its text form. Two architectures with the same key are equal to their space
/// but may be different graphs; their text forms then differ.
pub(crate) type Spelling = (Key, u64);

/// The text form of an architecture.
pub(crate) fn spelling(architecture: &Architecture) -> Spelling {
    (architecture.key(), architecture.spelling())
}

/// Text forms in order of insertion.
#[derive(Debug, Default)]
pub(crate) struct SpellingIndex {
    spellings: Vec<Spelling>,
    positions: HashMap<Spelling, usize, BuildHasherDefault<IdentityHasher>>,
}

impl SpellingIndex {
    /// Appends a text form that is not there yet.
    pub(crate) fn push(&mut self, spelling: Spelling) {
        self.positions.insert(spelling, self.spellings.len());
        self.spellings.push(spelling);
    }

    /// The position of a text form.
    pub(crate) fn position(&self, spelling: Spelling) -> Option<usize> {
        self.positions.get(&spelling).copied()
    }

    /// The positions of some text forms. Fastest in order of insertion, as a candidate pool is that is scored round
    /// after round.
    pub(crate) fn positions(
        &self,
        spellings: impl IntoIterator<Item = Spelling>,
    ) -> impl Iterator<Item = Option<usize>> {
        let mut next = 0;
        spellings.into_iter().map(move |spelling| {
            let position = if self.spellings.get(next) == Some(&spelling) {
                Some(next)
            } else {
                self.position(spelling)
            };
            next = position.map_or(next, |position| position + 1);
            position
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::toy_architectures;

    /// In the order in which they came, with gaps, backwards, and some that never came.
    #[test]
    fn places_in_any_order() {
        let mut spellings: Vec<Spelling> = toy_architectures(40, 1).iter().map(spelling).collect();
        spellings.sort_unstable();
        spellings.dedup();
        let (known, strange) = spellings.split_at(spellings.len() - 3);
        let mut index = SpellingIndex::default();
        for &spelling in known {
            index.push(spelling);
        }
        let n = known.len();
        let orders: [Vec<usize>; 4] =
            [(0..n).collect(), (0..n).step_by(2).collect(), (0..n).rev().collect(), vec![3, 3, 4, 0, n - 1]];
        for order in orders {
            let positions = index.positions(order.iter().map(|&i| known[i]));
            assert!(positions.eq(order.iter().map(|&i| Some(i))), "{order:?}");
        }
        let mixed = [known[2], strange[0], known[3], strange[1], known[0]];
        assert!(index.positions(mixed).eq([Some(2), None, Some(3), None, Some(0)]));
        assert_eq!((index.position(known[1]), index.position(strange[2])), (Some(1), None));
    }
}
