//! The contract between a study and its strategy: what it is asked, and what it answers.

use std::sync::Arc;

use bonas_spaces::{Architecture, Key, SearchSpace};
use bonas_surrogate::{Observation, Posterior, Surrogate};

use crate::StudyError;
use crate::history::{Fidelity, History, Prediction};
use crate::rng::StudyRng;

/// A proposed architecture and what the strategy expects of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What to evaluate.
    pub architecture: Architecture,
    /// Predicted score, if the strategy has a surrogate.
    pub predicted: Option<Prediction>,
}

impl From<Architecture> for Candidate {
    fn from(architecture: Architecture) -> Self {
        Self { architecture, predicted: None }
    }
}

/// Batches of candidates; each batch is one unit of work that may share weights. Without a candidate the
/// strategy has nothing more to propose and the study ends; one that [repeats](Strategy::repeats) ends it with no batch, and
/// with a batch of no candidates has nothing to propose yet.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The batches.
    pub batches: Vec<Vec<Candidate>>,
}

impl Proposal {
    /// Cuts a list into batches of `size` (at least 1), the last one with what is left.
    pub fn in_batches(candidates: Vec<Candidate>, size: usize) -> Self {
        let mut batches = Vec::new();
        for candidate in candidates {
            match batches.last_mut() {
                None => batches.push(vec![candidate]),
                Some(batch) if batch.len() >= size => batches.push(vec![candidate]),
                Some(batch) => batch.push(candidate),
            }
        }
        Self { batches }
    }
}

/// What a strategy may know when it is asked.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The space being searched.
    pub space: &'a Arc<dyn SearchSpace>,
    /// Everything measured so far.
    pub history: &'a History,
    /// The kind of score that this study's evaluator gives.
    pub fidelity: Fidelity,
    /// Round, from 0.
    pub round: usize,
    /// Unique architectures the budget still allows, at least 1; pending ones do not count.
    pub remaining: usize,
    /// What has been asked for and is not measured yet. Empty in a study whose rounds wait for every answer.
    pub pending: &'a [Architecture],
}

impl Ask<'_> {
    /// Whether an architecture is measured or pending, so that it must not be proposed.
    pub fn knows(&self, key: Key) -> bool {
        self.history.contains(key) || self.pending.iter().any(|architecture| architecture.key() == key)
    }
}

/// A strategy's model of the scores before it is fitted: what is fitted, and to what.
#[derive(Debug)]
pub struct ScoreModel<'a> {
    /// The surrogate, with the prior knowledge that it starts from.
    pub surrogate: &'a dyn Surrogate,
    /// What it is fitted to. A score that counts as a failure, as that of runs that learnt nothing, is left out.
    pub observations: Vec<Observation>,
    /// Position in the history of each observation.
    pub positions: Vec<usize>,
}

impl ScoreModel<'_> {
    /// Posterior medians of the scores of some architectures, measured or not, in their order; none without an observation.
    ///
    /// # Errors
    /// [`StudyError::Surrogate`] for a model that cannot be fitted.
    pub fn medians(
        &self,
        architectures: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Option<Vec<f64>>, StudyError> {
        if self.observations.is_empty() {
            return Ok(None);
        }
        let fitted = self.surrogate.fit(&self.observations, rng)?;
        Ok(Some(fitted.predict(architectures)?.iter().map(Posterior::median).collect()))
    }
}

/// Proposes what to evaluate next; never runs the loop.
///
/// `ask` must be a function of the strategy's settings, `ask` and `rng` alone, so that a resumed
/// study proposes what it would have proposed. Nothing that is [pending](Ask::pending) is proposed. Proposals already
/// evaluated, and copies inside a proposal, are dropped by the study.
pub trait Strategy: Send {
    /// Name as used in configurations and reports.
    fn name(&self) -> &str;

    /// The next batches.
    ///
    /// # Errors
    /// [`StudyError::Strategy`] naming what failed and what to do.
    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError>;

    /// Whether rounds may repeat what is known for as long as they like, because the strategy trains a network of its own
    /// and ends by proposing nothing. By default a study ends after [`MAX_DRY_ROUNDS`](crate::MAX_DRY_ROUNDS) rounds
    /// without a new architecture.
    fn repeats(&self) -> bool {
        false
    }

    /// The model of the scores that the strategy would fit after this history; none for a strategy without one.
    fn score_model(&self, _history: &History, _fidelity: Fidelity) -> Option<ScoreModel<'_>> {
        None
    }

    /// What the strategy believes the true score of each evaluation is, in the order of the history; none where it has no
    /// model of the scores, or nothing to fit it to.
    ///
    /// The highest of many noisy scores is an overestimate, and a model that has seen them all can know better which
    /// architecture is best. An evaluation without a score, or beyond a limit, has minus infinity. As `ask` a function
    /// of the settings, `ask` and `rng` alone; it changes no later proposal.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    fn estimates(&mut self, _ask: &Ask<'_>, _rng: &mut StudyRng) -> Result<Option<Vec<f64>>, StudyError> {
        Ok(None)
    }
}
