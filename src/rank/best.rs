//! The best of a list.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use bonas_spaces::Key;

use super::Ranked;

/// The best architectures of a list so far, at most a given number.
///
/// Of isomorphic copies, which have one key, the one with the highest median counts, the first of equals.
#[derive(Debug)]
pub struct Best {
    limit: usize,
    /// The best come first.
    ranked: BTreeMap<Rank, Ranked>,
    by_key: HashMap<Key, Rank>,
    seen: u64,
}

/// The rank of a candidate: the higher median first, of equals the earlier one.
#[derive(Clone, Copy, Debug)]
struct Rank {
    median: f64,
    place: u64,
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.median.total_cmp(&self.median).then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank {}

impl Best {
    /// At most `limit` architectures.
    pub fn new(limit: usize) -> Self {
        Self { limit, ranked: BTreeMap::new(), by_key: HashMap::new(), seen: 0 }
    }

    /// Takes the next candidate of the list into account.
    pub fn push(&mut self, candidate: Ranked) {
        let rank = Rank { median: candidate.median, place: self.seen };
        self.seen += 1;
        let full = self.ranked.len() >= self.limit;
        if full && self.ranked.last_key_value().is_none_or(|(worst, _)| rank > *worst) {
            return;
        }
        match self.by_key.get(&candidate.key) {
            Some(copy) if *copy < rank => return,
            Some(copy) => drop(self.ranked.remove(copy)),
            None => {}
        }
        self.by_key.insert(candidate.key, rank);
        self.ranked.insert(rank, candidate);
        if self.ranked.len() > self.limit
            && let Some((_, worst)) = self.ranked.pop_last()
        {
            self.by_key.remove(&worst.key);
        }
    }

    /// The architectures, best first; of equal medians the earlier one first.
    pub fn into_sorted(self) -> Vec<Ranked> {
        self.ranked.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the best; copies are written with the same first letter.
    fn best(limit: usize, list: &[(&str, f64)]) -> Vec<String> {
        let mut best = Best::new(limit);
        for &(text, median) in list {
            let key = Key::from_bytes([text.as_bytes()[0]; 16]);
            best.push(Ranked { text: text.into(), key, median, low: 0.0, high: 0.0 });
        }
        best.into_sorted().into_iter().map(|ranked| ranked.text.into()).collect()
    }

    #[test]
    fn the_best_are_sorted_and_each_counts_once() {
        let list = [("a", 1.0), ("b", 3.0), ("c", 2.0), ("b2", 3.0), ("d", 3.0), ("e", -1.0), ("a2", 1.5)];
        assert_eq!(best(3, &list), ["b", "d", "c"]);
        assert_eq!(best(99, &list), ["b", "d", "c", "a2", "e"]);
        assert!(best(0, &list).is_empty());
    }

    /// As sorting the whole list and leaving later copies out, whatever is pushed out on the way.
    #[test]
    fn a_sorted_list_begins_with_the_same() {
        let value = |i: usize| ((i * 7919) % 97) as f64;
        let texts: Vec<String> =
            (0..200).map(|i| format!("{}{i}", char::from(b'a' + (i * 31 % 26) as u8))).collect();
        let list: Vec<(&str, f64)> = texts.iter().enumerate().map(|(i, text)| (&**text, value(i))).collect();
        let mut sorted = list.clone();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut letters = std::collections::HashSet::new();
        sorted.retain(|(text, _)| letters.insert(text.as_bytes()[0]));
        for limit in [1, 5, 20, 26] {
            assert_eq!(best(limit, &list), sorted[..limit].iter().map(|(text, _)| *text).collect::<Vec<_>>());
        }
    }
}
