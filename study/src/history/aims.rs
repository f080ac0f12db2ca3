//! What besides its value a score is judged by.

use super::Score;

/// A bound that a number must keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Whether the number must be at most, else at least, this one.
    pub at_most: bool,
    /// The bound, in the unit of the number.
    pub value: f64,
}

impl Bound {
    /// Whether a number keeps the bound.
    pub fn holds(&self, number: f64) -> bool {
        if self.at_most { number <= self.value } else { number >= self.value }
    }
}

/// The meaning of [`super::Score::measures`] to a strategy: limits and a second objective; by default none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aims {
    /// Measures, by place, that must keep a bound; whether one does is seen when it is measured.
    pub bounds: Vec<(usize, Bound)>,
    /// Place of a measure to be raised together with the score; higher is better.
    pub second: Option<usize>,
    /// What an improvement of both is measured from: a score and a second measure, in their own units; `None`: estimated
    /// from the front ([`bonas_surrogate::pareto::reference()`]).
    pub reference: Option<[f64; 2]>,
}

impl Aims {
    /// A score with its measures, and whether they break a bound; one that is missing does.
    #[must_use]
    pub fn judged(&self, score: Score, measures: Vec<f64>) -> Score {
        let kept = |(place, bound): &(usize, Bound)| measures.get(*place).is_some_and(|m| bound.holds(*m));
        let infeasible = !self.bounds.iter().all(kept);
        Score { measures, infeasible, ..score }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Fidelity, Outcome};

    #[test]
    fn a_score_beyond_a_bound_is_there_and_has_no_value() {
        let bound = |place, at_most, value| (place, Bound { at_most, value });
        let aims = Aims { bounds: vec![bound(1, true, 2.0), bound(0, false, -1.0)], ..Aims::default() };
        for (measures, kept) in [([0.0, 2.0], true), ([0.0, 2.5], false), ([-1.5, 2.0], false)] {
            let score = aims.judged(Score::of(0.9, Fidelity::Table), measures.to_vec());
            let outcome = Outcome::Scored(score);
            assert_eq!(outcome.value(Fidelity::Table), kept.then_some(0.9), "{measures:?}");
            assert_eq!(outcome.score(Fidelity::Table).unwrap().measures, measures);
        }
        assert!(aims.judged(Score::of(0.9, Fidelity::Table), vec![0.0]).infeasible, "one is missing");
    }
}
