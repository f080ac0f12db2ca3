//! Random search.

use super::fresh::fresh_proposal;
use super::{Ask, Batches, BuildContext, BuildStrategy, Proposal, Strategy, check_batch_settings};
use crate::StudyError;
use crate::rng::StudyRng;

crate::settings! {
    /// Settings of random search.
    pub struct RandomSettings {
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch; they share weights under a shared-weights evaluator.
        batch: usize = 10,
    }
    check(s) { check_batch_settings(s.batches, s.batch) }
}

impl BuildStrategy for RandomSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let batches = Batches { count: self.batches, size: self.batch };
        Ok(Box::new(RandomSearch { batches }))
    }

    batch!();
}

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
