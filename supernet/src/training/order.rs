//! The order in which the candidates of a batch take their steps.

use bonas_study::rng::StudyRng;
use rand::seq::SliceRandom;

/// Positions `0..n` in a random order that stays balanced: every `n` consecutive draws, counted
/// from the first, hold each position once.
#[derive(Clone, Debug)]
pub struct BalancedOrder {
    deck: Vec<usize>,
    next: usize,
}

impl BalancedOrder {
    /// An order over `n` positions.
    pub fn new(n: usize) -> Self {
        Self { deck: (0..n).collect(), next: 0 }
    }

    /// The next position; draws a new permutation from `rng` whenever the last is used up.
    /// `None` if there are no positions.
    pub fn draw(&mut self, rng: &mut StudyRng) -> Option<usize> {
        if self.next == 0 {
            self.deck.shuffle(rng);
        }
        let drawn = self.deck.get(self.next).copied();
        self.next = (self.next + 1) % self.deck.len().max(1);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bonas_study::rng::stream;

    #[test]
    fn every_round_of_draws_holds_each_position_once() {
        let (mut order, mut rng) = (BalancedOrder::new(7), stream(3, &[]));
        for _ in 0..5 {
            let mut seen: Vec<_> = (0..7).filter_map(|_| order.draw(&mut rng)).collect();
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert_eq!(BalancedOrder::new(0).draw(&mut rng), None);
    }
}
