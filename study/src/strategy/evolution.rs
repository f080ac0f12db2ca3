//! Regularised evolution.

use std::collections::HashSet;

use bonas_spaces::{Architecture, Key};
use rand::RngExt;

use super::fresh::{fresh, fresh_proposal, is_new};
use super::{
    Ask, Batches, BuildContext, BuildStrategy, Candidate, Proposal, Scored, Strategy, Targets, TargetsKind,
    check_batch_settings,
};
use crate::StudyError;
use crate::rng::StudyRng;
use crate::settings::{at_least_1, ensure};

crate::settings! {
    /// Settings of regularised evolution.
    pub struct EvolutionSettings {
        /// Members of the population: the last evaluations. Published: 50 (NAS-Bench) and 100.
        population: usize = 50,
        /// Members drawn for a tournament. Published: 10 and 25.
        sample: usize = 10,
        /// Batches a round.
        batches: usize = 1,
        /// Children a batch. Published: 1.
        batch: usize = 10,
        /// How scores compare: raw, or batch-centred (less the mean of their batch, plus that of all).
        targets: TargetsKind = TargetsKind::Raw,
    }
    check(s) {
        at_least_1(s.population, "population")?;
        at_least_1(s.sample, "sample")?;
        let own = s.targets != TargetsKind::BatchIntercept;
        ensure(own, "targets", s.targets.name(), "raw or batch-centred, since no surrogate learns intercepts here")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for EvolutionSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        Ok(Box::new(RegularizedEvolution {
            population: self.population,
            sample: self.sample,
            batches: Batches { count: self.batches, size: self.batch },
            targets: self.targets.into(),
        }))
    }

    batch!();
}

/// Mutations of one parent that are tried before another way is taken.
const ATTEMPTS: usize = 100;
/// After so many mutants that were all evaluated before, the next one's mutants are tried.
const ATTEMPTS_EACH_STEP: usize = 10;

/// Aging evolution: Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier
/// Architecture Search", AAAI 2019, algorithm 1.
///
/// The population is the last [`population`](Self::population) evaluations, so that it is a
/// function of the history; the first ones are random. A child is one mutation of the best of
/// [`sample`](Self::sample) members drawn with replacement. Unlike the paper it evaluates no
/// architecture twice: a child that is known is drawn again, after some tries from further away,
/// at last at random. A failed evaluation, or one that breaks a limit, ages like any other and wins no
/// tournament.
#[derive(Clone, Copy, Debug)]
pub struct RegularizedEvolution {
    /// Members of the population; published: 50.
    pub population: usize,
    /// Members drawn for a tournament; published: 10.
    pub sample: usize,
    /// Batches a round, and children a batch; default one batch of 10. Published: one child.
    pub batches: Batches,
    /// How scores compare.
    pub targets: Targets,
}

impl Default for RegularizedEvolution {
    fn default() -> Self {
        Self {
            population: 50,
            sample: 10,
            batches: Batches { count: 1, size: 10 },
            targets: Targets::default(),
        }
    }
}

impl Strategy for RegularizedEvolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(self.name(), self.batches)?;
        super::check_positive("evolution.population", self.population)?;
        super::check_positive("evolution.sample", self.sample)?;
        let size = self.batches.size;
        if ask.history.len() < self.population {
            return Ok(fresh_proposal(ask, self.population - ask.history.len(), size, rng));
        }
        let mut members = self.targets.of(ask.history, ask.fidelity);
        members.retain(|member| member.index + self.population >= ask.history.len());
        let mut taken = HashSet::new();
        let mut children = Vec::new();
        for _ in 0..self.batches.total().min(ask.remaining) {
            let Some(child) = child(ask, &members, self.sample, &mut taken, rng)? else { break };
            children.push(Candidate::from(child));
        }
        Ok(Proposal::in_batches(children, size))
    }
}

/// A new mutant of the winner of a tournament; where there is none, one from further away, at last a
/// random architecture.
pub(super) fn child(
    ask: &Ask<'_>,
    members: &[Scored<'_>],
    sample: usize,
    taken: &mut HashSet<Key>,
    rng: &mut StudyRng,
) -> Result<Option<Architecture>, StudyError> {
    if let Some(winner) = tournament(members, sample, rng) {
        let mut parent = winner.evaluation.architecture.clone();
        for attempt in 1..=ATTEMPTS {
            let child = ask.space.mutate(&parent, rng)?;
            if is_new(ask, &child, taken) {
                return Ok(Some(child));
            }
            if attempt % ATTEMPTS_EACH_STEP == 0 {
                parent = child;
            }
        }
    }
    Ok(fresh(ask, 1, taken, rng).pop())
}

/// The best of `sample` members drawn with replacement, the first drawn of equals.
pub(super) fn tournament<'a, 'h>(
    members: &'a [Scored<'h>],
    sample: usize,
    rng: &mut StudyRng,
) -> Option<&'a Scored<'h>> {
    if members.is_empty() {
        return None;
    }
    (0..sample)
        .map(|_| &members[rng.random_range(0..members.len())])
        .reduce(|best, next| if next.value > best.value { next } else { best })
}
