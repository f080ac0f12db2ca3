//! Architectures by what they are written like.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use bonas_spaces::{Architecture, Key};

use crate::features::AsIs;

/// An architecture as it is written: a space may call two equal (give them one key) that are not
/// the same graph.
pub(crate) type Name = (Key, u64);

/// The name of an architecture.
pub(crate) fn name(architecture: &Architecture) -> Name {
    (architecture.key(), architecture.spelling())
}

/// Names by the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    names: Vec<Name>,
    places: HashMap<Name, usize, BuildHasherDefault<AsIs>>,
}

impl Roll {
    /// Adds a name that is not there yet behind the others.
    pub(crate) fn push(&mut self, name: Name) {
        self.places.insert(name, self.names.len());
        self.names.push(name);
    }

    /// The place of a name.
    pub(crate) fn place(&self, name: Name) -> Option<usize> {
        self.places.get(&name).copied()
    }

    /// The places of some names; fastest where they stand in the order in which they came, as most of a pool does
    /// that is scored round after round.
    pub(crate) fn places(
        &self,
        names: impl IntoIterator<Item = Name>,
    ) -> impl Iterator<Item = Option<usize>> {
        let mut next = 0;
        names.into_iter().map(move |name| {
            let place = if self.names.get(next) == Some(&name) { Some(next) } else { self.place(name) };
            next = place.map_or(next, |place| place + 1);
            place
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
        let mut names: Vec<Name> = toy_architectures(40, 1).iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        let (known, strange) = names.split_at(names.len() - 3);
        let mut roll = Roll::default();
        for &name in known {
            roll.push(name);
        }
        let n = known.len();
        let orders: [Vec<usize>; 4] =
            [(0..n).collect(), (0..n).step_by(2).collect(), (0..n).rev().collect(), vec![3, 3, 4, 0, n - 1]];
        for order in orders {
            let places = roll.places(order.iter().map(|&i| known[i]));
            assert!(places.eq(order.iter().map(|&i| Some(i))), "{order:?}");
        }
        let mixed = [known[2], strange[0], known[3], strange[1], known[0]];
        assert!(roll.places(mixed).eq([Some(2), None, Some(3), None, Some(0)]));
        assert_eq!((roll.place(known[1]), roll.place(strange[2])), (Some(1), None));
    }
}
