//! Asking while answers are pending.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bonas_spaces::{Architecture, Key, NasBench201, SearchSpace};
use bonas_study::evaluator::{Synthetic, toy_score};
use bonas_study::history::Fidelity;
use bonas_study::rng::StudyRng;
use bonas_study::strategy::{
    Aims, Ask, Batches, Bonas, CandidatePool, Evolutionary, Objectives, Proposal, Strategy, WHOLE_SPACE_CAP,
    WholeSpace,
};
use bonas_study::{Budget, Study, StudyError};
use bonas_surrogate::Surrogate;
use bonas_surrogate::models::{Ensemble, GraphGp, Trees};
use bonas_surrogate::selection::TopK;

/// Asks for a batch, and for the same architectures one at a time while those before are pending.
struct OneByOne {
    make: fn(size: usize, pool: CandidatePool) -> Bonas,
    pool: CandidatePool,
    /// Whether both have to be the same.
    same: bool,
}

const SIZE: usize = 4;

fn keys(proposal: &Proposal) -> Vec<Key> {
    proposal.batches.iter().flatten().map(|candidate| candidate.architecture.key()).collect()
}

impl Strategy for OneByOne {
    fn name(&self) -> &'static str {
        "one-by-one"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        let start = rng.clone();
        let whole = (self.make)(SIZE, self.pool.clone()).ask(ask, rng)?;
        if ask.history.evaluations().is_empty() {
            return Ok(whole);
        }
        let mut pending: Vec<Architecture> = Vec::new();
        for _ in 0..SIZE {
            let ask = Ask { pending: &pending, ..*ask };
            let next = (self.make)(1, self.pool.clone()).ask(&ask, &mut start.clone())?;
            let candidate = &next.batches[0][0];
            assert!(!pending.iter().any(|a| a.key() == candidate.architecture.key()), "it is pending");
            pending.push(candidate.architecture.clone());
        }
        if self.same {
            let one_by_one: Vec<Key> = pending.iter().map(Architecture::key).collect();
            assert_eq!(one_by_one, keys(&whole), "round {}", ask.round);
        }
        Ok(whole)
    }
}

fn bonas(surrogate: Box<dyn Surrogate>, size: usize, pool: CandidatePool) -> Bonas {
    Bonas { surrogate, pool, initial: 20, batches: Batches { count: 1, size }, ..Bonas::default() }
}

fn run(make: fn(usize, CandidatePool) -> Bonas, same: bool) {
    let space: Arc<dyn SearchSpace> = Arc::new(NasBench201::new());
    // A pool that does not depend on what is pending, where answers are compared.
    let pool = if same {
        CandidatePool::Whole(WholeSpace::of(&*space, WHOLE_SPACE_CAP).unwrap())
    } else {
        CandidatePool::Evolutionary(Evolutionary { size: 100, ..Evolutionary::default() })
    };
    let measures = |architecture: &Architecture| vec![f64::from(architecture.key().to_bytes()[15])];
    let aims = Aims { second: Some(0), ..Aims::default() };
    let evaluator = Synthetic::new(Fidelity::Table, |cell| Ok(toy_score(cell))).measures(measures, aims);
    let strategy = OneByOne { make, pool, same };
    let study = Study::new(space, Box::new(strategy), vec![Box::new(evaluator)]).seed(3);
    let finished = study.budget(Budget::architectures(20 + 2 * SIZE)).run().unwrap();
    assert_eq!(finished.history.len(), 20 + 2 * SIZE);
}

/// The believer's batch is what one gets by asking for one at a time: both believe in medians.
#[test]
fn what_is_pending_is_believed_as_inside_a_batch() {
    run(|size, pool| bonas(Box::<GraphGp>::default(), size, pool), true);
    run(|size, pool| bonas(Box::<Ensemble>::default(), size, pool), true);
}

/// A model that cannot be conditioned is fitted to the medians; two objectives believe in both.
#[test]
fn pending_architectures_are_no_candidates_of_any_model() {
    run(
        |size, pool| Bonas { selection: Box::new(TopK), ..bonas(Box::<Trees>::default(), size, pool) },
        false,
    );
    run(two_objectives, false);
    run(|size, pool| Bonas { objectives: Objectives::Noisy, ..two_objectives(size, pool) }, false);
}

fn two_objectives(size: usize, pool: CandidatePool) -> Bonas {
    let aims = Aims { second: Some(0), ..Aims::default() };
    Bonas { aims, ..bonas(Box::<GraphGp>::default(), size, pool) }
}
