//! The contract of a strategy.

use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};

use crate::engine::{Budget, Finished, Study};
use crate::evaluator::Synthetic;
use crate::history::Fidelity;
use crate::rng::StudyRng;
use crate::strategy::{Aims, Ask, Bound, Proposal};
use crate::{Strategy, StudyError};

/// Rounds that a checked strategy is asked at most, in each of the checks.
const ROUNDS: usize = 12;
/// Architectures that it is given scores of at most.
const ARCHITECTURES: usize = 60;

/// Checks that a strategy keeps its contract on a space:
///
/// - what it proposes is of the space and printable, and no batch is empty;
/// - its answer is a function of settings, history and generator: an instance that has been asked
///   before and a fresh one answer alike, so that a study can be resumed;
/// - while a proposal is pending it proposes nothing of it again;
/// - it proposes something new, also when evaluations fail or break a limit, all of them too, and when
///   the budget has room for one architecture only;
/// - its estimates, if it has any, are one for each evaluation, finite for those with a score within the limits and
///   minus infinity for the others, and change no later proposal.
///
/// ```
/// use std::sync::Arc;
/// use bonas_study::strategy::RandomSearch;
/// use bonas_study::testing::{Chain, check_strategy};
///
/// let space = Arc::new(Chain::new(8, 3)?);
/// check_strategy(&|| Box::new(RandomSearch::default()), space);
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
///
/// # Panics
/// With what is wrong.
pub fn check_strategy(make: &dyn Fn() -> Box<dyn Strategy>, space: Arc<dyn SearchSpace>) {
    let mixed = |architecture: &Architecture| {
        let value = formula(architecture);
        if value < 0.15 { Err("failed on purpose".to_owned()) } else { Ok(value) }
    };
    let sometimes = limited(mixed, 0.6);
    let finished = checked_run(make, space.clone(), &sometimes, ARCHITECTURES);
    assert!(!finished.history.is_empty(), "it proposed nothing in its first rounds");
    let again = checked_run(make, space.clone(), &sometimes, ARCHITECTURES);
    assert_eq!(keys(&finished), keys(&again), "two runs with one seed differ");
    let failed = limited(|_| Err("failed on purpose".to_owned()), 1.0);
    let failed = checked_run(make, space.clone(), &failed, ARCHITECTURES);
    assert!(!failed.history.is_empty(), "it proposed nothing where every evaluation fails");
    let never = checked_run(make, space.clone(), &limited(mixed, -1.0), ARCHITECTURES);
    assert!(never.history.len() > 1, "it proposed nothing more where every evaluation breaks a limit");
    let one = checked_run(make, space, &sometimes, 1);
    assert_eq!(one.history.len(), 1, "it proposed nothing when one architecture was left");
}

/// A score in `[0, 1)` that says nothing about the architecture.
fn formula(architecture: &Architecture) -> f64 {
    let bytes = architecture.key().to_bytes();
    f64::from(u16::from_le_bytes([bytes[14], bytes[15]])) / f64::from(u16::MAX)
}

/// Scores by a function, with two measures in `[0, 1)` of which the first is to be at most `bound`.
fn limited(
    function: impl Fn(&Architecture) -> Result<f64, String> + Send + Sync + 'static,
    bound: f64,
) -> Synthetic {
    let measures = |architecture: &Architecture| {
        let bytes = architecture.key().to_bytes();
        [12, 13].map(|place| f64::from(bytes[place]) / 256.0).to_vec()
    };
    let aims =
        Aims { bounds: vec![(0, Bound { at_most: true, value: bound })], second: Some(1), reference: None };
    Synthetic::new(Fidelity::SharedWeights, function).measures(measures, aims)
}

fn keys(finished: &Finished) -> Vec<bonas_spaces::Key> {
    finished.history.evaluations().iter().map(|e| e.architecture.key()).collect()
}

fn checked_run(
    make: &dyn Fn() -> Box<dyn Strategy>,
    space: Arc<dyn SearchSpace>,
    evaluator: &Synthetic,
    architectures: usize,
) -> Finished {
    let fresh = (0..2 * (ROUNDS + 1)).map(|_| make()).collect();
    let strategy = Checked { used: make(), fresh };
    let budget = Budget { architectures: Some(architectures), rounds: Some(ROUNDS), seconds: None };
    let study =
        Study::new(space, Box::new(strategy), vec![Box::new(evaluator.clone())]).seed(7).budget(budget);
    match study.run() {
        Ok(finished) => finished,
        Err(error) => panic!("the study stopped: {error}"),
    }
}

/// Asks an instance that has been asked before and one that has not.
struct Checked {
    used: Box<dyn Strategy>,
    fresh: Vec<Box<dyn Strategy>>,
}

impl Strategy for Checked {
    fn name(&self) -> &str {
        self.used.name()
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        let mut same_rng = rng.clone();
        let proposal = self.used.ask(ask, rng)?;
        if let Some(mut fresh) = self.fresh.pop() {
            // Each takes as long as an ask.
            if ask.round % 4 == 1 {
                check_estimates(&mut *fresh, ask, &mut rng.clone());
            }
            let other = fresh.ask(ask, &mut same_rng)?;
            assert_eq!(
                described(&proposal, ask),
                described(&other, ask),
                "an instance asked before and a fresh one differ in round {}",
                ask.round
            );
        }
        assert!(!proposal.batches.iter().any(Vec::is_empty), "empty batch in round {}", ask.round);
        self.check_pending(&proposal, ask, rng.clone())?;
        Ok(proposal)
    }
}

impl Checked {
    /// Asks again while a proposal is pending.
    fn check_pending(
        &mut self,
        proposal: &Proposal,
        ask: &Ask<'_>,
        mut rng: StudyRng,
    ) -> Result<(), StudyError> {
        let pending: Vec<Architecture> =
            proposal.batches.iter().flatten().map(|candidate| candidate.architecture.clone()).collect();
        let Some(remaining) = ask.remaining.checked_sub(pending.len()).filter(|left| *left > 0) else {
            return Ok(());
        };
        let Some(mut fresh) = self.fresh.pop() else { return Ok(()) };
        let ask = Ask { pending: &pending, remaining, ..*ask };
        let next = fresh.ask(&ask, &mut rng)?;
        for candidate in next.batches.iter().flatten() {
            let key = candidate.architecture.key();
            assert!(!ask.pending.iter().any(|a| a.key() == key), "it proposes what is pending");
        }
        Ok(())
    }
}

fn check_estimates(strategy: &mut dyn Strategy, ask: &Ask<'_>, rng: &mut StudyRng) {
    let estimates = match strategy.estimates(ask, rng) {
        Ok(Some(estimates)) => estimates,
        Ok(None) => return,
        Err(error) => panic!("it has no estimates of what was evaluated: {error}"),
    };
    let score =
        |e: &crate::history::Evaluation| e.outcome.score(ask.fidelity).filter(|s| !s.infeasible).cloned();
    let scored: Vec<bool> = ask.history.evaluations().iter().map(|e| score(e).is_some()).collect();
    let finite: Vec<bool> = estimates.iter().map(|estimate| estimate.is_finite()).collect();
    assert_eq!(finite, scored, "estimates are of other evaluations than those with a score");
}

fn described(proposal: &Proposal, ask: &Ask<'_>) -> Vec<Vec<String>> {
    let describe = |candidate: &crate::strategy::Candidate| {
        let architecture = &candidate.architecture;
        match ask.space.check(architecture).and_then(|()| ask.space.format(architecture)) {
            Ok(text) => format!("{text} {} {:?}", architecture.key(), candidate.predicted),
            Err(error) => panic!("it proposed what is not of the space: {error}"),
        }
    };
    proposal.batches.iter().map(|batch| batch.iter().map(describe).collect()).collect()
}
