//! A given list.

use bonas_spaces::Architecture;

use super::{Ask, Proposal, Strategy};
use crate::StudyError;
use crate::rng::StudyRng;

/// Proposes given architectures, each a batch of its own, and then nothing more: for training
/// finalists, or scoring a list.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The architectures, in order.
    pub architectures: Vec<Architecture>,
}

impl Strategy for Listed {
    fn name(&self) -> &'static str {
        "listed"
    }

    fn ask(&mut self, ask: &Ask<'_>, _: &mut StudyRng) -> Result<Proposal, StudyError> {
        let new = self.architectures.iter().filter(|a| !ask.knows(a.key()));
        Ok(Proposal::in_batches(new.cloned().map(Into::into).collect(), 1))
    }
}
