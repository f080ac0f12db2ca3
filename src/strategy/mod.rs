//! Search strategies: asked for proposals, told everything through the history.

mod aims;
mod bonas;
mod costs;
#[cfg(feature = "torch")]
mod differentiable;
mod evolution;
mod fresh;
mod genetic;
mod listed;
mod local_search;
mod nsga2;
mod pool;
mod random;
mod targets;
mod trajectory;

use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};

use crate::StudyError;
use crate::history::{Fidelity, History, Prediction};
use crate::rng::StudyRng;

pub use aims::{Aims, Bound};
pub use bonas::{Bonas, Objectives};
pub use bonas_surrogate::selection::Batches;
pub use costs::{CostLimit, Costs};
#[cfg(feature = "torch")]
pub use differentiable::{Differentiable, Relaxing};
pub use evolution::RegularizedEvolution;
pub use genetic::Genetic;
pub use listed::Listed;
pub use local_search::LocalSearch;
pub use nsga2::Nsga2;
pub use pool::{Evolutionary, Local, Parents, Pool, Prefilter, WHOLE_SPACE_CAP, WholeSpace};
pub use random::RandomSearch;
pub use targets::{Scored, Targets};
pub use trajectory::{Epoch, TRAJECTORY_FILE, read_trajectory};

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

/// Refuses batches that hold nothing.
fn check_batches(strategy: &str, batches: Batches) -> Result<(), StudyError> {
    check_positive(&format!("{strategy}.batches.count"), batches.count)?;
    check_positive(&format!("{strategy}.batches.size"), batches.size)
}

fn check_positive(name: &str, value: usize) -> Result<(), StudyError> {
    if value > 0 {
        return Ok(());
    }
    Err(StudyError::Setting { name: name.to_owned(), reason: "0, it must be at least 1".into() })
}
