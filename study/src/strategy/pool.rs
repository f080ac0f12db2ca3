//! Candidate pools: what a surrogate is asked about.

use std::collections::HashSet;
use std::sync::Arc;

use bonas_spaces::{Architecture, Key, SearchSpace, SpaceSize};
use bonas_surrogate::PriorKnowledge;

use super::evolution::tournament;
use super::fresh::{WHOLE_SPACE_CAP, fresh, is_new};
use super::{Ask, Scored};
use crate::StudyError;
use crate::rng::StudyRng;

/// Where candidates come from.
#[derive(Clone, Debug)]
pub enum CandidatePool {
    /// Everything that has not been evaluated.
    Whole(WholeSpace),
    /// Children of good architectures.
    Evolutionary(Evolutionary),
    /// Neighbours of the best architectures.
    Local(Local),
    /// The best of another pool by what is known before anything is measured.
    Filtered(Box<Self>, Prefilter),
}

impl CandidatePool {
    /// The whole space where it can be listed and has at most [`WHOLE_SPACE_CAP`] points, else an
    /// evolutionary pool of default settings.
    pub fn auto(space: &dyn SearchSpace) -> Self {
        WholeSpace::of(space, WHOLE_SPACE_CAP)
            .map_or_else(|| Self::Evolutionary(Evolutionary::default()), Self::Whole)
    }

    /// Candidates that are neither measured nor pending, each key once, in an order that is a function of
    /// the arguments. `scored` are the evaluations to take parents from.
    ///
    /// # Errors
    /// [`StudyError::Space`] if the space refuses an evaluated architecture,
    /// [`StudyError::Setting`].
    pub fn candidates(
        &self,
        ask: &Ask<'_>,
        scored: &[Scored<'_>],
        rng: &mut StudyRng,
    ) -> Result<Vec<Architecture>, StudyError> {
        match self {
            Self::Whole(whole) => Ok(whole.without(|key| ask.knows(key))),
            Self::Evolutionary(settings) => settings.candidates(ask, scored, rng),
            Self::Local(settings) => settings.candidates(ask, scored, rng),
            Self::Filtered(pool, filter) => filter.kept(pool.candidates(ask, scored, rng)?),
        }
    }
}

/// Keeps the share of a pool that an indicator puts first, so that the costlier surrogate is asked of
/// those alone.
///
/// The share is of what is in the pool, so that a pool of everything not yet evaluated never runs dry:
/// what was measured makes room for the next best. Whether that is of use, no likelihood can say, for it
/// explains no score: unlike a mean or a feature it is chosen beforehand.
#[derive(Clone, Debug)]
pub struct Prefilter {
    /// Values of an indicator of which more is better.
    pub known: PriorKnowledge,
    /// Share that is kept, above 0 and up to 1; rounded up to whole candidates.
    pub share: f64,
}

impl Prefilter {
    /// The best candidates by the indicator, the earlier of equals, in the order of the pool.
    fn kept(&self, pool: Vec<Architecture>) -> Result<Vec<Architecture>, StudyError> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            let reason = format!("{}, it must be above 0 and at most 1", self.share);
            return Err(StudyError::Setting { name: "pool.share".into(), reason });
        }
        let ranks = self.known.ranks(&pool)?;
        let mut order: Vec<usize> = (0..pool.len()).collect();
        order.sort_by(|&a, &b| ranks[b].total_cmp(&ranks[a]));
        let mut keep = vec![false; pool.len()];
        let count = (self.share * pool.len() as f64).ceil() as usize;
        order.iter().take(count).for_each(|&i| keep[i] = true);
        Ok(pool.into_iter().zip(keep).filter_map(|(a, keep)| keep.then_some(a)).collect())
    }
}

/// Every architecture of a space, each key once; cheap to clone, to be shared by many studies.
#[derive(Clone, Debug)]
pub struct WholeSpace(Arc<[Architecture]>);

impl WholeSpace {
    /// Lists a space in the order of [`SearchSpace::enumerate`], the first of each key; none if
    /// the space cannot be listed or its parametrisation has more than `cap` points.
    pub fn of(space: &dyn SearchSpace, cap: usize) -> Option<Self> {
        let (SpaceSize::Unique(size) | SpaceSize::AtMost(size)) = space.size();
        if size > cap as u128 {
            return None;
        }
        let mut seen = HashSet::new();
        Some(Self(space.enumerate()?.filter(|a| seen.insert(a.key())).collect()))
    }

    /// All of them.
    pub fn architectures(&self) -> &[Architecture] {
        &self.0
    }

    fn without(&self, known: impl Fn(Key) -> bool) -> Vec<Architecture> {
        self.0.iter().filter(|a| !known(a.key())).cloned().collect()
    }
}

/// Which evaluations parents are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parents {
    /// The last ones, as in the published code of BONAS.
    #[default]
    Recent,
    /// The best ones.
    Best,
}

/// Distinct mutants of tournament winners, and a share of random draws.
///
/// Defaults as published for BONAS (Shi et al., NeurIPS 2020, code of `EASampler`): a population
/// of the last 30, tournaments of 10, a pool of 1000, no random draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evolutionary {
    /// Candidates wanted.
    pub size: usize,
    /// Evaluations that parents are drawn from.
    pub population: usize,
    /// Which ones these are.
    pub parents: Parents,
    /// Members drawn with replacement for a tournament.
    pub tournament: usize,
    /// Share of `size` drawn at random from the space, in `[0, 1]`.
    pub random_share: f64,
    /// Mutations tried at most, for each candidate wanted.
    pub attempts_each: usize,
}

impl Default for Evolutionary {
    fn default() -> Self {
        Self {
            size: 1000,
            population: 30,
            parents: Parents::Recent,
            tournament: 10,
            random_share: 0.0,
            attempts_each: 30,
        }
    }
}

impl Evolutionary {
    fn check(&self) -> Result<(), StudyError> {
        super::check_positive("pool.size", self.size)?;
        super::check_positive("pool.population", self.population)?;
        super::check_positive("pool.tournament", self.tournament)?;
        if (0.0..=1.0).contains(&self.random_share) {
            return Ok(());
        }
        let reason = format!("{}, it must be between 0 and 1", self.random_share);
        Err(StudyError::Setting { name: "pool.random_share".into(), reason })
    }

    fn candidates(
        &self,
        ask: &Ask<'_>,
        scored: &[Scored<'_>],
        rng: &mut StudyRng,
    ) -> Result<Vec<Architecture>, StudyError> {
        self.check()?;
        let random = (self.random_share * self.size as f64).round() as usize;
        let mut taken = HashSet::new();
        let mut pool = self.children(ask, scored, self.size - random, &mut taken, rng)?;
        pool.extend(fresh(ask, random, &mut taken, rng));
        if pool.is_empty() {
            // Every mutant is known: a round of random ones leads on.
            pool = fresh(ask, self.size, &mut taken, rng);
        }
        Ok(pool)
    }

    fn children(
        &self,
        ask: &Ask<'_>,
        scored: &[Scored<'_>],
        n: usize,
        taken: &mut HashSet<Key>,
        rng: &mut StudyRng,
    ) -> Result<Vec<Architecture>, StudyError> {
        let members = self.members(scored);
        let mut children = Vec::new();
        for _ in 0..n.saturating_mul(self.attempts_each) {
            if children.len() == n {
                break;
            }
            let Some(parent) = tournament(&members, self.tournament, rng) else { break };
            let child = ask.space.mutate(&parent.evaluation.architecture, rng)?;
            if is_new(ask, &child, taken) {
                children.push(child);
            }
        }
        Ok(children)
    }

    fn members<'h>(&self, scored: &[Scored<'h>]) -> Vec<Scored<'h>> {
        match self.parents {
            Parents::Recent => scored[scored.len().saturating_sub(self.population)..].to_vec(),
            Parents::Best => best(scored, self.population),
        }
    }
}

/// The `count` best, the earliest of equals first.
fn best<'h>(scored: &[Scored<'h>], count: usize) -> Vec<Scored<'h>> {
    let mut members = scored.to_vec();
    members.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.index.cmp(&b.index)));
    members.truncate(count);
    members
}

/// The neighbourhood of good architectures: everything one element away from the best evaluations, the
/// best one's neighbours first; random draws where all of it has been evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Candidates at most.
    pub size: usize,
    /// Best evaluations whose neighbours are taken.
    pub population: usize,
}

impl Local {
    fn candidates(
        self,
        ask: &Ask<'_>,
        scored: &[Scored<'_>],
        rng: &mut StudyRng,
    ) -> Result<Vec<Architecture>, StudyError> {
        super::check_positive("pool.size", self.size)?;
        super::check_positive("pool.population", self.population)?;
        let mut taken = HashSet::new();
        let mut pool = Vec::new();
        for centre in best(scored, self.population) {
            let near = ask.space.neighbours(&centre.evaluation.architecture)?;
            pool.extend(near.into_iter().filter(|a| is_new(ask, a, &mut taken)));
            if pool.len() >= self.size {
                break;
            }
        }
        pool.truncate(self.size);
        if pool.is_empty() {
            pool = fresh(ask, self.size, &mut taken, rng);
        }
        Ok(pool)
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::families::nasbench201::NasBench201;

    use super::*;

    fn filter(share: f64) -> (Vec<Architecture>, Result<Vec<Architecture>, StudyError>) {
        let pool: Vec<_> = NasBench201::new().enumerate().unwrap().step_by(1999).take(6).collect();
        let values = [3.0, 1.0, 5.0, 5.0, 2.0, 5.0];
        let known: Vec<_> = pool.iter().map(Architecture::key).zip(values).collect();
        let filter = Prefilter { known: PriorKnowledge::new(&known).unwrap(), share };
        (pool.clone(), filter.kept(pool))
    }

    /// Half of six is three, the fives; a third of them the first two of these.
    #[test]
    fn the_best_are_kept_in_order() {
        for (share, expected) in
            [(0.5, &[2, 3, 5][..]), (0.3, &[2, 3]), (0.01, &[2]), (1.0, &[0, 1, 2, 3, 4, 5])]
        {
            let (pool, kept) = filter(share);
            let expected: Vec<_> = expected.iter().map(|&i| pool[i].key()).collect();
            assert_eq!(kept.unwrap().iter().map(Architecture::key).collect::<Vec<_>>(), expected, "{share}");
        }
    }

    #[test]
    fn a_share_out_of_range_is_named() {
        for share in [0.0, 1.5, f64::NAN] {
            let error = filter(share).1.unwrap_err().to_string();
            assert!(error.contains("pool.share") && error.contains(&share.to_string()), "{error}");
        }
    }
}
