//! Search strategies: asked for proposals, told everything through the history.

use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};

use crate::history::{History, Prediction};
use crate::rng::StudyRng;
use crate::StudyError;

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

/// Batches of candidates; each batch is one unit of work that may share weights. Empty: the
/// strategy has nothing more to propose and the study ends.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The batches.
    pub batches: Vec<Vec<Candidate>>,
}

/// What a strategy may know when it is asked.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The space being searched.
    pub space: &'a Arc<dyn SearchSpace>,
    /// Everything measured so far.
    pub history: &'a History,
    /// Round, from 0.
    pub round: usize,
    /// Unique architectures the budget still allows, at least 1.
    pub remaining: usize,
}

/// Proposes what to evaluate next; never runs the loop.
///
/// `ask` must be a function of the strategy's settings, `ask` and `rng` alone, so that a resumed
/// study proposes what it would have proposed. Proposals already evaluated, and copies inside a
/// proposal, are dropped by the study.
pub trait Strategy: Send {
    /// Name as used in configurations and reports.
    fn name(&self) -> &str;

    /// The next batches.
    ///
    /// # Errors
    /// [`StudyError::Strategy`] naming what failed and what to do.
    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError>;
}
