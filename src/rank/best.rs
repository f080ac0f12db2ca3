//! The best of a list.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

use super::Ranked;

/// The best candidates so far, at most a given number; a text that comes again counts once.
#[derive(Debug)]
pub struct Best {
    limit: usize,
    /// The worst of the best is at the top.
    heap: BinaryHeap<Entry>,
    texts: HashSet<Box<str>>,
    seen: u64,
}

#[derive(Debug)]
struct Entry {
    ranked: Ranked,
    place: u64,
}

impl Ord for Entry {
    /// The worse is the greater: the one with the lower median, of equals the later one.
    fn cmp(&self, other: &Self) -> Ordering {
        other.ranked.median.total_cmp(&self.ranked.median).then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl Best {
    /// At most `limit` candidates.
    pub fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new(), texts: HashSet::new(), seen: 0 }
    }

    /// Takes the next candidate of the list into account.
    pub fn push(&mut self, ranked: Ranked) {
        let entry = Entry { ranked, place: self.seen };
        self.seen += 1;
        let full = self.heap.len() >= self.limit;
        let is_worse = self.heap.peek().is_none_or(|worst| entry > *worst);
        if (full && is_worse) || !self.texts.insert(entry.ranked.text.clone()) {
            return;
        }
        self.heap.push(entry);
        if self.heap.len() > self.limit
            && let Some(worst) = self.heap.pop()
        {
            self.texts.remove(&worst.ranked.text);
        }
    }

    /// The candidates, best first; of equal medians the earlier one first.
    pub fn into_sorted(self) -> Vec<Ranked> {
        self.heap.into_sorted_vec().into_iter().map(|entry| entry.ranked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(limit: usize, list: &[(&str, f64)]) -> Vec<String> {
        let mut best = Best::new(limit);
        for &(text, median) in list {
            best.push(Ranked { text: text.into(), median, low: 0.0, high: 0.0 });
        }
        best.into_sorted().into_iter().map(|ranked| ranked.text.into()).collect()
    }

    #[test]
    fn the_best_are_sorted_and_each_counts_once() {
        let list = [("a", 1.0), ("b", 3.0), ("c", 2.0), ("b", 3.0), ("d", 3.0), ("e", -1.0), ("a", 1.0)];
        assert_eq!(best(3, &list), ["b", "d", "c"]);
        assert_eq!(best(99, &list), ["b", "d", "c", "a", "e"]);
        assert!(best(0, &list).is_empty());
    }

    /// One that was pushed out and comes again stays out.
    #[test]
    fn what_was_pushed_out_stays_out() {
        assert_eq!(best(1, &[("a", 1.0), ("b", 2.0), ("a", 1.0)]), ["b"]);
    }
}
