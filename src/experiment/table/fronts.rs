//! Two objectives, query by query.

use bonas_surrogate::pareto::{Front, Point, front};

use super::bench::Bench;
use super::goals::Second;

/// What a query means for two objectives.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Two {
    /// What the strategy was told of the second objective.
    pub(super) search: f64,
    /// What is reported of it.
    pub(super) report: f64,
    /// Hypervolume, by what is reported, of what nothing dominates by what was told.
    pub(super) found: f64,
    /// Hypervolume, by what is reported, of everything queried.
    pub(super) oracle: f64,
}

/// A study's fronts as it goes on.
#[derive(Debug)]
pub(super) struct Tracker<'a> {
    bench: &'a Bench,
    second: &'a Second,
    /// Arms that nothing dominates by what was told, and what that was.
    told: Vec<(usize, Point)>,
    oracle: Front,
}

impl<'a> Tracker<'a> {
    /// None without a second objective.
    pub(super) fn new(bench: &'a Bench) -> Option<Self> {
        let second = bench.goals().second.as_ref()?;
        Some(Self { bench, second, told: Vec::new(), oracle: Front::of(&[], second.reference) })
    }

    /// Goes on with an arm of which the strategy was told `score`, if its query did not fail.
    pub(super) fn query(&mut self, arm: usize, score: Option<f64>) -> Two {
        let (search, report) = (self.second.search[arm], self.second.report[arm]);
        if let (true, Some(score)) = (self.bench.goals().feasible[arm], score) {
            self.told.push((arm, [score, search]));
            let points: Vec<Point> = self.told.iter().map(|(_, point)| *point).collect();
            self.told = front(&points).into_iter().map(|i| self.told[i]).collect();
            self.oracle = self.oracle.clone().with([self.bench.report()[arm], report]);
        }
        let found = self.second.front(self.arms(), self.bench.report()).hypervolume();
        Two { search, report, found, oracle: self.oracle.hypervolume() }
    }

    /// The arms that nothing dominates by what was told, the highest score first.
    pub(super) fn arms(&self) -> impl Iterator<Item = usize> + '_ {
        self.told.iter().map(|(arm, _)| *arm)
    }
}
