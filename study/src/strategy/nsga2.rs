//! Evolution for two objectives.

use std::collections::HashSet;

use bonas_surrogate::pareto::{Point, front};

use super::evolution::child;
use super::fresh::fresh_proposal;
use super::{
    Aims, Ask, Batches, BuildContext, BuildStrategy, Candidate, Proposal, Scored, Strategy, Targets,
    check_batch_settings,
};
use crate::StudyError;
use crate::rng::StudyRng;
use crate::settings::at_least_1;

crate::settings! {
    /// Settings of NSGA-II.
    pub struct Nsga2Settings {
        /// Members of the population: the best evaluations by front and crowding. Published: 100.
        population: usize = 20,
        /// Batches a round.
        batches: usize = 1,
        /// Children a batch.
        batch: usize = 10,
    }
    check(s) {
        at_least_1(s.population, "population")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for Nsga2Settings {
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        Ok(Box::new(Nsga2 {
            population: self.population,
            batches: Batches { count: self.batches, size: self.batch },
            aims: context.aims.clone(),
        }))
    }

    batch!();

    /// It is for two objectives.
    fn takes_two_objectives(&self) -> bool {
        true
    }

    fn compares_on_tables(&self, two_objectives: bool) -> bool {
        two_objectives
    }
}

/// NSGA-II: Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
/// NSGA-II", IEEE Transactions on Evolutionary Computation 6, 2002.
///
/// The population is the best [`population`](Self::population) of all evaluations by the rank of their
/// front, in a front by crowding distance, so that it is a function of the history; the first ones are
/// random. A child is one mutation of the winner of a tournament of two: search spaces have no
/// crossover. It evaluates no architecture twice. What breaks a limit is never a parent. Without a
/// second objective it is evolution that keeps the best.
#[derive(Clone, Debug)]
pub struct Nsga2 {
    /// Members of the population. Published: 100.
    pub population: usize,
    /// Batches a round, and children a batch.
    pub batches: Batches,
    /// What else scores are judged by.
    pub aims: Aims,
}

/// Members drawn for a tournament, as published.
const TOURNAMENT: usize = 2;

impl Default for Nsga2 {
    /// A population of 20, one batch of 10, no second objective.
    fn default() -> Self {
        Self { population: 20, batches: Batches { count: 1, size: 10 }, aims: Aims::default() }
    }
}

impl Strategy for Nsga2 {
    fn name(&self) -> &'static str {
        "nsga2"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(self.name(), self.batches)?;
        super::check_positive("nsga2.population", self.population)?;
        let size = self.batches.size;
        if ask.history.len() < self.population {
            return Ok(fresh_proposal(ask, self.population - ask.history.len(), size, rng));
        }
        let scored = Targets::Raw.of(ask.history, ask.fidelity);
        let members = self.members(&scored);
        let mut taken = HashSet::new();
        let mut children = Vec::new();
        for _ in 0..self.batches.total().min(ask.remaining) {
            let Some(child) = child(ask, &members, TOURNAMENT, &mut taken, rng)? else { break };
            children.push(Candidate::from(child));
        }
        Ok(Proposal::in_batches(children, size))
    }
}

impl Nsga2 {
    /// The population, the higher in order the higher the value.
    fn members<'h>(&self, scored: &[Scored<'h>]) -> Vec<Scored<'h>> {
        let second = |s: &Scored<'_>| self.aims.second.and_then(|place| s.score.measures.get(place).copied());
        let points: Vec<Point> = scored.iter().map(|s| [s.value, second(s).unwrap_or(0.0)]).collect();
        let best = ranked(&points).into_iter().take(self.population).enumerate();
        best.map(|(place, i)| Scored { value: -(place as f64), ..scored[i] }).collect()
    }
}

/// Indices of points by rank of their front, in a front the less crowded first.
fn ranked(points: &[Point]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..points.len()).collect();
    let mut ranked = Vec::with_capacity(points.len());
    while !left.is_empty() {
        let points: Vec<Point> = left.iter().map(|&i| points[i]).collect();
        let front = front(&points);
        let crowding = crowding(&front.iter().map(|&i| points[i]).collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
        ranked.extend(order.into_iter().map(|i| left[front[i]]));
        let mut place = 0;
        left.retain(|_| {
            place += 1;
            !front.contains(&(place - 1))
        });
    }
    ranked
}

/// Crowding distance of the points of a front, which are in order: the half circumference of the box
/// between the neighbours, each objective by its range; infinite at both ends.
fn crowding(front: &[Point]) -> Vec<f64> {
    let last = front.len().saturating_sub(1);
    let width = |k: usize, a: usize, b: usize| {
        let range = (front[0][k] - front[last][k]).abs();
        if range > 0.0 { (front[a][k] - front[b][k]).abs() / range } else { 0.0 }
    };
    let distance =
        |i| if i == 0 || i == last { f64::INFINITY } else { width(0, i - 1, i + 1) + width(1, i - 1, i + 1) };
    (0..front.len()).map(distance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First front (4, 0) (3, 1) (2, 3) (0, 4), in which (2, 3) has 3/4 + 3/4, (3, 1) has 2/4 + 3/4;
    /// second (2, 1), a dominated copy of (3, 1), third (1, 1).
    #[test]
    fn ranks_and_crowding_by_hand() {
        let points = [[1.0, 1.0], [3.0, 1.0], [0.0, 4.0], [2.0, 3.0], [3.0, 1.0], [4.0, 0.0], [2.0, 1.0]];
        assert_eq!(crowding(&[[4.0, 0.0], [3.0, 1.0], [2.0, 3.0], [0.0, 4.0]])[1..3], [1.25, 1.5]);
        assert_eq!(ranked(&points), [5, 2, 3, 1, 4, 6, 0]);
        assert_eq!(ranked(&[[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]]), [1, 2, 0], "one objective");
    }
}
