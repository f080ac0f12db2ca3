//! Local search.

use std::collections::HashSet;

use bonas_spaces::{Architecture, Key};
use rand::RngExt;

use super::fresh::fresh_proposal;
use super::{Ask, Batches, BuildContext, BuildStrategy, Candidate, Proposal, Strategy, check_batch_settings};
use crate::StudyError;
use crate::rng::StudyRng;

crate::settings! {
    /// Settings of local search.
    pub struct LocalSearchSettings {
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch.
        batch: usize = 10,
    }
    check(s) { check_batch_settings(s.batches, s.batch) }
}

impl BuildStrategy for LocalSearchSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        Ok(Box::new(LocalSearch::new(Batches { count: self.batches, size: self.batch })))
    }

    batch!();
}

/// Hill climbing with restarts: White, Nolen and Savani, "Exploring the Loss Landscape in Neural
/// Architecture Search", UAI 2021.
///
/// It stands on one architecture and evaluates its neighbours in random order, a round at a time;
/// after a round with something better it moves to the best of the round. When no neighbour is
/// left it starts again from the best of a random round. With one architecture a round this
/// takes the first improvement, with all neighbours in one round the best, as in the paper.
///
/// Where it stands is a function of the history. It compares raw scores.
#[derive(Clone, Debug)]
pub struct LocalSearch {
    /// Batches a round, and architectures a batch; default one batch of 10.
    pub batches: Batches,
    climb: Climb,
}

/// Where the first `seen` evaluations of a history lead; kept only to save walking them again.
#[derive(Clone, Debug, Default)]
struct Climb {
    seen: usize,
    last: Option<Key>,
    at: Option<Stand>,
}

#[derive(Clone, Debug)]
struct Stand {
    value: f64,
    neighbours: Vec<Architecture>,
    keys: HashSet<Key>,
}

impl LocalSearch {
    /// Local search with this many batches a round and architectures a batch.
    pub fn new(batches: Batches) -> Self {
        Self { batches, climb: Climb::default() }
    }
}

impl Default for LocalSearch {
    fn default() -> Self {
        Self::new(Batches { count: 1, size: 10 })
    }
}

impl Strategy for LocalSearch {
    fn name(&self) -> &'static str {
        "local-search"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(self.name(), self.batches)?;
        self.climb.follow(ask)?;
        let unknown = |a: &&Architecture| !ask.knows(a.key());
        let mut left: Vec<Architecture> =
            self.climb.at.iter().flat_map(|at| at.neighbours.iter().filter(unknown).cloned()).collect();
        if left.is_empty() {
            return Ok(fresh_proposal(ask, self.batches.total(), self.batches.size, rng));
        }
        let mut chosen = Vec::new();
        while chosen.len() < self.batches.total().min(ask.remaining) && !left.is_empty() {
            chosen.push(Candidate::from(left.swap_remove(rng.random_range(0..left.len()))));
        }
        Ok(Proposal::in_batches(chosen, self.batches.size))
    }
}

impl Climb {
    /// Walks the evaluations that are new since the last ask, round by round.
    fn follow(&mut self, ask: &Ask<'_>) -> Result<(), StudyError> {
        let all = ask.history.evaluations();
        let known = self.seen.checked_sub(1).map(|i| all.get(i).map(|e| e.architecture.key()));
        if known.is_some_and(|key| key.is_none() || key != self.last) {
            *self = Self::default();
        }
        for round in all[self.seen..].chunk_by(|a, b| a.round == b.round) {
            let climbing = self.at.as_ref().is_some_and(|at| at.keys.contains(&round[0].architecture.key()));
            let scored = round.iter().filter_map(|e| Some((e, e.outcome.value(ask.fidelity)?)));
            let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
            match (best, &self.at) {
                (Some((_, value)), Some(at)) if climbing && value <= at.value => {}
                (Some((best, value)), _) => self.at = Some(stand(ask, &best.architecture, value)?),
                (None, _) if climbing => {}
                (None, _) => self.at = None,
            }
        }
        self.seen = all.len();
        self.last = all.last().map(|e| e.architecture.key());
        Ok(())
    }
}

fn stand(ask: &Ask<'_>, architecture: &Architecture, value: f64) -> Result<Stand, StudyError> {
    let neighbours = ask.space.neighbours(architecture)?;
    let keys = neighbours.iter().map(Architecture::key).collect();
    Ok(Stand { value, neighbours, keys })
}
