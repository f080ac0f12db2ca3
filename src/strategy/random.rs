//! Random search.

use super::fresh::fresh_proposal;
use super::{Ask, Batches, Proposal, Strategy};
use crate::StudyError;
use crate::rng::StudyRng;

/// Uniform draws from the space's parametrisation, none twice: the baseline of Li and Talwalkar,
/// "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
#[derive(Clone, Copy, Debug)]
pub struct RandomSearch {
    /// Batches a round, and architectures a batch; default one batch of 10.
    pub batches: Batches,
}

impl Default for RandomSearch {
    fn default() -> Self {
        Self { batches: Batches { count: 1, size: 10 } }
    }
}

impl Strategy for RandomSearch {
    fn name(&self) -> &'static str {
        "random"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(self.name(), self.batches)?;
        Ok(fresh_proposal(ask, self.batches.total(), self.batches.size, rng))
    }
}
